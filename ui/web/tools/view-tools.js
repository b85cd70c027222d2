// The two tools that only change the view: the hand and the glass.

/**
 * @import { Chart, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { ViewHeld } from "../types/tools.d.ts"
 */

import { panView, zoomAt } from "../kernels/views.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 4;
const CLICK_FACTOR = 1.5;

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {ViewHeld} held
 */
const restore = (surface, event, held) => {
  surface.look(held.view);
  return go("idle");
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const grab = (surface, event) => {
  surface.point({ cursor: "grabbing", hovered: "" });
  return go("panning", { view: surface.view(), start: event.point });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {ViewHeld} held
 */
const pan = (surface, event, held) =>
  void surface.look(panView(held.view, event.point.x - held.start.x, event.point.y - held.start.y));

/** @param {Surface} surface */
const release = (surface) => {
  surface.point({ cursor: "grab", hovered: "" });
  return go("idle");
};

/** @param {Surface} surface */
const aimHand = (surface) => void surface.point({ cursor: "grab", hovered: "" });

/** @type {Chart} */
export const HAND = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aimHand, down: grab },
    panning: { move: pan, up: release, cancel: restore },
  },
});

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const aim = (surface, event) =>
  void surface.point({ cursor: event.alt ? "zoom-out" : "zoom-in", hovered: "" });

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const press = (surface, event) => go("pressed", { view: surface.view(), start: event.point });

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {ViewHeld} held
 */
const startZooming = (surface, event, held) =>
  Math.abs(event.point.x - held.start.x) > DEAD_ZONE_PX ? go("zooming", held) : null;

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {ViewHeld} held
 */
const zoom = (surface, event, held) => {
  const factor = 2 ** ((event.point.x - held.start.x) / 120);
  surface.look(zoomAt(held.view, held.start, held.view.zoom * factor));
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {ViewHeld} held
 */
const click = (surface, event, held) => {
  const factor = event.alt ? 1 / CLICK_FACTOR : CLICK_FACTOR;
  surface.look(zoomAt(held.view, event.point, held.view.zoom * factor));
  return go("idle");
};

/** @type {Chart} */
export const ZOOM = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aim, down: press },
    pressed: { move: startZooming, up: click, cancel: restore },
    zooming: { move: zoom, up: () => go("idle"), cancel: restore },
  },
});
