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

/** A press that chooses layers, or begins a box around several. */
export interface SweepHeld {
  /** The layer under the press, "" for none. */
  id: Identifier | "";
  start: Point;
  /** What was chosen before. */
  before: readonly Identifier[];
  adds: boolean;
}

/** A press on a layer that may be dragged. */
export interface MoveArmed extends SweepHeld {
  placement: Placement;
}

/** The chosen layers while they are dragged: their common box, and the lines where it rests. */
export interface MoveHeld extends MoveArmed {
  chosen: readonly Identifier[];
  box: Box | null;
  lines: { upright: readonly number[]; level: readonly number[] };
  gesture: Gesture;
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
