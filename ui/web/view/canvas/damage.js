// What of the canvas has to be drawn anew when a stack of layers became another one.

import { bounds } from "../../kernels/boxes.js";
import { changedBox, unionOf } from "../../kernels/tiles.js";

/** Filters and antialiased edges reach this far beyond a layer's box. */
const RIM_PX = 2;

const meeting = (one, other) => ({
  x0: Math.max(one.x0, other.x0),
  y0: Math.max(one.y0, other.y0),
  x1: Math.min(one.x1, other.x1),
  y1: Math.min(one.y1, other.y1),
});

const isEmpty = ({ x0, y0, x1, y1 }) => x1 <= x0 || y1 <= y0;

/** The whole pixels of a canvas {width_px, height_px} that a look may touch; null when there are none. */
const reachOf = ({ layer, picture }, canvas) => {
  const box = bounds(layer.placement, picture.size);
  const whole = {
    x0: Math.floor(box.x0) - RIM_PX,
    y0: Math.floor(box.y0) - RIM_PX,
    x1: Math.ceil(box.x1) + RIM_PX,
    y1: Math.ceil(box.y1) + RIM_PX,
  };
  const seen = meeting(whole, { x0: 0, y0: 0, x1: canvas.width_px, y1: canvas.height_px });
  return isEmpty(seen) ? null : seen;
};

/** Whether a look may be seen in a box. */
export const isSeenIn = (look, box, canvas) => {
  const reach = reachOf(look, canvas);
  return reach !== null && !isEmpty(meeting(reach, box));
};

const SEEN_FIELDS = ["placement", "opacity", "blend"];

const samePlace = (one, other) =>
  one.picture === other.picture &&
  one.shift === other.shift &&
  SEEN_FIELDS.every((field) => one.layer[field] === other.layer[field]);

const union = (boxes) => boxes.filter(Boolean).reduce((all, box) => unionOf(all, box), null);

/** The box in which a look differs from what it was; null when nothing is to be seen of it. */
const differenceOf = (before, now, canvas) => {
  if (!before || !now) return reachOf(before ?? now, canvas);
  if (!samePlace(before, now)) return union([reachOf(before, canvas), reachOf(now, canvas)]);
  if (before.mask === now.mask) return null;
  const reach = reachOf(now, canvas);
  if (!reach || !before.mask || before.mask.tiles.length !== now.mask?.tiles.length) return reach;
  const tiles = changedBox(now.mask, before.mask);
  const seen = tiles && meeting(tiles, reach);
  return seen && !isEmpty(seen) ? seen : null;
};

/**
 * The box {x0, y0, x1, y1} of a canvas {width_px, height_px} around all that differs between two stacks of looks {id,
 * layer, picture: {size}, mask: tiles or null, shift}; null when they look the same.
 */
export const damageOf = (before, now, canvas) => {
  const [old, fresh] = [before, now].map((looks) => new Map(looks.map((look) => [look.id, look])));
  const [kept, order] = [
    before.filter(({ id }) => fresh.has(id)).map(({ id }) => id),
    now.filter(({ id }) => old.has(id)).map(({ id }) => id),
  ];
  // Those that changed places with one another, and no others.
  const moved = order
    .filter((id, index) => kept[index] !== id)
    .map((id) => reachOf(fresh.get(id), canvas));
  const ids = new Set([...old.keys(), ...fresh.keys()]);
  const changed = [...ids].map((id) => differenceOf(old.get(id), fresh.get(id), canvas));
  return union([...moved, ...changed]);
};
