// The collage as one canvas. What lies below and above the layer at hand is kept, so that a drag redraws one layer.

import { bounds } from "../kernels/boxes.js";
import { multiply, placementMatrix } from "../kernels/matrix.js";

const LARGEST_SIDE = 2048;
const RIM_PX = 2;

/** The canvas' names of the blend modes; over nothing each of them is normal, as in the scene's own composite. */
const OPERATIONS = {
  normal: "source-over",
  multiply: "multiply",
  screen: "screen",
  overlay: "overlay",
  soft_light: "soft-light",
  darken: "darken",
  lighten: "lighten",
};

const blank = () => document.createElement("canvas");

/** A cleared context of a canvas. With a box {x0, y0, x1, y1} only that part is cleared, and drawn until then */
const sized = (canvas, { width, height, box }) => {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.restore();
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (box) {
    context.beginPath();
    context.rect(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
    context.clip();
  }
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
  #shiftOf;
  #below = { canvas: blank(), parts: null };
  #above = { canvas: blank(), parts: null };
  #whole = { canvas: blank(), parts: null, layers: null };
  #masked = blank();

  constructor({ pictures, plates, shiftOf }) {
    this.#shiftOf = shiftOf;
    this.#pictures = pictures;
    this.#plates = plates;
  }

  /**
   * The composed collage as a canvas, at scene size or as large as is sensible; `activeId` names the layer at hand.
   * With a box (scene pixels) nothing but the mask of that layer has changed, and only inside the box.
   */
  compose(scene, activeId, box = null) {
    const scale = Math.min(1, LARGEST_SIDE / Math.max(scene.width_px, scene.height_px));
    const frame = { width: Math.round(scene.width_px * scale), height: Math.round(scene.height_px * scale), scale };
    const shown = scene.layers.filter((layer) => layer.visible && layer.picture);
    const at = shown.findIndex((layer) => layer.id === activeId);
    const [below, active, above] = at < 0 ? [shown, [], []] : [shown.slice(0, at), [shown[at]], shown.slice(at + 1)];
    // A mode above blends with what is below it, so it cannot be drawn on a sheet of its own.
    const kept = above.every(({ blend }) => blend === "normal") ? above : [];
    const over = kept.length > 0 ? active : [...active, ...above];
    const changed = [this.#refresh(this.#below, below, frame), this.#refresh(this.#above, kept, frame)].some(Boolean);
    const parts = [frame.width, frame.height, ...this.#partsOf(over)];
    const part = changed || scale < 1 ? null : (box ?? this.#movedBox(over, parts));
    if (changed || !sameParts(this.#whole.parts, parts)) this.#join(over, { ...frame, box: part });
    this.#whole.parts = parts;
    this.#whole.layers = over;
    return this.#whole.canvas;
  }

  /** Around what changed when only the layer at hand went to another place, as in a drag; else null. */
  #movedBox(over, parts) {
    const { layers, parts: known } = this.#whole;
    if (over.length !== 1 || layers?.length !== 1 || known.length !== parts.length) return null;
    if (known.some((part, index) => part !== parts[index] && part !== layers[0])) return null;
    const [before, now] = [layers[0], over[0]];
    const picture = this.#pictures.get(now.picture);
    const fields = Object.keys(now).filter((field) => field !== "placement");
    if (!picture || fields.some((field) => now[field] !== before[field])) return null;
    const [from, to] = [before, now].map(({ placement }) => bounds(placement, picture.size));
    return {
      x0: Math.floor(Math.min(from.x0, to.x0)) - RIM_PX,
      y0: Math.floor(Math.min(from.y0, to.y0)) - RIM_PX,
      x1: Math.ceil(Math.max(from.x1, to.x1)) + RIM_PX,
      y1: Math.ceil(Math.max(from.y1, to.y1)) + RIM_PX,
    };
  }

  #partsOf(layers) {
    return layers.flatMap((layer) => [layer, this.#pictures.get(layer.picture), this.#pictures.mask(layer.mask)]);
  }

  #refresh(cache, layers, frame) {
    const parts = [frame.width, frame.height, ...this.#partsOf(layers)];
    if (sameParts(cache.parts, parts)) return false;
    const context = sized(cache.canvas, frame);
    for (const layer of layers) this.#draw(context, layer, frame);
    cache.parts = parts;
    return true;
  }

  #join(active, frame) {
    const context = sized(this.#whole.canvas, frame);
    context.drawImage(this.#below.canvas, 0, 0);
    for (const layer of active) this.#draw(context, layer, frame);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.drawImage(this.#above.canvas, 0, 0);
  }

  #draw(context, layer, frame) {
    context.globalAlpha = layer.opacity;
    context.globalCompositeOperation = OPERATIONS[layer.blend];
    if (layer.mask) this.#drawMasked(context, layer, frame);
    else this.#drawPicture(context, layer, frame);
    context.globalCompositeOperation = "source-over";
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
    const canvas = this.#plates.get(`${layer.id} mask`, mask);
    const part = sized(this.#masked, frame);
    this.#drawPicture(part, layer, frame);
    part.setTransform(...multiply([frame.scale, 0, 0, frame.scale, 0, 0], this.#shiftOf(layer)));
    part.globalCompositeOperation = "destination-in";
    part.drawImage(canvas, 0, 0, frame.width / frame.scale, frame.height / frame.scale);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#masked, 0, 0);
  }
}

/** shiftOf(layer) → how far its mask has to go along with it, as a matrix of canvas points, while it is dragged. */
export const createCompositor = (parts) => new Compositor(parts);
