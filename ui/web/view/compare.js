// Comparing the shown picture with the one before it: held, side by side, blinking, or the changed pixels alone.

import { changesOf } from "../kernels/changes.js";
import { clamp } from "../kernels/numbers.js";
import { pageOnScreen } from "../kernels/views.js";
import { button } from "./fields.js";
import { h, set, setVariable, show } from "./dom.js";

const BLINK_MS = 700;
const INK = [255, 45, 160];

const MODES = [
  {
    id: "split",
    label: "Split",
    title: "Before at the left, after at the right of a line that can be dragged (Y)",
  },
  { id: "blink", label: "Blink", title: "Before and after in turn (Shift Y)" },
  { id: "changed", label: "Changes", title: "Every pixel that differs, and how many (K)" },
];

/** Held down, the stage shows the picture before. */
const createHold = (desk) => {
  const compare = (comparing) => () => desk.session.set({ comparing });
  const title = "Hold to see the picture before";
  const node = button(desk, () => {}, {
    label: "Before",
    iconName: "compare",
    test: "compare",
    title,
    kind: "quiet",
  });
  for (const kind of ["pointerdown", "keydown"]) node.addEventListener(kind, compare(true));
  for (const kind of ["pointerup", "pointerleave", "keyup", "blur"])
    node.addEventListener(kind, compare(false));
  return node;
};

/** The buttons in the strip's head. */
export const createCompareButtons = (desk) => {
  const modes = MODES.map(({ id, label, title }) => {
    const on = { click: () => desk.run(`compare-${id}`) };
    const shape = {
      type: "button",
      class: "button quiet small flip",
      "data-test": `compare-${id}`,
      title,
      on,
    };
    return h("button", shape, h("span", { text: label }));
  });
  const mix = h(
    "button",
    {
      type: "button",
      class: "button quiet small flip",
      "data-test": "mix",
      title: "Paint another candidate into the accepted one, with any tool that paints masks (P)",
      on: { click: () => desk.run("mix") },
    },
    h("span", { text: "Paint between" }),
  );
  const compared = h("span", { class: "group compare" }, createHold(desk), modes);
  const node = h("span", { class: "group" }, compared, mix);
  let timer = null;
  const blink = (isOn) => {
    if (isOn === (timer !== null)) return;
    clearInterval(timer);
    timer = isOn
      ? setInterval(() => desk.session.set({ comparing: !desk.session.state.comparing }), BLINK_MS)
      : null;
    if (!isOn) desk.session.set({ comparing: false });
  };
  const update = (shown) => {
    const isPossible = shown.canCompare;
    show(compared, isPossible);
    show(mix, isPossible || shown.mix !== null);
    set(mix, { "aria-pressed": shown.mix !== null });
    modes.forEach((each, index) =>
      set(each, { "aria-pressed": shown.state.compare === MODES[index].id }),
    );
    blink(isPossible && shown.state.compare === "blink");
  };
  return { node, update };
};

/** The line between before and after, dragged on the stage. */
export const createDivider = (desk) => {
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
  const place = (splitAt) => desk.session.set({ splitAt: clamp(splitAt, 0, 1) });
  const drag = (event) => {
    const page = pageOnScreen(desk.session.state.view, desk.store.record.scene);
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
    place(desk.session.state.splitAt + step);
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
