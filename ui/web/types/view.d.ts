// The types of the views: how elements are built, fields made, and frames of the canvas described.

import type { createCompositor } from "../view/canvas/compositor.js";
import type { createExactCompositor } from "../view/canvas/exact-compositor.js";
import type { createMaskCanvases } from "../view/canvas/mask-canvases.js";
import type {
  Box,
  Edit,
  Guides,
  Inks,
  LayerRow,
  LoadedPicture,
  Mask,
  Matrix,
  Outline,
  Pictures,
  Point,
  Shown,
  Size,
  View,
} from "./editor.d.ts";
import type { Digest, Identifier, Layer, Note, Placement, Scene } from "./protocol.d.ts";

// --- elements -------------------------------------------------------------------------------------------------

export type Listeners = {
  [Kind in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Kind]) => unknown;
};

/** What an element is built with: "on" are its listeners, "text" is its text, null leaves an attribute out. */
export interface Attributes {
  on?: Listeners;
  text?: string | null;
  [name: string]: unknown;
}

export type Child = Node | string | null | undefined;

/** A node of a list by its key; what else an entry knows is its maker's. */
export interface Keyed {
  readonly node: HTMLElement;
}

// --- fields ---------------------------------------------------------------------------------------------------

/** The part of the store that fields write gestures with. */
export interface GestureTarget<Change> {
  change(name: string, change: Change, merge?: string): void;
  seal(): void;
  begin(
    name: string,
    merge?: string,
  ): { update(change: Change): unknown; commit(): unknown; cancel(): unknown };
}

/** Where the gestures of a field go: the store of the editor, or the session. */
export interface FieldTarget<Change = Edit> {
  readonly store: GestureTarget<Change>;
}

/** A field of the page: what is put into it, and what draws it anew. */
export interface Field<Input extends HTMLElement = HTMLInputElement> {
  readonly node: HTMLElement;
  readonly input: Input;
  update(shown: Shown): void;
}

export interface NumberOptions<Change = Edit> {
  label: string;
  title?: string;
  test: string;
  low: number;
  high: number;
  step?: number;
  whole?: boolean;
  suffix?: string;
  /** A new value in place of a typed -1, for seeds. */
  draw?: () => number;
  /** What gestures are called. */
  name: string;
  read(shown: Shown): number | null;
  edit(value: number): Change;
}

export interface SliderOptions {
  label: string;
  test: string;
  low?: number;
  high?: number;
  step?: number;
  /** Where a double click puts it back to. */
  normal?: number;
  name: string;
  format(value: number): string;
  read(shown: Shown): number | null;
  edit(value: number): Edit;
  /** Gestures of an equal key join into one step of undo. */
  merge(): string;
}

export interface TextOptions {
  label: string;
  test: string;
  placeholder?: string;
  rows?: number;
  limit?: number;
  name: string;
  read(shown: Shown): string | null;
  edit(value: string): Edit;
  merge(): string;
}

export interface Choice {
  id: string;
  title: string;
  /** It is shown, and cannot be chosen. */
  disabled?: boolean;
}

export interface ChoiceOptions {
  label: string;
  test: string;
  name: string;
  options(shown: Shown): readonly Choice[];
  read(shown: Shown): string | null;
  edit(value: string): Edit;
}

export interface TickOptions {
  label: string;
  test: string;
  name: string;
  read(shown: Shown): unknown;
  edit(value: boolean): Edit;
}

export interface ButtonOptions {
  label?: string;
  iconName?: string;
  test: string;
  title?: string;
  kind?: string;
  key?: string;
}

// --- parts of panels ------------------------------------------------------------------------------------------

/** A part of a panel that is drawn from what is shown. */
export interface Part {
  readonly node: HTMLElement;
  update(shown: Shown): void;
}

/** Several elements that are drawn together. */
export interface Parts {
  readonly nodes: readonly HTMLElement[];
  update(shown: Shown): void;
}

/** A part of the card of a layer. */
export interface CardPart {
  readonly node?: HTMLElement;
  readonly nodes?: readonly HTMLElement[];
  update(shown: Shown, layer: Layer): void;
}

/** A row of the panel of layers: a layer, or the head of a group. */
export interface RowView {
  readonly node: HTMLElement;
  update(shown: Shown, row: LayerRow, isFront: boolean): void;
}

/** A note on a layer; a short one stands in its row as it is. */
export type Warning = Pick<Note, "code" | "text"> & { short?: string };

/** An entry of a menu. */
export interface MenuEntry {
  heading?: string;
  title?: string;
  hint?: string;
  test?: string;
  command?: string;
  argument?: unknown;
  /** An entry that is on or off; the menu stays open when it is turned. */
  ticked?: boolean;
}

// --- the canvas -----------------------------------------------------------------------------------------------

/** What can be drawn as a page. */
export type Drawable = HTMLImageElement | HTMLCanvasElement;

/** A layer as it is seen: its picture, its mask, and how far the mask goes along while it is dragged. */
export interface StackedLayer {
  readonly id: Identifier;
  readonly layer: Layer;
  readonly picture: LoadedPicture;
  readonly mask: Mask | null;
  readonly shift: Matrix | null;
}

/** The size at which the collage is drawn: that of the scene, or smaller. */
export interface CollageFrame extends Size {
  width: number;
  height: number;
  scale: number;
}

/** A canvas with the looks that it shows. */
export interface StackSheet {
  readonly canvas: HTMLCanvasElement;
  stack: readonly StackedLayer[];
  frame: CollageFrame;
}

/** The canvas of a mask, and a matrix by which it is shifted. */
export interface Veil {
  canvas: HTMLCanvasElement;
  shift: Matrix;
}

/** How a mask is drawn as a veil: in a tint "#rrggbb", by one of eight patterns, or over what it hides. */
export interface VeilStyle {
  ink: string;
  pattern: number;
  step_px: number;
  hidden: boolean;
}

/** A layer with what is needed to outline it. */
export interface Outlined {
  layer: Layer;
  picture: LoadedPicture | null;
  size: Size | null;
  tint: string;
}

/** The changed pixels of two pictures, how many there are and which share. */
export interface Changes {
  canvas: HTMLCanvasElement;
  count: number;
  share: number;
}

export type Showing = "collage" | "result" | "preview";

/** What fills the page of the canvas. */
export interface Page {
  showing: Showing;
  picture: Drawable;
}

/** Everything of one frame of the canvas; `changed` is the only box of the scene to be painted, or null. */
/** What a way of comparing lays over the page. */
export interface Compared {
  split?: { picture: Drawable; at: number };
  changes?: Changes;
}

export interface StageFrame extends Page, Compared {
  veils: readonly Veil[];
  outline: Outline | null;
  changed: Box | null;
  scene: Scene;
  view: View;
  /** The device's pixels per CSS pixel. */
  ratio: number;
  inks: Inks & { pattern?: CanvasPattern | null };
  guides: Guides | null;
  selected: Outlined | null;
  /** What is chosen beside the selected layer. */
  chosen: readonly Outlined[];
  hovered: Outlined | null;
  handles: boolean;
}

/** What lies on the canvas knows, besides what is shown, what the frame came to. */
export type SeenFrame = Shown & { hasPreview: boolean; changes?: Changes };

/** A picture {width, height, bytes} whose bytes are RGBA. */
export interface Pixels {
  width: number;
  height: number;
  bytes: Uint8ClampedArray;
}

/** A layer as the worker knows it. */
export interface SentLayer {
  id: Identifier;
  picture: Digest;
  size: Size;
  placement: Placement;
  opacity: number;
  blend: Layer["blend"];
  hasMask: boolean;
}

/** The tiles of a mask that the worker lacks. */
export type SentMask = [
  id: Identifier,
  mask: { isNew: boolean; tiles: readonly (readonly [index: number, tile: Uint8Array | null])[] },
];

/** What the worker is asked. */
export interface FlattenRequest {
  canvas: Size;
  box: Box;
  layers: readonly SentLayer[];
  pictures: readonly (readonly [name: Digest, bitmap: ImageBitmap])[];
  masks: readonly SentMask[];
}

/** What the worker answers: straight RGBA bytes of the box, or the pictures that it lacks. */
export interface FlattenReply {
  bytes?: Uint8ClampedArray<ArrayBuffer>;
  missing?: readonly Digest[];
}

/** The scope of a worker, as far as it is used. */
export interface WorkerScope {
  addEventListener(
    kind: "message",
    listener: (event: MessageEvent<FlattenRequest & { id: number }>) => void,
  ): void;
  postMessage(reply: FlattenReply & { id: number }, transfer: Transferable[]): void;
}

export type Compositor = ReturnType<typeof createCompositor>;
export type ExactCompositor = ReturnType<typeof createExactCompositor>;
export type MaskCanvases = ReturnType<typeof createMaskCanvases>;

/** A canvas of a mask, with the mask that it shows. */
export interface MaskCanvas {
  canvas: HTMLCanvasElement;
  mask: Mask | null;
  style: VeilStyle | null;
}

/** A layer, and how a point hits it. */
export type HitLayer = Layer & { hit(point: Point): boolean };

/** What the compositor draws with. */
export interface CompositorParts {
  pictures: Pick<Pictures, "get" | "mask">;
  plates: Pick<MaskCanvases, "get">;
  /** How far a layer's mask goes along while it is dragged, as a matrix of canvas points. */
  shiftOf(layer: Layer): Matrix;
  exact: Pick<ExactCompositor, "flatten" | "failed">;
  /** Whether a gesture is open. */
  isBusy(): boolean;
  /** The canvas is exact again. */
  settled(box: Box): void;
}
