// Pointer, wheel and drop on the stage, as events for the tools and commands.

/**
 * @import { App, Point, SessionStore, Surface, ToolEvent, View } from "../../types/editor.d.ts"
 */

import { pinchOf } from "../../kernels/pinching.js";
import { panView, toScene, zoomAt } from "../../kernels/views.js";
import { createMachine } from "../../tools/chart.js";
import { HAND } from "../../tools/view-tools.js";
import { TOOLS } from "../../tools/tools.js";
import { CANDIDATE, PICTURE } from "../dom/elements.js";

const WHEEL_RATE = 0.0015;
const LONGEST_WHEEL = 240;
const LINE_PX = 32;
const MIDDLE_BUTTON = 1;
const ERASER_BUTTON = 5;
const ERASER_BUTTONS = 32;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {MouseEvent} event
 */
const pointOf = (canvas, event) => {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};

/**
 * Where, and how hard: a mouse and a finger press fully.
 * @param {HTMLCanvasElement} canvas
 * @param {PointerEvent} event
 */
const spotOf = (canvas, event) => ({
  point: pointOf(canvas, event),
  pressure: event.pointerType === "pen" ? event.pressure : 1,
});

/**
 * Every place since the last event, as many as the device reported.
 * @param {HTMLCanvasElement} canvas
 * @param {PointerEvent} event
 */
const trailOf = (canvas, event) => {
  const all = event.getCoalescedEvents?.() ?? [];
  return (all.length > 0 ? all : [event]).map((each) => spotOf(canvas, each));
};

/** @typedef {ReturnType<typeof createMachine>} Machine */

/**
 * What ends the steps of a tool without a pointer.
 * @type {Omit<ToolEvent, "kind">}
 */
const NOWHERE = {
  point: { x: 0, y: 0 },
  pressure: 0,
  trail: [],
  shift: false,
  ctrl: false,
  alt: false,
  eraser: false,
};

/** Two fingers move and zoom the view, whatever the tool; a pen or a mouse never takes part. */
class Pinch {
  #session;
  /** @type {Map<number, Point>} */
  #fingers = new Map();
  /** @type {{ points: readonly Point[], view: View } | null} */
  #start = null;

  /** @param {SessionStore} session */
  constructor(session) {
    this.#session = session;
  }

  get active() {
    return this.#start !== null;
  }

  /**
   * Whether this finger is the second one: then the view begins to follow both.
   * @param {number} id
   * @param {Point} point
   */
  press(id, point) {
    this.#fingers.set(id, point);
    if (this.#fingers.size !== 2) return this.active;
    this.#start = { points: [...this.#fingers.values()], view: this.#session.state.view };
    return true;
  }

  /**
   * @param {number} id
   * @param {Point} point
   */
  move(id, point) {
    if (!this.#fingers.has(id)) return;
    this.#fingers.set(id, point);
    if (!this.#start || this.#fingers.size !== 2) return;
    const { from, to, factor } = pinchOf(this.#start.points, [...this.#fingers.values()]);
    const { view } = this.#start;
    const moved = panView(view, to.x - from.x, to.y - from.y);
    this.#session.set({ view: zoomAt(moved, to, view.zoom * factor), fitted: false });
  }

  /** @param {number} id */
  release(id) {
    this.#fingers.delete(id);
    if (this.#fingers.size === 0) this.#start = null;
  }
}

/**
 * The machines of the tools, one of which may hold the pointer; Space and the middle button borrow
 * the hand.
 */
class Pointer {
  #machines;
  #hand;
  #canvas;
  #session;
  /** @type {Machine | null} */
  #active = null;
  /** @type {number | null} */
  #id = null;
  #pinch;
  spaceHeld = false;

  /**
   * @param {App} app
   * @param {HTMLCanvasElement} canvas
   * @param {Surface} surface
   */
  constructor(app, canvas, surface) {
    /** @type {Record<string, Machine>} */
    this.#machines = Object.fromEntries(
      TOOLS.map(({ id, chart }) => [id, createMachine(chart, surface)]),
    );
    this.#hand = createMachine(HAND, surface);
    this.#canvas = canvas;
    this.#session = app.session;
    this.#pinch = new Pinch(app.session);
  }

  get held() {
    return this.#active !== null;
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (
      event.pointerType === "touch" &&
      this.#pinch.press(event.pointerId, pointOf(this.#canvas, event))
    ) {
      event.preventDefault();
      return void this.cancel();
    }
    const isPressed = event.button <= MIDDLE_BUTTON || event.button === ERASER_BUTTON;
    if (this.held || !isPressed) return;
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#canvas.setPointerCapture(event.pointerId);
    this.#active = event.button === MIDDLE_BUTTON ? this.#hand : this.#own();
    this.#id = event.pointerId;
    this.#send(this.#active, "down", event);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (event.pointerType === "touch")
      this.#pinch.move(event.pointerId, pointOf(this.#canvas, event));
    if (this.#pinch.active) return;
    if (!this.held) this.#send(this.#own(), "hover", event);
    else if (this.#active && event.pointerId === this.#id) this.#send(this.#active, "move", event);
  }

  /** @param {PointerEvent} event */
  release(event) {
    this.#pinch.release(event.pointerId);
    if (!this.#active || event.pointerId !== this.#id) return;
    this.#send(this.#active, "up", event);
    this.#active = null;
  }

  /**
   * The pointer is gone without a release.
   * @param {PointerEvent} event
   */
  lose(event) {
    this.#pinch.release(event.pointerId);
    if (this.held && event.pointerId === this.#id) this.cancel();
  }

  /** Whether there was something to cancel: a drag, or a tool in the middle of its steps. */
  cancel() {
    const working = Object.values(this.#machines).filter((machine) => !machine.resting);
    const wasWorking = this.held || working.length > 0;
    this.#active?.send({ kind: "cancel", ...NOWHERE });
    working.forEach((machine) => machine.send({ kind: "cancel", ...NOWHERE }));
    this.#active = null;
    return wasWorking;
  }

  /** Enter: whether a tool took it as the end of its steps. */
  finish() {
    const working = !this.held && Object.values(this.#machines).find((machine) => !machine.resting);
    if (working) working.send({ kind: "confirm", ...NOWHERE });
    return Boolean(working);
  }

  #own() {
    const own = this.#machines[this.#session.state.tool];
    for (const machine of Object.values(this.#machines))
      if (machine !== own && !machine.resting) machine.send({ kind: "cancel", ...NOWHERE });
    return this.spaceHeld ? this.#hand : own;
  }

  /**
   * @param {Machine} machine
   * @param {ToolEvent["kind"]} kind
   * @param {PointerEvent} event
   */
  #send(machine, kind, event) {
    const { shiftKey: shift, altKey: alt, ctrlKey, metaKey } = event;
    const spot = spotOf(this.#canvas, event);
    const trail = kind === "move" ? trailOf(this.#canvas, event) : [spot];
    const eraser = event.button === ERASER_BUTTON || (event.buttons & ERASER_BUTTONS) !== 0;
    machine.send({ kind, ...spot, trail, shift, alt, ctrl: ctrlKey || metaKey, eraser });
  }
}

/**
 * Answers {holdSpace(held): Space is held or not, held() → whether the pointer is down on the
 * stage}.
 * @param {App} app
 * @param {HTMLCanvasElement} canvas
 * @param {Surface} surface
 */
export const connectPointer = (app, canvas, surface) => {
  const pointer = new Pointer(app, canvas, surface);
  canvas.addEventListener("pointerdown", (event) => pointer.press(event));
  canvas.addEventListener("pointermove", (event) => pointer.move(event));
  // What waits for the end of a drag is drawn now.
  canvas.addEventListener("pointerup", (event) => (pointer.release(event), app.refresh()));
  canvas.addEventListener(
    "pointerleave",
    () => pointer.held || surface.point({ cursor: "default", hovered: "" }),
  );
  canvas.addEventListener("pointercancel", (event) => pointer.lose(event));
  canvas.addEventListener("lostpointercapture", (event) => pointer.lose(event));
  app.onCancel(() => pointer.cancel());
  app.onConfirm(() => pointer.finish());
  /** @param {boolean} held */
  const holdSpace = (held) => void (pointer.spaceHeld = held);
  return { holdSpace, held: () => pointer.held };
};

/**
 * @param {App} app
 * @param {HTMLCanvasElement} canvas
 * @param {WheelEvent} event
 */
const turnWheel = ({ session }, canvas, event) => {
  event.preventDefault();
  const { view } = session.state;
  const wanted = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1);
  const turned = Math.max(-LONGEST_WHEEL, Math.min(LONGEST_WHEEL, wanted));
  const zoom = view.zoom * Math.exp(-turned * WHEEL_RATE);
  const next = event.shiftKey
    ? panView(view, -turned, 0)
    : zoomAt(view, pointOf(canvas, event), zoom);
  session.set({ view: next, fitted: false });
};

/**
 * @param {App} app
 * @param {HTMLCanvasElement} canvas
 */
export const connectWheel = (app, canvas) =>
  canvas.addEventListener("wheel", (event) => turnWheel(app, canvas, event), { passive: false });

/**
 * Files, candidates of the strip and pictures of the gallery, dropped on the stage become layers where they fell.
 * @param {App} app
 * @param {HTMLElement} node
 * @param {HTMLCanvasElement} canvas
 */
export const connectDrop = (app, node, canvas) => {
  let depth = 0;
  /** @param {number} change */
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    node.classList.toggle("dropping", depth > 0);
  };
  /**
   * @param {"dragenter" | "dragleave" | "dragover" | "drop"} kind
   * @param {(event: DragEvent) => void} act
   */
  const listen = (kind, act) =>
    node.addEventListener(kind, (event) => {
      const types = event.dataTransfer?.types ?? [];
      if (!["Files", CANDIDATE, PICTURE].some((type) => types.includes(type))) return;
      event.preventDefault();
      act(event);
    });
  listen("dragenter", () => mark(1));
  listen("dragleave", () => mark(-1));
  listen("dragover", () => {});
  listen("drop", (event) => {
    mark(-depth);
    const point = toScene(app.session.state.view, pointOf(canvas, event));
    const candidate = event.dataTransfer?.getData(CANDIDATE);
    const picture = event.dataTransfer?.getData(PICTURE);
    if (candidate) app.run("addCandidate", candidate, point);
    else if (picture) app.run("addGalleryPicture", picture, point);
    else app.run("addFiles", [...(event.dataTransfer?.files ?? [])], point);
  });
};
