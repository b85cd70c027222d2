// The collage as one canvas. What changes is drawn at once by the browser's own canvas: quick, but
// rounded at every layer and resampled in its own way. As soon as nobody draws, a worker replaces
// it by the exact picture, Python's.

/**
 * @import { Box, Mask, Matrix, Size, Timer } from "../../types/editor.d.ts"
 * @import { BlendMode, Identifier, Layer, Scene } from "../../types/protocol.d.ts"
 * @import { CollageFrame, CompositorParts, LayerLook, LookSheet } from "../../types/view.d.ts"
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

/** @returns {LookSheet} */
const createSheet = () => ({
  canvas: createCanvas(),
  looks: [],
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
 * @param {LookSheet} sheet
 * @param {Size} frame
 */
const isFit = ({ frame: { width_px, height_px } }, frame) =>
  width_px === frame.width_px && height_px === frame.height_px;

/**
 * What of a sheet has to be drawn for these looks; afterwards it counts as drawn.
 * @param {LookSheet} kept
 * @param {readonly LayerLook[]} looks
 * @param {CollageFrame} frame
 * @returns {Box | null}
 */
const renew = (kept, looks, frame) => {
  const box = isFit(kept, frame) ? damageOf(kept.looks, looks, frame) : wholeOf(frame);
  Object.assign(kept, { looks, frame });
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
  #draft = null;
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
    return this.#draft !== null && this.#canBeExact() && !this.#isBusy();
  }

  /**
   * The composed collage as a canvas, at scene size or as large as is sensible; `activeId` is the
   * layer at hand.
   * @param {Scene} scene
   * @param {Identifier | ""} activeId
   */
  compose(scene, activeId) {
    const frame = frameOf(scene);
    const looks = this.#looksOf(scene.layers);
    const at = looks.findIndex(({ id }) => id === activeId);
    const under = at < 0 ? looks : looks.slice(0, at);
    const active = at < 0 ? [] : [looks[at]];
    const over = at < 0 ? [] : looks.slice(at + 1);
    // A mode above blends with what is below it, so it cannot be drawn on a sheet of its own.
    const isApart = over.every(({ layer }) => layer.blend === "normal");
    this.#refresh(this.#below, under, frame);
    this.#refresh(this.#above, isApart ? over : [], frame);
    this.#composeWhole(looks, isApart ? active : [...active, ...over], frame);
    return this.#whole.canvas;
  }

  /**
   * @param {readonly LayerLook[]} looks
   * @param {readonly LayerLook[]} between What lies between the two sheets.
   * @param {CollageFrame} frame
   */
  #composeWhole(looks, between, frame) {
    if (!isFit(this.#whole, frame)) this.#draft = null;
    const box = renew(this.#whole, looks, frame);
    if (box) this.#join(between, frame, box);
    // A frame that changes nothing here does not put the exact picture off.
    if (this.#draft && (box || this.#timer === null)) this.#wait();
  }

  /**
   * Layers as they look together over nothing, as exact as can be: a canvas at scene size.
   * @param {Scene} scene
   * @param {readonly Layer[]} layers
   */
  async together(scene, layers) {
    const frame = { ...frameOf(scene), scale: 1, width: scene.width_px, height: scene.height_px };
    const looks = this.#looksOf(layers.map((layer) => ({ ...layer, visible: true })));
    const [canvas, box] = [createCanvas(), wholeOf(frame)];
    const bytes = await this.#exact.flatten(looks, scene, box);
    const context = openSheet(canvas, frame, box);
    if (bytes) context.putImageData(new ImageData(bytes, frame.width, frame.height), 0, 0);
    else for (const look of looks) this.#draw(context, look, frame, box);
    context.restore();
    return canvas;
  }

  /**
   * Asks the worker for what is not exact yet, when nobody draws; what changed meanwhile is asked
   * for again.
   */
  async #settle() {
    this.#timer = null;
    const [box, stamp, { looks, frame }] = [this.#draft, this.#stamp, this.#whole];
    if (!box || this.#isAsking || !this.isSettling) return;
    const canvas = { width_px: frame.width_px, height_px: frame.height_px };
    this.#isAsking = true;
    const bytes = await this.#exact.flatten(looks, canvas, box);
    this.#isAsking = false;
    if (stamp !== this.#stamp) return void this.#wait();
    this.#draft = null;
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
    const { looks, frame } = this.#whole;
    /** @param {LayerLook} look */
    const fits = ({ mask }) =>
      !mask || (mask.width_px === frame.width_px && mask.height_px === frame.height_px);
    return frame.scale === 1 && !this.#exact.failed && looks.every(fits);
  }

  /**
   * What is seen of the layers, as far as it is here.
   * @param {readonly Layer[]} layers
   * @returns {LayerLook[]}
   */
  #looksOf(layers) {
    return layers.flatMap((layer) => {
      const picture = layer.visible ? this.#pictures.get(layer.picture) : null;
      const mask = layer.mask ? this.#pictures.mask(layer.mask) : null;
      if (!picture || (layer.mask && !mask)) return [];
      return [{ id: layer.id, layer, picture, mask, shift: mask && this.#shiftOf(layer) }];
    });
  }

  /**
   * @param {LookSheet} kept
   * @param {readonly LayerLook[]} looks
   * @param {CollageFrame} frame
   */
  #refresh(kept, looks, frame) {
    const box = renew(kept, looks, frame);
    if (!box) return;
    const context = openSheet(kept.canvas, frame, box);
    for (const look of looks) this.#draw(context, look, frame, box);
    context.restore();
  }

  /**
   * @param {readonly LayerLook[]} active
   * @param {CollageFrame} frame
   * @param {Box} box
   */
  #join(active, frame, box) {
    const context = openSheet(this.#whole.canvas, frame, box);
    const { x, y, wide, high } = pixelsOf(box, frame);
    /** @param {HTMLCanvasElement} canvas */
    const lay = (canvas) => context.drawImage(canvas, x, y, wide, high, x, y, wide, high);
    lay(this.#below.canvas);
    for (const look of active) this.#draw(context, look, frame, box);
    if (this.#above.looks.length > 0) lay(this.#above.canvas);
    context.restore();
    this.#stamp += 1;
    this.#draft = unionOf(this.#draft, box);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {LayerLook} look
   * @param {CollageFrame} frame
   * @param {Box} box
   */
  #draw(context, look, frame, box) {
    if (!isSeenIn(look, box, frame)) return;
    context.globalAlpha = look.layer.opacity;
    context.globalCompositeOperation = OPERATIONS[look.layer.blend];
    const { mask, shift } = look;
    if (mask && shift) this.#drawMasked(context, { ...look, mask, shift }, frame, box);
    else this.#drawPicture(context, look, frame);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.globalCompositeOperation = "source-over";
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {LayerLook} look
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
   * @param {LayerLook & { mask: Mask, shift: Matrix }} look
   * @param {CollageFrame} frame
   * @param {Box} box
   */
  #drawMasked(context, look, frame, box) {
    const plate = this.#plates.get(`${look.id} mask`, look.mask);
    const { x, y, wide, high } = pixelsOf(box, frame);
    const part = openSheet(this.#masked, frame, box);
    this.#drawPicture(part, look, frame);
    part.setTransform(...multiply([frame.scale, 0, 0, frame.scale, 0, 0], look.shift));
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
