// Where a subject was found in a retouched picture: a veil over the page, a veil over its thumb, a button for both.

import { button } from "./fields.js";
import { h, set, setVariable, show } from "./dom.js";

const maskOf = (desk, node, digest) => {
  show(node, Boolean(digest));
  if (digest) setVariable(node, "--mask", `url("${desk.pictures.url(digest)}")`);
};

/** The veil over a thumb: {node, update(shown, candidate)}. */
export const createThumbVeil = (desk) => {
  const node = h("span", { class: "found-veil", "data-test": "candidate-mask", hidden: true });
  return {
    node,
    update: ({ state }, { mask }) => maskOf(desk, node, state.masksShown ? mask : ""),
  };
};

/** The veil over the page of the canvas. */
export const createFound = (desk) => {
  const node = h("div", {
    class: "found-veil found-page",
    "data-test": "found-mask",
    hidden: true,
  });
  const update = ({ state, candidate }) => {
    const seen = state.masksShown && state.showing === "result" && !state.job && !state.comparing;
    maskOf(desk, node, seen ? candidate?.mask : "");
  };
  return { node, update };
};

/** Retouch the layout in view; show where subjects were found. */
export const createRetouch = (desk) => {
  const touch = "Give the subject in this layout its own looks (T)";
  const retouch = button(desk, "retouch", {
    label: "Retouch",
    test: "retouch",
    title: touch,
    kind: "accent",
    key: "T",
  });
  const found = "Show where the subject was found";
  const masks = button(desk, "showMasks", {
    label: "Mask",
    test: "show-masks",
    title: found,
    kind: "small flip",
  });
  const update = (shown) => {
    const made = shown.batch?.candidates ?? [];
    show(
      retouch,
      made.some(({ layout }) => layout),
    );
    set(retouch, { disabled: shown.state.job !== null || !shown.candidate?.layout });
    show(
      masks,
      made.some(({ mask }) => mask),
    );
    set(masks, { "aria-pressed": shown.state.masksShown });
  };
  return { nodes: [masks, retouch], update };
};
