// Decompose: the shown picture becomes layers again, by a run of its own; the new stack is one step.

import { layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { accept, busy } from "./runs.js";

export const decompose = async (desk) => {
  if (busy(desk)) return null;
  const { store, session, bridge } = desk;
  accept(desk);
  const source = store.record.picked;
  const what = "There is no picture to take apart yet.";
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
    .map((id) => layerOf(before, id))
    .filter(Boolean)
    .map(titleOf);
  return addNotice(session, {
    what: `Not found in the picture: ${names.join(", ")}.`,
    remedy: "Undo brings the layers back.",
  });
};
