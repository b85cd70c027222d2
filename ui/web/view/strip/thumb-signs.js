// Signs on the thumbnails of the strip: the rank, unchanged pixels, and where a subject was found.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Candidate } from "../../types/protocol.d.ts"
 */

import { plural } from "../../kernels/numbers.js";
import { showMask } from "../canvas/overlays.js";
import { h, set, show } from "../dom/elements.js";
import { icon } from "../dom/icons.js";

/**
 * The place by scores: a star for the best of its run, a number for the others; nothing where
 * nothing was scored.
 */
export const createRankSign = () => {
  const [star, number] = [icon("star"), h("span")];
  const node = h(
    "span",
    { class: "candidate-place", "data-test": "candidate-place", hidden: true },
    star,
    number,
  );
  /**
   * @param {{ rank: number, of: number, failed: number } | null} place
   * @param {readonly string[]} verdicts
   */
  const update = (place, verdicts) => {
    show(node, place !== null);
    if (!place) return;
    const { rank, of, failed } = place;
    const failures = failed ? `; ${plural(failed, "layer", "layers")} failed` : "";
    const order = `${rank === 1 ? "Best" : `Number ${rank}`} of ${of} by the scores of its layers${failures}`;
    const title = [order, ...verdicts].join("\n");
    set(node, { title, "data-rank": rank, "data-failed": failed > 0 });
    star.toggleAttribute("hidden", rank !== 1);
    set(number, { text: rank === 1 ? "" : String(rank) });
  };
  return { node, update };
};

/**
 * A sign on a re-rolled candidate: a tick where every pixel outside the object stayed as it was.
 * @param {Candidate} candidate
 */
export const createUnchangedSign = ({ changed_outside: changed }) => {
  if (changed === null) return null;
  const kind = changed === 0 ? "candidate-same" : "candidate-changed";
  return h(
    "span",
    { class: kind, title: `changed pixels outside: ${changed}` },
    icon(changed === 0 ? "check" : "warn"),
  );
};

/**
 * The veil over a thumb: {node, update(shown, candidate)}.
 * @param {App} app
 */
export const createThumbVeil = (app) => {
  const node = h("span", { class: "found-veil", "data-test": "candidate-mask", hidden: true });
  /**
   * @param {Shown} shown
   * @param {Candidate} candidate
   */
  const update = ({ state }, { mask }) => showMask(app, node, state.masksShown ? mask : "");
  return { node, update };
};

/**
 * The focus goes with the shown thumbnail.
 * @param {HTMLElement} list
 */
export const focusShown = (list) => {
  const current = list.querySelector('[aria-selected="true"]');
  if (current instanceof HTMLElement) current.focus();
};

/**
 * A list is reached by Tab, also while none of its thumbnails is shown.
 * @param {HTMLElement} list
 */
export const keepReachable = (list) => {
  const first = list.firstElementChild;
  if (first instanceof HTMLElement && !list.querySelector('[tabindex="0"]')) first.tabIndex = 0;
};
