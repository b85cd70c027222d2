// The painted masks by name. A layer names its mask; the tiles are here, and never in a record.

import { weightOf } from "../kernels/tiles.js";

const OWN = "mask-";

/** A mask's name is the digest of its pixels on the server, or one of ours until the server has it. */
export const isOwnName = (name) => name.startsWith(OWN);

class Masks {
  #known = new Map();
  #digests = new Map();
  #unique;

  constructor(unique) {
    this.#unique = unique;
  }

  /** The mask of a name once it is here, else null. */
  get(name) {
    return this.#known.get(name)?.mask ?? null;
  }

  has(name) {
    return this.#known.has(name);
  }

  /** A name that no mask has. */
  newName() {
    return `${OWN}${this.#unique()}`;
  }

  /** Gives a name its mask; `before` is the mask it was made from, whose tiles it shares. */
  put(name, mask, before = null) {
    const shared = before && before.tiles.length === mask.tiles.length ? before : null;
    this.#known.set(name, { mask, bytes: weightOf(mask, shared) });
  }

  /** The server keeps the mask of one of our names under a digest. */
  settle(name, digest) {
    this.#digests.set(name, digest);
  }

  /** The digest of a name, "" if the server does not have it. */
  digestOf(name) {
    return isOwnName(name) ? (this.#digests.get(name) ?? "") : name;
  }

  /** Bytes that a mask brought with it. */
  bytesOf(name) {
    return this.#known.get(name)?.bytes ?? 0;
  }

  /** Forgets every mask that no name in `names` (a Set) calls for. */
  keep(names) {
    for (const name of [...this.#known.keys()]) if (!names.has(name)) this.#known.delete(name);
  }
}

/** unique() → a text that is new each time, also over reloads. */
export const createMasks = (unique) => new Masks(unique);

/** The scene with every own mask name replaced by what `rename` gives for it. */
export const withMaskNames = (scene, rename) => ({
  ...scene,
  layers: scene.layers.map((layer) => (layer.mask ? { ...layer, mask: rename(layer.mask) } : layer)),
});

/** The names of the masks of a scene that are our own. */
export const ownMasksOf = (scene) => scene.layers.flatMap(({ mask }) => (mask && isOwnName(mask) ? [mask] : []));
