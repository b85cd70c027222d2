// The edge of the right column, by which it is made wider or narrower; the width is kept in this
// browser.

/** @import { App } from "../../types/editor.d.ts" */

import { clamp } from "../../kernels/numbers.js";
import { h, set } from "../dom/elements.js";

const KEY = "lamina.side";
const NARROWEST_PX = 260;
const WIDEST_PX = 640;
const STEP_PX = 16;
/** What stays for the canvas at least. */
const CENTRE_PX = 320;

/** @type {Readonly<Record<string, number>>} */
const WAYS = { ArrowLeft: STEP_PX, ArrowRight: -STEP_PX };

/**
 * @param {App} app
 * @param {HTMLElement} side the column
 */
export const createSideGrip = ({ storage, refresh }, side) => {
  const node = h("div", {
    class: "side-grip",
    role: "separator",
    tabindex: 0,
    "aria-orientation": "vertical",
    "aria-label": "Width of the right column",
    "aria-valuemin": NARROWEST_PX,
    "aria-valuemax": WIDEST_PX,
    "data-test": "side-grip",
    title: "Drag to make the column wider or narrower; a double click gives its usual width",
  });
  /** @param {number | null} width */
  const put = (width) => {
    const frame = /** @type {HTMLElement | null} */ (side.parentElement);
    if (!frame) return;
    const most = Math.max(NARROWEST_PX, Math.min(WIDEST_PX, frame.clientWidth - CENTRE_PX));
    if (width === null) frame.style.removeProperty("--side");
    else frame.style.setProperty("--side", `${clamp(Math.round(width), NARROWEST_PX, most)}px`);
    storage.put(KEY, width);
    set(node, { "aria-valuenow": side.offsetWidth });
    refresh();
  };
  let isHeld = false;
  node.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    isHeld = true;
    node.setPointerCapture(event.pointerId);
  });
  node.addEventListener("pointermove", (event) => {
    if (isHeld) put(side.getBoundingClientRect().right - event.clientX);
  });
  node.addEventListener("lostpointercapture", () => void (isHeld = false));
  node.addEventListener("pointerup", () => void (isHeld = false));
  node.addEventListener("dblclick", () => put(null));
  node.addEventListener("keydown", (event) => {
    const way = WAYS[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    put(side.offsetWidth + way);
  });
  side.append(node);
  const kept = storage.get(KEY);
  if (typeof kept === "number" && Number.isFinite(kept)) requestAnimationFrame(() => put(kept));
};
