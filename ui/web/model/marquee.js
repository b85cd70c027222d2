// Moving or copying part of a layer: a piece of what is painted goes elsewhere in its mask; a piece of a picture
// becomes a layer of its own, as the picture inside that piece of its mask, and nothing of its pixels is lost.

import { boxWithin, partCleared, partMoved, united } from "../kernels/shifting.js";
import { bytesOf, maskFromBytes } from "../kernels/tiles.js";
import { duplicate, setLayer } from "./edits.js";
import { isMixing } from "./mixing.js";
import { beginMask, paintsFreedom, targetOf } from "./painting.js";
import { isPainted, layerOf } from "./records.js";
import { addNotice } from "./session.js";

const refused = ({ session }, what, remedy) => {
  addNotice(session, { what, remedy, brief: true });
  return null;
};

const sizeOf = ({ width_px: width, height_px: height }) => ({ width, height });

/** Within one mask: {put({dx, dy}), commit(), cancel()}. */
const beginWithin = (parts, name, box, copies) => {
  const pen = beginMask(parts, name);
  if (!pen) return null;
  const bytes = bytesOf(pen.base);
  const { width_px, height_px } = pen.base;
  const rest = copies ? bytes : partCleared(bytes, width_px, box);
  const put = (shift) => {
    const moved = partMoved(bytes, sizeOf(pen.base), box, shift);
    pen.put(maskFromBytes(united(rest, moved), width_px, height_px, pen.base));
  };
  return { put, commit: pen.commit, cancel: pen.cancel };
};

/** A piece of a picture as a layer right above it, selected; the picture's own mask loses the piece, unless copied. */
const beginPiece = (parts, name, box, { base, title, copies }) => {
  const { store, masks } = parts;
  const layer = layerOf(store.record, store.record.selected);
  const { width_px, height_px } = base;
  const bytes = bytesOf(base);
  const stored = (values) => {
    const key = masks.newName();
    masks.put(key, maskFromBytes(values, width_px, height_px, base), base);
    return key;
  };
  const rest = copies ? layer.mask : stored(partCleared(bytes, width_px, box));
  const [id, piece] = [parts.newId(), masks.newName()];
  const gesture = store.begin(`${name} ${title}`);
  const put = ({ dx, dy }) => {
    if (!gesture.isOpen()) return;
    masks.put(
      piece,
      maskFromBytes(partMoved(bytes, sizeOf(base), box, { dx, dy }), width_px, height_px),
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

/** Whether a layer shows anything at some points of a box. */
const isSeen = (hits, id, { x0, y0, x1, y1 }) => {
  const steps = Array.from({ length: 16 }, (_, index) => (index + 0.5) / 16);
  return steps.some((u) =>
    steps.some((v) => hits(id, { x: x0 + u * (x1 - x0), y: y0 + v * (y1 - y0) })),
  );
};

/**
 * Begins to move, or copy, what lies in a box of the scene: {box (on whole pixels), put({dx, dy}: whole pixels),
 * commit(), cancel()}; null, and a sentence, when there is nothing to take. parts: those of `beginMask`, and
 * hits(id, point) → whether a layer is seen there.
 */
export const beginPart = (parts, wanted, { copies }) => {
  const { store } = parts;
  const { scene, selected } = store.record;
  const box = boxWithin(wanted, scene);
  if (!selected && !isMixing(parts))
    return refused(parts, "No layer is selected.", "Choose one first.");
  if (!box) return refused(parts, "The marquee lies beside the canvas.", "Draw it over the layer.");
  const { obstacle, base, title } = targetOf(parts);
  if (obstacle) return refused(parts, obstacle.what, obstacle.remedy);
  const isMask =
    isMixing(parts) || paintsFreedom(parts) || isPainted(layerOf(store.record, selected));
  const inside = partMoved(bytesOf(base), sizeOf(base), box, { dx: 0, dy: 0 });
  if (!inside.some((value) => value > 0) || (!isMask && !isSeen(parts.hits, selected, box)))
    return refused(
      parts,
      `Nothing of ${title} lies in the marquee.`,
      "Draw it over what the layer shows.",
    );
  const name = copies ? "Copy part of" : "Move part of";
  const pen = isMask
    ? beginWithin(parts, name, box, copies)
    : beginPiece(parts, name, box, { base, title, copies });
  return pen && { box, ...pen };
};
