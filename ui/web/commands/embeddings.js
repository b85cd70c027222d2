// Learning how layers look: a run of its own, whose looks the layers get when it ends.

/**
 * @import { App, SessionStore } from "../types/editor.d.ts"
 * @import { Identifier, Layer } from "../types/protocol.d.ts"
 */

import { setLayer } from "../model/edits.js";
import { isTeachable } from "../model/embeddings.js";
import { layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { isBusy } from "./runs.js";

/**
 * @param {SessionStore} session
 * @param {Layer | null} layer
 */
const refuse = (session, layer) =>
  addNotice(session, {
    what: layer
      ? `No look can be learned for ${titleOf(layer)}.`
      : "No layer can have its look learned.",
    remedy: "A layer needs a picture that is seen, and a phrase.",
    brief: true,
  });

const STOPPED = Object.freeze({
  what: "What was learned up to the last 25 steps is kept.",
  remedy: "Learn look goes on from there, as long as the picture and the phrase stay.",
});

/**
 * Learns the look of one layer; of all that can, in one batch, when no id is given.
 * @param {App} app
 * @param {Identifier | ""} [layerId]
 */
export const learnEmbedding = async (app, layerId = "") => {
  if (isBusy(app)) return null;
  const { store, session, bridge } = app;
  const { scene, settings } = store.record;
  const layers = scene.layers.filter(
    (layer) => isTeachable(layer) && (!layerId || layer.id === layerId),
  );
  if (layers.length === 0) return refuse(session, layerOf(store.record, layerId));
  const ids = layers.map(({ id }) => id);
  const end = await bridge.generate({
    kind: "learn",
    settings,
    layer_ids: ids,
    steps: session.state.embeddingSteps,
  });
  if (end === "cancelled") return addNotice(session, STOPPED);
  if (end !== "finished") return null;
  const what = layers.length === 1 ? titleOf(layers[0]) : `${layers.length} layers`;
  return addNotice(session, {
    tone: "good",
    what: `The look of ${what} is learned and in use.`,
    brief: true,
  });
};

/**
 * @param {App} app
 * @param {Identifier} layerId
 */
export const forgetEmbedding = ({ store }, layerId) => {
  const layer = layerOf(store.record, layerId);
  if (layer?.embedding)
    store.change(`Forget the look of ${titleOf(layer)}`, setLayer(layerId, { embedding: null }));
};
