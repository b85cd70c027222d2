// What the tools hold between two events.

import type { Box, Brush, Gesture, PartPen, Pen, Point, Shift, Size, View } from "./editor.d.ts";
import type { Handle, PressedPoint, ScaleHandle, Walk } from "./kernels.d.ts";
import type { Stroke } from "./model.d.ts";
import type { Identifier, Layer, Placement } from "./protocol.d.ts";

/** Where a press began, in the scene and on the stage. */
export interface Pressed {
  start: Point;
  pressed: Point;
}

export interface ViewHeld {
  view: View;
  start: Point;
}

/** A press inside the marquee: what lies in it may be dragged. */
export interface MarqueeArmed extends Pressed {
  box: Box;
  copies: boolean;
}

/** A handle of the selected layer under the pointer. */
export interface Grip {
  layer: Layer;
  size: Size;
  handle: Handle;
}

/** A press on a layer that may be dragged. */
export interface MoveArmed {
  id: Identifier;
  start: Point;
  placement: Placement;
  draggable: boolean;
}

/** A layer that is turned by its handle. */
export interface HandleHeld {
  id: Identifier;
  placement: Placement;
  size: Size;
  start: Point;
  gesture: Gesture;
}

/** A layer that is scaled by its handle, and how far the press was beside that. */
export interface ScaleHeld extends HandleHeld {
  handle: ScaleHandle;
  offset: Point;
}

export interface PaintHeld {
  pen: Pen;
  brush: Readonly<Brush>;
  walk: Walk;
  stroke: Stroke;
}

/** A lasso so far. */
export interface RegionHeld {
  points: readonly Point[];
  subtract: boolean;
  pressed: Point;
}

/** A rectangle or an ellipse so far. */
export interface RegionBoxHeld extends Pressed {
  subtract: boolean;
}
