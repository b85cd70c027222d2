// The page's end of the worker that makes the exact picture: it sends what the worker does not
// have.

/**
 * @import { Box, Mask, Size } from "../../types/editor.d.ts"
 * @import { Digest, Identifier } from "../../types/protocol.d.ts"
 * @import { Drawable, FlattenReply, FlattenRequest, StackedLayer, SentLayer, SentMask } from "../../types/view.d.ts"
 */

import { changedTiles } from "../../kernels/tiles.js";

/** A worker that runs a module of ours; a module itself does nothing when it is imported. */
const startWorker = () => {
  const address = new URL("./exact-worker.js", import.meta.url).href;
  const script = `import { serve } from ${JSON.stringify(address)}; serve(self);`;
  const place = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  return new Worker(place, { type: "module" });
};

/**
 * [[digest, ImageBitmap]] of the pictures that are named.
 * @param {readonly StackedLayer[]} stack
 * @param {readonly Digest[]} digests
 */
const bitmapsOf = (stack, digests) => {
  const named = stack.filter(({ layer }) => digests.includes(layer.picture ?? ""));
  const sources = new Map(named.map(({ layer, picture }) => [layer.picture ?? "", picture.source]));
  /** @type {(entry: [Digest, Drawable]) => Promise<[Digest, ImageBitmap]>} */
  const load = async ([digest, source]) => [digest, await createImageBitmap(source)];
  return Promise.all([...sources].map(load));
};

/**
 * @param {StackedLayer} entry
 * @returns {SentLayer}
 */
const sentLayer = ({ id, layer, picture, mask }) => {
  const { placement, opacity, blend } = layer;
  const name = layer.picture ?? "";
  return {
    id,
    picture: name,
    size: picture.size,
    placement,
    opacity,
    blend,
    hasMask: mask !== null,
  };
};

class ExactPictures {
  /** @type {Worker | null} */
  #worker = null;
  #failed = false;
  #serial = 0;
  /** @type {Map<number, (reply: FlattenReply | null) => void>} */
  #waiting = new Map();
  /** @type {Promise<Uint8ClampedArray<ArrayBuffer> | null>} */
  #turn = Promise.resolve(null);
  /**
   * The masks that the worker has, by layer.
   * @type {ReadonlyMap<Identifier, Mask>}
   */
  #masks = new Map();

  /** Whether there is no worker to be had in this browser: then what is drawn quickly stays. */
  get failed() {
    return this.#failed;
  }

  /**
   * Straight RGBA bytes of a box {x0, y0, x1, y1} of a canvas {width_px, height_px}, or null. Looks
   * {id, layer, picture: {source, size}, mask: tiles or null} go from back to front; masks are as
   * large as the canvas.
   * @param {readonly StackedLayer[]} stack
   * @param {Size} canvas
   * @param {Box} box
   */
  flatten(stack, canvas, box) {
    this.#turn = this.#turn.then(() => this.#ask(stack, canvas, box)).catch(() => this.#fail());
    return this.#turn;
  }

  /**
   * @param {readonly StackedLayer[]} stack
   * @param {Size} canvas
   * @param {Box} box
   */
  async #ask(stack, canvas, box) {
    if (this.#failed) return null;
    const layers = stack.map(sentLayer);
    const { width_px, height_px } = canvas;
    const request = { canvas: { width_px, height_px }, box, layers };
    const reply = await this.#send({
      ...request,
      pictures: [],
      masks: this.#newMasks(stack, canvas),
    });
    if (!reply?.missing) return reply?.bytes ?? null;
    const pictures = await bitmapsOf(stack, reply.missing);
    return (await this.#send({ ...request, pictures, masks: [] }))?.bytes ?? null;
  }

  /**
   * @param {FlattenRequest} request
   * @returns {Promise<FlattenReply | null>}
   */
  #send(request) {
    const worker = (this.#worker ??= this.#start());
    this.#serial += 1;
    const bitmaps = request.pictures.map(([, bitmap]) => bitmap);
    worker.postMessage({ id: this.#serial, ...request }, bitmaps);
    return new Promise((resolve) => this.#waiting.set(this.#serial, resolve));
  }

  #start() {
    const worker = startWorker();
    worker.addEventListener("message", ({ data: { id, ...reply } }) => {
      this.#waiting.get(id)?.(reply);
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

  /**
   * @param {readonly StackedLayer[]} stack
   * @param {Size} size
   * @returns {SentMask[]}
   */
  #newMasks(stack, { width_px, height_px }) {
    const before = this.#masks;
    /** @type {Map<Identifier, Mask>} */
    const masks = new Map();
    for (const { id, mask } of stack) if (mask) masks.set(id, mask);
    this.#masks = masks;
    return [...masks].flatMap(([id, mask]) => {
      const old = before.get(id);
      const known = old?.width_px === width_px && old.height_px === height_px ? old : null;
      const indices = changedTiles(mask, known).filter((index) => known || mask.tiles[index]);
      if (known && indices.length === 0) return [];
      const tiles = indices.map((index) => /** @type {const} */ ([index, mask.tiles[index]]));
      return [/** @type {SentMask} */ ([id, { isNew: !known, tiles }])];
    });
  }
}

export const createExactCompositor = () => new ExactPictures();
