// Pictures by digest: fetched once, with their alpha for hit tests; stored masks; and the newest preview of a run.

import { maskFromBytes } from "../../kernels/tiles.js";
import { isOwnName } from "../../model/masks.js";

const ALPHA_SIDE = 192;
const LARGEST_SIDE = 2048;
/** Pixels of a picture that is resampled from all of them when it is made exact. */
const LARGEST_SOURCE = 2 ** 24;

const canvasOf = (width, height) =>
  Object.assign(document.createElement("canvas"), { width, height });

const reduced = (image) => {
  const ratio = LARGEST_SIDE / Math.max(image.naturalWidth, image.naturalHeight);
  if (ratio >= 1) return image;
  const canvas = canvasOf(
    Math.round(image.naturalWidth * ratio),
    Math.round(image.naturalHeight * ratio),
  );
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
};

const alphaOf = (image) => {
  const ratio = Math.min(1, ALPHA_SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  const width = Math.max(1, Math.round(image.naturalWidth * ratio));
  const height = Math.max(1, Math.round(image.naturalHeight * ratio));
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const values = new Uint8Array(width * height);
  for (let index = 0; index < values.length; index += 1) values[index] = data[index * 4 + 3];
  return { width, height, values };
};

/** The values of a stored grey mask, as tiles. */
const maskOf = (image) => {
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const bytes = new Uint8Array(width * height);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = data[at * 4];
  return maskFromBytes(bytes, width, height);
};

/** The pictures that lie side by side in an image. */
const cutApart = (image, count) => {
  const [width, height] = [image.naturalWidth / count, image.naturalHeight];
  return Array.from({ length: count }, (_, index) => {
    const canvas = canvasOf(width, height);
    canvas.getContext("2d").drawImage(image, -index * width, 0);
    return canvas;
  });
};

class Pictures {
  #urlOf;
  #draftsIn;
  #changed;
  #masks;
  #known = new Map();
  #wanted = new Map();
  #preview = { source: "", images: [] };

  constructor({ urlOf, masks, changed, draftsIn }) {
    this.#urlOf = urlOf;
    this.#draftsIn = draftsIn;
    this.#masks = masks;
    this.#changed = changed;
  }

  url(digest) {
    return this.#urlOf(digest);
  }

  /**
   * {image, source, size: {width_px, height_px}, alpha} once it is here, else null. The image is what is drawn; the
   * source has all pixels, unless there are too many.
   */
  get(digest) {
    return this.#entry(this.#known, digest, (whole) => {
      const image = reduced(whole);
      const size = { width_px: whole.naturalWidth, height_px: whole.naturalHeight };
      const source = size.width_px * size.height_px <= LARGEST_SOURCE ? whole : image;
      return { image, source, size, alpha: alphaOf(whole) };
    });
  }

  /** The mask of a name as tiles: one of this page's own, or a stored one once it is here; else null. */
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

  /** The image of a preview's data URI, of several drafts the watched one; the one before it until that is decoded. */
  preview(source) {
    if (!source) {
      this.#preview = { source: "", images: [] };
      return null;
    }
    const { count, watched } = this.#draftsIn();
    if (source !== this.#preview.source) {
      this.#preview = { ...this.#preview, source };
      this.#load(source).then(
        (image) => {
          const images = count > 1 ? cutApart(image, count) : [image];
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
    return known.get(digest).value;
  }

  async #load(source) {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  }
}

/**
 * parts: {urlOf(digest), masks, changed, draftsIn}; `changed` is called whenever a picture has come or failed, and
 * draftsIn() → {count, watched}: how many drafts lie side by side in the present preview, and which one is looked at.
 */
export const createPictures = (parts) => new Pictures(parts);
