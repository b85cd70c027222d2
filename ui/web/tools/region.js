// Regions in one go: rectangle, ellipse and lasso outlines, and the bucket. Each adds to the mask or takes from it.

import { floodFrom } from "../kernels/flood.js";
import { coverOf, ellipse, rectangle } from "../kernels/shapes.js";
import { bytesOf } from "../kernels/tiles.js";
import { withCover } from "../model/strokes.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 3;
const CLOSING_PX = 9;

const aim = (surface) => void surface.point({ cursor: "crosshair", hovered: "" });

const subtracts = (surface, event) =>
  surface.region().subtract !== Boolean(event.ctrl || event.eraser);

/** Lays what an outline covers on the mask, as one step. */
const apply = (surface, points, { subtract, name }) => {
  surface.outline(null);
  const { width_px, height_px } = surface.canvas();
  const pen = surface.beginMask(`${subtract ? "Take" : "Add"} a ${name}:`);
  if (!pen) return;
  pen.put(withCover(pen.base, coverOf(points, width_px, height_px), subtract));
  pen.commit();
};

const leave = (surface) => {
  surface.outline(null);
  return go("idle");
};

const box = (name, shapeOf) => {
  const pointsOf = (surface, event, held) =>
    shapeOf(held.start, surface.toScene(event.point), { square: event.shift, centred: event.alt });
  const down = (surface, event) => {
    const start = surface.toScene(event.point);
    return go("drawing", { start, pressed: event.point, subtract: subtracts(surface, event) });
  };
  const move = (surface, event, held) =>
    void surface.outline({
      points: pointsOf(surface, event, held),
      closed: true,
      subtract: held.subtract,
    });
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

/** Shows the outline so far, and the way from its last point to the pointer. */
const trace = (surface, held, next = []) =>
  surface.outline({ points: [...held.points, ...next], closed: false, subtract: held.subtract });

const startLasso = (surface, event) => {
  const held = {
    points: [surface.toScene(event.point)],
    subtract: subtracts(surface, event),
    pressed: event.point,
  };
  trace(surface, held);
  return go("pressed", held);
};

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

const startFreehand = (surface, event, held) => {
  const far =
    Math.hypot(event.point.x - held.pressed.x, event.point.y - held.pressed.y) > DEAD_ZONE_PX;
  return far ? drawFreehand(surface, event, held) : null;
};

const drawFreehand = (surface, event, held) => {
  const next = {
    ...held,
    points: [...held.points, ...event.trail.map(({ point }) => surface.toScene(point))],
  };
  trace(surface, next);
  return go("drawing", next);
};

/** Letting go after a free line closes the outline, unless it began with corners; a mere click sets a corner. */
const letGo = (surface, event, held) => go("corners", held);

const close = (surface, event, held) => {
  if (held.points.length > 2) apply(surface, held.points, { ...held, name: "lasso" });
  return leave(surface);
};

const rubber = (surface, event, held) => {
  aim(surface);
  trace(surface, held, [surface.toScene(event.point)]);
};

export const LASSO = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aim, down: startLasso },
    pressed: { move: startFreehand, up: letGo, cancel: leave },
    drawing: { move: drawFreehand, up: close, cancel: leave },
    corners: { hover: rubber, down: pressAgain, confirm: close, cancel: leave },
  },
});

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

export const BUCKET = Object.freeze({
  start: "idle",
  states: { idle: { hover: aim, down: (surface, event) => void pour(surface, event) } },
});
