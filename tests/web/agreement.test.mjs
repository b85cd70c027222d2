// The page's exact picture against the tables that Python's composite is held to (tests/tables).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { damageOf } from "../../ui/web/view/canvas/damage.js";
import { serve } from "../../ui/web/view/canvas/exact-worker.js";
import { flatten } from "../../ui/web/kernels/flattening.js";
import { cellsOf, sheetOf } from "../../ui/web/view/canvas/placed-picture.js";
import { premultiply } from "../../ui/web/kernels/resampling.js";
import {
  changedTiles,
  emptyMask,
  fullMask,
  spread,
  withTiles,
} from "../../ui/web/kernels/tiles.js";
import { layer, randomFrom } from "./editor_fixtures.mjs";

const table = (name) =>
  JSON.parse(readFileSync(new URL(`../tables/${name}.json`, import.meta.url), "utf8"));

const CANVAS = { width_px: 40, height_px: 32 };
const GREY = 150;

/** Pixels that differ from all their neighbours, as in tests/scene/test_stacks.py. */
const scattered = (width, height, bands) => {
  const bytes = new Uint8ClampedArray(width * height * bands);
  for (let y = 0, at = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      for (let band = 0; band < bands; band += 1, at += 1)
        bytes[at] = (x * 37 + y * 91 + band * 53 + x * y * 7) % 256;
  return bytes;
};

const wholeOf = ({ width_px, height_px }) => ({ x0: 0, y0: 0, x1: width_px, y1: height_px });

const shownLayer = ({ size: [width, height], placement, opacity, blend, masked }) => {
  const bytes = premultiply(scattered(width, height, 4));
  const sheet = sheetOf({ width, height, bytes }, placement, CANVAS);
  return {
    sheet,
    opacity,
    blend,
    mask: masked ? scattered(CANVAS.width_px, CANVAS.height_px, 1) : null,
  };
};

const present = (layers) => layers.map(shownLayer).filter(({ sheet }) => sheet !== null);

/** How many steps RGBA bytes, kept by a canvas as colour times alpha, are from RGB ones when they lie over grey. */
const farthest = (rgba, rgb) => {
  let worst = 0;
  for (let at = 0; at < rgb.length; at += 1) {
    const [pixel, alpha] = [Math.floor(at / 3) * 4, rgba[Math.floor(at / 3) * 4 + 3] / 255];
    const kept = Math.round(rgba[pixel + (at % 3)] * alpha);
    worst = Math.max(worst, Math.abs(Math.round(kept + GREY * (1 - alpha)) - Math.round(rgb[at])));
  }
  return worst;
};

test("placed, masked, blended layers of noise look as Python's within one step", () => {
  const rows = table("stacks");
  assert.ok(rows.some(({ layers }) => layers.length === 8));
  for (const { layers, over_grey } of rows) {
    const seen = flatten(present(layers), wholeOf(CANVAS), CANVAS.width_px);
    assert.ok(farthest(seen, Buffer.from(over_grey, "base64")) <= 1);
  }
});

test("every blend mode follows the table within one step", () => {
  const place = { ...layer("square").placement, centre_x_px: 2, centre_y_px: 2 };
  const canvas = { width_px: 4, height_px: 4 };
  const square = (colour) => ({
    width: 4,
    height: 4,
    bytes: premultiply(Uint8ClampedArray.from({ length: 64 }, (_, at) => colour[at % 4])),
  });
  for (const { blend, below, above, over_grey } of table("blends")) {
    const layers = [
      { sheet: sheetOf(square(below), place, canvas), mask: null, opacity: 1, blend: "normal" },
      { sheet: sheetOf(square(above), place, canvas), mask: null, opacity: 1, blend },
    ];
    assert.ok(
      farthest(flatten(layers, wholeOf(canvas), 4), over_grey) <= 1,
      `${blend} ${below} ${above}`,
    );
  }
});

test("a part of the picture is the same pixels as in the whole of it", () => {
  const layers = present(table("stacks").at(-1).layers);
  const whole = flatten(layers, wholeOf(CANVAS), CANVAS.width_px);
  const box = { x0: 7, y0: 5, x1: 31, y1: 29 };
  const part = flatten(layers, box, CANVAS.width_px);
  for (let y = box.y0; y < box.y1; y += 1) {
    const [from, to] = [box.x0, box.x1].map((x) => (y * CANVAS.width_px + x) * 4);
    const row = part.subarray((y - box.y0) * 24 * 4, (y - box.y0 + 1) * 24 * 4);
    assert.deepEqual(row, whole.subarray(from, to));
  }
});

test("a sheet off the canvas is none, and one far away touches no pixel", () => {
  const { placement } = layer("far");
  const there = { ...placement, centre_x_px: 500 };
  assert.equal(
    sheetOf({ width: 8, height: 8, bytes: new Uint8ClampedArray(256) }, there, CANVAS),
    null,
  );
  const { x0, x1 } = cellsOf(there, { width: 8, height: 8 }, CANVAS);
  assert.ok(x1 <= x0);
});

test("tiles that are sent one by one make the mask that was meant", () => {
  const size = { width_px: 100, height_px: 70 };
  const random = randomFrom(3);
  const tile = Uint8Array.from({ length: 64 * 64 }, () => random() * 256);
  const before = fullMask(size.width_px, size.height_px);
  const changes = [
    [1, tile],
    [2, null],
  ];
  const now = withTiles(before, new Map(changes));
  const bytes = new Uint8Array(7000).fill(255);
  assert.deepEqual(changedTiles(now, before), [1, 2]);
  for (const index of changedTiles(now, before)) spread(bytes, size, index, now.tiles[index]);
  assert.equal(bytes[64], tile[0]);
  assert.equal(bytes[99 + 63 * 100], tile[63 * 64 + 35]);
  assert.equal(bytes[64 * 100], 0);
  assert.equal(bytes[63], 255);
});

const look = (id, patch = {}, more = {}) => ({
  id,
  layer: layer(id, patch),
  picture: more.picture ?? PICTURE,
  mask: more.mask ?? null,
  shift: null,
});

const PICTURE = { size: { width_px: 20, height_px: 10 } };
const SCENE = { width_px: 200, height_px: 200 };
const at = (x, y) => ({ placement: { ...layer("a").placement, centre_x_px: x, centre_y_px: y } });
const still = [look("a", at(50, 50)), look("b", at(150, 50)), look("c", at(100, 150))];

test("what is drawn anew is what differs: nothing, one layer, where it was and is, a pair that changed places", () => {
  assert.equal(damageOf(still, [...still], SCENE), null);
  assert.deepEqual(damageOf(still, still.slice(0, 2), SCENE), {
    x0: 88,
    y0: 143,
    x1: 112,
    y1: 157,
  });
  assert.deepEqual(damageOf([], still.slice(0, 1), SCENE), { x0: 38, y0: 43, x1: 62, y1: 57 });
  const words = still.map((each) => ({ ...each, layer: { ...each.layer, phrase: "other" } }));
  assert.deepEqual(
    words.map((each, index) => each.layer.placement === still[index].layer.placement),
    [true, true, true],
  );
  assert.equal(damageOf(still, words, SCENE), null);
  const moved = [still[0], look("b", at(170, 60)), still[2]];
  assert.deepEqual(damageOf(still, moved, SCENE), { x0: 138, y0: 43, x1: 182, y1: 67 });
  assert.ok(damageOf(still, [still[1], still[0], still[2]], SCENE).y1 < 100);
  assert.deepEqual(damageOf([still[0]], [look("a", at(198, 50))], SCENE).x1, 200);
  assert.equal(damageOf([], [look("far", at(500, 50))], SCENE), null);
});

test("of a mask only the tiles that changed are drawn anew, as far as the layer reaches", () => {
  const full = fullMask(200, 200);
  const masks = [full, withTiles(full, new Map([[0, null]]))];
  const [small, middle] = [at(50, 50), at(100, 100)];
  const [before, now] = masks.map((mask) => [look("a", small, { mask })]);
  assert.deepEqual(damageOf(before, now, SCENE), { x0: 38, y0: 43, x1: 62, y1: 57 });
  const picture = { size: { width_px: 400, height_px: 400 } };
  const [whole, cut] = masks.map((mask) => [look("a", middle, { mask, picture })]);
  assert.deepEqual(damageOf(whole, cut, SCENE), { x0: 0, y0: 0, x1: 64, y1: 64 });
  const other = [{ ...whole[0], mask: emptyMask(10, 10) }];
  assert.deepEqual(damageOf(whole, other, SCENE), { x0: 0, y0: 0, x1: 200, y1: 200 });
});

/** A worker's scope without a worker: answers pile up in `told`. */
const createScope = () => {
  const scope = { reported: [], listener: null };
  scope.addEventListener = (kind, listener) => void (scope.listener = listener);
  scope.postMessage = (reply) => scope.reported.push(reply);
  scope.ask = (request) => {
    scope.listener({ data: { id: scope.reported.length, ...request } });
    return scope.reported.at(-1);
  };
  return scope;
};

/** What a browser makes of a bitmap, for bitmaps that hold straight RGBA bytes. */
class FlatCanvas {
  #drawn = null;

  getContext() {
    const drawImage = (bitmap) => void (this.#drawn = bitmap);
    return { drawImage, getImageData: () => ({ data: Uint8ClampedArray.from(this.#drawn.bytes) }) };
  }
}

const bitmap = (width, height) => ({
  width,
  height,
  bytes: scattered(width, height, 4),
  close: () => {},
});

test("the worker asks for what it lacks, keeps what the last request named, and answers with the same pixels", (t) => {
  globalThis.OffscreenCanvas = FlatCanvas;
  t.after(() => delete globalThis.OffscreenCanvas);
  const scope = createScope();
  serve(scope);
  const row = table("stacks").at(-1).layers;
  const layers = row.map((each, index) => {
    const [width_px, height_px] = each.size;
    return {
      ...each,
      id: `l${index}`,
      picture: each.size.join(),
      size: { width_px, height_px },
      hasMask: each.masked,
    };
  });
  const tile = new Uint8Array(64 * 64);
  const grey = scattered(CANVAS.width_px, CANVAS.height_px, 1);
  for (let y = 0; y < CANVAS.height_px; y += 1)
    tile.set(grey.subarray(y * 40, y * 40 + 40), y * 64);
  const masks = layers
    .filter(({ masked }) => masked)
    .map(({ id }) => [id, { isNew: true, tiles: [[0, tile]] }]);
  const request = { canvas: CANVAS, box: wholeOf(CANVAS), layers, pictures: [], masks };
  const { missing } = scope.ask(request);
  assert.ok(missing.length > 4);
  const pictures = missing.map((name) => [name, bitmap(...name.split(",").map(Number))]);
  const { id, bytes } = scope.ask({ ...request, masks: [], pictures });
  assert.equal(id, 1);
  assert.deepEqual(bytes, flatten(present(row), wholeOf(CANVAS), CANVAS.width_px));
  assert.deepEqual(scope.ask({ ...request, masks: [] }).bytes, bytes);
  assert.notDeepEqual(scope.ask({ ...request, masks: [], layers: layers.slice(1) }).bytes, bytes);
  const name = layers[0].picture;
  assert.deepEqual(scope.ask({ ...request, masks: [] }).missing, [name]);
});
