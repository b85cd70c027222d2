// The marquee: draw a box, then drag what lies in it; Alt at the press copies it. Each drag is one step.

import { rectangle } from "../kernels/shapes.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 3;

const isFar = ({ point }, pressed) =>
  Math.hypot(point.x - pressed.x, point.y - pressed.y) > DEAD_ZONE_PX;

const isInside = ({ x0, y0, x1, y1 }, { x, y }) => x >= x0 && x < x1 && y >= y0 && y < y1;

const shifted = ({ x0, y0, x1, y1 }, { dx, dy }) => ({
  x0: x0 + dx,
  y0: y0 + dy,
  x1: x1 + dx,
  y1: y1 + dy,
});

const show = (surface, { x0, y0, x1, y1 }) =>
  surface.outline({
    points: rectangle({ x: x0, y: y0 }, { x: x1, y: y1 }),
    closed: true,
    subtract: false,
  });

const boxOf = (surface, event, { start }) => {
  const points = rectangle(start, surface.toScene(event.point), {
    square: event.shift,
    centred: event.alt,
  });
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
};

const aim = (surface) => void surface.point({ cursor: "crosshair", hovered: "" });

const press = (surface, event) =>
  go("pressed", { start: surface.toScene(event.point), pressed: event.point });

const draw = (surface, event, held) => {
  const box = boxOf(surface, event, held);
  show(surface, box);
  return go("drawing", { ...held, box });
};

const startDrawing = (surface, event, held) =>
  isFar(event, held.pressed) ? draw(surface, event, held) : null;

const leave = (surface) => {
  surface.outline(null);
  return go("idle");
};

const keep = (surface, event, { box }) => go("marked", { box });

const aimAt = (surface, event, { box }) => {
  const cursor = isInside(box, surface.toScene(event.point))
    ? event.alt
      ? "copy"
      : "move"
    : "crosshair";
  surface.point({ cursor, hovered: "" });
};

/** Inside the box its content is taken; beside it another box begins. */
const pressAgain = (surface, event, { box }) => {
  const start = surface.toScene(event.point);
  if (isInside(box, start))
    return go("armed", { box, start, pressed: event.point, copies: event.alt });
  surface.outline(null);
  return press(surface, event);
};

const lift = (surface, event, held) => {
  if (!isFar(event, held.pressed)) return null;
  const pen = surface.beginPart(held.box, { copies: held.copies });
  if (!pen) return leave(surface);
  return drag(surface, event, { ...held, box: pen.box, pen });
};

/** By whole pixels, so that what is moved stays as it is; Shift keeps to one direction. */
const drag = (surface, event, held) => {
  const to = surface.toScene(event.point);
  const [dx, dy] = [Math.round(to.x - held.start.x), Math.round(to.y - held.start.y)];
  const isAcross = Math.abs(dx) > Math.abs(dy);
  const by = event.shift ? { dx: isAcross ? dx : 0, dy: isAcross ? 0 : dy } : { dx, dy };
  held.pen.put(by);
  show(surface, shifted(held.box, by));
  return go("dragging", { ...held, by });
};

const drop = (surface, event, held) => {
  held.pen.commit();
  return go("marked", { box: shifted(held.box, held.by) });
};

const abandon = (surface, event, held) => {
  held.pen.cancel();
  return leave(surface);
};

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
