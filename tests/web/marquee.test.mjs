// The marquee: a part of a layer goes elsewhere as one step, exactly, and nothing of it is lost.

import assert from "node:assert/strict";
import test from "node:test";

import { boxWithin, clearPart, movePart, unite } from "../../ui/web/kernels/shifting.js";
import { bytesOf, maskFromBytes } from "../../ui/web/kernels/tiles.js";
import { layerOf } from "../../ui/web/model/records.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { MARQUEE } from "../../ui/web/tools/marquee.js";
import { layer, randomFrom } from "./editor_fixtures.mjs";
import { at, createSurface, event, send } from "./surface_fixture.mjs";

const SIDE = 512;

const randomBytes = (seed) => {
  const random = randomFrom(seed);
  return Uint8Array.from({ length: SIDE * SIDE }, () => Math.floor(random() * 256));
};

/** A region with every value at random, selected. */
const createRegion = () => {
  const surface = createSurface([
    layer("region", { picture: null, mask: "m", placement: at(256, 256) }),
  ]);
  const bytes = randomBytes(4);
  surface.masks.put("m", maskFromBytes(bytes, SIDE, SIDE));
  surface.amend((record) => ({ ...record, selected: "region" }));
  return { surface, bytes, machine: createMachine(MARQUEE, surface) };
};

const maskOf = (surface, id) => bytesOf(surface.masks.get(layerOf(surface.store.record, id).mask));

const mark = [event("down", 100, 120), event("move", 180, 200), event("up", 180, 200)];
const drag = (dx, dy, keys) => [
  event("down", 130, 150, keys),
  event("move", 140, 160, keys),
  event("move", 130 + dx, 150 + dy),
  event("up", 130 + dx, 150 + dy),
];

/** The value that a pixel should have when the box [100, 180) x [120, 200) went by (dx, dy). */
const expected = (bytes, x, y, { dx, dy, copies }) => {
  const inBox = (u, v) => u >= 100 && u < 180 && v >= 120 && v < 200;
  const stays = inBox(x, y) && !copies ? 0 : bytes[y * SIDE + x];
  return inBox(x - dx, y - dy) ? Math.max(stays, bytes[(y - dy) * SIDE + x - dx]) : stays;
};

const assertMoved = (found, bytes, way) => {
  for (let y = 0; y < SIDE; y += 1)
    for (let x = 0; x < SIDE; x += 1)
      if (found[y * SIDE + x] !== expected(bytes, x, y, way))
        assert.fail(`(${x}, ${y}) is ${found[y * SIDE + x]}`);
};

test("what lies in the box goes by whole pixels within the mask, overlapping itself too, and back by undo", () => {
  const { surface, bytes, machine } = createRegion();
  send(machine, ...mark, ...drag(40, -25));
  assertMoved(maskOf(surface, "region"), bytes, { dx: 40, dy: -25 });
  assert.equal(surface.store.undoName, "Move part of region");
  surface.store.undo();
  assert.deepEqual(maskOf(surface, "region"), bytes);
  assert.equal(surface.store.undoName, "");
});

test("Alt copies; the box goes along, so that the next drag takes the copy; over the border it is cut off", () => {
  const { surface, bytes, machine } = createRegion();
  send(machine, ...mark, ...drag(200, 100, { alt: true }));
  const copied = maskOf(surface, "region");
  assertMoved(copied, bytes, { dx: 200, dy: 100, copies: true });
  send(
    machine,
    event("down", 330, 250),
    event("move", 360, 260),
    event("move", 630, 250),
    event("up", 630, 250),
  );
  const after = maskOf(surface, "region");
  assert.equal(after[230 * SIDE + 330], 0);
  assert.equal(after[230 * SIDE + 305], 0);
  assert.ok(after[150 * SIDE + 130] === bytes[150 * SIDE + 130]);
});

test("a piece of a picture becomes a layer above it; together they show what was there; one undo takes all back", () => {
  const cat = layer("cat", { placement: at(120, 150) });
  const surface = createSurface([cat, layer("car", { placement: at(400, 400) })]);
  surface.amend((record) => ({ ...record, selected: "cat" }));
  const before = surface.store.record;
  const machine = createMachine(MARQUEE, surface);
  send(machine, ...mark, ...drag(30, 60));
  const { layers } = surface.store.record.scene;
  assert.deepEqual(
    [layers.length, layers[1].name, surface.store.record.selected],
    [3, "cat, part", layers[1].id],
  );
  assert.deepEqual([layers[1].placement.centre_x_px, layers[1].placement.centre_y_px], [150, 210]);
  const [rest, piece] = [maskOf(surface, "cat"), maskOf(surface, layers[1].id)];
  assert.deepEqual(
    [rest[150 * SIDE + 130], piece[150 * SIDE + 130], piece[210 * SIDE + 160]],
    [0, 0, 255],
  );
  const back = movePart(
    piece,
    { width: SIDE, height: SIDE },
    { x0: 0, y0: 0, x1: SIDE, y1: SIDE },
    { dx: -30, dy: -60 },
  );
  assert.ok(unite(rest, back).every((value) => value === 255));
  surface.store.undo();
  assert.equal(surface.store.record.scene, before.scene);
});

test("a copied piece leaves the picture as it was", () => {
  const surface = createSurface([layer("cat", { placement: at(120, 150) })]);
  surface.amend((record) => ({ ...record, selected: "cat" }));
  send(createMachine(MARQUEE, surface), ...mark, ...drag(30, 60, { alt: true }));
  assert.equal(surface.store.record.scene.layers.length, 2);
  assert.equal(layerOf(surface.store.record, "cat").mask, null);
  assert.equal(surface.store.undoName, "Copy part of cat");
});

test("Shift keeps to one direction; a box beside what the layer shows, or no layer, takes nothing and says so", () => {
  const { surface, bytes, machine } = createRegion();
  send(
    machine,
    ...mark,
    event("down", 130, 150),
    event("move", 170, 156, { shift: true }),
    event("up", 170, 156),
  );
  assertMoved(maskOf(surface, "region"), bytes, { dx: 40, dy: 0 });
  for (const selected of ["cat", ""]) {
    const outside = createSurface([layer("cat", { placement: at(400, 400) })]);
    outside.amend((record) => ({ ...record, selected }));
    send(createMachine(MARQUEE, outside), ...mark, ...drag(30, 60));
    assert.equal(outside.store.undoName, "");
    assert.match(outside.session.state.notices[0].what, selected ? /Nothing of cat/ : /No layer/);
  }
});

test("boxes lie on whole pixels of the canvas; clearing and moving a part leave the given bytes as they are", () => {
  const canvas = { width_px: 40, height_px: 30 };
  assert.deepEqual(boxWithin({ x0: -3.2, y0: 4.4, x1: 9.6, y1: 90 }, canvas), {
    x0: 0,
    y0: 4,
    x1: 10,
    y1: 30,
  });
  assert.equal(boxWithin({ x0: 41, y0: 0, x1: 60, y1: 9 }, canvas), null);
  const bytes = Uint8Array.from({ length: 1200 }, (_, index) => index % 251);
  const known = Uint8Array.from(bytes);
  clearPart(bytes, 40, { x0: 2, y0: 3, x1: 9, y1: 20 });
  const gone = movePart(
    bytes,
    { width: 40, height: 30 },
    { x0: 2, y0: 3, x1: 9, y1: 20 },
    { dx: 90, dy: 0 },
  );
  assert.deepEqual(bytes, known);
  assert.ok(gone.every((value) => value === 0));
});
