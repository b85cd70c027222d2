// A layer's own candidates in its card: those of the newest run that was about this layer alone.

/**
 * @import { App, Batch, Shown } from "../../types/editor.d.ts"
 * @import { Candidate, Identifier } from "../../types/protocol.d.ts"
 */

import { plural } from "../../kernels/numbers.js";
import { createKeyed, h, set, show } from "../dom/elements.js";
import { line } from "./card-lines.js";

const MOST = 6;

/**
 * The newest run of a layer, null for none: a re-roll of it, or candidates that differ in it alone.
 * @param {Shown} shown
 * @param {Identifier} id
 */
const runOf = ({ batches, state }, id) => {
  /** @param {Batch} batch */
  const isOfLayer = ({ layerId, job, candidates }) =>
    candidates.length > 0 && (layerId || state.varied[job]) === id;
  return batches.find(isOfLayer) ?? null;
};

/**
 * @param {App} app
 * @param {Candidate} candidate
 */
const createThumb = (app, { digest, index, job }) => {
  const look = () => {
    app.session.set({ batch: job });
    app.run("view", digest);
  };
  const title = `Candidate ${index + 1} of this layer`;
  const shape = {
    type: "button",
    class: "layer-candidate",
    title,
    "aria-label": title,
    "data-test": "layer-candidate",
  };
  const picture = h("img", { src: app.pictures.url(digest), alt: "", draggable: "false" });
  const node = h("button", { ...shape, "data-digest": digest, on: { click: look } }, picture);
  /** @param {Shown} shown */
  const update = (shown) => set(node, { "aria-pressed": shown.shownDigest === digest });
  return { node, update };
};

/**
 * {node, update(shown)}: hidden until there are some.
 * @param {App} app
 * @param {Identifier} id
 */
export const createLayerCandidates = (app, id) => {
  const thumbs = h("span", { class: "layer-candidates" });
  const rest = h("span", { class: "dial-value" });
  /** @param {Candidate} candidate */
  const thumbOf = (/** @type {Candidate} */ candidate) => createThumb(app, candidate);
  const placeThumbs = createKeyed(thumbs, ({ id: candidate }) => candidate, thumbOf);
  const node = line("Made", "What the last run of this layer made; a click shows it", thumbs, rest);
  /** @param {Shown} shown */
  const update = (shown) => {
    const run = runOf(shown, id);
    const made = run?.candidates.slice(0, MOST) ?? [];
    show(node, made.length > 0);
    placeThumbs(made).forEach((thumb) => thumb.update(shown));
    const more = (run?.candidates.length ?? 0) - made.length;
    set(rest, {
      text: more > 0 ? `+${more}` : "",
      title: more > 0 ? plural(more, "more", "more") : null,
    });
  };
  return { node, update };
};
