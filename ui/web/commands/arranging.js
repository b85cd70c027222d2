// Aligning and distributing the chosen layers, each as one step; rows of the table of commands.

/**
 * @import { App, Box, CommandEntry } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { alignShifts, distributeShifts } from "../kernels/arranging.js";
import { unionOf } from "../kernels/tiles.js";
import { nudge, select } from "../model/edits.js";
import { boxOf } from "../model/extents.js";
import { chosenIds, requireLayer } from "../model/records.js";
import { addNotice } from "../model/session.js";

/**
 * The chosen layers that may be moved and are here, with their boxes.
 * @param {App} app
 * @returns {{ id: Identifier, box: Box }[]}
 */
const listMovable = ({ store, session, pictures }) =>
  chosenIds(store.record, session.state.also).flatMap((id) => {
    const layer = requireLayer(store.record, id);
    const box = layer.locked ? null : boxOf(layer, pictures);
    return box ? [{ id, box }] : [];
  });

/**
 * @param {App} app
 * @param {string} name
 * @param {number} fewest
 * @param {(boxes: readonly Box[]) => readonly { dx: number, dy: number }[]} shiftsOf
 */
const arrange = (app, name, fewest, shiftsOf) => {
  const chosen = listMovable(app);
  if (chosen.length < fewest) {
    const many = fewest === 1 ? "a layer that is not locked" : `${fewest} layers`;
    return addNotice(app.session, {
      what: `Choose ${many} first.`,
      remedy: "Shift and a press adds one; so does a box drawn around several.",
      brief: true,
    });
  }
  const shifts = shiftsOf(chosen.map(({ box }) => box));
  app.session.set({ showing: "collage" });
  return app.store.change(name, (record) =>
    chosen.reduce((next, { id }, at) => nudge(id, shifts[at].dx, shifts[at].dy)(next), record),
  );
};

/**
 * Several by their common box, one alone by the canvas.
 * @param {string} name
 * @param {Parameters<typeof alignShifts>[1]} edge
 * @returns {(app: App) => unknown}
 */
const alignBy = (name, edge) => (app) =>
  arrange(app, name, 1, (boxes) => {
    const { width_px, height_px } = app.store.record.scene;
    const canvas = { x0: 0, y0: 0, x1: width_px, y1: height_px };
    const frame = boxes.length === 1 ? canvas : boxes.reduce((one, other) => unionOf(one, other));
    return alignShifts(boxes, edge, frame);
  });

/**
 * @param {string} name
 * @param {"x" | "y"} axis
 * @returns {(app: App) => unknown}
 */
const distributeBy = (name, axis) => (app) =>
  arrange(app, name, 3, (boxes) => distributeShifts(boxes, axis));

/** @type {Record<string, CommandEntry>} */
export const ARRANGE_ENTRIES = {
  chooseNone: {
    title: "Select nothing",
    words: "deselect",
    group: "Editing",
    run: ({ store, session }) => {
      session.set({ also: [] });
      store.amend(select(""));
    },
  },
  alignLeft: {
    title: "Align left edges",
    group: "Editing",
    keys: ["Ctrl+Alt+Left"],
    run: alignBy("Align left edges", "left"),
  },
  alignCentre: {
    title: "Align centres across",
    words: "middle",
    group: "Editing",
    keys: ["Ctrl+Alt+H"],
    run: alignBy("Align centres across", "centre"),
  },
  alignRight: {
    title: "Align right edges",
    group: "Editing",
    keys: ["Ctrl+Alt+Right"],
    run: alignBy("Align right edges", "right"),
  },
  alignTop: {
    title: "Align top edges",
    group: "Editing",
    keys: ["Ctrl+Alt+Up"],
    run: alignBy("Align top edges", "top"),
  },
  alignMiddle: {
    title: "Align centres in height",
    words: "middle",
    group: "Editing",
    keys: ["Ctrl+Alt+V"],
    run: alignBy("Align centres in height", "middle"),
  },
  alignBottom: {
    title: "Align bottom edges",
    group: "Editing",
    keys: ["Ctrl+Alt+Down"],
    run: alignBy("Align bottom edges", "bottom"),
  },
  distributeAcross: {
    title: "Even gaps across",
    words: "distribute spacing",
    group: "Editing",
    run: distributeBy("Even gaps across", "x"),
  },
  distributeDown: {
    title: "Even gaps in height",
    words: "distribute spacing",
    group: "Editing",
    run: distributeBy("Even gaps in height", "y"),
  },
};
