// Painting between two candidates with the tools that paint masks: begin, choose the other one, keep or put away.

import { bytesOf } from "../kernels/tiles.js";
import { endMix, isMixing, pairFor, setMix } from "../model/mixing.js";
import { newEmptyMask } from "../model/painting.js";
import { addNotice, candidateOf } from "../model/session.js";
import * as runs from "./runs.js";

const PAINTING = ["brush", "eraser", "lasso", "rectangle", "ellipse", "bucket", "select"];

/** Begins with the shown pictures and the brush; begun already, puts the painting away. */
export const mix = (desk) => {
  const { store, session } = desk;
  if (store.record.mix) return putAway(desk);
  const pair = pairFor(store.record, session.state);
  if (!pair) {
    const what = "Painting between two pictures needs two of one size.";
    return addNotice(session, {
      what,
      remedy: "Generate again, then accept the better one.",
      brief: true,
    });
  }
  const { base, other } = pair;
  store.change(
    "Paint between two pictures",
    setMix({ base: base.id, other: other.id, mask: newEmptyMask(desk) }),
  );
  const tool = PAINTING.includes(session.state.tool) ? session.state.tool : "brush";
  return session.set({ viewed: "", showing: "result", comparing: false, compare: "", tool });
};

const putAway = ({ store, session }) => {
  store.change("Stop painting between two pictures", endMix());
  addNotice(session, {
    what: "Put the painting away.",
    remedy: "Undo brings it back.",
    brief: true,
  });
};

/** What is painted becomes a candidate and is picked. What was painted meanwhile stays on the easel. */
const keep = async (desk) => {
  const { store, session, bridge, masks } = desk;
  if (session.state.reading) return;
  const { mix: kept } = store.record;
  const mask = masks.get(kept.mask);
  if (mask && !bytesOf(mask).some((value) => value > 0)) {
    const remedy = "Paint where the other picture should show.";
    addNotice(session, { what: "Nothing is painted yet.", remedy, brief: true });
    return;
  }
  const candidate = await desk.busyWith("Keeping what you painted", () => bridge.mix());
  session.set({ batch: candidate.job });
  if (store.record.mix === kept) store.change("Accept what was painted", endMix(candidate.digest));
};

export const accept = (desk) => (isMixing(desk) ? keep(desk) : runs.accept(desk));

export const discard = (desk) => (isMixing(desk) ? putAway(desk) : runs.discard(desk));

/** Looks at a candidate; while painting it becomes the one that is painted in, unless it is the base. */
export const view = (desk, digest) => {
  const { store, session } = desk;
  const { mix: present } = store.record;
  if (!present) return runs.view(desk, digest);
  session.set({ showing: "result", comparing: false });
  const { id } = candidateOf(session.state, digest);
  if (id === present.base || id === present.other) return undefined;
  return store.change("Paint another picture in", setMix({ ...present, other: id }), "mix");
};
