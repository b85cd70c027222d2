// The painted masks by name. A layer names its mask; the tiles are here, and never in a record.

/**
 * @import { EditorState, Mask, PaintedField } from "../types/editor.d.ts"
 * @import { Digest, Layer } from "../types/protocol.d.ts"
 */

import { weightOf } from "../kernels/tiles.js";

const OWN = "mask-";

/**
 * A mask's name is the digest of its pixels on the server, or one of ours until the server has it.
 * @param {string} name
 */
export const isOwnName = (name) => name.startsWith(OWN);

class Masks {
  #known = new Map();
  #digests = new Map();
  #fresh = new Set();
  #unique;

  /** @param {() => string} unique */
  constructor(unique) {
    this.#unique = unique;
  }

  /**
   * The mask of a name once it is here, else null.
   * @param {string} name
   */
  get(name) {
    return this.#known.get(name)?.mask ?? null;
  }

  /** @param {string} name */
  has(name) {
    return this.#known.has(name);
  }

  /** A name that no mask has. */
  newName() {
    return `${OWN}${this.#unique()}`;
  }

  /**
   * Gives a name its mask; `before` is the mask it was made from, whose tiles it shares.
   * @param {string} name
   * @param {Mask} mask
   * @param {Mask | null} [before]
   */
  put(name, mask, before = null) {
    const shared = before && before.tiles.length === mask.tiles.length ? before : null;
    this.#known.set(name, { mask, bytes: weightOf(mask, shared) });
    this.#fresh.add(name);
  }

  /**
   * The server keeps the mask of one of our names under a digest.
   * @param {string} name
   * @param {Digest} digest
   */
  settle(name, digest) {
    this.#digests.set(name, digest);
  }

  /**
   * The digest of a name, "" if the server does not have it.
   * @param {string} name
   */
  digestOf(name) {
    return isOwnName(name) ? (this.#digests.get(name) ?? "") : name;
  }

  /**
   * Bytes that a mask brought with it.
   * @param {string} name
   */
  bytesOf(name) {
    return this.#known.get(name)?.bytes ?? 0;
  }

  /**
   * Forgets every mask that no name in `names` (a Set) calls for; one that is new since the last
   * time stays once.
   * @param {ReadonlySet<string>} names
   */
  keep(names) {
    for (const name of [...this.#known.keys()])
      if (!names.has(name) && !this.#fresh.has(name)) this.#known.delete(name);
    this.#fresh.clear();
  }
}

/**
 * unique() → a text that is new each time, also over reloads.
 * @param {() => string} unique
 */
export const createMasks = (unique) => new Masks(unique);

/**
 * What of a layer is painted: where it is, and how free it is there.
 * @type {readonly PaintedField[]}
 */
export const PAINTED_FIELDS = Object.freeze(["mask", "strength_map"]);

/**
 * The layer with its painted fields replaced by what `nameOf(field)` gives for those that it has.
 * @param {Layer} layer
 * @param {(field: PaintedField, name: string) => string | null} nameOf
 * @returns {Layer}
 */
export const withFields = (layer, nameOf) =>
  PAINTED_FIELDS.reduce((each, field) => {
    const name = layer[field];
    return name ? { ...each, [field]: nameOf(field, name) } : each;
  }, layer);

/**
 * The record with every mask name replaced by what `rename` gives for it.
 * @param {EditorState} record
 * @param {(name: string) => string} rename
 * @returns {EditorState}
 */
export const withMaskNames = (record, rename) => {
  const layers = record.scene.layers.map((layer) =>
    withFields(layer, (field, name) => rename(name)),
  );
  const mix = record.mix && { ...record.mix, mask: rename(record.mix.mask) };
  return { ...record, scene: { ...record.scene, layers }, mix };
};

/**
 * The names of all masks that a record calls for: of its layers, and between two candidates.
 * @param {EditorState} editor
 */
export const maskNamesOf = ({ scene, mix }) => {
  const names = scene.layers.flatMap((layer) =>
    PAINTED_FIELDS.flatMap((field) => layer[field] ?? []),
  );
  return mix ? [...names, mix.mask] : names;
};

/**
 * Those of them that are our own.
 * @param {EditorState} record
 */
export const ownMasksOf = (record) => maskNamesOf(record).filter(isOwnName);
