// Moving an object of a finished picture: a re-roll by the method "move", and the layer goes along when it is accepted.

import { layerOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { accept, busy, FEATHER_PX, settle } from "./runs.js";

/** Whose run it is: the layer that was hit, else the selected one, else the frontmost that may change. */
const ownerOf = ({ scene, selected }, layerId) => {
  const may = ({ visible, noise }) => visible && noise > 0;
  const named = [layerId, selected].map((id) => scene.layers.find((layer) => layer.id === id));
  return named.find((layer) => layer && may(layer)) ?? scene.layers.findLast(may) ?? null;
};

const obstacleOf = ({ state, candidate }, layer) => {
  if (state.showing !== "result" || !candidate)
    return {
      what: "Only an object of a finished picture can be moved so.",
      remedy: "Generate, and show the result.",
    };
  return layer ? null : { what: "No layer may change.", remedy: "Raise the freedom of one." };
};

/** move: {from: {x, y}, dx, dy, layerId} in the scene; "" where no layer was hit. */
export const moveObject = async (desk, { from, dx, dy, layerId }) => {
  if (busy(desk)) return null;
  const { store, session, bridge, random } = desk;
  const shown = desk.shown();
  const layer = ownerOf(store.record, layerId);
  const obstacle = obstacleOf(shown, layer);
  if (obstacle) return addNotice(session, { ...obstacle, brief: true });
  accept(desk);
  const scale = shown.candidate.width_px / store.record.scene.width_px;
  const [dx_px, dy_px] = [dx, dy].map((value) => Math.round(value * scale));
  if (dx_px === 0 && dy_px === 0)
    return addNotice(session, {
      what: "That is no pixel of the picture.",
      remedy: "Drag it farther.",
      brief: true,
    });
  const [x_px, y_px] = [from.x, from.y].map((value) => Math.floor(value * scale));
  const options = { dx_px, dy_px, ...(shown.model?.members.includes("sam") ? { x_px, y_px } : {}) };
  const settings = { ...store.record.settings, seed: random(), method: "move", options };
  session.set({ viewed: "", showing: "result", comparing: false });
  const request = {
    kind: "reroll",
    layer_id: layer.id,
    source: shown.candidate.digest,
    feather_px: FEATHER_PX,
  };
  const known = new Set(session.state.candidates.map(({ id }) => id));
  settle(desk, await bridge.generate({ ...request, settings }));
  const made = session.state.candidates.find(({ id }) => !known.has(id));
  if (!made || layer.id !== layerId || !layerOf(store.record, layerId)) return null;
  return session.set({ moved: { ...session.state.moved, [made.job]: { id: layerId, dx, dy } } });
};
