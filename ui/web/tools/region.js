// Regions in one go: rectangle, ellipse and lasso outlines, and the bucket. Each adds to the mask
// or takes from it.

/**
 * @import { Chart, Point, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { Pressed, RegionBoxHeld, RegionHeld } from "../types/tools.d.ts"
 */

import { floodFrom } from "../kernels/flood.js";
import { coverOf, ellipse, rectangle } from "../kernels/shapes.js";
import { bytesOf } from "../kernels/tiles.js";
import { withCover } from "../model/strokes.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 3;
const CLOSING_PX = 9;

/** @param {Surface} surface */
const aim = (surface) => void surface.point({ cursor: "crosshair", hovered: "" });

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const subtracts = (surface, event) =>
  surface.region().subtract !== Boolean(event.ctrl || event.eraser);

/**
 * Lays what an outline covers on the mask, as one step.
 * @param {Surface} surface
 * @param {readonly Point[]} points
 * @param {{ subtract: boolean, name: string }} way
 */
const apply = (surface, points, { subtract, name }) => {
  surface.outline(null);
  const { width_px, height_px } = surface.canvas();
  const pen = surface.beginMask(`${subtract ? "Take" : "Add"} a ${name}:`);
  if (!pen) return;
  pen.put(withCover(pen.base, coverOf(points, width_px, height_px), subtract));
  pen.commit();
};

/** @param {Surface} surface */
const leave = (surface) => {
  surface.outline(null);
  return go("idle");
};

/**
 * @param {string} name
 * @param {(from: Point, to: Point, way: { square: boolean, centred: boolean }) => Point[]} shapeOf
 * @returns {Chart}
 */
const box = (name, shapeOf) => {
  /**
   * @param {Surface} surface
   * @param {ToolEvent} event
   * @param {Pressed} held
   */
  const pointsOf = (surface, event, held) =>
    shapeOf(held.start, surface.toScene(event.point), { square: event.shift, centred: event.alt });
  /**
   * @param {Surface} surface
   * @param {ToolEvent} event
   */
  const down = (surface, event) => {
    const start = surface.toScene(event.point);
    return go("drawing", { start, pressed: event.point, subtract: subtracts(surface, event) });
  };
  /**
   * @param {Surface} surface
   * @param {ToolEvent} event
   * @param {RegionBoxHeld} held
   */
  const move = (surface, event, held) =>
    void surface.outline({
      points: pointsOf(surface, event, held),
      closed: true,
      subtract: held.subtract,
    });
  /**
   * @param {Surface} surface
   * @param {ToolEvent} event
   * @param {RegionBoxHeld} held
   */
  const up = (surface, event, held) => {
    const far =
      Math.hypot(event.point.x - held.pressed.x, event.point.y - held.pressed.y) > DEAD_ZONE_PX;
    if (far) apply(surface, pointsOf(surface, event, held), { ...held, name });
    return leave(surface);
  };
  return Object.freeze({
    start: "idle",
    states: { idle: { hover: aim, down }, drawing: { move, up, cancel: leave } },
  });
};

export const RECTANGLE = box("rectangle", rectangle);
export const ELLIPSE = box("ellipse", ellipse);

/**
 * Shows the outline so far, and the way from its last point to the pointer.
 * @param {Surface} surface
 * @param {RegionHeld} held
 * @param {readonly Point[]} [next]
 */
const trace = (surface, held, next = []) =>
  surface.outline({ points: [...held.points, ...next], closed: false, subtract: held.subtract });

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const startLasso = (surface, event) => {
  const held = {
    points: [surface.toScene(event.point)],
    subtract: subtracts(surface, event),
    pressed: event.point,
  };
  trace(surface, held);
  return go("pressed", held);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {RegionHeld} held
 */
const pressAgain = (surface, event, held) => {
  const first = surface.toScreen(held.points[0]);
  const closes = Math.hypot(first.x - event.point.x, first.y - event.point.y) <= CLOSING_PX;
  if (closes && held.points.length > 2) return close(surface, event, held);
  return go("pressed", {
    ...held,
    points: [...held.points, surface.toScene(event.point)],
    pressed: event.point,
  });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {RegionHeld} held
 */
const startFreehand = (surface, event, held) => {
  const far =
    Math.hypot(event.point.x - held.pressed.x, event.point.y - held.pressed.y) > DEAD_ZONE_PX;
  return far ? drawFreehand(surface, event, held) : null;
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {RegionHeld} held
 */
const drawFreehand = (surface, event, held) => {
  const next = {
    ...held,
    points: [...held.points, ...event.trail.map(({ point }) => surface.toScene(point))],
  };
  trace(surface, next);
  return go("drawing", next);
};

/**
 * Letting go after a free line closes the outline, unless it began with corners; a mere click sets
 * a corner.
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {RegionHeld} held
 */
const letGo = (surface, event, held) => go("corners", held);

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {RegionHeld} held
 */
const close = (surface, event, held) => {
  if (held.points.length > 2) apply(surface, held.points, { ...held, name: "lasso" });
  return leave(surface);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {RegionHeld} held
 */
const rubber = (surface, event, held) => {
  aim(surface);
  trace(surface, held, [surface.toScene(event.point)]);
};

/** @type {Chart} */
export const LASSO = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aim, down: startLasso },
    pressed: { move: startFreehand, up: letGo, cancel: leave },
    drawing: { move: drawFreehand, up: close, cancel: leave },
    corners: { hover: rubber, down: pressAgain, confirm: close, cancel: leave },
  },
});

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const pour = (surface, event) => {
  const seed = surface.toScene(event.point);
  const { width_px: width, height_px: height } = surface.canvas();
  if (seed.x < 0 || seed.y < 0 || seed.x >= width || seed.y >= height) return;
  const subtract = subtracts(surface, event);
  const rgba = surface.pixels();
  const pen = surface.beginMask(subtract ? "Pour out of" : "Fill");
  if (!pen) return;
  const cover = floodFrom(
    { rgba, mask: bytesOf(pen.base), width, height },
    seed,
    surface.region().tolerance,
  );
  pen.put(withCover(pen.base, cover, subtract));
  pen.commit();
};

/** @type {Chart} */
export const BUCKET = Object.freeze({
  start: "idle",
  states: { idle: { hover: aim, down: pour } },
});
