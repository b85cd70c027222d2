// Between the browser's pointer and the tools: however a drag ends, in every state of every tool, what was is there again.

import assert from "node:assert/strict";
import test from "node:test";

import { TOOLS } from "../../ui/web/tools/tools.js";
import { connectPointer } from "../../ui/web/view/canvas/pointer.js";
import { createSurface } from "./surface_fixture.mjs";
import { PATHS } from "./tool_paths.mjs";

const MOUSE = 1;

/** As much of a canvas as the pointer needs: it lies in the corner of the page, and remembers what it captured. */
class Canvas extends EventTarget {
  captured = [];
  getBoundingClientRect() {
    return { left: 0, top: 0 };
  }
  setPointerCapture(id) {
    this.captured.push(id);
  }
  focus() {}
}

const pointerEvent = (kind, point, patch = {}) =>
  Object.assign(new Event(kind, { cancelable: true }), {
    clientX: point.x,
    clientY: point.y,
    pointerId: MOUSE,
    pointerType: "mouse",
    button: 0,
    buttons: 1,
    pressure: 0.5,
    shiftKey: false,
    altKey: false,
    ctrlKey: false,
    metaKey: false,
    ...patch,
  });

const KINDS = { down: "pointerdown", move: "pointermove", hover: "pointermove", up: "pointerup" };

/** A stage with a tool at hand, driven by the browser's events. */
const createStage = (tool) => {
  const surface = createSurface();
  surface.amend((record) => ({ ...record, selected: "cat" }));
  surface.session.set({ tool });
  const [canvas, cancels, confirms] = [new Canvas(), [], []];
  const app = {
    session: surface.session,
    onCancel: (run) => cancels.push(run),
    onConfirm: (run) => confirms.push(run),
    refresh: () => heldAtRefresh.push(held()),
  };
  const heldAtRefresh = [];
  const { holdSpace, held } = connectPointer(app, canvas, surface);
  const tell = (kind, point = { x: 90, y: 60 }, patch = {}) =>
    canvas.dispatchEvent(pointerEvent(kind, point, patch));
  const follow = (path) => path.forEach(({ kind, point }) => tell(KINDS[kind], point));
  const escape = () => cancels.map((run) => run()).some(Boolean);
  return { surface, canvas, tell, follow, holdSpace, held, heldAtRefresh, escape };
};

/** The ends that a person does not choose, and Escape. */
const ENDS = {
  Escape: ({ escape }) => escape(),
  "pointercancel (the browser takes the pen)": ({ tell }) => tell("pointercancel"),
  "lost capture": ({ tell }) => tell("lostpointercapture"),
  "a second finger": ({ tell }) => {
    tell("pointerdown", { x: 20, y: 20 }, { pointerType: "touch", pointerId: 8 });
    tell("pointerdown", { x: 60, y: 20 }, { pointerType: "touch", pointerId: 9 });
    [8, 9].forEach((pointerId) =>
      tell("pointerup", { x: 60, y: 20 }, { pointerType: "touch", pointerId }),
    );
  },
  "another tool": (stage) => {
    stage.surface.session.set({ tool: "hand" });
    stage.escape();
  },
};

/** States between two presses: no pointer is held there, so none can be lost. */
const BETWEEN = { lasso: ["corners"], marquee: ["marked"] };

const isHeld = (tool, state) => !BETWEEN[tool]?.includes(state);

for (const { id } of TOOLS) {
  for (const [name, end] of Object.entries(ENDS)) {
    test(`${id}: ${name} leaves record, view and history as they were, in every state`, () => {
      for (const [state, path] of Object.entries(PATHS[id])) {
        if (!isHeld(id, state) && !["Escape", "another tool"].includes(name)) continue;
        const stage = createStage(id);
        const { surface } = stage;
        const [record, view] = [surface.store.record, surface.seen.view];
        stage.follow(path(surface));
        end(stage);
        assert.deepEqual(surface.store.record, record, `${id} in ${state}`);
        assert.equal(surface.seen.view, view, `${id} in ${state}`);
        assert.equal(surface.seen.outline, null);
        assert.equal(surface.seen.guides, null);
        assert.equal(surface.store.busy, false);
        assert.equal(surface.store.undoName, "");
        assert.deepEqual(surface.seen.objects, []);
        assert.equal(stage.escape(), false, `${id} in ${state} still holds something`);
        stage.tell("pointermove", { x: 200, y: 140 });
        stage.tell("pointerup", { x: 200, y: 140 });
        assert.deepEqual(surface.store.record, record, `${id} in ${state}, after the end`);
      }
    });
  }
}

test("another pointer's loss does not end a drag; a pen is captured and Space borrows the hand", () => {
  const stage = createStage("brush");
  stage.tell("pointerdown", { x: 50, y: 50 }, { pointerType: "pen" });
  stage.tell("lostpointercapture", { x: 0, y: 0 }, { pointerId: 77 });
  assert.equal(stage.surface.store.busy, true);
  assert.deepEqual(stage.canvas.captured, [MOUSE]);
  stage.tell("pointerup", { x: 60, y: 50 }, { pointerType: "pen" });
  assert.match(stage.surface.store.undoName, /^Paint/);
  stage.holdSpace(true);
  stage.tell("pointerdown", { x: 50, y: 50 });
  stage.tell("pointermove", { x: 80, y: 70 });
  stage.tell("pointerup", { x: 80, y: 70 });
  assert.deepEqual([stage.surface.seen.view.x, stage.surface.seen.view.y], [30, 20]);
});

test("what waits for the end of a drag is drawn when the pointer is not held any more", () => {
  const stage = createStage("brush");
  assert.equal(stage.held(), false);
  stage.tell("pointerdown", { x: 50, y: 50 });
  assert.equal(stage.held(), true);
  stage.tell("pointerup", { x: 60, y: 60 });
  assert.equal(stage.held(), false);
  assert.deepEqual(stage.heldAtRefresh, [false]);
});
