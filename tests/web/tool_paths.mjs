// A sequence of events that leads into each state of each tool.

import { handlesOf } from "../../ui/web/kernels/boxes.js";
import { viewMatrix } from "../../ui/web/kernels/views.js";
import { event, SIZE } from "./surface_fixture.mjs";

/** Where a handle of the selected layer lies on the screen; 8 is the knob that turns it. */
export const cornerOf = (surface, index) =>
  handlesOf(surface.selected().placement, SIZE, viewMatrix(surface.view()))[index];

/** A sequence of events that leads into each state of each tool. */
export const PATHS = {
  move: {
    armed: () => [event("down", 100, 100)],
    moving: () => [event("down", 100, 100), event("move", 140, 90)],
    sweeping: () => [event("down", 5, 5)],
    swept: () => [event("down", 5, 5), event("move", 340, 240)],
    scaling: (surface) => [
      event("down", cornerOf(surface, 0).x, cornerOf(surface, 0).y),
      event("move", 10, 10),
    ],
    rotating: (surface) => [
      event("down", cornerOf(surface, 8).x, cornerOf(surface, 8).y),
      event("move", 200, 100),
    ],
  },
  brush: { painting: () => [event("down", 50, 50), event("move", 90, 60)] },
  eraser: { painting: () => [event("down", 50, 50), event("move", 90, 60)] },
  rectangle: { drawing: () => [event("down", 50, 50), event("move", 90, 60)] },
  ellipse: { drawing: () => [event("down", 50, 50), event("move", 90, 60)] },
  lasso: {
    pressed: () => [event("down", 50, 50)],
    drawing: () => [event("down", 50, 50), event("move", 90, 60), event("move", 60, 90)],
    corners: () => [event("down", 50, 50), event("up", 50, 50), event("hover", 70, 70)],
  },
  bucket: {},
  select: {
    pressed: () => [event("down", 50, 50)],
    boxing: () => [event("down", 50, 50), event("move", 90, 60)],
  },
  marquee: {
    pressed: () => [event("down", 70, 80)],
    drawing: () => [event("down", 70, 80), event("move", 120, 120)],
    marked: () => [event("down", 70, 80), event("move", 120, 120), event("up", 120, 120)],
    armed: () => [...PATHS.marquee.marked(), event("down", 90, 90)],
    dragging: () => [...PATHS.marquee.armed(), event("move", 190, 95), event("move", 200, 95)],
  },
  carry: {
    pressed: () => [event("down", 70, 80)],
    carrying: () => [event("down", 70, 80), event("move", 120, 120)],
  },
  hand: { panning: () => [event("down", 5, 5), event("move", 60, 80)] },
  zoom: {
    pressed: () => [event("down", 5, 5)],
    zooming: () => [event("down", 5, 5), event("move", 90, 5), event("move", 120, 5)],
  },
};
