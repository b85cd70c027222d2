// Pictures by digest: fetched once, with their alpha for hit tests; and the newest preview of a run.

const ALPHA_SIDE = 192;
const LARGEST_SIDE = 2048;

const canvasOf = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

const reduced = (image) => {
  const ratio = LARGEST_SIDE / Math.max(image.naturalWidth, image.naturalHeight);
  if (ratio >= 1) return image;
  const canvas = canvasOf(Math.round(image.naturalWidth * ratio), Math.round(image.naturalHeight * ratio));
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

/** A grey mask as a canvas whose alpha is the mask. */
const maskOf = (image) => {
  const canvas = canvasOf(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    pixels.data[at + 3] = pixels.data[at];
    pixels.data.fill(255, at, at + 3);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
};

class Pictures {
  #urlOf;
  #changed;
  #known = new Map();
  #masks = new Map();
  #preview = { source: "", image: null };

  constructor(urlOf, changed) {
    this.#urlOf = urlOf;
    this.#changed = changed;
  }

  url(digest) {
    return this.#urlOf(digest);
  }

  /** {image, size: {width_px, height_px}, alpha} once it is here, else null. */
  get(digest) {
    return this.#entry(this.#known, digest, (image) => ({
      image: reduced(image),
      size: { width_px: image.naturalWidth, height_px: image.naturalHeight },
      alpha: alphaOf(image),
    }));
  }

  /** A canvas whose alpha is the stored grey mask, once it is here. */
  mask(digest) {
    return this.#entry(this.#masks, digest, maskOf);
  }

  /** The image of a preview's data URI; the one before it until that is decoded. */
  preview(source) {
    if (!source) {
      this.#preview = { source: "", image: null };
      return null;
    }
    if (source !== this.#preview.source) {
      this.#preview = { ...this.#preview, source };
      this.#load(source).then(
        (image) => {
          if (this.#preview.source === source) this.#preview = { source, image };
          this.#changed();
        },
        () => {},
      );
    }
    return this.#preview.image;
  }

  /** Tries the failed ones again. */
  retry() {
    for (const known of [this.#known, this.#masks]) {
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

/** `changed` is called whenever a picture has come or failed. */
export const createPictures = (urlOf, changed) => new Pictures(urlOf, changed);
