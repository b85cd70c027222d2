// The small types of the kernels: brushes, sheets of pixels, filters and handles.

import type { Extent, Point } from "./editor.d.ts";
import type { BlendMode } from "./protocol.d.ts";

/** A view whose turn and mirror may be left out. */
export interface ViewLike {
  zoom: number;
  x: number;
  y: number;
  turn?: number;
  mirror?: boolean;
}

/** Something that a point may hit. */
export interface Hittable {
  hit(point: Point): boolean;
}

/** A handle of a selected layer in screen pixels; `out` is the direction in which it pulls. */
export type Handle = ScaleHandle | RotateHandle;

export interface ScaleHandle extends Point {
  kind: "scale";
  side: Point;
  out: Point;
}

export interface RotateHandle extends Point {
  kind: "rotate";
  foot: Point;
}

/** A place of a stroke; the pressure is 0…1. */
export interface PressedPoint extends Point {
  pressure: number;
}

/** What a brush leaves at a point. */
export interface Dab extends Point {
  radius: number;
  hardness: number;
  flow: number;
}

/** Where a stroke goes on: `due` is the way left to the next dab. */
export interface Walk {
  at: PressedPoint;
  due: number;
}

/** A key press as browsers tell of it. */
export type KeyPress = Pick<
  KeyboardEvent,
  "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey"
>;

/** RGBA, a byte each, row by row. */
export interface PixelField extends Extent {
  bytes: Uint8ClampedArray;
}

/** The part of the canvas that a placed picture covers, with its outline: 0…255 at a pixel. */
export interface Sheet extends PixelField {
  x0: number;
  y0: number;
  outline(x: number, y: number): number;
}

/** A layer as it is flattened; the mask has a byte for each pixel of the canvas. */
export interface FlatLayer {
  sheet: Sheet;
  mask: Uint8Array | null;
  opacity: number;
  blend: BlendMode;
}

/** A pixel of a sheet: its bytes begin at `from` and count by `share`. */
export interface SheetPixel {
  bytes: Uint8ClampedArray;
  from: number;
  share: number;
}

/** `count` new pixels over [from, to] of the old ones. */
export interface Sampling {
  from: number;
  to: number;
  count: number;
}

export interface SampledBox {
  x: Sampling;
  y: Sampling;
}

/** A resampling filter; the reach is in pixels of the source. */
export interface Filter {
  reach: number;
  weigh(distance: number): number;
}

/** The 4 × 4 pixels around a place, and their weights. */
export interface Tap {
  columns: Int32Array;
  rows: Int32Array;
  across: Float64Array;
  down: Float64Array;
}
