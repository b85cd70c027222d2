// A layer's own candidates in its card: those of the newest run that was about this layer alone.

import { plural } from "../../kernels/numbers.js";
import { h, keyed, set, show } from "../dom/elements.js";
import { line } from "./card-fields.js";

const MOST = 6;

/** The newest run of a layer, null for none: a re-roll of it, or candidates that differ in it alone. */
const runOf = ({ batches, state }, id) => {
  const isOfLayer = ({ layerId, job, candidates }) =>
    candidates.length > 0 && (layerId || state.varied[job]) === id;
  return batches.find(isOfLayer) ?? null;
};

const createThumb = (app, { digest, index, job }) => {
  const look = () => {
    app.session.set({ batch: job });
    app.run("view", digest);
  };
  const title = `Candidate ${index + 1} of this layer`;
  const shape = {
    type: "button",
    class: "made-candidate",
    title,
    "aria-label": title,
    "data-test": "made-candidate",
  };
  const picture = h("img", { src: app.pictures.url(digest), alt: "", draggable: "false" });
  const node = h("button", { ...shape, "data-digest": digest, on: { click: look } }, picture);
  return { node, update: (shown) => set(node, { "aria-pressed": shown.shownDigest === digest }) };
};

/** {node, update(shown)}: hidden until there are some. */
export const createLayerCandidates = (app, id) => {
  const nodes = new Map();
  const thumbs = h("span", { class: "made" });
  const rest = h("span", { class: "dial-value" });
  const node = line("Made", "What the last run of this layer made; a click shows it", thumbs, rest);
  const update = (shown) => {
    const run = runOf(shown, id);
    const made = run?.candidates.slice(0, MOST) ?? [];
    show(node, made.length > 0);
    keyed(
      thumbs,
      nodes,
      made,
      ({ id: candidate }) => candidate,
      (candidate) => createThumb(app, candidate),
    );
    made.forEach((candidate) => nodes.get(candidate.id).update(shown));
    const more = (run?.candidates.length ?? 0) - made.length;
    set(rest, {
      text: more > 0 ? `+${more}` : "",
      title: more > 0 ? plural(more, "more", "more") : null,
    });
  };
  return { node, update };
};
