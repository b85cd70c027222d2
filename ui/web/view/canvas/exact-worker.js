// The exact picture, made beside the page: layers resampled and laid over one another as Python
// does it.

/**
 * @import { Box, Size } from "../../types/editor.d.ts"
 * @import { Digest, Identifier } from "../../types/protocol.d.ts"
 * @import { FlattenReply, FlattenRequest, Pixels, SentLayer, WorkerScope } from "../../types/view.d.ts"
 */

import { flatten } from "../../kernels/flattening.js";
import { premultiply } from "../../kernels/resampling.js";
import { spread } from "../../kernels/tiles.js";
import { cellsOf, sheetOf } from "./placed-picture.js";

/**
 * An ImageBitmap as {width, height, bytes}, premultiplied: the canvas hands out straight colours,
 * exactly enough.
 * @param {ImageBitmap} bitmap
 */
const pictureOf = (bitmap) => {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser draws no canvas in a worker.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, bytes: premultiply(context.getImageData(0, 0, width, height).data) };
};

/**
 * @param {SentLayer} layer
 * @param {Size} size
 */
const keyOf = ({ picture, placement }, { width_px, height_px }) =>
  JSON.stringify([picture, placement, width_px, height_px]);

/**
 * @param {Box} one
 * @param {Box} other
 */
const meets = (one, other) =>
  one.x0 < other.x1 && other.x0 < one.x1 && one.y0 < other.y1 && other.y0 < one.y1;

/**
 * Whether a layer may be seen in a box.
 * @param {SentLayer} layer
 * @param {Size} canvas
 * @param {Box} box
 */
const isSeen = ({ placement, size }, canvas, box) =>
  meets(cellsOf(placement, { width: size.width_px, height: size.height_px }, canvas), box);

/**
 * A picture with more pixels is forgotten as soon as it is placed: a sheet is never larger than its
 * canvas.
 */
const LARGEST_KEPT = 2 ** 22;

/**
 * What was sent, by name, and the layers as they lie on the canvas; nothing else than the last
 * request called for.
 */
class Workshop {
  /** @type {Map<Digest, Pixels>} */
  #pictures = new Map();
  /** @type {Map<Identifier, Uint8Array>} */
  #masks = new Map();
  /** @type {Map<string, ReturnType<typeof sheetOf>>} */
  #sheets = new Map();

  /**
   * {canvas, box, layers, pictures, masks} → {bytes: straight RGBA of the box}, or {missing: names
   * of pictures}.
   * @param {FlattenRequest} request
   * @returns {FlattenReply}
   */
  answer({ canvas, box, layers, pictures, masks }) {
    for (const [name, bitmap] of pictures) this.#pictures.set(name, pictureOf(bitmap));
    for (const [id, { isNew, tiles }] of masks) {
      if (isNew) this.#masks.set(id, new Uint8Array(canvas.width_px * canvas.height_px));
      const mask = this.#masks.get(id);
      if (mask) for (const [index, tile] of tiles) spread(mask, canvas, index, tile);
    }
    const wanted = layers.filter(
      (layer) => this.#sheets.has(keyOf(layer, canvas)) || isSeen(layer, canvas, box),
    );
    const unplaced = wanted.filter((layer) => !this.#sheets.has(keyOf(layer, canvas)));
    const missing = new Set(
      unplaced.map(({ picture }) => picture).filter((name) => !this.#pictures.has(name)),
    );
    if (missing.size > 0) return { missing: [...missing] };
    for (const layer of unplaced)
      this.#sheets.set(keyOf(layer, canvas), this.#place(layer, canvas));
    this.#forget(layers, canvas);
    const flat = wanted.flatMap((layer) => this.#flatLayer(layer, canvas));
    return { bytes: flatten(flat, box, canvas.width_px) };
  }

  /**
   * @param {SentLayer} layer
   * @param {Size} canvas
   */
  #place({ picture: name, size, placement }, canvas) {
    const picture = this.#pictures.get(name);
    if (!picture) return null;
    // A picture too large for the page came smaller than it is.
    const scale_x = (placement.scale_x * size.width_px) / picture.width;
    const scale_y = (placement.scale_y * size.height_px) / picture.height;
    return sheetOf(picture, { ...placement, scale_x, scale_y }, canvas);
  }

  /**
   * @param {SentLayer} layer
   * @param {Size} canvas
   */
  #flatLayer(layer, canvas) {
    const sheet = this.#sheets.get(keyOf(layer, canvas));
    const mask = (layer.hasMask && this.#masks.get(layer.id)) || null;
    return sheet ? [{ ...layer, sheet, mask }] : [];
  }

  /**
   * @param {readonly SentLayer[]} layers
   * @param {Size} canvas
   */
  #forget(layers, canvas) {
    const [names, ids] = [
      new Set(layers.map(({ picture }) => picture)),
      new Set(layers.map(({ id }) => id)),
    ];
    const keys = new Set(layers.map((layer) => keyOf(layer, canvas)));
    for (const [name, { width, height }] of this.#pictures)
      if (!names.has(name) || width * height > LARGEST_KEPT) this.#pictures.delete(name);
    for (const id of this.#masks.keys()) if (!ids.has(id)) this.#masks.delete(id);
    for (const key of this.#sheets.keys()) if (!keys.has(key)) this.#sheets.delete(key);
  }
}

/**
 * Answers every request {id, …} that comes to a worker's scope with {id, bytes} or {id, missing}.
 * @param {WorkerScope} scope
 */
export const serve = (scope) => {
  const workshop = new Workshop();
  scope.addEventListener("message", ({ data: { id, ...request } }) => {
    const reply = workshop.answer(request);
    scope.postMessage({ id, ...reply }, reply.bytes ? [reply.bytes.buffer] : []);
  });
};
