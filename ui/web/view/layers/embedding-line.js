// The line of a card about the layer's learned look: state, what it draws alone, learn, choose,
// forget.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Layer, LearnedEmbedding } from "../../types/protocol.d.ts"
 */

import { setLayer } from "../../model/edits.js";
import { choicesOf, isTeachable, LENGTHS, standingOf } from "../../model/embeddings.js";
import { layerOf } from "../../model/records.js";
import { h, set, show } from "../dom/elements.js";
import { button, choice, choiceBox } from "../dom/fields.js";
import { line } from "./card-lines.js";

const TITLE =
  "A word of its own that is learned from the layer's picture and stands before its phrase";

/**
 * The picture that the look draws alone.
 * @param {App} app
 */
const createShown = (app) => {
  const node = h("img", {
    class: "embedding-sample",
    alt: "What the look draws alone",
    "data-test": "embedding-sample",
  });
  /**
   * @param {Layer} layer
   * @param {readonly LearnedEmbedding[]} embeddings
   */
  const update = (layer, embeddings) => {
    const known = embeddings.find(({ embedding }) => embedding === layer.embedding);
    show(node, Boolean(known?.sample));
    if (known?.sample) set(node, { src: app.pictures.url(known.sample) });
  };
  return { node, update };
};

/**
 * How long the next learning may take; one choice for all layers.
 * @param {App} app
 */
const createLength = (app) => {
  const options = LENGTHS.map(({ id, title }) => h("option", { value: id, text: title }));
  const shape = {
    class: "field-input choice",
    "aria-label": "Longest learning",
    "data-test": "embedding-steps",
  };
  const node = h("select", shape, options);
  node.addEventListener("change", () => app.session.set({ embeddingSteps: Number(node.value) }));
  /** @param {Shown} shown */
  const update = ({ state }) => {
    if (Number(node.value) !== state.embeddingSteps) node.value = String(state.embeddingSteps);
  };
  return { node, update };
};

/**
 * {node, update(shown, layer)}: a second line has the looks to choose from, where there are any.
 * @param {App} app
 * @param {Identifier} id
 */
export const createEmbeddingLine = (app, id) => {
  const state = h("span", { class: "muted", "data-test": "embedding-state", role: "status" });
  const shownAlone = createShown(app);
  const which = choice(app, {
    label: "Look of the layer",
    test: "embedding-choice",
    options: ({ record, state: { embeddings } }) => {
      const layer = layerOf(record, id);
      return layer
        ? choicesOf(layer, embeddings).map(({ id, title }) => ({ id: id ?? "", title }))
        : [];
    },
    read: ({ record }) => layerOf(record, id)?.embedding ?? "",
    name: "Look of the layer",
    edit: (digest) => setLayer(id, { embedding: digest || null }),
  });
  const learn = {
    label: "Learn look",
    test: "learn-embedding",
    title: "Learn how this layer looks",
    kind: "small",
  };
  const forget = {
    label: "Forget",
    test: "forget-embedding",
    title: "Go on without the look",
    kind: "quiet small",
  };
  const begin = button(app, () => app.run("learnEmbedding", id), learn);
  const drop = button(app, () => app.run("forgetEmbedding", id), forget);
  const length = createLength(app);
  const chosen = h("span", { class: "embedding-which" }, shownAlone.node, which.node);
  const lengthBox = choiceBox(length.node);
  const node = line(
    "Look",
    TITLE,
    h("span", { class: "embedding-lines" }, chosen, begin, lengthBox, drop, state),
  );
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    const standing = standingOf(layer, shown.state.job);
    set(state, { text: standing.text, "data-state": standing.state });
    shownAlone.update(layer, shown.state.embeddings);
    which.update(shown);
    length.update(shown);
    set(begin, { disabled: shown.state.job !== null || !isTeachable(layer) });
    show(drop, layer.embedding !== null);
    show(chosen, layer.embedding !== null || shown.state.embeddings.length > 0);
  };
  return { node, update };
};
