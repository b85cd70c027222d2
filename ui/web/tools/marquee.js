// The marquee: draw a box, then drag what lies in it; Alt at the press copies it. Each drag is one
// step.

/**
 * @import { Box, Chart, PartPen, Point, Shift, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { MarqueeArmed, Pressed } from "../types/tools.d.ts"
 */

import { rectangle } from "../kernels/shapes.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 3;

/**
 * @param {ToolEvent} event
 * @param {Point} pressed
 */
const isFar = ({ point }, pressed) =>
  Math.hypot(point.x - pressed.x, point.y - pressed.y) > DEAD_ZONE_PX;

/**
 * @param {Box} box
 * @param {Point} point
 */
const isInside = ({ x0, y0, x1, y1 }, { x, y }) => x >= x0 && x < x1 && y >= y0 && y < y1;

/**
 * @param {Box} box
 * @param {Shift} shift
 */
const shiftBox = ({ x0, y0, x1, y1 }, { dx, dy }) => ({
  x0: x0 + dx,
  y0: y0 + dy,
  x1: x1 + dx,
  y1: y1 + dy,
});

/**
 * @param {Surface} surface
 * @param {Box} box
 */
const show = (surface, { x0, y0, x1, y1 }) =>
  surface.outline({
    points: rectangle({ x: x0, y: y0 }, { x: x1, y: y1 }),
    closed: true,
    subtract: false,
  });

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const boxOf = (surface, event, { start }) => {
  const points = rectangle(start, surface.toScene(event.point), {
    square: event.shift,
    centred: event.alt,
  });
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
};

/** @param {Surface} surface */
const aim = (surface) => void surface.point({ cursor: "crosshair", hovered: "" });

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
  const box = boxOf(surface, event, held);
  show(surface, box);
  return go("drawing", { ...held, box });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Pressed} held
 */
const startDrawing = (surface, event, held) =>
  isFar(event, held.pressed) ? draw(surface, event, held) : null;

/** @param {Surface} surface */
const leave = (surface) => {
  surface.outline(null);
  return go("idle");
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ box: Box }} held
 */
const keep = (surface, event, { box }) => go("marked", { box });

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ box: Box }} held
 */
const aimAt = (surface, event, { box }) => {
  const cursor = isInside(box, surface.toScene(event.point))
    ? event.alt
      ? "copy"
      : "move"
    : "crosshair";
  surface.point({ cursor, hovered: "" });
};

/**
 * Inside the box its content is taken; beside it another box begins.
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ box: Box }} held
 */
const pressAgain = (surface, event, { box }) => {
  const start = surface.toScene(event.point);
  if (isInside(box, start))
    return go("armed", { box, start, pressed: event.point, copies: event.alt });
  surface.outline(null);
  return press(surface, event);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {MarqueeArmed} held
 */
const lift = (surface, event, held) => {
  if (!isFar(event, held.pressed)) return null;
  const pen = surface.beginPart(held.box, { copies: held.copies });
  if (!pen) return leave(surface);
  return drag(surface, event, { ...held, box: pen.box, pen });
};

/**
 * By whole pixels, so that what is moved stays as it is; Shift keeps to one direction.
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {MarqueeArmed & { pen: PartPen }} held
 */
const drag = (surface, event, held) => {
  const to = surface.toScene(event.point);
  const [dx, dy] = [Math.round(to.x - held.start.x), Math.round(to.y - held.start.y)];
  const isAcross = Math.abs(dx) > Math.abs(dy);
  const by = event.shift ? { dx: isAcross ? dx : 0, dy: isAcross ? 0 : dy } : { dx, dy };
  held.pen.put(by);
  show(surface, shiftBox(held.box, by));
  return go("dragging", { ...held, by });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ box: Box, by: Shift, pen: PartPen }} held
 */
const drop = (surface, event, held) => {
  held.pen.commit();
  return go("marked", { box: shiftBox(held.box, held.by) });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ pen: PartPen }} held
 */
const abandon = (surface, event, held) => {
  held.pen.cancel();
  return leave(surface);
};

/** @type {Chart} */
export const MARQUEE = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aim, down: press },
    pressed: { move: startDrawing, up: leave, cancel: leave },
    drawing: { move: draw, up: keep, cancel: leave },
    marked: { hover: aimAt, down: pressAgain, confirm: leave, cancel: leave },
    armed: { move: lift, up: keep, cancel: leave },
    dragging: { move: drag, up: drop, cancel: abandon },
  },
});
