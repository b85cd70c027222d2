// The steps weigh at most 256 MB in all, whatever their number; the present one and its masks are never given up.

import assert from "node:assert/strict";
import test from "node:test";

import { emptyMask, TILE_PX, weightOf, withTiles } from "../../ui/web/kernels/tiles.js";
import { createDocument } from "../../ui/web/model/document.js";
import { setLayer, setScene } from "../../ui/web/model/edits.js";
import { buildEditor, layer } from "./editor_fixtures.mjs";
import { createUnique } from "./surface_fixture.mjs";

const BUDGET = 256 * 2 ** 20;
const SIDE_PX = 2048;

/** Tiles for whole strokes over a large canvas: two that differ, so that no stroke shares a tile with the one before. */
const TILES = [100, 200].map((value) => new Uint8Array(TILE_PX * TILE_PX).fill(value));

const paintAll = ({ store, masks }, before, stroke) => {
  const changes = new Map(before.tiles.map((_, index) => [index, TILES[stroke % 2]]));
  const mask = withTiles(before, changes);
  const name = masks.newName();
  masks.put(name, mask, before);
  store.change(`Stroke ${stroke}`, setLayer("region", { mask: name }));
  return { mask, name };
};

test("strokes that weigh 4 MB each: the oldest go beyond 256 MB, their masks are forgotten, undo ends where they ended", () => {
  const record = buildEditor([layer("region", { picture: null, mask: "m" })]);
  const document = createDocument(record, { now: () => 0, unique: createUnique() });
  const names = [];
  let mask = emptyMask(SIDE_PX, SIDE_PX);
  for (let stroke = 0; stroke < 150; stroke += 1) {
    const next = paintAll(document, mask, stroke);
    names.push(next.name);
    mask = next.mask;
    const { entries } = document.store.history;
    const bytes = entries.reduce(
      (sum, entry) => sum + document.masks.bytesOf(entry.record.scene.layers[0].mask),
      0,
    );
    assert.ok(bytes <= BUDGET, `${entries.length} steps weigh ${bytes}`);
  }
  const { store, masks } = document;
  const each = weightOf(mask, emptyMask(SIDE_PX, SIDE_PX));
  const kept = store.history.entries.length;
  assert.ok(each > 4e6 && kept === Math.floor(BUDGET / (each + 4096)), `${kept} steps of ${each}`);
  assert.equal(store.record.scene.layers[0].mask, names.at(-1));
  names.forEach((name, stroke) =>
    assert.equal(masks.has(name), stroke >= names.length - kept, `stroke ${stroke}`),
  );
  while (store.undoName) store.undo();
  assert.equal(store.history.entries[0].name, `Stroke ${names.length - kept}`);
  assert.ok(masks.get(store.record.scene.layers[0].mask));
});

test("steps without pixels are kept by the thousand", () => {
  const { store } = createDocument(buildEditor(), { now: () => 0, unique: createUnique() });
  for (let step = 0; step < 2_000; step += 1)
    store.change(`Word ${step}`, setScene({ prompt: `${step}` }));
  assert.equal(store.history.entries.length, 2_001);
  store.goTo(1);
  assert.equal(store.record.scene.prompt, "0");
});
