// The collage as one canvas. What changes is drawn at once by the browser's own canvas: quick, but
// rounded at every layer and resampled in its own way. As soon as nobody draws, a worker replaces
// it by the exact picture, Python's.

/**
 * @import { Box, Mask, Matrix, Size, Timer } from "../../types/editor.d.ts"
 * @import { BlendMode, Identifier, Layer, Scene } from "../../types/protocol.d.ts"
 * @import { CollageFrame, CompositorParts, StackedLayer, StackSheet } from "../../types/view.d.ts"
 */

import { multiply, placementMatrix } from "../../kernels/matrix.js";
import { unionOf } from "../../kernels/tiles.js";
import { contextOf, createCanvas } from "../dom/elements.js";
import { damageOf, isSeenIn } from "./damage.js";

const LARGEST_SIDE = 2048;
/**
 * Nothing changed for this long: a person who steps through something is not overtaken at every
 * step.
 */
const QUIET_MS = 80;

/**
 * The canvas' names of the blend modes; over nothing each of them is normal, as in the scene's own
 * composite.
 * @type {Readonly<Record<BlendMode, GlobalCompositeOperation>>}
 */
const OPERATIONS = {
  normal: "source-over",
  multiply: "multiply",
  screen: "screen",
  overlay: "overlay",
  soft_light: "soft-light",
  darken: "darken",
  lighten: "lighten",
  color_dodge: "color-dodge",
  color_burn: "color-burn",
  hard_light: "hard-light",
  difference: "difference",
  hue: "hue",
  saturation: "saturation",
  color: "color",
  luminosity: "luminosity",
  add: "lighter",
  soft_light_krita: "soft-light",
};

/**
 * A context of a canvas of the frame's size, cleared in a box {x0, y0, x1, y1} and clipped to it
 * until `restore`.
 * @param {HTMLCanvasElement} canvas
 * @param {CollageFrame} parts
 * @param {Box} box
 */
const openSheet = (canvas, { width, height, scale }, box) => {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  context.save();
  const [left, top] = [Math.floor(box.x0 * scale), Math.floor(box.y0 * scale)];
  const [right, bottom] = [Math.ceil(box.x1 * scale), Math.ceil(box.y1 * scale)];
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
  context.clearRect(left, top, right - left, bottom - top);
  context.imageSmoothingQuality = "high";
  return context;
};

/** @returns {StackSheet} */
const createSheet = () => ({
  canvas: createCanvas(),
  stack: [],
  frame: { width: 0, height: 0, scale: 1, width_px: 0, height_px: 0 },
});

/** @param {Scene} scene */
const frameOf = (scene) => {
  const scale = Math.min(1, LARGEST_SIDE / Math.max(scene.width_px, scene.height_px));
  const [width, height] = [Math.round(scene.width_px * scale), Math.round(scene.height_px * scale)];
  return { width, height, scale, width_px: scene.width_px, height_px: scene.height_px };
};

/** @param {Size} size */
const wholeOf = ({ width_px, height_px }) => ({ x0: 0, y0: 0, x1: width_px, y1: height_px });

/**
 * @param {StackSheet} sheet
 * @param {Size} frame
 */
const isFit = ({ frame: { width_px, height_px } }, frame) =>
  width_px === frame.width_px && height_px === frame.height_px;

/**
 * What of a sheet has to be drawn for these looks; afterwards it counts as drawn.
 * @param {StackSheet} kept
 * @param {readonly StackedLayer[]} stack
 * @param {CollageFrame} frame
 * @returns {Box | null}
 */
const renew = (kept, stack, frame) => {
  const box = isFit(kept, frame) ? damageOf(kept.stack, stack, frame) : wholeOf(frame);
  Object.assign(kept, { stack, frame });
  return box;
};

class Compositor {
  #pictures;
  #plates;
  #shiftOf;
  #exact;
  #isBusy;
  #settled;
  #below = createSheet();
  #above = createSheet();
  #whole = createSheet();
  #masked = createCanvas();
  /**
   * What is not exact yet.
   * @type {Box | null}
   */
  #rough = null;
  /** Grows with every change. */
  #stamp = 0;
  /** @type {Timer | null} */
  #timer = null;
  #isAsking = false;

  /** @param {CompositorParts} parts */
  constructor({ pictures, plates, shiftOf, exact, isBusy, settled }) {
    this.#shiftOf = shiftOf;
    this.#pictures = pictures;
    this.#plates = plates;
    this.#exact = exact;
    this.#isBusy = isBusy;
    this.#settled = settled;
  }

  /** A number that is another one whenever the canvas shows something else. */
  get stamp() {
    return this.#stamp;
  }

  /** Whether something is still as it was drawn quickly, though nobody is drawing. */
  get isSettling() {
    return this.#rough !== null && this.#canBeExact() && !this.#isBusy();
  }

  /**
   * The composed collage as a canvas, at scene size or as large as is sensible; `activeId` is the
   * layer at hand.
   * @param {Scene} scene
   * @param {Identifier | ""} activeId
   */
  compose(scene, activeId) {
    const frame = frameOf(scene);
    const stack = this.#stackOf(scene.layers);
    const at = stack.findIndex(({ id }) => id === activeId);
    const under = at < 0 ? stack : stack.slice(0, at);
    const active = at < 0 ? [] : [stack[at]];
    const over = at < 0 ? [] : stack.slice(at + 1);
    // A mode above blends with what is below it, so it cannot be drawn on a sheet of its own.
    const isSeparable = over.every(({ layer }) => layer.blend === "normal");
    this.#refresh(this.#below, under, frame);
    this.#refresh(this.#above, isSeparable ? over : [], frame);
    this.#composeWhole(stack, isSeparable ? active : [...active, ...over], frame);
    return this.#whole.canvas;
  }

  /**
   * @param {readonly StackedLayer[]} stack
   * @param {readonly StackedLayer[]} between What lies between the two sheets.
   * @param {CollageFrame} frame
   */
  #composeWhole(stack, between, frame) {
    if (!isFit(this.#whole, frame)) this.#rough = null;
    const box = renew(this.#whole, stack, frame);
    if (box) this.#join(between, frame, box);
    // A frame that changes nothing here does not put the exact picture off.
    if (this.#rough && (box || this.#timer === null)) this.#wait();
  }

  /**
   * Layers as they look together over nothing, as exact as can be: a canvas at scene size.
   * @param {Scene} scene
   * @param {readonly Layer[]} layers
   */
  async together(scene, layers) {
    const frame = { ...frameOf(scene), scale: 1, width: scene.width_px, height: scene.height_px };
    const stack = this.#stackOf(layers.map((layer) => ({ ...layer, visible: true })));
    const [canvas, box] = [createCanvas(), wholeOf(frame)];
    const bytes = await this.#exact.flatten(stack, scene, box);
    const context = openSheet(canvas, frame, box);
    if (bytes) context.putImageData(new ImageData(bytes, frame.width, frame.height), 0, 0);
    else for (const entry of stack) this.#draw(context, entry, frame, box);
    context.restore();
    return canvas;
  }

  /**
   * Asks the worker for what is not exact yet, when nobody draws; what changed meanwhile is asked
   * for again.
   */
  async #settle() {
    this.#timer = null;
    const [box, stamp, { stack, frame }] = [this.#rough, this.#stamp, this.#whole];
    if (!box || this.#isAsking || !this.isSettling) return;
    const canvas = { width_px: frame.width_px, height_px: frame.height_px };
    this.#isAsking = true;
    const bytes = await this.#exact.flatten(stack, canvas, box);
    this.#isAsking = false;
    if (stamp !== this.#stamp) return void this.#wait();
    this.#rough = null;
    this.#stamp += 1;
    if (bytes) {
      const image = new ImageData(bytes, box.x1 - box.x0);
      contextOf(this.#whole.canvas).putImageData(image, box.x0, box.y0);
    }
    this.#settled(box);
  }

  #wait() {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = this.isSettling ? setTimeout(() => this.#settle(), QUIET_MS) : null;
  }

  /**
   * Pictures of a canvas beyond what is drawn, and masks of another size, stay as the canvas draws
   * them.
   */
  #canBeExact() {
    const { stack, frame } = this.#whole;
    /** @param {StackedLayer} entry */
    const fits = ({ mask }) =>
      !mask || (mask.width_px === frame.width_px && mask.height_px === frame.height_px);
    return frame.scale === 1 && !this.#exact.failed && stack.every(fits);
  }

  /**
   * What is seen of the layers, as far as it is here.
   * @param {readonly Layer[]} layers
   * @returns {StackedLayer[]}
   */
  #stackOf(layers) {
    return layers.flatMap((layer) => {
      const picture = layer.visible ? this.#pictures.get(layer.picture) : null;
      const mask = layer.mask ? this.#pictures.mask(layer.mask) : null;
      if (!picture || (layer.mask && !mask)) return [];
      return [{ id: layer.id, layer, picture, mask, shift: mask && this.#shiftOf(layer) }];
    });
  }

  /**
   * @param {StackSheet} kept
   * @param {readonly StackedLayer[]} stack
   * @param {CollageFrame} frame
   */
  #refresh(kept, stack, frame) {
    const box = renew(kept, stack, frame);
    if (!box) return;
    const context = openSheet(kept.canvas, frame, box);
    for (const entry of stack) this.#draw(context, entry, frame, box);
    context.restore();
  }

  /**
   * @param {readonly StackedLayer[]} active
   * @param {CollageFrame} frame
   * @param {Box} box
   */
  #join(active, frame, box) {
    const context = openSheet(this.#whole.canvas, frame, box);
    const { x, y, wide, high } = pixelsOf(box, frame);
    /** @param {HTMLCanvasElement} canvas */
    const lay = (canvas) => context.drawImage(canvas, x, y, wide, high, x, y, wide, high);
    lay(this.#below.canvas);
    for (const entry of active) this.#draw(context, entry, frame, box);
    if (this.#above.stack.length > 0) lay(this.#above.canvas);
    context.restore();
    this.#stamp += 1;
    this.#rough = unionOf(this.#rough, box);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {StackedLayer} entry
   * @param {CollageFrame} frame
   * @param {Box} box
   */
  #draw(context, entry, frame, box) {
    if (!isSeenIn(entry, box, frame)) return;
    context.globalAlpha = entry.layer.opacity;
    context.globalCompositeOperation = OPERATIONS[entry.layer.blend];
    const { mask, shift } = entry;
    if (mask && shift) this.#drawMasked(context, { ...entry, mask, shift }, frame, box);
    else this.#drawPicture(context, entry, frame);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.globalCompositeOperation = "source-over";
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {StackedLayer} entry
   * @param {CollageFrame} frame
   */
  #drawPicture(context, { layer, picture: { image, size } }, { scale }) {
    context.setTransform(
      ...multiply([scale, 0, 0, scale, 0, 0], placementMatrix(layer.placement, size)),
    );
    context.drawImage(image, 0, 0, size.width_px, size.height_px);
  }

  /**
   * The picture inside its painted mask.
   * @param {CanvasRenderingContext2D} context
   * @param {StackedLayer & { mask: Mask, shift: Matrix }} entry
   * @param {CollageFrame} frame
   * @param {Box} box
   */
  #drawMasked(context, entry, frame, box) {
    const plate = this.#plates.get(`${entry.id} mask`, entry.mask);
    const { x, y, wide, high } = pixelsOf(box, frame);
    const part = openSheet(this.#masked, frame, box);
    this.#drawPicture(part, entry, frame);
    part.setTransform(...multiply([frame.scale, 0, 0, frame.scale, 0, 0], entry.shift));
    part.globalCompositeOperation = "destination-in";
    part.drawImage(plate, 0, 0, frame.width_px, frame.height_px);
    part.restore();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#masked, x, y, wide, high, x, y, wide, high);
  }
}

/**
 * A box of the scene in the pixels of a frame.
 * @param {Box} box
 * @param {CollageFrame} frame
 */
const pixelsOf = ({ x0, y0, x1, y1 }, { scale }) => {
  const [x, y] = [Math.floor(x0 * scale), Math.floor(y0 * scale)];
  return { x, y, wide: Math.ceil(x1 * scale) - x, high: Math.ceil(y1 * scale) - y };
};

/** @param {CompositorParts} parts */
export const createCompositor = (parts) => new Compositor(parts);
