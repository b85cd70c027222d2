// A layer's strength as a painted map, its look, and the steps in which its words are heard.

import assert from "node:assert/strict";
import test from "node:test";

import { createMaskSaver } from "../../ui/web/bridge/masks.js";
import * as masksOf from "../../ui/web/commands/masks.js";
import { FREE, fillHalftone, HELD, meanOf } from "../../ui/web/kernels/halftone.js";
import { formatFraction } from "../../ui/web/kernels/numbers.js";
import { findSpans, idAt } from "../../ui/web/kernels/spans.js";
import { bytesOf, greyMask, valueAt } from "../../ui/web/kernels/tiles.js";
import { select, setPlacement } from "../../ui/web/model/edits.js";
import { promptRangeText, withHigh, withLow } from "../../ui/web/model/prompt-range.js";
import { createMasks, maskNamesOf, withMaskNames } from "../../ui/web/model/masks.js";
import { beginMask, strengthOf, greyOf, paintsStrength } from "../../ui/web/model/painting.js";
import { layerOf } from "../../ui/web/model/records.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { TOOLS } from "../../ui/web/tools/tools.js";
import { createMaskDatabase, buildEditor, layer } from "./editor_fixtures.mjs";
import { createSurface, createUnique, event, send } from "./surface_fixture.mjs";

const SIDE = 16;

const shareOf = (value, origin = { x: 0, y: 0 }) => {
  const data = new Uint8ClampedArray(SIDE * SIDE * 4);
  fillHalftone(data, new Uint8Array(SIDE * SIDE).fill(value), { side: SIDE, origin, step_px: 1 });
  const isFree = (at) => data[at * 4] === FREE[0] && data[at * 4 + 2] === FREE[2];
  return Array.from({ length: SIDE * SIDE }, (_, at) => isFree(at));
};

test("dots grow with the value, from none to all; neighbouring squares go on where one ends", () => {
  const counts = [0, 64, 128, 192, 255].map((value) => shareOf(value).filter(Boolean).length);
  assert.equal(counts[0], 0);
  assert.equal(counts[4], SIDE * SIDE);
  counts.slice(1).forEach((count, index) => assert.ok(count > counts[index]));
  assert.ok(Math.abs(counts[2] / (SIDE * SIDE) - 0.5) < 0.08);
  assert.deepEqual(shareOf(100, { x: 64, y: 128 }), shareOf(100));
  const empty = new Uint8ClampedArray(SIDE * SIDE * 4);
  fillHalftone(empty, null, { side: SIDE, origin: { x: 0, y: 0 }, step_px: 1 });
  assert.deepEqual([...empty.subarray(0, 3)], HELD);
});

test("a grey mask is one value everywhere; its mean is that value", () => {
  const mask = greyMask(100, 70, 153);
  assert.equal(valueAt(mask, 99, 69), 153);
  assert.equal(meanOf(bytesOf(mask)).toFixed(3), "0.600");
  assert.equal(greyMask(100, 70, 0).tiles[0], null);
  assert.equal(meanOf(new Uint8Array(0)), 0);
});

const painting = () => {
  const surface = createSurface();
  surface.amend(select("cat"));
  surface.session.set({
    paints: "strength",
    brush: { ...surface.session.state.brush, size: 10, hardness: 1 },
  });
  return surface;
};
const catOf = ({ store }) => layerOf(store.record, "cat");
const chartOf = (id) => TOOLS.find((tool) => tool.id === id).chart;

test("a stroke changes how free the layer is and leaves its mask; the first one begins from its number", () => {
  const surface = painting();
  const before = surface.store.record;
  assert.equal(
    valueAt(strengthOf(catOf(surface), before.scene, surface.masks), 5, 5),
    greyOf(catOf(surface)),
  );
  send(createMachine(chartOf("brush"), surface), event("down", 20, 20), event("up", 20, 20));
  send(createMachine(chartOf("eraser"), surface), event("down", 60, 20), event("up", 60, 20));
  const map = surface.masks.get(catOf(surface).strength_map);
  assert.deepEqual(
    [valueAt(map, 20, 20), valueAt(map, 60, 20), valueAt(map, 90, 50)],
    [255, 0, 153],
  );
  assert.equal(catOf(surface).mask, null);
  assert.equal(surface.store.undoName, "Erase the strength of cat");
  surface.store.undo();
  surface.store.undo();
  assert.equal(surface.store.record, before);
  surface.store.redo();
  assert.equal(valueAt(surface.masks.get(catOf(surface).strength_map), 20, 20), 255);
});

test("every tool that paints masks paints strength; Escape leaves it as it was; nothing selected paints a region", () => {
  const surface = painting();
  const rectangle = createMachine(chartOf("rectangle"), surface);
  send(rectangle, event("down", 10, 10), event("move", 40, 40), event("up", 40, 40));
  assert.equal(valueAt(surface.masks.get(catOf(surface).strength_map), 30, 30), 255);
  const known = surface.store.record;
  const brush = createMachine(chartOf("brush"), surface);
  send(brush, event("down", 20, 50), event("move", 30, 50), event("cancel"));
  assert.equal(surface.store.record, known);
  surface.amend(select(""));
  assert.equal(paintsStrength(surface), false);
  const pen = beginMask(surface, "Paint");
  pen.commit();
  assert.equal(surface.store.record.scene.layers.at(-1).picture, null);
});

test("a locked layer's strength stays; a sentence says why", () => {
  const surface = painting();
  surface.store.change("Lock", (record) => ({
    ...record,
    scene: {
      ...record.scene,
      layers: record.scene.layers.map((each) => ({ ...each, locked: true })),
    },
  }));
  assert.equal(beginMask(surface, "Paint"), null);
  assert.match(surface.session.state.notices.at(-1).what, /is locked/);
});

test("painted strength goes along with its layer; what comes in from beyond is the layer's number", () => {
  const surface = painting();
  send(createMachine(chartOf("brush"), surface), event("down", 20, 20), event("up", 20, 20));
  const { placement } = catOf(surface);
  surface.store.change("Move", setPlacement("cat", { centre_x_px: placement.centre_x_px + 30 }));
  const map = surface.masks.get(catOf(surface).strength_map);
  assert.deepEqual(
    [valueAt(map, 50, 20), valueAt(map, 20, 20), valueAt(map, 2, 2)],
    [255, 153, 153],
  );
});

test("clearing makes it one number again; the switch goes there and back and brings a brush", () => {
  const surface = painting();
  send(createMachine(chartOf("brush"), surface), event("down", 20, 20), event("up", 20, 20));
  masksOf.clear(surface);
  assert.equal(catOf(surface).strength_map, null);
  surface.session.set({ tool: "hand", paints: "mask" });
  masksOf.swapPaints(surface);
  assert.deepEqual(
    [surface.session.state.paints, surface.session.state.tool],
    ["strength", "brush"],
  );
  surface.session.set({ tool: "lasso" });
  masksOf.swapPaints(surface);
  assert.deepEqual([surface.session.state.paints, surface.session.state.tool], ["mask", "lasso"]);
  surface.amend(select(""));
  masksOf.swapPaints(surface);
  assert.equal(surface.session.state.paints, "mask");
});

test("names of painted strength are renamed, kept and recovered like those of masks; a lost one is the server's", async () => {
  const masks = createMasks(createUnique());
  const name = masks.newName();
  masks.put(name, greyMask(100, 60, 80));
  const record = buildEditor([
    layer("cat", { strength_map: name }),
    layer("car", { strength_map: "mask-lost" }),
  ]);
  assert.deepEqual(maskNamesOf(record), [name, "mask-lost"]);
  const renamed = withMaskNames(record, (each) => `${each}!`).scene.layers;
  assert.deepEqual(
    renamed.map(({ strength_map, mask }) => [strength_map, mask]),
    [
      [`${name}!`, null],
      ["mask-lost!", null],
    ],
  );
  const maskSaver = createMaskSaver({ link: null, masks, database: createMaskDatabase() });
  const back = await maskSaver.recover("p", record, (id, field) => `${id} ${field}`);
  assert.deepEqual(
    back.scene.layers.map(({ strength_map }) => strength_map),
    [name, "car strength_map"],
  );
});

test("the ends of what is heard push one another and never meet; the fold tells of them", () => {
  assert.deepEqual(withHigh({}, 0.5), { prompt_start: 0, prompt_end: 0.5 });
  assert.deepEqual(withLow({ prompt_start: 0, prompt_end: 0.5 }, 0.7), {
    prompt_start: 0.7,
    prompt_end: 0.75,
  });
  assert.deepEqual(withHigh({ prompt_start: 0.6, prompt_end: 1 }, 0.2), {
    prompt_start: 0.15,
    prompt_end: 0.2,
  });
  assert.deepEqual(withLow({}, 1), { prompt_start: 0.95, prompt_end: 1 });
  assert.deepEqual(withHigh({}, 0), { prompt_start: 0, prompt_end: 0.05 });
  assert.equal(promptRangeText({}, formatFraction), "");
  assert.equal(
    promptRangeText({ prompt_start: 0.5, prompt_end: 1 }, formatFraction),
    "active .50 – 1.00",
  );
});

test("a place in the prompt belongs to the layer of the phrase there, its ends too", () => {
  const { spans } = findSpans("a cat, a car", [
    { id: "one", phrase: "cat" },
    { id: "two", phrase: "a car" },
  ]);
  assert.deepEqual(
    [0, 2, 4, 5, 6, 7, 12].map((at) => idAt(spans, at)),
    ["", "one", "one", "one", "", "two", "two"],
  );
});
