// What of the canvas has to be drawn anew when a stack of layers became another one.

/**
 * @import { Box, Mask, Size } from "../../types/editor.d.ts"
 * @import { StackedLayer } from "../../types/view.d.ts"
 */

import { bounds } from "../../kernels/boxes.js";
import { changedBox, unionOf } from "../../kernels/tiles.js";

/** Filters and antialiased edges reach this far beyond a layer's box. */
const RIM_PX = 2;

/**
 * @param {Box} one
 * @param {Box} other
 */
const meeting = (one, other) => ({
  x0: Math.max(one.x0, other.x0),
  y0: Math.max(one.y0, other.y0),
  x1: Math.min(one.x1, other.x1),
  y1: Math.min(one.y1, other.y1),
});

/** @param {Box} box */
const isEmpty = ({ x0, y0, x1, y1 }) => x1 <= x0 || y1 <= y0;

/**
 * The whole pixels of a canvas {width_px, height_px} that a look may touch; null when there are
 * none.
 * @param {StackedLayer} entry
 * @param {Size} canvas
 */
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

/**
 * Whether a look may be seen in a box.
 * @param {StackedLayer} entry
 * @param {Box} box
 * @param {Size} canvas
 */
export const isSeenIn = (entry, box, canvas) => {
  const reach = reachOf(entry, canvas);
  return reach !== null && !isEmpty(meeting(reach, box));
};

/** @type {readonly ("placement" | "opacity" | "blend")[]} */
const SEEN_FIELDS = ["placement", "opacity", "blend"];

/**
 * @param {StackedLayer} one
 * @param {StackedLayer} other
 */
const samePlace = (one, other) =>
  one.picture === other.picture &&
  one.shift === other.shift &&
  SEEN_FIELDS.every((field) => one.layer[field] === other.layer[field]);

/** @param {readonly (Box | null)[]} boxes */
const union = (boxes) =>
  boxes.reduce((all, box) => (box ? unionOf(all, box) : all), /** @type {Box | null} */ (null));

/**
 * The box in which a mask differs from what it was, as far as its layer reaches.
 * @param {Mask | null} before
 * @param {Mask | null} now
 * @param {Box} reach
 */
const maskDifference = (before, now, reach) => {
  if (!before || !now || before.tiles.length !== now.tiles.length) return reach;
  const tiles = changedBox(now, before);
  const seen = tiles && meeting(tiles, reach);
  return seen && !isEmpty(seen) ? seen : null;
};

/**
 * The box in which a look differs from what it was; null when nothing is to be seen of it.
 * @param {StackedLayer} before
 * @param {StackedLayer} now
 * @param {Size} canvas
 */
const differenceOf = (before, now, canvas) => {
  if (!samePlace(before, now)) return union([reachOf(before, canvas), reachOf(now, canvas)]);
  if (before.mask === now.mask) return null;
  const reach = reachOf(now, canvas);
  return reach && maskDifference(before.mask, now.mask, reach);
};

/**
 * The box {x0, y0, x1, y1} of a canvas {width_px, height_px} around all that differs between two
 * stacks of looks {id, layer, picture: {size}, mask: tiles or null, shift}; null when they look the
 * same.
 * @param {readonly StackedLayer[]} before
 * @param {readonly StackedLayer[]} now
 * @param {Size} canvas
 */
export const damageOf = (before, now, canvas) => {
  const [old, fresh] = [before, now].map(
    (stack) => new Map(stack.map((entry) => [entry.id, entry])),
  );
  const kept = before.filter(({ id }) => fresh.has(id));
  const order = now.filter(({ id }) => old.has(id));
  // Those that changed places with one another, and no others.
  const moved = order.filter(({ id }, index) => kept[index].id !== id);
  const gone = before.filter(({ id }) => !fresh.has(id));
  const boxes = [...moved, ...gone].map((entry) => reachOf(entry, canvas));
  const changed = now.map((entry) => {
    const was = old.get(entry.id);
    return was ? differenceOf(was, entry, canvas) : reachOf(entry, canvas);
  });
  return union([...boxes, ...changed]);
};
