// Painting between two candidates with the tools that paint masks: begin, choose the other one,
// keep or put away.

/**
 * @import { App } from "../types/editor.d.ts"
 * @import { Digest } from "../types/protocol.d.ts"
 */

import { bytesOf } from "../kernels/tiles.js";
import { endMix, isMixing, pairFor, setMix } from "../model/mixing.js";
import { newEmptyMask } from "../model/painting.js";
import { addNotice, candidateOf } from "../model/session.js";
import * as runs from "./runs.js";

const PAINTING = ["brush", "eraser", "lasso", "rectangle", "ellipse", "bucket", "select"];

/**
 * Begins with the shown pictures and the brush; begun already, puts the painting away.
 * @param {App} app
 */
export const mix = (app) => {
  const { store, session } = app;
  if (store.record.mix) return putAway(app);
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
    setMix({ base: base.id, other: other.id, mask: newEmptyMask(app) }),
  );
  const tool = PAINTING.includes(session.state.tool) ? session.state.tool : "brush";
  return session.set({ viewed: "", showing: "result", comparing: false, compare: "", tool });
};

/** @param {App} app */
const putAway = ({ store, session }) => {
  store.change("Stop painting between two pictures", endMix());
  addNotice(session, {
    what: "Put the painting away.",
    remedy: "Undo brings it back.",
    brief: true,
  });
};

/**
 * What is painted becomes a candidate and is picked. What was painted meanwhile stays on the easel.
 * @param {App} app
 */
const keep = async (app) => {
  const { store, session, bridge, masks } = app;
  if (session.state.reading) return;
  const { mix: kept } = store.record;
  if (!kept) return;
  const mask = masks.get(kept.mask);
  if (mask && !bytesOf(mask).some((value) => value > 0)) {
    const remedy = "Paint where the other picture should show.";
    addNotice(session, { what: "Nothing is painted yet.", remedy, brief: true });
    return;
  }
  const candidate = await app.busyWith("Keeping what you painted", () => bridge.mix());
  session.set({ batch: candidate.job });
  if (store.record.mix === kept) store.change("Accept what was painted", endMix(candidate.digest));
};

/** @param {App} app */
export const accept = (app) => (isMixing(app) ? keep(app) : runs.accept(app));

/** @param {App} app */
export const discard = (app) => (isMixing(app) ? putAway(app) : runs.discard(app));

/**
 * Looks at a candidate; while painting it becomes the one that is painted in, unless it is the
 * base.
 * @param {App} app
 * @param {Digest} digest
 */
export const view = (app, digest) => {
  const { store, session } = app;
  const { mix: present } = store.record;
  if (!present) return runs.view(app, digest);
  session.set({ showing: "result", comparing: false });
  const id = candidateOf(session.state, digest)?.id;
  if (!id || id === present.base || id === present.other) return undefined;
  return store.change("Paint another picture in", setMix({ ...present, other: id }), "mix");
};
