// What lies over the whole page of the canvas: where words looked, and where a subject was found.

/** @import { App, Shown } from "../../types/editor.d.ts" */

import { viewMatrix } from "../../kernels/views.js";
import { heatOf } from "../../model/scores.js";
import { h, set, setVariable, show } from "../dom/elements.js";

/**
 * The cover over the page. The grey picture is its mask, so it takes the layer's tint.
 * @param {App} app
 */
export const createHeatVeil = (app) => {
  const node = h("div", { class: "heat", hidden: true, "data-test": "heat" });
  /** @param {Shown} shown */
  const update = (shown) => {
    const { state, scene, record } = shown;
    const digest = state.heat && record.selected ? heatOf(shown.scored, record.selected) : "";
    show(node, digest !== "");
    if (!digest) return;
    set(node, { "data-digest": digest, "data-tint": app.tints.indexOf(record.selected) });
    const mask = `url("${app.pictures.url(digest)}")`;
    if (node.style.maskImage !== mask) node.style.maskImage = mask;
    const size = { width: `${scene.width_px}px`, height: `${scene.height_px}px` };
    Object.assign(node.style, {
      ...size,
      transform: `matrix(${viewMatrix(state.view).join(",")})`,
    });
  };
  return { node, update };
};

/**
 * @param {App} app
 * @param {HTMLElement} node
 * @param {string} digest
 */
export const showMask = (app, node, digest) => {
  show(node, Boolean(digest));
  if (digest) setVariable(node, "--mask", `url("${app.pictures.url(digest)}")`);
};

/**
 * The veil over the page of the canvas.
 * @param {App} app
 */
export const createSubjectVeil = (app) => {
  const node = h("div", {
    class: "found-veil found-page",
    "data-test": "found-mask",
    hidden: true,
  });
  /** @param {Shown} shown */
  const update = ({ state, candidate }) => {
    const seen = state.masksShown && state.showing === "result" && !state.job && !state.comparing;
    showMask(app, node, (seen && candidate?.mask) || "");
  };
  return { node, update };
};
