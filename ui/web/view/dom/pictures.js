// Pictures by digest: fetched once, with their alpha for hit tests; stored masks; and the newest
// preview of a run.

/**
 * @import { Alpha, LoadedPicture, Mask, MaskStore, Pictures } from "../../types/editor.d.ts"
 * @import { Digest } from "../../types/protocol.d.ts"
 * @import { Drawable } from "../../types/view.d.ts"
 */

import { maskFromBytes } from "../../kernels/tiles.js";
import { isOwnName } from "../../model/masks.js";
import { contextOf, createCanvas } from "./elements.js";

const ALPHA_SIDE = 192;
const LARGEST_SIDE = 2048;
/** Pixels of a picture that is resampled from all of them when it is made exact. */
const LARGEST_SOURCE = 2 ** 24;

/**
 * What is known of a picture, null until it is here.
 * @template Value
 * @typedef {{ value: Value | null, failed: boolean }} Entry
 */

/**
 * @typedef {object} PictureSources
 * @property {(digest: Digest) => string} urlOf
 * @property {MaskStore} masks
 * @property {() => void} changed
 *   Called whenever a picture has come or failed.
 * @property {() => { count: number, watched: number }} previewState
 *   How many drafts lie side by side in the present preview, and which one is looked at.
 */

/**
 * The picture, or a smaller one where it is larger than what is drawn.
 * @param {HTMLImageElement} image
 */
const shrink = (image) => {
  const ratio = LARGEST_SIDE / Math.max(image.naturalWidth, image.naturalHeight);
  if (ratio >= 1) return image;
  const canvas = createCanvas(
    Math.round(image.naturalWidth * ratio),
    Math.round(image.naturalHeight * ratio),
  );
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
};

/**
 * @param {HTMLImageElement} image
 * @returns {Alpha}
 */
const alphaOf = (image) => {
  const ratio = Math.min(1, ALPHA_SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  const width = Math.max(1, Math.round(image.naturalWidth * ratio));
  const height = Math.max(1, Math.round(image.naturalHeight * ratio));
  const context = contextOf(createCanvas(width, height), { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const values = new Uint8Array(width * height);
  for (let index = 0; index < values.length; index += 1) values[index] = data[index * 4 + 3];
  return { width, height, values };
};

/**
 * The values of a stored grey mask, as tiles.
 * @param {HTMLImageElement} image
 */
const maskOf = (image) => {
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const context = contextOf(createCanvas(width, height), { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const bytes = new Uint8Array(width * height);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = data[at * 4];
  return maskFromBytes(bytes, width, height);
};

/**
 * The pictures that lie side by side in an image.
 * @param {HTMLImageElement} image
 * @param {number} count
 */
const split = (image, count) => {
  const [width, height] = [image.naturalWidth / count, image.naturalHeight];
  return Array.from({ length: count }, (_, index) => {
    const canvas = createCanvas(width, height);
    contextOf(canvas).drawImage(image, -index * width, 0);
    return canvas;
  });
};

class PictureCache {
  #urlOf;
  #previewState;
  #changed;
  #masks;
  /** @type {Map<Digest, Entry<LoadedPicture>>} */
  #known = new Map();
  /** @type {Map<string, Entry<true>>} */
  #wanted = new Map();
  /** @type {{ source: string, images: readonly Drawable[] }} */
  #preview = { source: "", images: [] };

  /** @param {PictureSources} sources */
  constructor({ urlOf, masks, changed, previewState }) {
    this.#urlOf = urlOf;
    this.#previewState = previewState;
    this.#masks = masks;
    this.#changed = changed;
  }

  /** @param {Digest} digest */
  url(digest) {
    return this.#urlOf(digest);
  }

  /**
   * What is drawn of a picture once it is here, else null; its source has all pixels, unless there
   * are too many.
   * @param {Digest | "" | null | undefined} digest
   * @returns {LoadedPicture | null}
   */
  get(digest) {
    return this.#entry(this.#known, digest, (whole) => {
      const image = shrink(whole);
      const size = { width_px: whole.naturalWidth, height_px: whole.naturalHeight };
      const source = size.width_px * size.height_px <= LARGEST_SOURCE ? whole : image;
      return { image, source, size, alpha: alphaOf(whole) };
    });
  }

  /**
   * The mask of a name as tiles: one of this page's own, or a stored one once it is here; else null.
   * @param {string | "" | null | undefined} name
   * @returns {Mask | null}
   */
  mask(name) {
    if (!name) return null;
    const own = this.#masks.get(name);
    if (own || isOwnName(name)) return own;
    // Fetched before and forgotten since, with the steps that named it.
    if (this.#wanted.get(name)?.value) this.#wanted.delete(name);
    this.#entry(this.#wanted, name, (image) => {
      this.#masks.put(name, maskOf(image));
      return true;
    });
    return null;
  }

  /**
   * The image of a preview's data URI, of several drafts the watched one; the one before it until
   * that is decoded.
   * @param {string} source
   * @returns {Drawable | null}
   */
  preview(source) {
    if (!source) {
      this.#preview = { source: "", images: [] };
      return null;
    }
    const { count, watched } = this.#previewState();
    if (source !== this.#preview.source) {
      this.#preview = { ...this.#preview, source };
      this.#load(source).then(
        (image) => {
          const images = count > 1 ? split(image, count) : [image];
          if (this.#preview.source === source) this.#preview = { source, images };
          this.#changed();
        },
        () => {},
      );
    }
    const { images } = this.#preview;
    return images[watched] ?? images[0] ?? null;
  }

  /** The pictures of the newest preview, one for each draft in it. */
  get previewed() {
    return this.#preview.images;
  }

  /** Tries the failed ones again. */
  retry() {
    for (const known of [this.#known, this.#wanted]) {
      for (const [digest, entry] of known) if (entry.failed) known.delete(digest);
    }
    this.#changed();
  }

  /**
   * @template Value
   * @param {Map<string, Entry<Value>>} known
   * @param {string | null | undefined} digest
   * @param {(image: HTMLImageElement) => Value} build
   * @returns {Value | null}
   */
  #entry(known, digest, build) {
    if (!digest) return null;
    if (!known.has(digest)) {
      known.set(digest, { value: null, failed: false });
      this.#load(this.#urlOf(digest))
        .then(
          (image) => known.set(digest, { value: build(image), failed: false }),
          () => known.set(digest, { value: null, failed: true }),
        )
        .then(this.#changed);
    }
    return known.get(digest)?.value ?? null;
  }

  /** @param {string} source */
  async #load(source) {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  }
}

/**
 * @param {PictureSources} sources
 * @returns {Pictures}
 */
export const createPictures = (sources) => new PictureCache(sources);
