// Select an object: click it, or drag a box around it; the server finds its outline.

/**
 * @import { Chart, Point, Size, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { Pressed } from "../types/tools.d.ts"
 */

import { rectangle } from "../kernels/shapes.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 3;

/** @param {Surface} surface */
const aim = (surface) => void surface.point({ cursor: "crosshair", hovered: "" });

/**
 * @param {Point} point
 * @param {Size} size
 */
const within = ({ x, y }, { width_px: width, height_px: height }) => ({
  x: Math.min(width, Math.max(0, x)),
  y: Math.min(height, Math.max(0, y)),
});

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const press = (surface, event) =>
  go("pressed", { start: surface.toScene(event.point), pressed: event.point });

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const draw = (surface, event, held) => {
  const points = rectangle(held.start, surface.toScene(event.point), {
    square: event.shift,
    centred: event.alt,
  });
  surface.outline({ points, closed: true, subtract: false });
  return go("boxing", { ...held, points });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const startBox = (surface, event, held) => {
  const far =
    Math.hypot(event.point.x - held.pressed.x, event.point.y - held.pressed.y) > DEAD_ZONE_PX;
  return far ? draw(surface, event, held) : null;
};

/** @param {Surface} surface */
const leave = (surface) => {
  surface.outline(null);
  return go("idle");
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const click = (surface, event, held) => {
  const { x, y } = held.start;
  const { width_px: width, height_px: height } = surface.canvas();
  if (x >= 0 && y >= 0 && x < width && y < height) surface.selectObject({ point: [x, y] });
  return leave(surface);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ points: readonly Point[] }} held
 */
const letGo = (surface, event, held) => {
  const corners = held.points.map((point) => within(point, surface.canvas()));
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  if (box[0] < box[2] && box[1] < box[3]) surface.selectObject({ box });
  return leave(surface);
};

/** @type {Chart} */
export const SELECT = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aim, down: press },
    pressed: { move: startBox, up: click, cancel: leave },
    boxing: { move: draw, up: letGo, cancel: leave },
  },
});
