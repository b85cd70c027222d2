// Where the words of the selected layer looked while the shown candidate was made: light over the page, dark elsewhere.

import { viewMatrix } from "../kernels/views.js";
import { scoreOf } from "../model/scores.js";
import { button } from "./fields.js";
import { h, set, show } from "./dom.js";

/** The digest of the grey picture of a layer in the shown candidate; "" without one. */
const heatOf = ({ scored }, id) => scoreOf(scored, id)?.heat ?? "";

/** The cover over the page. The grey picture is its mask, so it takes the layer's tint. */
export const createHeat = (desk) => {
  const node = h("div", { class: "heat", hidden: true, "data-test": "heat" });
  const update = (shown) => {
    const { state, scene, record } = shown;
    const digest = state.heat && record.selected ? heatOf(shown, record.selected) : "";
    show(node, digest !== "");
    if (!digest) return;
    set(node, { "data-digest": digest, "data-tint": desk.tints.indexOf(record.selected) });
    const mask = `url("${desk.pictures.url(digest)}")`;
    if (node.style.maskImage !== mask) node.style.maskImage = mask;
    const size = { width: `${scene.width_px}px`, height: `${scene.height_px}px` };
    Object.assign(node.style, {
      ...size,
      transform: `matrix(${viewMatrix(state.view).join(",")})`,
    });
  };
  return { node, update };
};

/** The switch in a layer's card: {node, update(shown)}. */
export const createHeatSwitch = (desk, id) => {
  const title = "Show where the layer's words looked while this candidate was made";
  const turn = () => desk.session.set({ heat: !desk.session.state.heat });
  const node = button(desk, turn, { label: "Heat", test: "show-heat", title, kind: "quiet small" });
  const update = (shown) => {
    show(node, heatOf(shown, id) !== "");
    set(node, { "aria-pressed": shown.state.heat });
  };
  return { node, update };
};
