// The buttons that compare the shown picture with the one before it: held, side by side, in turn,
// or the changes.

/** @import { App, Shown, Timer } from "../../types/editor.d.ts" */

import { h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";

const BLINK_MS = 700;

const MODES = [
  {
    id: "split",
    label: "Split",
    title: "Before at the left, after at the right of a line that can be dragged (Y)",
  },
  { id: "blink", label: "Blink", title: "Before and after in turn (Shift Y)" },
  { id: "changed", label: "Changes", title: "Every pixel that differs, and how many (K)" },
];

/**
 * Held down, the stage shows the picture before.
 * @param {App} app
 */
const createHold = (app) => {
  /** @param {boolean} comparing */
  const compare = (comparing) => () => app.session.set({ comparing });
  const title = "Hold to see the picture before";
  const node = button(app, () => {}, {
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

/**
 * The buttons in the strip's head.
 * @param {App} app
 */
export const createCompareButtons = (app) => {
  const modes = MODES.map(({ id, label, title }) => {
    const on = { click: () => app.run(`compare-${id}`) };
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
      on: { click: () => app.run("mix") },
    },
    h("span", { text: "Paint between" }),
  );
  const compared = h("span", { class: "group compare" }, createHold(app), modes);
  const node = h("span", { class: "group" }, compared, mix);
  /** @type {Timer | null} */
  let timer = null;
  /** @param {boolean} isOn */
  const blink = (isOn) => {
    if (isOn === (timer !== null)) return;
    clearInterval(timer ?? undefined);
    timer = isOn
      ? setInterval(() => app.session.set({ comparing: !app.session.state.comparing }), BLINK_MS)
      : null;
    if (!isOn) app.session.set({ comparing: false });
  };
  /** @param {Shown} shown */
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
