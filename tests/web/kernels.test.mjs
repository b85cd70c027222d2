// Matrices, boxes, handles, views, numbers, names and chords: pure functions against tables and against each other.

import assert from "node:assert/strict";
import test from "node:test";

import {
  alphaAt,
  boxPoint,
  bounds,
  coversCanvas,
  cursorOf,
  handleAt,
  handlesOf,
  isHit,
  rotateTo,
  scaleTo,
  SCALE_SIDES,
  topmostAt,
} from "../../ui/web/kernels/boxes.js";
import { changesOf } from "../../ui/web/kernels/changes.js";
import { chordOf } from "../../ui/web/kernels/chords.js";
import { apply, multiply, placementMatrix } from "../../ui/web/kernels/matrix.js";
import { fileStem, isSceneFile, phraseFromFileName } from "../../ui/web/kernels/names.js";
import {
  formatFraction,
  formatNumber,
  formatPercent,
  formatSeconds,
  parseNumber,
} from "../../ui/web/kernels/numbers.js";
import { pinchOf } from "../../ui/web/kernels/pinching.js";
import { restLines } from "../../ui/web/kernels/arranging.js";
import { snapShift } from "../../ui/web/kernels/snapping.js";
import {
  fitView,
  MAX_ZOOM,
  mirrorAt,
  pageOnScreen,
  toScene,
  toScreen,
  turnAt,
  viewMatrix,
  zoomAt,
} from "../../ui/web/kernels/views.js";
import { randomFrom } from "./editor_fixtures.mjs";

const SIZE = { width_px: 40, height_px: 20 };
const near = (one, other, slack = 1e-6) =>
  assert.ok(Math.abs(one - other) <= slack, `${one} is not ${other}`);
const nearPoint = (one, other, slack) => (near(one.x, other.x, slack), near(one.y, other.y, slack));

const somePlacement = (random) => ({
  centre_x_px: random() * 500,
  centre_y_px: random() * 500,
  scale_x: 0.2 + random() * 3,
  scale_y: 0.2 + random() * 3,
  rotation_deg: random() * 360 - 180,
  flip_x: random() < 0.5,
  flip_y: random() < 0.5,
});

test("matrices are applied from the right, and the placement puts the picture's middle on its centre", () => {
  const random = randomFrom(1);
  for (let round = 0; round < 100; round += 1) {
    const [one, other] = [somePlacement(random), somePlacement(random)];
    const [first, second] = [placementMatrix(one, SIZE), placementMatrix(other, SIZE)];
    nearPoint(apply(first, { x: 20, y: 10 }), { x: one.centre_x_px, y: one.centre_y_px });
    const point = { x: random() * 40, y: random() * 20 };
    nearPoint(apply(multiply(second, first), point), apply(second, apply(first, point)));
  }
});

test("a positive rotation turns clockwise on the screen, and flips come before it", () => {
  const turned = {
    centre_x_px: 0,
    centre_y_px: 0,
    scale_x: 1,
    scale_y: 1,
    rotation_deg: 90,
    flip_x: false,
    flip_y: false,
  };
  nearPoint(apply(placementMatrix(turned, SIZE), { x: 40, y: 10 }), { x: 0, y: 20 });
  nearPoint(apply(placementMatrix({ ...turned, flip_x: true }, SIZE), { x: 40, y: 10 }), {
    x: 0,
    y: -20,
  });
});

test("the box of a placement has the corners that its matrix gives, whatever the flips", () => {
  const random = randomFrom(2);
  for (let round = 0; round < 50; round += 1) {
    const placement = { ...somePlacement(random), flip_x: false, flip_y: false };
    nearPoint(
      boxPoint(placement, SIZE, { x: 1, y: -1 }),
      apply(placementMatrix(placement, SIZE), { x: 40, y: 0 }),
    );
    const box = bounds(placement, SIZE);
    near((box.x0 + box.x1) / 2, placement.centre_x_px);
  }
});

test("alpha is read at the place where the matrix put it", () => {
  const random = randomFrom(3);
  const alpha = { width: 4, height: 2, values: Uint8Array.from([0, 10, 20, 30, 40, 50, 60, 70]) };
  for (let round = 0; round < 200; round += 1) {
    const placement = somePlacement(random);
    const [column, row] = [Math.floor(random() * 4), Math.floor(random() * 2)];
    const point = apply(placementMatrix(placement, SIZE), {
      x: (column + 0.5) * 10,
      y: (row + 0.5) * 10,
    });
    assert.equal(alphaAt(placement, SIZE, alpha, point), alpha.values[row * 4 + column]);
    const outside = apply(placementMatrix(placement, SIZE), { x: 41, y: 10 });
    assert.equal(alphaAt(placement, SIZE, alpha, outside), 0);
  }
});

test("the topmost object whose alpha can be seen is hit", () => {
  const placement = {
    centre_x_px: 50,
    centre_y_px: 50,
    scale_x: 1,
    scale_y: 1,
    rotation_deg: 0,
    flip_x: false,
    flip_y: false,
  };
  const full = { width: 1, height: 1, values: Uint8Array.from([255]) };
  const hollow = { width: 2, height: 1, values: Uint8Array.from([8, 255]) };
  const objects = [
    { id: "under", placement, size: SIZE, alpha: full },
    { id: "over", placement, size: SIZE, alpha: hollow },
  ].map((object) => ({ ...object, hit: (point) => isHit(object, point) }));
  assert.equal(topmostAt(objects, { x: 60, y: 50 }).id, "over");
  assert.equal(topmostAt(objects, { x: 40, y: 50 }).id, "under");
  assert.equal(topmostAt(objects, { x: 90, y: 50 }), null);
  assert.equal(isHit(objects[1], { x: 40, y: 50 }), false);
});

test("a background covers the canvas, an object does not", () => {
  const canvas = { width_px: 40, height_px: 20 };
  const placement = {
    centre_x_px: 20,
    centre_y_px: 10,
    scale_x: 1,
    scale_y: 1,
    rotation_deg: 0,
    flip_x: false,
    flip_y: false,
  };
  assert.equal(coversCanvas(placement, SIZE, canvas), true);
  assert.equal(coversCanvas({ ...placement, scale_x: 0.9 }, SIZE, canvas), false);
  assert.equal(coversCanvas({ ...placement, rotation_deg: 45 }, SIZE, canvas), false);
});

test("scaling by a handle keeps the opposite side (or the centre) and brings the handle to the pointer", () => {
  const random = randomFrom(4);
  for (let round = 0; round < 200; round += 1) {
    const placement = somePlacement(random);
    const side = SCALE_SIDES[Math.floor(random() * 8)];
    const opposite = { x: -side.x, y: -side.y };
    const pointer = boxPoint(
      { ...placement, scale_x: placement.scale_x * 1.5, scale_y: placement.scale_y * 1.7 },
      SIZE,
      side,
    );
    const free = scaleTo(placement, SIZE, side, pointer, { free: true });
    nearPoint(boxPoint(free, SIZE, opposite), boxPoint(placement, SIZE, opposite), 1e-6);
    const centred = scaleTo(placement, SIZE, side, pointer, { free: true, centred: true });
    nearPoint(
      { x: centred.centre_x_px, y: centred.centre_y_px },
      { x: placement.centre_x_px, y: placement.centre_y_px },
    );
    if (side.x && side.y) nearPoint(boxPoint(centred, SIZE, side), pointer, 1e-6);
  }
});

test("a corner keeps the proportions unless it is free, and no scale ever leaves its range", () => {
  const random = randomFrom(5);
  for (let round = 0; round < 200; round += 1) {
    const placement = somePlacement(random);
    const point = { x: random() * 900 - 200, y: random() * 900 - 200 };
    const next = scaleTo(placement, SIZE, { x: 1, y: -1 }, point);
    assert.ok(next.scale_x >= 0.001 && next.scale_y <= 1000 && Number.isFinite(next.centre_x_px));
    if (next.scale_x > 0.01 && next.scale_y > 0.01)
      near(next.scale_x / next.scale_y, placement.scale_x / placement.scale_y, 1e-6);
  }
});

test("rotation follows the pointer, snaps to 15 degrees, and stays within half a turn", () => {
  const placement = {
    centre_x_px: 0,
    centre_y_px: 0,
    scale_x: 1,
    scale_y: 1,
    rotation_deg: 170,
    flip_x: false,
    flip_y: false,
  };
  assert.equal(rotateTo(placement, { x: 10, y: 0 }, { x: 0, y: 10 }).rotation_deg, -100);
  assert.equal(
    rotateTo({ ...placement, rotation_deg: 0 }, { x: 10, y: 0 }, { x: 10, y: 3 }, { snapped: true })
      .rotation_deg,
    15,
  );
});

test("handles lie on the box on the screen, are found near it, and lose their edges when it is tiny", () => {
  const view = { zoom: 2, x: 30, y: 40 };
  const placement = {
    centre_x_px: 50,
    centre_y_px: 60,
    scale_x: 2,
    scale_y: 2,
    rotation_deg: 30,
    flip_x: false,
    flip_y: false,
  };
  const handles = handlesOf(placement, SIZE, viewMatrix(view));
  assert.equal(handles.length, 9);
  for (const handle of handles.filter(({ kind }) => kind === "scale"))
    nearPoint(handle, toScreen(view, boxPoint(placement, SIZE, handle.side)), 1e-6);
  const corner = handles[0];
  assert.equal(handleAt(handles, { x: corner.x + 3, y: corner.y - 3 }), corner);
  assert.equal(handleAt(handles, { x: corner.x - 60, y: corner.y - 60 }), null);
  assert.equal(
    handlesOf({ ...placement, scale_x: 0.1, scale_y: 0.1 }, SIZE, viewMatrix(view)).length,
    5,
  );
});

test("cursors turn with the layer and with the view", () => {
  const placement = { ...somePlacement(randomFrom(3)), scale_x: 5, scale_y: 5 };
  const cursorAt = (rotation_deg, way = {}) => {
    const matrix = viewMatrix({ zoom: 2, x: 5, y: 9, ...way });
    const handles = handlesOf({ ...placement, rotation_deg }, SIZE, matrix);
    return cursorOf(handles.find(({ side }) => side.x === 1 && side.y === 1));
  };
  assert.deepEqual(
    [0, 45, 90, 180, -45].map((angle) => cursorAt(angle)),
    ["nwse-resize", "ns-resize", "nesw-resize", "nwse-resize", "ew-resize"],
  );
  assert.equal(cursorAt(0, { turn: 45 }), "ns-resize");
  assert.equal(cursorAt(0, { mirror: true }), "nesw-resize");
  assert.equal(cursorOf({ kind: "rotate" }), "grab");
});

test("snapping takes the nearest line within reach, and nothing beyond it", () => {
  const canvas = restLines({ width_px: 100, height_px: 100 }, []);
  assert.deepEqual(snapShift({ x0: 3, y0: 30, x1: 23, y1: 66 }, canvas, 4), {
    dx: -3,
    dy: 2,
    vertical: 0,
    horizontal: 50,
  });
  assert.deepEqual(snapShift({ x0: 20, y0: 10, x1: 30, y1: 20 }, canvas, 4), {
    dx: 0,
    dy: 0,
    vertical: null,
    horizontal: null,
  });
});

test("a zoom keeps the point under the pointer, and screen and scene undo each other", () => {
  const random = randomFrom(6);
  for (let round = 0; round < 100; round += 1) {
    const way = { turn: random() * 360 - 180, mirror: random() < 0.5 };
    const view = { zoom: 0.1 + random() * 4, x: random() * 300, y: random() * 300, ...way };
    const point = { x: random() * 800, y: random() * 600 };
    const next = zoomAt(view, point, random() * 10);
    nearPoint(toScene(next, point), toScene(view, point), 1e-6);
    nearPoint(toScreen(view, toScene(view, point)), point, 1e-6);
  }
  assert.equal(zoomAt({ zoom: 1, x: 0, y: 0 }, { x: 0, y: 0 }, 1e9).zoom, MAX_ZOOM);
  const fit = fitView({ width_px: 512, height_px: 256 }, { width: 600, height: 600 }, {}, 44);
  assert.deepEqual(fit, { zoom: 1, x: 44, y: 172, turn: 0, mirror: false });
  multiply(viewMatrix(fit), [1, 0, 0, 1, 0, 0]).forEach((value, index) =>
    near(value, [1, 0, 0, 1, 44, 172][index]),
  );
});

test("a view turns around a point and mirrors at a line of the stage; turned, the page still fits", () => {
  const random = randomFrom(17);
  for (let round = 0; round < 100; round += 1) {
    const way = { turn: random() * 360 - 180, mirror: random() < 0.5 };
    const view = { zoom: 0.1 + random() * 4, x: random() * 300, y: random() * 300, ...way };
    const [middle, seen] = [
      { x: 400, y: 300 },
      { x: random() * 800, y: random() * 600 },
    ];
    const turned = turnAt(view, middle, 90);
    nearPoint(toScreen(turned, toScene(view, middle)), middle, 1e-6);
    const quarter = { x: middle.x - (seen.y - middle.y), y: middle.y + (seen.x - middle.x) };
    nearPoint(toScreen(turned, toScene(view, seen)), quarter, 1e-6);
    nearPoint(
      toScreen(mirrorAt(view, 400), toScene(view, seen)),
      { x: 800 - seen.x, y: seen.y },
      1e-6,
    );
    nearPoint(apply(viewMatrix(view), seen), toScreen(view, seen), 1e-6);
    const [page, stage] = [
      { width_px: 512, height_px: 256 },
      { width: 700, height: 500 },
    ];
    const box = pageOnScreen(fitView(page, stage, way, 20), page);
    assert.ok(box.x0 > 19 && box.y0 > 19 && box.x1 < 681 && box.y1 < 481);
    near((box.x0 + box.x1) / 2, 350, 1);
    near((box.y0 + box.y1) / 2, 250, 1);
  }
  assert.equal(turnAt({ zoom: 1, x: 0, y: 0, turn: 170 }, { x: 0, y: 0 }, 15).turn, -175);
});

test("numbers as text", () => {
  assert.deepEqual([0, 0.4, 1].map(formatFraction), [".00", ".40", "1.00"]);
  assert.deepEqual([0, 0.004, 0.07, 1].map(formatPercent), ["0 %", "< 1 %", "7 %", "100 %"]);
  assert.deepEqual([2.14, 12.4, 240].map(formatSeconds), ["2.1 s", "12 s", "4 min"]);
  assert.deepEqual(
    [
      [3.14159, 0.01],
      [5, 0.5],
      [12.6, 1],
    ].map(([value, step]) => formatNumber(value, step)),
    ["3.14", "5", "13"],
  );
});

test("typed numbers: held in range, a comma is a dot, zero is a number, words and NaN are not", () => {
  const range = { low: 0, high: 100 };
  const typed = [
    ["7", 7],
    [" 7,5 ", 7.5],
    ["-3", 0],
    ["1e9", 100],
    ["0", 0],
    ["", null],
    ["abc", null],
    ["NaN", null],
    ["Infinity", null],
  ];
  for (const [text, value] of typed) assert.equal(parseNumber(text, range), value, text);
  assert.equal(parseNumber("2.6", { low: 1, high: 9, whole: true }), 3);
});

test("phrases from file names", () => {
  const table = [
    ["Red_Mushroom-02.final.png", "red mushroom"],
    ["yellowStripedCat.webp", "yellow striped cat"],
    ["IMG_1234.JPG", ""],
    ["über.png", "über"],
    ["a.png", ""],
    ["screenshot copy.png", ""],
    ["house", "house"],
  ];
  for (const [name, phrase] of table) assert.equal(phraseFromFileName(name), phrase, name);
  assert.equal(fileStem("  Cat & mushroom! "), "cat-mushroom");
  assert.equal(fileStem("///"), "scene");
  const names = ["x.ora", "X.ORA", "x.ora.png", "x.psd", "x.PSB", "x.kra", "psd.png"];
  assert.deepEqual(names.map(isSceneFile), [true, true, false, true, true, true, false]);
});

test("chords: one name for every keyboard", () => {
  const press = (key, keys = {}) =>
    chordOf({
      key,
      code: "",
      ctrlKey: false,
      metaKey: false,
      altKey: false,
      shiftKey: false,
      ...keys,
    });
  assert.equal(press("z", { ctrlKey: true }), "Ctrl+Z");
  assert.equal(press("Z", { metaKey: true, shiftKey: true }), "Ctrl+Shift+Z");
  assert.equal(press("?", { shiftKey: true }), "?");
  assert.equal(press("“", { altKey: true, code: "BracketLeft" }), "Alt+[");
  assert.equal(press("ArrowLeft", { shiftKey: true }), "Shift+Left");
  assert.equal(press(" "), "Space");
});

test("two fingers that part and move: the middle goes along and the distance zooms", () => {
  const before = [
    { x: 100, y: 100 },
    { x: 200, y: 100 },
  ];
  const now = [
    { x: 110, y: 130 },
    { x: 310, y: 130 },
  ];
  assert.deepEqual(pinchOf(before, now), {
    from: { x: 150, y: 100 },
    to: { x: 210, y: 130 },
    factor: 2,
  });
  assert.deepEqual(pinchOf(before, before), {
    from: { x: 150, y: 100 },
    to: { x: 150, y: 100 },
    factor: 1,
  });
});

test("every pixel that differs is counted and painted, by however little", () => {
  const before = Uint8Array.from([1, 2, 3, 255, 9, 9, 9, 255, 0, 0, 0, 0]);
  const after = Uint8Array.from([1, 2, 3, 255, 9, 10, 9, 255, 255, 0, 0, 255]);
  const { count, rgba } = changesOf(before, after, [7, 8, 9]);
  assert.equal(count, 2);
  assert.deepEqual([...rgba], [0, 0, 0, 0, 7, 8, 9, 92, 7, 8, 9, 220]);
});
