// Comparing the shown picture with the one before it: held, side by side, blinking, or the changed
// pixels alone.

/**
 * @import { App, Extent, Shown } from "../../types/editor.d.ts"
 * @import { Changes, Drawable } from "../../types/view.d.ts"
 */

import { changesOf } from "../../kernels/changes.js";
import { clamp } from "../../kernels/numbers.js";
import { pageOnScreen } from "../../kernels/views.js";
import { contextOf, createCanvas, h, set, setVariable, show } from "../dom/elements.js";

const INK = [255, 45, 160];

/** @type {Readonly<Record<string, number>>} */
const STEPS = { ArrowLeft: -0.05, ArrowRight: 0.05 };

/**
 * The line between before and after, dragged on the stage.
 * @param {App} app
 */
export const createDivider = (app) => {
  const node = h("div", {
    class: "divider",
    hidden: true,
    role: "slider",
    tabindex: "0",
    "aria-label": "Line between before and after",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    "data-test": "divider",
  });
  /** @param {number} splitAt */
  const place = (splitAt) => app.session.set({ splitAt: clamp(splitAt, 0, 1) });
  /** @param {PointerEvent} event */
  const drag = (event) => {
    const page = pageOnScreen(app.session.state.view, app.store.record.scene);
    const left = node.parentElement?.getBoundingClientRect().left ?? 0;
    const at = event.clientX - left;
    place((at - page.x0) / (page.x1 - page.x0));
  };
  node.addEventListener("pointerdown", (event) => node.setPointerCapture(event.pointerId));
  node.addEventListener(
    "pointermove",
    (event) => node.hasPointerCapture(event.pointerId) && drag(event),
  );
  node.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    place(app.session.state.splitAt + step);
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    const { state, scene } = shown;
    const isOn = shown.canCompare && state.compare === "split" && state.showing === "result";
    show(node, isOn);
    if (!isOn) return;
    const page = pageOnScreen(state.view, scene);
    setVariable(node, "--at", `${page.x0 + state.splitAt * (page.x1 - page.x0)}px`);
    set(node, { "aria-valuenow": Math.round(state.splitAt * 100) });
  };
  return { node, update };
};

/**
 * @param {Drawable} source
 * @param {Extent} extent
 */
const pixelsOf = (source, { width, height }) => {
  const context = contextOf(createCanvas(width, height));
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
};

/**
 * The size of an image or a canvas.
 * @param {Drawable} source
 */
const extentOf = (source) =>
  source instanceof HTMLImageElement
    ? { width: source.naturalWidth, height: source.naturalHeight }
    : { width: source.width, height: source.height };

/**
 * Answers changes(before, after, stamp): the last answer is kept as long as both are the same, and
 * the stamp, which tells what a canvas shows.
 */
export const createChanges = () => {
  /** @type {readonly unknown[]} */
  let known = [];
  /** @type {Changes | null} */
  let answer = null;
  /**
   * @param {Drawable} before
   * @param {Drawable} after
   * @param {number} stamp
   * @returns {Changes}
   */
  return (before, after, stamp) => {
    const parts = [before, after, stamp];
    if (answer && parts.every((part, index) => part === known[index])) return answer;
    const size = extentOf(after);
    const { count, rgba } = changesOf(pixelsOf(before, size), pixelsOf(after, size), INK);
    const canvas = createCanvas(size.width, size.height);
    contextOf(canvas).putImageData(new ImageData(rgba, size.width, size.height), 0, 0);
    known = parts;
    answer = { canvas, count, share: count / (size.width * size.height) };
    return answer;
  };
};
