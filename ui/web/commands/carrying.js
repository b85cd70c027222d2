// Moving an object of a finished picture: a re-roll by the method "move", and the layer goes along
// when it is accepted.

/**
 * @import { App, Carry, EditorState, Shown } from "../types/editor.d.ts"
 * @import { Obstacle } from "../types/model.d.ts"
 * @import { Identifier, Layer, ModelFacts } from "../types/protocol.d.ts"
 */

import { layerOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { accept, isBusy, FEATHER_PX, settle } from "./runs.js";

/**
 * Whose run it is: the layer that was hit, else the selected one, else the frontmost that may
 * change.
 * @param {EditorState} editor
 * @param {Identifier | ""} layerId
 */
const ownerOf = ({ scene, selected }, layerId) => {
  /** @param {Layer} layer */
  const may = ({ visible, strength }) => visible && strength > 0;
  const named = [layerId, selected].map((id) => scene.layers.find((layer) => layer.id === id));
  return named.find((layer) => layer && may(layer)) ?? scene.layers.findLast(may) ?? null;
};

/**
 * @param {Shown} shown
 * @param {Layer | null} layer
 * @returns {Obstacle | null}
 */
const obstacleOf = ({ state, candidate }, layer) => {
  if (state.showing !== "result" || !candidate)
    return {
      what: "Only an object of a finished picture can be moved so.",
      remedy: "Generate, and show the result.",
    };
  return layer ? null : { what: "No layer may change.", remedy: "Raise the strength of one." };
};

/**
 * The options of the method, in pixels of the picture: how far, and with a SAM a point on the object.
 * @param {Carry} carry
 * @param {number} scale
 * @param {ModelFacts | null} model
 * @returns {Record<string, number>}
 */
const optionsOf = ({ from, dx, dy }, scale, model) => {
  const [dx_px, dy_px] = [dx, dy].map((value) => Math.round(value * scale));
  const [x_px, y_px] = [from.x, from.y].map((value) => Math.floor(value * scale));
  return model?.members.includes("sam") ? { dx_px, dy_px, x_px, y_px } : { dx_px, dy_px };
};

/**
 * Moves an object of the shown picture by a run of its own.
 * @param {App} app
 * @param {Carry} carry
 */
export const moveObject = async (app, carry) => {
  if (isBusy(app)) return null;
  const { store, session, bridge, random } = app;
  const { dx, dy, layerId } = carry;
  const shown = app.shown();
  const { candidate } = shown;
  const layer = ownerOf(store.record, layerId);
  const obstacle = obstacleOf(shown, layer);
  if (obstacle) return addNotice(session, { ...obstacle, brief: true });
  if (!candidate || !layer) return null;
  accept(app);
  const scale = candidate.width_px / store.record.scene.width_px;
  const options = optionsOf(carry, scale, shown.model);
  if (options.dx_px === 0 && options.dy_px === 0)
    return addNotice(session, {
      what: "That is no pixel of the picture.",
      remedy: "Drag it farther.",
      brief: true,
    });
  session.set({ viewed: "", showing: "result", comparing: false });
  const known = new Set(session.state.candidates.map(({ id }) => id));
  const end = await bridge.generate({
    kind: "reroll",
    settings: { ...store.record.settings, seed: random(), method: "move", options },
    layer_id: layer.id,
    source: candidate.digest,
    feather_px: FEATHER_PX,
  });
  settle(app, end);
  const made = session.state.candidates.find(({ id }) => !known.has(id));
  if (!made || layer.id !== layerId || !layerOf(store.record, layerId)) return null;
  return session.set({ moved: { ...session.state.moved, [made.job]: { id: layerId, dx, dy } } });
};
