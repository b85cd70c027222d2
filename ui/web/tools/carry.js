// Move an object of a finished picture: press it, drag it, let go; an arrow shows where it goes.

/**
 * @import { Chart, Point, Size, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { Pressed } from "../types/tools.d.ts"
 */

import { go } from "./chart.js";

const DEAD_ZONE_PX = 3;
const HEAD_PX = 9;
const HEAD_TURN = 0.5;

/** @param {Surface} surface */
const aim = (surface) => void surface.point({ cursor: "grab", hovered: "" });

/**
 * @param {Point} point
 * @param {Size} size
 */
const inside = ({ x, y }, { width_px: width, height_px: height }) =>
  x >= 0 && y >= 0 && x < width && y < height;

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const press = (surface, event) => {
  const start = surface.toScene(event.point);
  return inside(start, surface.canvas()) ? go("pressed", { start, pressed: event.point }) : null;
};

/**
 * The line of an arrow with its head, in the scene.
 * @param {Point} from
 * @param {Point} to
 * @param {number} head
 */
const arrow = (from, to, head) => {
  const angle = Math.atan2(to.y - from.y, to.x - from.x) + Math.PI;
  /** @param {number} turn */
  const barb = (turn) => ({
    x: to.x + head * Math.cos(angle + turn),
    y: to.y + head * Math.sin(angle + turn),
  });
  return [from, to, barb(HEAD_TURN), to, barb(-HEAD_TURN)];
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const by = (surface, event, { start }) => {
  const now = surface.toScene(event.point);
  const [dx, dy] = [now.x - start.x, now.y - start.y];
  if (!event.shift) return { dx, dy };
  return Math.abs(dx) > Math.abs(dy) ? { dx, dy: 0 } : { dx: 0, dy };
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const drag = (surface, event, held) => {
  const { dx, dy } = by(surface, event, held);
  const end = { x: held.start.x + dx, y: held.start.y + dy };
  surface.point({ cursor: "grabbing", hovered: "" });
  surface.outline({
    points: arrow(held.start, end, HEAD_PX / surface.view().zoom),
    closed: false,
    subtract: false,
  });
  return go("carrying", held);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const startDrag = (surface, event, held) => {
  const far =
    Math.hypot(event.point.x - held.pressed.x, event.point.y - held.pressed.y) > DEAD_ZONE_PX;
  return far ? drag(surface, event, held) : null;
};

/** @param {Surface} surface */
const leave = (surface) => {
  surface.outline(null);
  return go("idle");
};

/**
 * The layer that lies there in the collage; "" for a backdrop, which is no object.
 * @param {Surface} surface
 * @param {Point} point
 */
const layerAt = (surface, point) => {
  const layer = surface.topmost(point);
  return layer && !surface.isBackdrop(layer) ? layer.id : "";
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const letGo = (surface, event, held) => {
  const { dx, dy } = by(surface, event, held);
  surface.carryObject({ from: held.start, dx, dy, layerId: layerAt(surface, held.start) });
  return leave(surface);
};

/** @type {Chart} */
export const CARRY = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aim, down: press },
    pressed: { move: startDrag, up: leave, cancel: leave },
    carrying: { move: drag, up: letGo, cancel: leave },
  },
});
