// The collage as one canvas. What lies below and above the layer at hand is kept, so that a drag redraws one layer.

import { multiply, placementMatrix } from "../kernels/matrix.js";

const LARGEST_SIDE = 2048;

const blank = () => document.createElement("canvas");

const sized = (canvas, width, height) => {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.globalCompositeOperation = "source-over";
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  return context;
};

/** What a drawing of these layers depends on, compared part by part. */
const sameParts = (one, other) =>
  one !== null && one.length === other.length && one.every((part, index) => part === other[index]);

class Compositor {
  #pictures;
  #plates;
  #below = { canvas: blank(), parts: null };
  #above = { canvas: blank(), parts: null };
  #whole = { canvas: blank(), parts: null };
  #masked = blank();

  constructor(pictures, plates) {
    this.#pictures = pictures;
    this.#plates = plates;
  }

  /** The composed collage as a canvas, at scene size or as large as is sensible; `activeId` names the layer at hand. */
  compose(scene, activeId) {
    const scale = Math.min(1, LARGEST_SIDE / Math.max(scene.width_px, scene.height_px));
    const frame = { width: Math.round(scene.width_px * scale), height: Math.round(scene.height_px * scale), scale };
    const shown = scene.layers.filter((layer) => layer.visible && layer.picture);
    const at = shown.findIndex((layer) => layer.id === activeId);
    const [below, active, above] = at < 0 ? [shown, [], []] : [shown.slice(0, at), [shown[at]], shown.slice(at + 1)];
    const changed = [this.#refresh(this.#below, below, frame), this.#refresh(this.#above, above, frame)].some(Boolean);
    const parts = [frame.width, frame.height, ...this.#partsOf(active)];
    if (changed || !sameParts(this.#whole.parts, parts)) this.#join(active, frame);
    this.#whole.parts = parts;
    return this.#whole.canvas;
  }

  #partsOf(layers) {
    return layers.flatMap((layer) => [layer, this.#pictures.get(layer.picture), this.#pictures.mask(layer.mask)]);
  }

  #refresh(cache, layers, frame) {
    const parts = [frame.width, frame.height, ...this.#partsOf(layers)];
    if (sameParts(cache.parts, parts)) return false;
    const context = sized(cache.canvas, frame.width, frame.height);
    for (const layer of layers) this.#draw(context, layer, frame);
    cache.parts = parts;
    return true;
  }

  #join(active, frame) {
    const context = sized(this.#whole.canvas, frame.width, frame.height);
    context.drawImage(this.#below.canvas, 0, 0);
    for (const layer of active) this.#draw(context, layer, frame);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.drawImage(this.#above.canvas, 0, 0);
  }

  #draw(context, layer, frame) {
    if (layer.mask) return this.#drawMasked(context, layer, frame);
    context.globalAlpha = layer.opacity;
    return this.#drawPicture(context, layer, frame);
  }

  #drawPicture(context, layer, { scale }) {
    const picture = this.#pictures.get(layer.picture);
    if (!picture) return;
    const { image, size } = picture;
    context.setTransform(...multiply([scale, 0, 0, scale, 0, 0], placementMatrix(layer.placement, size)));
    context.drawImage(image, 0, 0, size.width_px, size.height_px);
  }

  /** The picture inside its painted mask. */
  #drawMasked(context, layer, frame) {
    const mask = this.#pictures.mask(layer.mask);
    if (!mask) return;
    const { canvas } = this.#plates.get(`${layer.id} mask`, mask);
    const part = sized(this.#masked, frame.width, frame.height);
    this.#drawPicture(part, layer, frame);
    part.setTransform(1, 0, 0, 1, 0, 0);
    part.globalCompositeOperation = "destination-in";
    part.drawImage(canvas, 0, 0, frame.width, frame.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = layer.opacity;
    context.drawImage(this.#masked, 0, 0);
  }
}

export const createCompositor = (pictures, plates) => new Compositor(pictures, plates);
