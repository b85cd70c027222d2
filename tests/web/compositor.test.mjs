// Who draws what, and when: boxes that changed at once, the exact picture when nobody draws. The page's parts are small
// fakes that write down what they are told.

import assert from "node:assert/strict";
import test from "node:test";

import { fullMask, withTiles } from "../../ui/web/kernels/tiles.js";
import { createCompositor } from "../../ui/web/view/canvas/compositor.js";
import { layer } from "./editor_fixtures.mjs";

const STAY = [1, 0, 0, 1, 0, 0];
const QUIET_MS = 100;

class Context {
  reported = [];

  drawImage() {
    this.reported.push("draw");
  }

  rect(...box) {
    this.reported.push(["clip", ...box]);
  }

  putImageData(image, x, y) {
    this.reported.push(["exact", image.bytes, x, y]);
  }

  save() {}
  restore() {}
  beginPath() {}
  clip() {}
  clearRect() {}
  setTransform() {}
}

class Canvas {
  width = 0;
  height = 0;
  #context = new Context();

  getContext() {
    return this.#context;
  }
}

class Pixels {
  constructor(bytes) {
    this.bytes = bytes;
  }
}

const PICTURE = { image: {}, size: { width_px: 60, height_px: 40 } };
const place = (x, y) => ({
  placement: { ...layer("a").placement, centre_x_px: x, centre_y_px: y },
});
const sceneOf = (...layers) => ({ width_px: 200, height_px: 100, layers });

/** A compositor with a worker that answers when it is told to. */
const createStage = (t) => {
  Object.assign(globalThis, { document: { createElement: () => new Canvas() }, ImageData: Pixels });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => ["document", "ImageData"].forEach((name) => delete globalThis[name]));
  const stage = { masks: new Map(), busy: false, asked: [], settled: [], failed: false };
  const exact = {
    get failed() {
      return stage.failed;
    },
    flatten: (stack, canvas, box) => new Promise((answer) => stage.asked.push({ box, answer })),
  };
  const compositor = createCompositor({
    pictures: { get: (digest) => digest && PICTURE, mask: (name) => stage.masks.get(name) ?? null },
    plates: { get: () => new Canvas() },
    shiftOf: () => STAY,
    exact,
    isBusy: () => stage.busy,
    settled: (box) => stage.settled.push(box),
  });
  const reported = (scene, active = "") => {
    const { reported: before } = compositor.compose(scene, active).getContext();
    return before.splice(0);
  };
  const breathe = async () => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  const pass = async () => {
    await breathe();
    t.mock.timers.tick(QUIET_MS);
    await breathe();
  };
  return Object.assign(stage, { compositor, reported, pass });
};

test("a frame without a change draws nothing, and the choice of another layer nothing on the picture", (t) => {
  const stage = createStage(t);
  const scene = sceneOf(layer("a", place(50, 50)), layer("b", place(150, 50)));
  assert.ok(stage.reported(scene).includes("draw"));
  assert.deepEqual(stage.reported(scene), []);
  assert.deepEqual(stage.reported(scene, "b"), []);
  assert.deepEqual(
    stage.reported(sceneOf(...scene.layers.map((each) => ({ ...each, phrase: "words" }))), "b"),
    [],
  );
});

test("a drag draws where the layer was and is, a stroke the tiles that it touched", (t) => {
  const stage = createStage(t);
  const full = fullMask(200, 100);
  stage.masks.set("m", full);
  const [still, moving] = [layer("a", place(50, 50)), layer("b", { ...place(150, 50), mask: "m" })];
  stage.reported(sceneOf(still, moving), "b");
  const moved = { ...moving, ...place(140, 50) };
  assert.deepEqual(stage.reported(sceneOf(still, moved), "b")[0], ["clip", 108, 28, 74, 44]);
  stage.masks.set("m", withTiles(full, new Map([[2, null]])));
  assert.deepEqual(stage.reported(sceneOf(still, moved), "b")[0], ["clip", 128, 28, 44, 36]);
});

test("the exact picture is asked for when nothing changed for a while, and never in mid-gesture", async (t) => {
  const stage = createStage(t);
  const scene = sceneOf(layer("a", place(50, 50)));
  stage.busy = true;
  stage.reported(scene);
  await stage.pass();
  assert.equal(stage.asked.length, 0);
  assert.equal(stage.compositor.isSettling, false);
  stage.busy = false;
  stage.reported(scene);
  assert.equal(stage.compositor.isSettling, true);
  await stage.pass();
  assert.deepEqual(stage.asked[0].box, { x0: 0, y0: 0, x1: 200, y1: 100 });
  stage.asked[0].answer("bytes");
  await stage.pass();
  assert.deepEqual(stage.settled, [{ x0: 0, y0: 0, x1: 200, y1: 100 }]);
  assert.deepEqual(stage.reported(scene), [["exact", "bytes", 0, 0]]);
  assert.equal(stage.compositor.isSettling, false);
});

test("what changes while the worker works is asked for again; the late answer is not shown", async (t) => {
  const stage = createStage(t);
  const [still, first] = [layer("a", place(50, 50)), layer("b", place(150, 50))];
  stage.reported(sceneOf(still, first));
  await stage.pass();
  stage.asked[0].answer("first");
  await stage.pass();
  const stamp = stage.compositor.stamp;
  stage.reported(sceneOf(still, { ...first, opacity: 0.5 }));
  assert.notEqual(stage.compositor.stamp, stamp);
  await stage.pass();
  assert.deepEqual(stage.asked[1].box, { x0: 118, y0: 28, x1: 182, y1: 72 });
  const later = sceneOf({ ...still, opacity: 0.5 }, { ...first, opacity: 0.5 });
  stage.reported(later);
  stage.asked[1].answer("late");
  await stage.pass();
  assert.deepEqual(stage.asked[2].box, { x0: 18, y0: 28, x1: 182, y1: 72 });
  assert.equal(stage.settled.length, 1);
  stage.asked[2].answer("last");
  await stage.pass();
  assert.deepEqual(stage.reported(later), [["exact", "last", 18, 28]]);
});

test("without a worker, and on canvases beyond what is drawn, the quick picture counts as settled", async (t) => {
  const stage = createStage(t);
  stage.reported({ ...sceneOf(layer("a", place(50, 50))), width_px: 4096 });
  assert.equal(stage.compositor.isSettling, false);
  stage.reported(sceneOf(layer("a", place(50, 50))));
  assert.equal(stage.compositor.isSettling, true);
  await stage.pass();
  stage.failed = true;
  stage.asked[0].answer(null);
  await stage.pass();
  assert.equal(stage.compositor.isSettling, false);
  assert.equal(stage.settled.length, 1);
});
