// Comparing the shown picture with the one before it: held, side by side, blinking, or the changed pixels alone.

import { changesOf } from "../../kernels/changes.js";
import { clamp } from "../../kernels/numbers.js";
import { pageOnScreen } from "../../kernels/views.js";
import { h, set, setVariable, show } from "../dom/elements.js";

const INK = [255, 45, 160];

/** The line between before and after, dragged on the stage. */
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
  const place = (splitAt) => app.session.set({ splitAt: clamp(splitAt, 0, 1) });
  const drag = (event) => {
    const page = pageOnScreen(app.session.state.view, app.store.record.scene);
    const at = event.clientX - node.parentNode.getBoundingClientRect().left;
    place((at - page.x0) / (page.x1 - page.x0));
  };
  node.addEventListener("pointerdown", (event) => node.setPointerCapture(event.pointerId));
  node.addEventListener(
    "pointermove",
    (event) => node.hasPointerCapture(event.pointerId) && drag(event),
  );
  node.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
    if (!step) return;
    event.preventDefault();
    place(app.session.state.splitAt + step);
  });
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

const pixelsOf = (source, { width, height }) => {
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext(
    "2d",
  );
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
};

/**
 * Answers changes(before, after, stamp) → {canvas, count, share}: images or canvases; the last answer is kept as long
 * as both are the same, and the stamp, which tells what a canvas shows.
 */
export const createChanges = () => {
  let [known, answer] = [[], null];
  return (...parts) => {
    const [before, after] = parts;
    if (parts.every((part, index) => part === known[index])) return answer;
    const size = {
      width: after.naturalWidth ?? after.width,
      height: after.naturalHeight ?? after.height,
    };
    const { count, rgba } = changesOf(pixelsOf(before, size), pixelsOf(after, size), INK);
    const canvas = Object.assign(document.createElement("canvas"), size);
    canvas.getContext("2d").putImageData(new ImageData(rgba, size.width, size.height), 0, 0);
    [known, answer] = [parts, { canvas, count, share: count / (size.width * size.height) }];
    return answer;
  };
};
