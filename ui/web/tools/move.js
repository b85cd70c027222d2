// The move tool: press an object to select it, drag it, scale and turn it by its handles.

/**
 * @import { Chart, Gesture, Point, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { Placement } from "../types/protocol.d.ts"
 * @import { Grip, HandleHeld, MoveArmed, ScaleHeld } from "../types/tools.d.ts"
 */

import { bounds, cursorOf, handleAt, handlesOf, rotateTo, scaleTo } from "../kernels/boxes.js";
import { snapShift } from "../kernels/snapping.js";
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
  if (!layer || layer.locked || !layer.visible) return null;
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
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const press = (surface, event) => {
  const grip = gripAt(surface, event.point);
  if (grip) return pressHandle(surface, event, grip);
  const id = layerUnder(surface, event.point);
  const wasSelected = surface.selected()?.id === id;
  if (!surface.chosen().includes(id)) surface.chooseAlone();
  surface.amend(select(id));
  const layer = surface.selected();
  if (!id || !layer) return go("idle");
  const draggable = !layer.locked && (wasSelected || !surface.isBackdrop(layer));
  return go("armed", { id, start: event.point, placement: layer.placement, draggable });
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
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {MoveArmed} held
 */
const startMoving = (surface, event, held) => {
  const far = Math.hypot(event.point.x - held.start.x, event.point.y - held.start.y) > DEAD_ZONE_PX;
  if (!far || !held.draggable) return null;
  surface.point({ cursor: "move", hovered: "" });
  const moving = { ...held, gesture: surface.begin("Move") };
  move(surface, event, moving);
  return go("moving", moving);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {MoveArmed & { gesture: Gesture }} held
 */
const move = (surface, event, held) => {
  const [from, to] = [held.start, event.point].map(surface.toScene);
  let [dx, dy] = [to.x - from.x, to.y - from.y];
  if (event.shift) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
  const { centre_x_px, centre_y_px } = held.placement;
  const there = { ...held.placement, centre_x_px: centre_x_px + dx, centre_y_px: centre_y_px + dy };
  const snap = snapFor(surface, event, held, there);
  surface.guide(snap.vertical === null && snap.horizontal === null ? null : snap);
  const patch = {
    centre_x_px: there.centre_x_px + snap.dx,
    centre_y_px: there.centre_y_px + snap.dy,
  };
  const by = { x: patch.centre_x_px - centre_x_px, y: patch.centre_y_px - centre_y_px };
  const others = surface.chosen().filter((id) => id !== held.id);
  const along = forEach(others, (id) => nudge(id, by.x, by.y));
  held.gesture.update((record) => along(setPlacement(held.id, patch)(record)));
};

const NO_SNAP = { dx: 0, dy: 0, vertical: null, horizontal: null };

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {MoveArmed} held
 * @param {Placement} placement
 */
const snapFor = (surface, event, held, placement) => {
  const layer = surface.selected();
  const size = layer && surface.sizeOf(layer);
  if (event.ctrl || event.shift || !size) return NO_SNAP;
  return snapShift(bounds(placement, size), surface.canvas(), SNAP_PX / surface.view().zoom);
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
 * A press without a drag: the topmost object, even if a covered one was selected.
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const click = (surface, event) => {
  surface.amend(select(surface.topmost(toScene(surface.view(), event.point))?.id ?? ""));
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
  },
});
