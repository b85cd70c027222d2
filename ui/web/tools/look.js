// The two tools that only change the view: the hand and the glass.

import { panned, zoomedAt } from "../kernels/views.js";
import { go } from "./chart.js";

const DEAD_ZONE_PX = 4;
const CLICK_FACTOR = 1.5;

const restore = (surface, event, held) => {
  surface.look(held.view);
  return go("idle");
};

const grab = (surface, event) => {
  surface.point({ cursor: "grabbing", hovered: "" });
  return go("panning", { view: surface.view(), start: event.point });
};

const pan = (surface, event, held) =>
  void surface.look(panned(held.view, event.point.x - held.start.x, event.point.y - held.start.y));

const release = (surface) => {
  surface.point({ cursor: "grab", hovered: "" });
  return go("idle");
};

export const HAND = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: (surface) => void surface.point({ cursor: "grab", hovered: "" }), down: grab },
    panning: { move: pan, up: release, cancel: restore },
  },
});

const aim = (surface, event) =>
  void surface.point({ cursor: event.alt ? "zoom-out" : "zoom-in", hovered: "" });

const press = (surface, event) => go("pressed", { view: surface.view(), start: event.point });

const startZooming = (surface, event, held) =>
  Math.abs(event.point.x - held.start.x) > DEAD_ZONE_PX ? go("zooming", held) : null;

const zoom = (surface, event, held) => {
  const factor = 2 ** ((event.point.x - held.start.x) / 120);
  surface.look(zoomedAt(held.view, held.start, held.view.zoom * factor));
};

const click = (surface, event, held) => {
  const factor = event.alt ? 1 / CLICK_FACTOR : CLICK_FACTOR;
  surface.look(zoomedAt(held.view, event.point, held.view.zoom * factor));
  return go("idle");
};

export const ZOOM = Object.freeze({
  start: "idle",
  states: {
    idle: { hover: aim, down: press },
    pressed: { move: startZooming, up: click, cancel: restore },
    zooming: { move: (...step) => void zoom(...step), up: () => go("idle"), cancel: restore },
  },
});
