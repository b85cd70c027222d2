// Moving or copying part of a layer: a piece of what is painted goes elsewhere in its mask; a piece
// of a picture becomes a layer of its own, as the picture inside that piece of its mask, and
// nothing of its pixels is lost.

/**
 * @import { App, Box, Mask, PartPen, Shift, Size } from "../types/editor.d.ts"
 * @import { MarqueeParts } from "../types/model.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { boxWithin, clearPart, movePart, unite } from "../kernels/shifting.js";
import { bytesOf, maskFromBytes } from "../kernels/tiles.js";
import { duplicate, setLayer } from "./edits.js";
import { isMixing } from "./mixing.js";
import { beginMask, paintsStrength, targetOf } from "./painting.js";
import { isPainted, requireLayer } from "./records.js";
import { addNotice } from "./session.js";

/**
 * @param {Pick<App, "session">} app
 * @param {string} what
 * @param {string} remedy
 */
const refuse = ({ session }, what, remedy) => {
  addNotice(session, { what, remedy, brief: true });
  return null;
};

/** @param {Size} size */
const sizeOf = ({ width_px: width, height_px: height }) => ({ width, height });

/** @param {boolean} copies */
const nameOf = (copies) => (copies ? "Copy part of" : "Move part of");

/**
 * Within one mask: {put({dx, dy}), commit(), cancel()}.
 * @param {MarqueeParts} parts
 * @param {Box} box
 * @param {boolean} copies
 */
const beginWithin = (parts, box, copies) => {
  const pen = beginMask(parts, nameOf(copies));
  if (!pen) return null;
  const bytes = bytesOf(pen.base);
  const { width_px, height_px } = pen.base;
  const rest = copies ? bytes : clearPart(bytes, width_px, box);
  /** @param {Shift} shift */
  const put = (shift) => {
    const moved = movePart(bytes, sizeOf(pen.base), box, shift);
    pen.put(maskFromBytes(unite(rest, moved), width_px, height_px, pen.base));
  };
  return { put, commit: pen.commit, cancel: pen.cancel };
};

/**
 * A piece of a picture as a layer right above it, selected; the picture's own mask loses the piece,
 * unless copied.
 * @param {MarqueeParts} parts
 * @param {Box} box
 * @param {{ base: Mask, title: string, copies: boolean }} what
 */
const beginPiece = (parts, box, { base, title, copies }) => {
  const { store, masks } = parts;
  const layer = requireLayer(store.record, store.record.selected);
  const { width_px, height_px } = base;
  const bytes = bytesOf(base);
  /** @param {Uint8Array} values */
  const stored = (values) => {
    const key = masks.newName();
    masks.put(key, maskFromBytes(values, width_px, height_px, base), base);
    return key;
  };
  const rest = copies ? layer.mask : stored(clearPart(bytes, width_px, box));
  const [id, piece] = [parts.newId(), masks.newName()];
  const gesture = store.begin(`${nameOf(copies)} ${title}`);
  /** @param {Shift} shift */
  const put = ({ dx, dy }) => {
    if (!gesture.isOpen()) return;
    masks.put(
      piece,
      maskFromBytes(movePart(bytes, sizeOf(base), box, { dx, dy }), width_px, height_px),
    );
    const { centre_x_px, centre_y_px } = layer.placement;
    const placement = {
      ...layer.placement,
      centre_x_px: centre_x_px + dx,
      centre_y_px: centre_y_px + dy,
    };
    const own = setLayer(id, { name: `${title}, part`.slice(0, 200), mask: piece, placement });
    gesture.update((record) =>
      own(duplicate(layer.id, id)(setLayer(layer.id, { mask: rest })(record))),
    );
  };
  return { put, commit: gesture.commit, cancel: gesture.cancel };
};

/**
 * Whether a layer shows anything at some points of a box.
 * @param {MarqueeParts["hits"]} hits
 * @param {Identifier} id
 * @param {Box} box
 */
const isSeen = (hits, id, { x0, y0, x1, y1 }) => {
  const steps = Array.from({ length: 16 }, (_, index) => (index + 0.5) / 16);
  return steps.some((u) =>
    steps.some((v) => hits(id, { x: x0 + u * (x1 - x0), y: y0 + v * (y1 - y0) })),
  );
};

/**
 * Whether a part goes elsewhere in a mask; else it becomes a layer of its own.
 * @param {MarqueeParts} parts
 */
const movesMask = (parts) => {
  const { record } = parts.store;
  return (
    isMixing(parts) || paintsStrength(parts) || isPainted(requireLayer(record, record.selected))
  );
};

/**
 * Whether anything of a mask lies in a box.
 * @param {Mask} mask
 * @param {Box} box
 */
const isFilled = (mask, box) =>
  movePart(bytesOf(mask), sizeOf(mask), box, { dx: 0, dy: 0 }).some((value) => value > 0);

/**
 * Begins to move, or copy, what lies in a box of the scene: {box (on whole pixels), put({dx, dy}:
 * whole pixels), commit(), cancel()}; null, and a sentence, when there is nothing to take. parts:
 * those of `beginMask`, and hits(id, point) → whether a layer is seen there.
 * @param {MarqueeParts} parts
 * @param {Box} wanted
 * @param {{ copies: boolean }} way
 * @returns {PartPen | null}
 */
export const beginPart = (parts, wanted, { copies }) => {
  const { scene, selected } = parts.store.record;
  const box = boxWithin(wanted, scene);
  if (!selected && !isMixing(parts))
    return refuse(parts, "No layer is selected.", "Choose one first.");
  if (!box) return refuse(parts, "The marquee lies beside the canvas.", "Draw it over the layer.");
  const target = targetOf(parts);
  if (target.obstacle) return refuse(parts, target.obstacle.what, target.obstacle.remedy);
  const { base, title } = target;
  const isMask = movesMask(parts);
  const isThere = isFilled(base, box) && (isMask || isSeen(parts.hits, selected, box));
  if (!isThere)
    return refuse(
      parts,
      `Nothing of ${title} lies in the marquee.`,
      "Draw it over what the layer shows.",
    );
  const pen = isMask
    ? beginWithin(parts, box, copies)
    : beginPiece(parts, box, { base, title, copies });
  return pen && { box, ...pen };
};
