// What can be done with a draft: make more pictures of it, or a stack of layers.

/**
 * @import { App, EditorState, LayerPatch } from "../types/editor.d.ts"
 * @import { CutLayer, Layer } from "../types/protocol.d.ts"
 */

import { plural } from "../kernels/numbers.js";
import { setLayer, setSettings } from "../model/edits.js";
import { stage1InView, plainMethod, stagedMethod } from "../model/stage1.js";
import { buildLayer, layerOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { isBusy, settle } from "./runs.js";

/**
 * The draft in view; without one, null and a sentence.
 * @param {App} app
 */
const requireStage1 = ({ session, store }) => {
  const stage1 = stage1InView(session.state, store.record);
  if (!stage1) {
    addNotice(session, {
      what: "No draft is shown.",
      limit: "Drafts are what the first stage of TCIG makes.",
      remedy: "Generate with TCIG, then click one of the drafts.",
      brief: true,
    });
  }
  return stage1;
};

/**
 * Runs the second stage alone on the draft in view; each time with a new seed, so that the results
 * differ.
 * @param {App} app
 */
export const refine = async (app) => {
  if (isBusy(app)) return;
  const { store, session, bridge, random } = app;
  const stage1 = requireStage1(app);
  const method = stagedMethod(session.state.facts, store.record.settings);
  if (!stage1 || !method) return;
  const { settings } = store.record;
  const options = { ...(method.id === settings.method ? settings.options : {}), refine: true };
  session.set({ viewed: stage1.digest, showing: "result", comparing: false, notices: [] });
  const asked = { ...settings, method: method.id, options, seed: random() };
  settle(app, await bridge.generate({ kind: "compose", settings: asked, stage1: stage1.digest }));
};

/**
 * A region becomes the picture that was cut out for it. Its words, its seed and its place in the
 * stack stay.
 * @param {Layer} layer
 * @param {CutLayer} cut
 * @returns {LayerPatch}
 */
const asPicture = (layer, cut) => {
  const { digest: picture, centre_x_px, centre_y_px } = cut;
  const placement = { centre_x_px, centre_y_px, scale_x: 1, scale_y: 1 };
  const { id, name, phrase } = layer;
  const { mask, strength, placement: place } = buildLayer({ id, name, phrase, picture, placement });
  return {
    picture,
    mask,
    strength,
    placement: place,
    opacity: 1,
    phrase: phrase || layer.class_label,
  };
};

/**
 * Cuts the draft in view into a picture for each painted region, which takes the region's place; in
 * one step.
 * @param {App} app
 */
export const toLayers = async (app) => {
  const { store, session, bridge } = app;
  const stage1 = requireStage1(app);
  if (!stage1) return;
  const cut = await app.busyWith("Splitting the draft by its masks", () =>
    bridge.splitByMasks(stage1.digest),
  );
  const method = plainMethod(session.state.facts);
  /**
   * @param {EditorState} record
   * @param {CutLayer} one
   * @returns {EditorState}
   */
  const placed = (record, one) => {
    const layer = layerOf(record, one.layer_id);
    return layer ? setLayer(layer.id, asPicture(layer, one))(record) : record;
  };
  store.change("Turn the draft into layers", (record) =>
    setSettings(method ? { method: method.id, options: {} } : {})(cut.reduce(placed, record)),
  );
  session.set({ viewed: "", showing: "collage", comparing: false, tool: "move" });
  const what = `The draft is ${plural(cut.length, "layer", "layers")} now.`;
  addNotice(session, {
    tone: "good",
    what,
    limit: method ? `The method is ${method.title}.` : "",
    remedy: "Undo brings the regions back.",
  });
};
