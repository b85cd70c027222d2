// The page's end of the worker that makes the exact picture: it sends what the worker does not have.

import { changedTiles } from "../../kernels/tiles.js";

/** A worker that runs a module of ours; a module itself does nothing when it is imported. */
const startWorker = () => {
  const address = new URL("./exact-worker.js", import.meta.url).href;
  const script = `import { serve } from ${JSON.stringify(address)}; serve(self);`;
  const place = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  return new Worker(place, { type: "module" });
};

/** [[digest, ImageBitmap]] of the pictures that are named. */
const bitmapsOf = (looks, digests) => {
  const sources = new Map(looks.map(({ layer, picture }) => [layer.picture, picture.source]));
  return Promise.all(
    digests.map(async (digest) => [digest, await createImageBitmap(sources.get(digest))]),
  );
};

class Exact {
  #worker = null;
  #failed = false;
  #serial = 0;
  #waiting = new Map();
  #turn = Promise.resolve();
  /** The masks that the worker has, by layer. */
  #masks = new Map();

  /** Whether there is no worker to be had in this browser: then what is drawn quickly stays. */
  get failed() {
    return this.#failed;
  }

  /**
   * Straight RGBA bytes of a box {x0, y0, x1, y1} of a canvas {width_px, height_px}, or null. Looks {id, layer,
   * picture: {source, size}, mask: tiles or null} go from back to front; masks are as large as the canvas.
   */
  flatten(looks, canvas, box) {
    this.#turn = this.#turn.then(() => this.#ask(looks, canvas, box)).catch(() => this.#fail());
    return this.#turn;
  }

  async #ask(looks, canvas, box) {
    if (this.#failed) return null;
    const layers = looks.map(({ id, layer, picture, mask }) => {
      const { placement, opacity, blend } = layer;
      return {
        id,
        picture: layer.picture,
        size: picture.size,
        placement,
        opacity,
        blend,
        hasMask: mask !== null,
      };
    });
    const { width_px, height_px } = canvas;
    const request = { canvas: { width_px, height_px }, box, layers };
    const reply = await this.#send({
      ...request,
      pictures: [],
      masks: this.#newMasks(looks, canvas),
    });
    if (!reply?.missing) return reply?.bytes ?? null;
    const pictures = await bitmapsOf(looks, reply.missing);
    return (await this.#send({ ...request, pictures, masks: [] }))?.bytes ?? null;
  }

  #send(request) {
    this.#worker ??= this.#start();
    this.#serial += 1;
    const bitmaps = request.pictures.map(([, bitmap]) => bitmap);
    this.#worker.postMessage({ id: this.#serial, ...request }, bitmaps);
    return new Promise((resolve) => this.#waiting.set(this.#serial, resolve));
  }

  #start() {
    const worker = startWorker();
    worker.addEventListener("message", ({ data: { id, ...reply } }) => {
      this.#waiting.get(id)(reply);
      this.#waiting.delete(id);
    });
    worker.addEventListener("error", () => this.#fail());
    return worker;
  }

  #fail() {
    this.#failed = true;
    this.#worker?.terminate();
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    return null;
  }

  #newMasks(looks, { width_px, height_px }) {
    const before = this.#masks;
    const masked = looks.filter(({ mask }) => mask !== null);
    this.#masks = new Map(masked.map(({ id, mask }) => [id, mask]));
    return masked.flatMap(({ id, mask }) => {
      const old = before.get(id);
      const known = old?.width_px === width_px && old.height_px === height_px ? old : null;
      const tiles = changedTiles(mask, known).flatMap((index) =>
        known || mask.tiles[index] ? [[index, mask.tiles[index]]] : [],
      );
      return known && tiles.length === 0 ? [] : [[id, { isNew: !known, tiles }]];
    });
  }
}

export const createExactCompositor = () => new Exact();
