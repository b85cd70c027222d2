// Painted masks: tiles, dabs, strokes, outlines, filling, spreading; and the way from a gesture to the server and back.

import assert from "node:assert/strict";
import test from "node:test";
import { inflateSync } from "node:zlib";

import { createMaskSaver } from "../../ui/web/bridge/masks.js";
import { beginWalk, lineOf, walkTo } from "../../ui/web/kernels/brush.js";
import { floodFrom } from "../../ui/web/kernels/flood.js";
import { greyPng, scanlines } from "../../ui/web/kernels/greypng.js";
import { coverOf, ellipse, rectangle } from "../../ui/web/kernels/shapes.js";
import { featherField, growField, invertField, shrinkField } from "../../ui/web/kernels/spread.js";
import {
  bytesOf,
  changedTiles,
  emptyMask,
  fullMask,
  inverseOf,
  maskFromBytes,
  valueAt,
  weightOf,
  withTiles,
} from "../../ui/web/kernels/tiles.js";
import { setPlacement } from "../../ui/web/model/edits.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { beginStroke, withCover, withDabs } from "../../ui/web/model/strokes.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { TOOLS } from "../../ui/web/tools/tools.js";
import { createMaskDatabase, buildEditor, layer, randomFrom } from "./editor_fixtures.mjs";
import { at, createSurface, createUnique, event, send } from "./surface_fixture.mjs";

const BRUSH = {
  size: 20,
  hardness: 1,
  opacity: 1,
  spacing: 0.1,
  pressureSize: true,
  pressureFlow: false,
};
const spot = (x, y, pressure = 1) => ({ x, y, pressure });
const chartOf = (id) => TOOLS.find((tool) => tool.id === id).chart;
const areaOf = (bytes) => bytes.reduce((sum, value) => sum + value, 0) / 255;

const randomMask = (width, height, seed = 1) => {
  const random = randomFrom(seed);
  return Uint8Array.from({ length: width * height }, () => Math.floor(random() * 256));
};

test("bytes become tiles and come back, at sizes that tiles do not divide; plain tiles cost nothing", () => {
  const bytes = randomMask(150, 70);
  const mask = maskFromBytes(bytes, 150, 70);
  assert.equal(mask.tiles.length, 6);
  assert.deepEqual(bytesOf(mask), bytes);
  assert.equal(valueAt(mask, 149.9, 69.5), bytes.at(-1));
  assert.equal(valueAt(mask, 150, 3), 0);
  assert.equal(valueAt(mask, -0.1, 3), 0);
  assert.equal(areaOf(bytesOf(fullMask(150, 70))), 150 * 70);
  assert.equal(weightOf(fullMask(1024, 1024), null), 256 * 8);
  assert.equal(weightOf(mask, mask), 6 * 8);
});

test("a mask of the same values shares the tiles of the one it is made from", () => {
  const mask = maskFromBytes(randomMask(150, 70), 150, 70);
  const bytes = bytesOf(mask);
  bytes[0] ^= 1;
  assert.deepEqual(changedTiles(maskFromBytes(bytes, 150, 70, mask), mask), [0]);
  const emptied = withTiles(mask, new Map([[1, new Uint8Array(64 * 64)]]));
  assert.equal(emptied.tiles[1], null);
});

test("dabs lie evenly along the way, whatever the number of events", () => {
  const whole = lineOf(BRUSH, spot(0, 0), spot(100, 0)).dabs;
  const start = beginWalk(BRUSH, spot(0, 0));
  const dabs = [...start.dabs];
  let { walk } = start;
  for (let x = 1; x <= 100; x += 1) {
    const next = walkTo(BRUSH, walk, spot(x, 0));
    ({ walk } = next);
    dabs.push(...next.dabs);
  }
  assert.deepEqual(
    dabs.map(({ x }) => Math.round(x * 1000)),
    whole.map(({ x }) => Math.round(x * 1000)),
  );
  assert.equal(whole.length, 51);
  assert.deepEqual(
    whole.slice(0, 3).map(({ x }) => Math.round(x)),
    [0, 2, 4],
  );
});

test("pressure changes the size, and the flow if asked", () => {
  assert.equal(beginWalk(BRUSH, spot(0, 0, 0.5)).dabs[0].radius, 5);
  assert.equal(
    beginWalk({ ...BRUSH, pressureSize: false, pressureFlow: true }, spot(0, 0, 0.5)).dabs[0].flow,
    0.5,
  );
});

test("a hard dab is a disc of its size with an edge of one pixel; a soft one falls off to its rim", () => {
  const painted = (hardness, opacity = 1) =>
    bytesOf(
      withDabs(beginStroke(emptyMask(128, 128), { erase: false, opacity }), [
        { x: 64, y: 64, radius: 20, hardness, flow: 1 },
      ]).mask,
    );
  const hard = painted(1);
  assert.ok(Math.abs(areaOf(hard) - Math.PI * 400) < 8, String(areaOf(hard)));
  assert.equal(hard[64 * 128 + 64], 255);
  assert.equal(hard[64 * 128 + 86], 0);
  const soft = painted(0);
  assert.ok(soft[64 * 128 + 74] > 100 && soft[64 * 128 + 74] < 155);
  assert.ok(areaOf(soft) < areaOf(hard) / 2);
  assert.equal(Math.max(...painted(1, 0.5)), 128);
});

test("a stroke over itself stays within its opacity; erasing takes exactly what it covers; tiles far off are shared", () => {
  const start = lineOf(BRUSH, spot(10, 30), spot(250, 30)).dabs;
  const stroke = withDabs(beginStroke(emptyMask(256, 256), { erase: false, opacity: 0.5 }), [
    ...start,
    ...start,
  ]);
  assert.equal(valueAt(stroke.mask, 100, 30), 128);
  const erased = withDabs(beginStroke(stroke.mask, { erase: true, opacity: 1 }), start);
  assert.deepEqual(
    [40, 100, 240].map((x) => valueAt(erased.mask, x, 30)),
    [0, 0, 0],
  );
  assert.deepEqual(changedTiles(stroke.mask, emptyMask(256, 256)), [0, 1, 2, 3]);
  assert.equal(stroke.base, beginStroke(stroke.base, { erase: false, opacity: 1 }).mask);
});

test("an outline covers its area, also beyond the canvas; a lasso that crosses itself is filled everywhere", () => {
  assert.ok(
    Math.abs(areaOf(coverOf(rectangle({ x: 2.5, y: 3 }, { x: 12.5, y: 9 }), 40, 30)) - 60) < 0.05,
  );
  assert.equal(areaOf(coverOf(rectangle({ x: -10, y: -10 }, { x: 5, y: 5 }), 40, 30)), 25);
  assert.equal(
    areaOf(
      coverOf(
        rectangle({ x: 10, y: 10 }, { x: 16, y: 12 }, { square: true, centred: true }),
        40,
        30,
      ),
    ),
    144,
  );
  const disc = areaOf(coverOf(ellipse({ x: 5, y: 5 }, { x: 25, y: 25 }), 40, 30));
  assert.ok(Math.abs(disc - Math.PI * 100) < 3, String(disc));
  const twice = [0, 1, 2, 3, 4].map((index) => ({
    x: 20 + 12 * Math.sin(index * 0.8 * Math.PI),
    y: 15 - 12 * Math.cos(index * 0.8 * Math.PI),
  }));
  assert.equal(coverOf(twice, 40, 30)[15 * 40 + 20], 255);
  assert.equal(
    areaOf(
      coverOf(
        [
          { x: 1, y: 1 },
          { x: 9, y: 9 },
        ],
        40,
        30,
      ),
    ),
    0,
  );
});

test("covers add and subtract, and keep what is already there", () => {
  const half = coverOf(rectangle({ x: 0, y: 0 }, { x: 50, y: 100 }), 100, 100);
  const mask = withCover(emptyMask(100, 100), half, false);
  assert.deepEqual(bytesOf(mask), half);
  assert.equal(
    areaOf(
      bytesOf(
        withCover(mask, coverOf(rectangle({ x: 25, y: 0 }, { x: 100, y: 100 }), 100, 100), true),
      ),
    ),
    2500,
  );
});

test("filling stops at other colours and at the mask's own border, and follows the tolerance", () => {
  const [width, height] = [40, 20];
  const rgba = new Uint8Array(width * height * 4).fill(100);
  for (let y = 0; y < height; y += 1) rgba.fill(130, (y * width + 20) * 4, (y * width + 40) * 4);
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) mask[y * width + 10] = 255;
  const field = { rgba, mask, width, height };
  assert.equal(areaOf(floodFrom(field, { x: 3, y: 3 }, 10)), 10 * 20);
  assert.equal(areaOf(floodFrom(field, { x: 15, y: 3 }, 10)), 9 * 20);
  assert.equal(areaOf(floodFrom(field, { x: 15, y: 3 }, 40)), 29 * 20);
  assert.equal(areaOf(floodFrom(field, { x: 10, y: 3 }, 40)), 20);
});

test("growing and shrinking move a disc's edge by their radius; feathering keeps the area; inverting is its own undo", () => {
  const [width, height] = [100, 80];
  const disc = coverOf(ellipse({ x: 30, y: 20 }, { x: 70, y: 60 }), width, height);
  const radiusOf = (bytes) => Math.sqrt(areaOf(bytes) / Math.PI);
  assert.ok(Math.abs(radiusOf(growField(disc, width, height, 6)) - 26) < 0.6);
  assert.ok(Math.abs(radiusOf(shrinkField(disc, width, height, 6)) - 14) < 0.6);
  const soft = featherField(disc, width, height, 8);
  assert.ok(Math.abs(areaOf(soft) - areaOf(disc)) < 12);
  assert.ok(soft[40 * width + 70] > 60 && soft[40 * width + 70] < 190);
  assert.deepEqual(invertField(invertField(disc)), disc);
  assert.equal(areaOf(growField(new Uint8Array(100), 10, 10, 3)), 0);
  const full = new Uint8Array(100).fill(255);
  assert.equal(areaOf(shrinkField(full, 10, 10, 3)), 100);
});

test("a grey PNG holds the scanlines behind a true header", () => {
  const bytes = randomMask(5, 3);
  const parts = greyPng(Uint8Array.from([1, 2, 3]), 5, 3);
  assert.deepEqual([...parts[0]], [137, 80, 78, 71, 13, 10, 26, 10]);
  assert.deepEqual([...parts[1].slice(8, 21)], [0, 0, 0, 5, 0, 0, 0, 3, 8, 0, 0, 0, 0]);
  assert.equal(Buffer.from(parts[3]).toString("hex"), "0000000049454e44ae426082");
  assert.deepEqual(
    [...scanlines(bytes, 5, 3)].filter((_, index) => index % 6 === 0),
    [0, 0, 0],
  );
});

const paint = (surface, tool, ...events) => {
  const machine = createMachine(chartOf(tool), surface);
  send(machine, ...events);
  return machine;
};
const maskOf = (surface) => surface.masks.get(surface.selected().mask);

test("a stroke without a selection makes a painted layer, as one step that undo takes away", () => {
  const surface = createSurface([layer("back", { placement: at(0, 0) })]);
  paint(surface, "brush", event("down", 50, 50), event("move", 90, 50), event("up", 90, 50));
  assert.equal(surface.selected().picture, null);
  assert.equal(surface.selected().name, "Region 1");
  assert.equal(valueAt(maskOf(surface), 70, 50), 255);
  surface.store.undo();
  assert.equal(surface.store.record.scene.layers.length, 1);
  surface.store.redo();
  assert.equal(valueAt(maskOf(surface), 70, 50), 255);
});

test("the eraser hides a part of a picture, Alt on the brush too, and the brush brings it back", () => {
  const surface = createSurface();
  surface.amend((record) => ({ ...record, selected: "cat" }));
  paint(surface, "eraser", event("down", 100, 100), event("up", 100, 100));
  assert.deepEqual(
    [valueAt(maskOf(surface), 100, 100), valueAt(maskOf(surface), 300, 300)],
    [0, 255],
  );
  paint(surface, "brush", event("down", 300, 300, { alt: true }), event("up", 300, 300));
  assert.equal(valueAt(maskOf(surface), 300, 300), 0);
  paint(surface, "brush", event("down", 100, 100), event("up", 100, 100));
  assert.equal(valueAt(maskOf(surface), 100, 100), 255);
  surface.store.goTo(0);
  assert.equal(surface.selected().mask, null);
});

test("locked and hidden layers are not painted on, and say so", () => {
  const surface = createSurface([layer("cat", { locked: true })]);
  surface.amend((record) => ({ ...record, selected: "cat" }));
  const machine = paint(surface, "brush", event("down", 50, 50));
  assert.equal(machine.state, "idle");
  assert.match(surface.session.state.notices[0].what, /locked/);
});

test("Shift draws straight on from the last stroke", () => {
  const surface = createSurface([]);
  const machine = paint(surface, "brush", event("down", 20, 20), event("up", 20, 20));
  send(machine, event("down", 220, 20, { shift: true }), event("up", 220, 20));
  assert.equal(valueAt(maskOf(surface), 120, 20), 255);
});

test("a lasso is drawn freely or by corners, which Enter or the first corner closes; Ctrl subtracts", () => {
  const surface = createSurface([]);
  const corner = (x, y, keys) => [event("down", x, y, keys), event("up", x, y, keys)];
  const lasso = paint(
    surface,
    "lasso",
    ...corner(20, 20),
    ...corner(120, 20),
    ...corner(120, 120),
    event("confirm"),
  );
  assert.ok(Math.abs(areaOf(bytesOf(maskOf(surface))) - 5000) < 30);
  send(
    lasso,
    ...corner(20, 20, { ctrl: true }),
    ...corner(120, 20),
    ...corner(120, 70),
    ...corner(22, 22),
  );
  assert.ok(areaOf(bytesOf(maskOf(surface))) < 2700);
  send(
    lasso,
    event("down", 200, 200),
    event("move", 260, 200),
    event("move", 260, 260),
    event("up", 200, 260),
  );
  assert.equal(valueAt(maskOf(surface), 250, 220), 255);
  assert.equal(surface.seen.outline, null);
});

test("fifty strokes are undone and done again to the same tiles", () => {
  const surface = createSurface([]);
  const random = randomFrom(5);
  const machine = createMachine(chartOf("brush"), surface);
  const place = () => [random() * 512, random() * 512];
  const seen = [];
  for (let index = 0; index < 50; index += 1) {
    send(machine, event("down", ...place()), event("move", ...place()), event("up", ...place()));
    seen.push(maskOf(surface));
  }
  for (let index = 49; index > 0; index -= 1) {
    assert.equal(maskOf(surface), seen[index]);
    surface.store.undo();
  }
  for (let index = 0; index < 50; index += 1) {
    assert.equal(maskOf(surface), seen[index]);
    surface.store.redo();
  }
});

const pixelsOfPng = async (blob) => {
  const content = Buffer.from(await blob.arrayBuffer());
  const [width, height] = [content.readUInt32BE(16), content.readUInt32BE(20)];
  const rows = inflateSync(content.subarray(41, 41 + content.readUInt32BE(33)));
  return Uint8Array.from(
    { length: width * height },
    (_, index) => rows[Math.floor(index / width) * (width + 1) + 1 + (index % width)],
  );
};

test("a mask goes to the server once, as the same values; what it does not have is kept here and found again", async () => {
  const sent = [];
  const link = {
    upload: async (blob) => sent.push(await pixelsOfPng(blob)) && `/up/${sent.length}`,
    ask: async ({ path }) => ({ digest: `d${path.at(-1)}`.padEnd(64, "0") }),
  };
  const [masks, database] = [createMasks(createUnique()), createMaskDatabase()];
  const maskSaver = createMaskSaver({ link, masks, database });
  const name = masks.newName();
  const bytes = randomMask(70, 30);
  masks.put(name, maskFromBytes(bytes, 70, 30));
  const record = buildEditor([layer("cat", { mask: name }), layer("car", { mask: name })]);
  maskSaver.shelve("p1", record);
  const [settled] = [...(await maskSaver.settle([record])), await maskSaver.settle([record])];
  assert.equal(sent.length, 1);
  assert.deepEqual(sent[0], bytes);
  assert.equal(settled.scene.layers[1].mask, "d1".padEnd(64, "0"));
  const later = createMaskSaver({ link, masks: createMasks(createUnique()), database });
  const found = await later.recover(
    "p1",
    { ...record, mix: { base: "a", other: "b", mask: name } },
    () => null,
  );
  assert.deepEqual([found.scene.layers[0].mask, found.mix.mask], [name, name]);
  maskSaver.forget("p1");
  assert.equal(database.kept.size, 0);
  const lost = await createMaskSaver({
    link,
    masks: createMasks(createUnique()),
    database,
  }).recover(
    "p1",
    buildEditor([layer("cat", { mask: name }), layer("gone", { mask: name, picture: null })], {
      mix: { base: "a", other: "b", mask: name },
    }),
    () => null,
  );
  assert.equal(lost.mix, null);
  assert.deepEqual(
    lost.scene.layers.map(({ id, mask }) => [id, mask]),
    [["cat", null]],
  );
});

test("of strokes that come faster than the browser writes, the first and the newest are kept, and no others wait", async () => {
  const writing = [];
  const put = (key) => new Promise((done) => writing.push({ key, done }));
  const masks = createMasks(createUnique());
  const maskSaver = createMaskSaver({ link: null, masks, database: { put } });
  const names = Array.from({ length: 9 }, () => {
    const name = masks.newName();
    masks.put(name, emptyMask(64, 64));
    return name;
  });
  const strokes = names.map((name) =>
    maskSaver.shelve("p1", buildEditor([layer("cat", { mask: name })])),
  );
  assert.deepEqual(
    writing.map(({ key }) => key),
    [`p1 ${names[0]}`],
  );
  writing[0].done();
  await Promise.all(strokes.slice(1));
  for (let turn = 0; turn < 9; turn += 1) await Promise.resolve();
  assert.deepEqual(
    writing.map(({ key }) => key),
    [`p1 ${names[0]}`, `p1 ${names[8]}`],
  );
  writing[1].done();
  await strokes[0];
  maskSaver.shelve("p1", buildEditor([layer("cat", { mask: names[4] })]));
  assert.equal(writing[2].key, `p1 ${names[4]}`);
});

test("a mask goes along with its layer: exactly by whole pixels, and back again; a turn keeps its area", () => {
  const region = layer("region", { picture: null, mask: "m", placement: at(256, 256) });
  const surface = createSurface([region]);
  const disc = coverOf(ellipse({ x: 200, y: 200 }, { x: 260, y: 260 }), 512, 512);
  surface.masks.put("m", maskFromBytes(disc, 512, 512));
  surface.amend((record) => ({ ...record, selected: "region" }));
  const place = (patch) => surface.store.change("Place", setPlacement("region", patch));
  place({ centre_x_px: 286, centre_y_px: 246 });
  assert.equal(valueAt(maskOf(surface), 230 + 30, 230 - 10), 255);
  assert.equal(areaOf(bytesOf(maskOf(surface))), areaOf(disc));
  place({ centre_x_px: 256, centre_y_px: 256 });
  assert.deepEqual(bytesOf(maskOf(surface)), disc);
  place({ rotation_deg: 90, scale_x: 2, scale_y: 2 });
  assert.ok(Math.abs(areaOf(bytesOf(maskOf(surface))) / areaOf(disc) - 4) < 0.02);
  surface.store.undo();
  assert.deepEqual(bytesOf(maskOf(surface)), disc);
});

test("what a picture's mask hides is hidden at its new place, and what comes in from beyond the canvas is seen", () => {
  const surface = createSurface([layer("cat", { placement: at(100, 100) })]);
  surface.amend((record) => ({ ...record, selected: "cat" }));
  paint(surface, "eraser", event("down", 100, 100), event("up", 100, 100));
  surface.store.change("Move", setPlacement("cat", { centre_x_px: 200 }));
  assert.deepEqual(
    [0, 100, 200].map((x) => valueAt(maskOf(surface), x, 100)),
    [255, 255, 0],
  );
});

test("a tile's inverse is the value's inverse; empty and full tiles are each other's", () => {
  const [empty, full] = [emptyMask(64, 64).tiles[0], fullMask(64, 64).tiles[0]];
  assert.equal(inverseOf(empty), full);
  assert.equal(inverseOf(full), empty);
  const tile = maskFromBytes(randomMask(64, 64), 64, 64).tiles[0];
  assert.deepEqual(
    [...inverseOf(tile)],
    [...tile].map((value) => 255 - value),
  );
});
