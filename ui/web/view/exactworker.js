// The exact picture, made beside the page: layers resampled and laid over one another as Python does it.

import { cellsOf, sheetOf } from "./placing.js";
import { premultiply } from "../kernels/resampling.js";
import { flattened } from "../kernels/flattening.js";
import { spread } from "../kernels/tiles.js";

/** An ImageBitmap as {width, height, bytes}, premultiplied: the canvas hands out straight colours, exactly enough. */
const pictureOf = (bitmap) => {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, bytes: premultiply(context.getImageData(0, 0, width, height).data) };
};

const meets = (one, other) => one.x0 < other.x1 && other.x0 < one.x1 && one.y0 < other.y1 && other.y0 < one.y1;

/** What was sent, by name, and the layers as they lie on the canvas; nothing else than the last request called for. */
class Workshop {
  #pictures = new Map();
  #masks = new Map();
  #sheets = new Map();

  /** {canvas, box, layers, pictures, masks} → the straight RGBA bytes of the box. */
  flatten({ canvas, box, layers, pictures, masks }) {
    for (const [name, bitmap] of pictures) this.#pictures.set(name, pictureOf(bitmap));
    for (const [id, { isNew, tiles }] of masks) {
      if (isNew) this.#masks.set(id, new Uint8Array(canvas.width_px * canvas.height_px));
      for (const [index, tile] of tiles) spread(this.#masks.get(id), canvas, index, tile);
    }
    const sheets = new Map();
    const present = layers.flatMap((layer) => {
      const sheet = this.#sheetOf(layer, { canvas, box, sheets });
      return sheet ? [{ ...layer, sheet, mask: layer.hasMask ? this.#masks.get(layer.id) : null }] : [];
    });
    this.#forget(layers, sheets);
    return flattened(present, box, canvas.width_px);
  }

  #sheetOf({ picture: name, size, placement }, { canvas, box, sheets }) {
    const picture = this.#pictures.get(name);
    // A picture too large for the page came smaller than it is.
    const scale_x = (placement.scale_x * size.width_px) / picture.width;
    const scale_y = (placement.scale_y * size.height_px) / picture.height;
    const place = { ...placement, scale_x, scale_y };
    const key = JSON.stringify([name, place, canvas]);
    const known = this.#sheets.get(key);
    if (!known && !meets(cellsOf(place, picture, canvas), box)) return null;
    sheets.set(key, known ?? sheetOf(picture, place, canvas));
    return sheets.get(key);
  }

  #forget(layers, sheets) {
    const [names, ids] = [new Set(layers.map(({ picture }) => picture)), new Set(layers.map(({ id }) => id))];
    for (const name of this.#pictures.keys()) if (!names.has(name)) this.#pictures.delete(name);
    for (const id of this.#masks.keys()) if (!ids.has(id)) this.#masks.delete(id);
    this.#sheets = sheets;
  }
}

/** Answers every request {id, …} that comes to a worker's scope with {id, bytes}. */
export const serve = (scope) => {
  const workshop = new Workshop();
  scope.addEventListener("message", ({ data: { id, ...request } }) => {
    const bytes = workshop.flatten(request);
    scope.postMessage({ id, bytes }, [bytes.buffer]);
  });
};
