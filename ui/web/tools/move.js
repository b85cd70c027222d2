// The move tool: press an object to select it, drag it, scale and turn it by its handles.

/**
 * @import { Box, Chart, Gesture, Point, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { Grip, HandleHeld, MoveArmed, MoveHeld, ScaleHeld, SweepHeld } from "../types/tools.d.ts"
 */

import { areTouching, boxBetween, restLines } from "../kernels/arranging.js";
import { cursorOf, handleAt, handlesOf, rotateTo, scaleTo } from "../kernels/boxes.js";
import { rectangle } from "../kernels/shapes.js";
import { snapShift } from "../kernels/snapping.js";
import { unionOf } from "../kernels/tiles.js";
import { toScene, viewMatrix } from "../kernels/views.js";
import { forEach, nudge, select, setPlacement } from "../model/edits.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 3;
const SNAP_PX = 6;

/**
 * @param {Surface} surface
 * @param {Point} point
 */
const gripAt = (surface, point) => {
  const layer = surface.selected();
  if (!layer || layer.locked || !layer.visible || surface.chosen().length > 1) return null;
  const size = surface.sizeOf(layer);
  const handle =
    size && handleAt(handlesOf(layer.placement, size, viewMatrix(surface.view())), point);
  return handle ? { layer, size, handle } : null;
};

/**
 * The selected object if it is under the pointer (so that a covered one can be dragged), else the
 * topmost one.
 * @param {Surface} surface
 * @param {Point} point
 */
const layerUnder = (surface, point) => {
  const at = toScene(surface.view(), point);
  const selected = surface.selected();
  if (selected && surface.hits(selected.id, at)) return selected.id;
  return surface.topmost(at)?.id ?? "";
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {Grip} grip
 */
const pressHandle = (surface, event, { layer, size, handle }) => {
  const start = toScene(surface.view(), event.point);
  const spot = toScene(surface.view(), handle);
  const base = { id: layer.id, placement: layer.placement, size, handle, start };
  if (handle.kind === "rotate")
    return go("rotating", { ...base, gesture: surface.begin("Rotate") });
  const offset = { x: spot.x - start.x, y: spot.y - start.y };
  return go("scaling", { ...base, offset, gesture: surface.begin("Scale") });
};

/**
 * With Shift or Ctrl a press adds a layer to the chosen ones, or takes it away, once the pointer is
 * let go; a drag from where nothing can be dragged draws a box around several.
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const press = (surface, event) => {
  const grip = gripAt(surface, event.point);
  if (grip) return pressHandle(surface, event, grip);
  const before = surface.chosen();
  const id = layerUnder(surface, event.point);
  const adds = event.shift || event.ctrl;
  const held = { id, start: event.point, before, adds };
  if (adds) return pressToAdd(surface, held);
  const wasSelected = surface.selected()?.id === id;
  if (!before.includes(id)) surface.chooseAlone();
  surface.amend(select(id));
  const layer = surface.selected();
  if (!layer || layer.locked || !(wasSelected || !surface.isBackdrop(layer)))
    return go("sweeping", held);
  return go("armed", { ...held, placement: layer.placement });
};

/**
 * @param {Surface} surface
 * @param {SweepHeld} held
 */
const pressToAdd = (surface, held) => {
  const layer = surface.chosen().includes(held.id) ? surface.selected() : null;
  if (layer && !layer.locked) return go("armed", { ...held, placement: layer.placement });
  return go("sweeping", held);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const hover = (surface, event) => {
  const grip = gripAt(surface, event.point);
  if (grip) return surface.point({ cursor: cursorOf(grip.handle), hovered: "" });
  const id = surface.topmost(toScene(surface.view(), event.point))?.id ?? "";
  return surface.point({ cursor: id ? "move" : "default", hovered: id });
};

/**
 * @param {ToolEvent} event
 * @param {{ start: Point }} held
 */
const isFar = ({ point }, { start }) =>
  Math.hypot(point.x - start.x, point.y - start.y) > DEAD_ZONE_PX;

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {MoveArmed} held
 */
const startMoving = (surface, event, held) => {
  if (!isFar(event, held)) return null;
  surface.point({ cursor: "move", hovered: "" });
  const chosen = surface.chosen();
  const boxes = surface.boxes();
  const own = boxes.filter(({ id }) => chosen.includes(id)).map(({ box }) => box);
  const others = boxes.filter(({ id }) => !chosen.includes(id)).map(({ box }) => box);
  const box = own.reduce((/** @type {Box | null} */ union, one) => unionOf(union, one), null);
  const lines = restLines(surface.canvas(), others);
  const name = chosen.length > 1 ? `Move ${chosen.length} layers with` : "Move";
  const moving = { ...held, chosen, box, lines, gesture: surface.begin(name) };
  move(surface, event, moving);
  return go("moving", moving);
};

const NO_SNAP = { dx: 0, dy: 0, vertical: null, horizontal: null };

/**
 * All chosen layers go along; their common box comes to rest on the canvas and on other layers.
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {MoveHeld} held
 */
const move = (surface, event, { start, chosen, box, lines, gesture }) => {
  const [from, to] = [start, event.point].map(surface.toScene);
  let [dx, dy] = [to.x - from.x, to.y - from.y];
  if (event.shift) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
  const isFree = event.ctrl || event.shift || !box;
  const snap = isFree
    ? NO_SNAP
    : snapShift(shiftBox(box, dx, dy), lines, SNAP_PX / surface.view().zoom);
  surface.guide(snap.vertical === null && snap.horizontal === null ? null : snap);
  gesture.update(forEach(chosen, (id) => nudge(id, dx + snap.dx, dy + snap.dy)));
};

/**
 * @param {Box} box
 * @param {number} dx
 * @param {number} dy
 */
const shiftBox = ({ x0, y0, x1, y1 }, dx, dy) => ({
  x0: x0 + dx,
  y0: y0 + dy,
  x1: x1 + dx,
  y1: y1 + dy,
});

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {SweepHeld} held
 */
const startSweeping = (surface, event, held) => {
  if (!isFar(event, held)) return null;
  surface.point({ cursor: "crosshair", hovered: "" });
  return sweep(surface, event, held);
};

/**
 * Every layer that the box touches is chosen, but for what is locked and what covers the canvas.
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {SweepHeld} held
 */
const sweep = (surface, event, held) => {
  const [from, to] = [held.start, event.point].map(surface.toScene);
  surface.outline({ points: rectangle(from, to), closed: true, subtract: false });
  const box = boxBetween(from, to);
  const touched = surface.boxes().filter((one) => !one.isFixed && areTouching(one.box, box));
  const ids = touched.map(({ id }) => id);
  surface.choose(held.adds ? [...new Set([...held.before, ...ids])] : ids);
  return go("swept", held);
};

/** @param {Surface} surface */
const endSweeping = (surface) => {
  surface.outline(null);
  return go("idle");
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {SweepHeld} held
 */
const leaveSweeping = (surface, event, held) => {
  surface.choose(held.before);
  return endSweeping(surface);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {ScaleHeld} held
 */
const scale = (surface, event, held) => {
  const at = toScene(surface.view(), event.point);
  const point = { x: at.x + held.offset.x, y: at.y + held.offset.y };
  const placement = scaleTo(held.placement, held.size, held.handle.side, point, {
    free: event.shift,
    centred: event.alt,
  });
  held.gesture.update(setPlacement(held.id, placement));
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {HandleHeld} held
 */
const rotate = (surface, event, held) => {
  const at = toScene(surface.view(), event.point);
  held.gesture.update(
    setPlacement(held.id, rotateTo(held.placement, held.start, at, { snapped: event.shift })),
  );
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ gesture: Gesture }} held
 */
const finish = (surface, event, held) => {
  surface.guide(null);
  held.gesture.commit();
  return go("idle");
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {{ gesture: Gesture }} held
 */
const abandon = (surface, event, held) => {
  surface.guide(null);
  held.gesture.cancel();
  return go("idle");
};

/**
 * A press without a drag: the topmost object, even if a covered one was selected; with Shift or
 * Ctrl it is chosen beside the others, or no longer.
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {SweepHeld} held
 */
const click = (surface, event, { id, before, adds }) => {
  if (!adds) {
    surface.chooseAlone();
    surface.amend(select(surface.topmost(toScene(surface.view(), event.point))?.id ?? ""));
  } else if (id) {
    const isChosen = before.includes(id);
    surface.choose(isChosen ? before.filter((other) => other !== id) : [...before, id]);
  }
  return go("idle");
};

/** @type {Chart} */
export const MOVE = Object.freeze({
  start: "idle",
  states: {
    idle: { hover, down: press },
    armed: { move: startMoving, up: click, cancel: () => go("idle") },
    moving: { move, up: finish, cancel: abandon },
    scaling: { move: scale, up: finish, cancel: abandon },
    rotating: { move: rotate, up: finish, cancel: abandon },
    sweeping: { move: startSweeping, up: click, cancel: leaveSweeping },
    swept: { move: sweep, up: endSweeping, cancel: leaveSweeping },
  },
});
