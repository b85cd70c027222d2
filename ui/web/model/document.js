// The document at hand: the store, and the masks that its steps name. What no step names any more
// is forgotten.

/**
 * @import { EditorState } from "../types/editor.d.ts"
 * @import { Weigh } from "../types/model.d.ts"
 */

import { createMasks, maskNamesOf } from "./masks.js";
import { followLayers } from "./painting.js";
import { createStore } from "./store.js";

/**
 * {store, masks} for a first record; now() → ms, unique() → a text that is new each time, also over
 * reloads.
 * @param {EditorState} record
 * @param {{ now: () => number, unique: () => string }} ways
 */
export const createDocument = (record, { now, unique }) => {
  const masks = createMasks(unique);
  /** @type {Weigh} */
  const weigh = (each) => maskNamesOf(each).map((name) => [name, masks.bytesOf(name)]);
  const store = createStore(record, now, { weigh, settle: followLayers(masks) });
  let known = store.history;
  store.subscribe(() => {
    if (store.history === known || store.busy) return;
    known = store.history;
    masks.keep(new Set(known.entries.flatMap((entry) => maskNamesOf(entry.record))));
  });
  return { store, masks };
};
