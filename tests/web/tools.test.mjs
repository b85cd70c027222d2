// The tools' state charts: every state answers cancel by restoring what was, and each drag does what it says.

import assert from "node:assert/strict";
import test from "node:test";

import { alignShifts, distributeShifts } from "../../ui/web/kernels/arranging.js";
import { inkBox, maskFromBytes } from "../../ui/web/kernels/tiles.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { TOOLS } from "../../ui/web/tools/tools.js";
import { layer } from "./editor_fixtures.mjs";
import { at, createSurface, event, send } from "./surface_fixture.mjs";
import { cornerOf, PATHS } from "./tool_paths.mjs";

const chartOf = (id) => TOOLS.find((tool) => tool.id === id).chart;

for (const { id, chart } of TOOLS) {
  test(`${id}: every state but the first is reached and answers cancel by restoring record and view`, () => {
    const others = Object.keys(chart.states).filter((state) => state !== chart.start);
    assert.deepEqual(others.toSorted(), Object.keys(PATHS[id]).toSorted());
    for (const state of others) {
      const surface = createSurface();
      surface.amend((record) => ({ ...record, selected: "cat" }));
      const [record, view] = [surface.store.record, surface.seen.view];
      const machine = createMachine(chart, surface);
      send(machine, ...PATHS[id][state](surface));
      assert.equal(machine.state, state);
      send(machine, event("cancel"));
      assert.equal(machine.state, chart.start);
      assert.equal(machine.resting, true);
      assert.deepEqual(surface.store.record, record);
      assert.equal(surface.seen.view, view);
      assert.equal(surface.seen.outline, null);
      assert.equal(surface.store.busy, false);
      assert.equal(surface.store.undoName, "");
      send(machine, event("move", 300, 300), event("up", 300, 300));
      assert.deepEqual(surface.store.record, record);
    }
  });
}

test("a drag moves by what the pointer went, in scene pixels, as one step", () => {
  const surface = createSurface();
  surface.seen.view = { zoom: 2, x: 0, y: 0 };
  const machine = createMachine(chartOf("move"), surface);
  send(
    machine,
    event("down", 200, 200),
    event("move", 230, 210, { ctrl: true }),
    event("move", 260, 220, { ctrl: true }),
    event("up", 260, 220),
  );
  const { placement } = surface.selected();
  assert.deepEqual([placement.centre_x_px, placement.centre_y_px], [130, 110]);
  assert.equal(surface.store.undoName, "Move");
  surface.store.undo();
  assert.equal(surface.store.undoName, "");
});

test("Shift keeps a straight line; near the middle it snaps and shows a guide; Ctrl does not snap", () => {
  const straight = createSurface();
  send(
    createMachine(chartOf("move"), straight),
    event("down", 100, 100),
    event("move", 150, 110, { shift: true }),
  );
  assert.deepEqual(
    [straight.selected().placement.centre_x_px, straight.selected().placement.centre_y_px],
    [150, 100],
  );
  const snapped = createSurface();
  send(createMachine(chartOf("move"), snapped), event("down", 100, 100), event("move", 253, 140));
  assert.equal(snapped.selected().placement.centre_x_px, 256);
  assert.equal(snapped.seen.guides.vertical, 256);
  const free = createSurface();
  send(
    createMachine(chartOf("move"), free),
    event("down", 100, 100),
    event("move", 253, 140, { ctrl: true }),
  );
  assert.equal(free.selected().placement.centre_x_px, 253);
});

test("a press selects, a press beside everything deselects, and neither is a step", () => {
  const surface = createSurface();
  const machine = createMachine(chartOf("move"), surface);
  send(machine, event("down", 300, 200), event("up", 300, 200));
  assert.equal(surface.store.record.selected, "car");
  send(machine, event("down", 500, 500), event("up", 500, 500));
  assert.equal(surface.store.record.selected, "");
  assert.equal(surface.store.undoName, "");
});

test("a covered object that is selected can be dragged; a click takes the topmost one", () => {
  const surface = createSurface([
    layer("cat", { placement: at(100, 100) }),
    layer("car", { placement: at(110, 100) }),
  ]);
  surface.amend((record) => ({ ...record, selected: "cat" }));
  const machine = createMachine(chartOf("move"), surface);
  send(
    machine,
    event("down", 105, 100),
    event("move", 155, 130, { ctrl: true }),
    event("up", 155, 130),
  );
  assert.equal(surface.selected().id, "cat");
  assert.equal(surface.selected().placement.centre_x_px, 150);
  send(machine, event("down", 150, 110), event("up", 150, 110));
  assert.equal(surface.selected().id, "car");
});

test("locked layers and a background that is not selected are not dragged", () => {
  const locked = createSurface([layer("cat", { placement: at(100, 100), locked: true })]);
  send(
    createMachine(chartOf("move"), locked),
    event("down", 100, 100),
    event("move", 190, 100),
    event("up", 190, 100),
  );
  assert.equal(locked.store.undoName, "");
  const back = createSurface([layer("back", { placement: at(100, 100) })]);
  const machine = createMachine(chartOf("move"), back);
  send(machine, event("down", 100, 100), event("move", 190, 100), event("up", 100, 100));
  assert.equal(back.store.undoName, "");
  send(machine, event("down", 100, 100), event("up", 100, 100));
  send(machine, event("down", 100, 100), event("move", 190, 100), event("up", 190, 100));
  assert.equal(back.store.undoName, "Move");
});

test("a corner scales around the opposite one, the knob turns by 15 degrees with Shift", () => {
  const surface = createSurface();
  surface.amend((record) => ({ ...record, selected: "cat" }));
  const machine = createMachine(chartOf("move"), surface);
  send(machine, event("down", 150, 130), event("move", 250, 190), event("up", 250, 190));
  const { placement } = surface.selected();
  assert.deepEqual(
    [placement.scale_x, placement.scale_y, placement.centre_x_px, placement.centre_y_px],
    [2, 2, 150, 130],
  );
  const knob = cornerOf(surface, 8);
  send(
    machine,
    event("down", knob.x, knob.y),
    event("move", 250, 100, { shift: true }),
    event("up", 250, 100),
  );
  assert.equal(surface.selected().placement.rotation_deg % 15, 0);
  assert.ok(surface.selected().placement.rotation_deg > 0);
});

test("the glass zooms in, with Alt out, and dragging sideways zooms smoothly", () => {
  const surface = createSurface();
  const machine = createMachine(chartOf("zoom"), surface);
  send(machine, event("down", 50, 50), event("up", 50, 50));
  assert.equal(surface.seen.view.zoom, 1.5);
  send(machine, event("down", 50, 50), event("up", 50, 50, { alt: true }));
  assert.equal(surface.seen.view.zoom, 1);
  send(
    machine,
    event("down", 50, 50),
    event("move", 60, 50),
    event("move", 170, 50),
    event("up", 170, 50),
  );
  assert.equal(surface.seen.view.zoom, 2);
  assert.equal(machine.state, "idle");
});

const three = () =>
  createSurface([
    layer("back", { placement: at(250, 200) }),
    layer("cat", { placement: at(100, 100) }),
    layer("car", { placement: at(300, 200) }),
    layer("lid", { placement: at(320, 400), locked: true }),
  ]);

test("Shift and Ctrl add a layer to the chosen ones and take it away; a drag then moves all of them", () => {
  const surface = three();
  const machine = createMachine(chartOf("move"), surface);
  send(machine, event("down", 100, 100), event("up", 100, 100));
  const add = { shift: true };
  send(machine, event("down", 300, 200, add), event("up", 300, 200, add));
  assert.deepEqual([surface.chosen(), surface.selected().id], [["cat", "car"], "cat"]);
  send(
    machine,
    event("down", 300, 200),
    event("move", 330, 210, { ctrl: true }),
    event("up", 330, 210),
  );
  const places = ["cat", "car", "lid"].map((id) => {
    const { placement } = surface.store.record.scene.layers.find((one) => one.id === id);
    return [placement.centre_x_px, placement.centre_y_px];
  });
  assert.deepEqual(places, [
    [130, 110],
    [330, 210],
    [320, 400],
  ]);
  surface.store.undo();
  assert.equal(surface.store.undoName, "");
  send(machine, event("down", 100, 100, { ctrl: true }), event("up", 100, 100, { ctrl: true }));
  assert.deepEqual([surface.chosen(), surface.selected().id], [["car"], "car"]);
});

test("a drag over empty canvas chooses what its box touches, but nothing that is locked or covers all", () => {
  const surface = three();
  const machine = createMachine(chartOf("move"), surface);
  send(machine, event("down", 20, 20), event("move", 260, 190));
  assert.equal(surface.seen.outline.points.length, 4);
  assert.deepEqual(surface.chosen(), ["cat", "car"]);
  send(machine, event("move", 140, 190));
  assert.deepEqual(surface.chosen(), ["cat"]);
  send(machine, event("move", 500, 500), event("up", 500, 500));
  assert.deepEqual([surface.chosen(), surface.seen.outline], [["cat", "car"], null]);
  assert.equal(surface.store.undoName, "");
});

test("a moved layer comes to rest beside another one", () => {
  const surface = three();
  surface.amend((record) => ({ ...record, selected: "cat" }));
  const machine = createMachine(chartOf("move"), surface);
  send(machine, event("down", 100, 100), event("move", 203, 173));
  assert.equal(surface.selected().placement.centre_x_px, 200);
  assert.equal(surface.seen.guides.vertical, 200);
});

test("boxes are aligned by edges and middles, and spread with even gaps", () => {
  const boxes = [
    { x0: 0, y0: 0, x1: 10, y1: 10 },
    { x0: 50, y0: 20, x1: 90, y1: 30 },
    { x0: 12, y0: 5, x1: 20, y1: 25 },
  ];
  const frame = { x0: 0, y0: 0, x1: 90, y1: 30 };
  const shifts = (edge) => alignShifts(boxes, edge, frame).map(({ dx, dy }) => dx + dy);
  assert.deepEqual(shifts("left"), [0, -50, -12]);
  assert.deepEqual(shifts("right"), [80, 0, 70]);
  assert.deepEqual(shifts("centre"), [40, -25, 29]);
  assert.deepEqual(shifts("bottom"), [20, 0, 5]);
  assert.deepEqual(
    distributeShifts(boxes, "x").map(({ dx }) => dx),
    [0, 0, 14],
  );
  assert.deepEqual(
    distributeShifts(boxes.slice(1), "x").map(({ dx }) => dx),
    [0, 0],
  );
});

test("the box of what is painted is exact over the borders of tiles", () => {
  const bytes = new Uint8Array(200 * 150);
  assert.equal(inkBox(maskFromBytes(bytes, 200, 150)), null);
  for (let y = 60; y < 70; y += 1) bytes.fill(9, y * 200 + 63, y * 200 + 131);
  assert.deepEqual(inkBox(maskFromBytes(bytes, 200, 150)), { x0: 63, y0: 60, x1: 131, y1: 70 });
});
