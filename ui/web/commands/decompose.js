// Decompose: the shown picture becomes layers again, by a run of its own; the new stack is one
// step.

/**
 * @import { App } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { accept, isBusy } from "./runs.js";

/** @param {App} app */
export const decompose = async (app) => {
  if (isBusy(app)) return null;
  const { store, session, bridge } = app;
  accept(app);
  const source = store.record.picked;
  const what = "There is no picture to decompose yet.";
  if (!source) return addNotice(session, { what, remedy: "Generate first.", brief: true });
  const before = store.record;
  const { missing } = await bridge.decompose({
    kind: "decompose",
    settings: before.settings,
    source,
  });
  if (!missing) return null;
  session.set({ showing: "collage", viewed: "" });
  if (missing.length === 0) return null;
  const names = missing
    .flatMap((/** @type {Identifier} */ id) => layerOf(before, id) ?? [])
    .map(titleOf);
  return addNotice(session, {
    what: `Not found in the picture: ${names.join(", ")}.`,
    remedy: "Undo brings the layers back.",
  });
};
