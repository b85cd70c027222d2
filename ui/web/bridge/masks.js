// Painted masks on their way: kept in this browser as they land, and sent to the server as grey
// PNGs, each only once.

/**
 * @import { MaskSaverParts } from "../types/bridge.d.ts"
 * @import { EditorState, Mask, MaskStore, PaintedField } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { greyPng, scanlines } from "../kernels/greypng.js";
import { bytesOf, maskFromBytes } from "../kernels/tiles.js";
import { ownMasksOf, withFields, withMaskNames } from "../model/masks.js";

/**
 * A mask as a PNG file.
 * @param {Mask} mask
 */
const encodeMask = async (mask) => {
  const rows = scanlines(bytesOf(mask), mask.width_px, mask.height_px);
  const deflated = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const content = new Uint8Array(await new Response(deflated).arrayBuffer());
  return new Blob(greyPng(content, mask.width_px, mask.height_px), { type: "image/png" });
};

/**
 * The record with the names that the server uses, as far as it has the masks.
 * @param {EditorState} record
 * @param {MaskStore} masks
 * @returns {EditorState}
 */
export const withKnownNames = (record, masks) => {
  if (ownMasksOf(record).length === 0) return record;
  return withMaskNames(record, (name) => masks.digestOf(name) || name);
};

class MaskSaver {
  #link;
  #masks;
  #database;
  #shelved = new Set();
  #emptied = new Set();
  /**
   * The newest {project, record} that waits while the browser still writes, and whether it does.
   */
  #waiting = /** @type {{ project: Identifier, record: EditorState } | null} */ (null);
  #isWriting = false;

  /** @param {MaskSaverParts} parts */
  constructor({ link, masks, database }) {
    this.#link = link;
    this.#masks = masks;
    this.#database = database;
  }

  /**
   * The records with the server's names for all their masks, which it then has. Throws Refusal or
   * Silence.
   * @param {readonly EditorState[]} records
   */
  async settle(records) {
    // All at once: a mask may be forgotten here while those before it are on their way.
    const waiting = new Map(records.flatMap((record) => this.#listUnsettled(record)));
    for (const [name, mask] of waiting) {
      const path = await this.#link.upload(await encodeMask(mask), "The mask");
      this.#masks.settle(name, (await this.#link.ask({ verb: "take_mask", path })).digest);
    }
    return records.map((record) => withKnownNames(record, this.#masks));
  }

  /**
   * Puts the masks that the server does not have into this browser's database: at once, or after
   * what is being written. Of records that come faster than they can be written only the newest is.
   * @param {Identifier} project
   * @param {EditorState} record
   */
  async shelve(project, record) {
    this.#waiting = { project, record };
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#waiting) {
      const next = this.#waiting;
      this.#waiting = null;
      await Promise.all(this.#writeFresh(next));
    }
    this.#isWriting = false;
  }

  /** @param {{ project: Identifier, record: EditorState }} waiting */
  #writeFresh({ project, record }) {
    const fresh = this.#listUnsettled(record).filter(
      ([name, mask]) => mask && !this.#shelved.has(name),
    );
    return fresh.map(([name, mask]) => {
      this.#shelved.add(name);
      const { width_px, height_px } = mask;
      return this.#database.put(`${project} ${name}`, {
        width_px,
        height_px,
        bytes: bytesOf(mask),
      });
    });
  }

  /**
   * Empties the shelf of a project; it may hold strokes of the page before a reload.
   * @param {Identifier} project
   */
  forget(project) {
    if (this.#shelved.size === 0 && this.#emptied.has(project)) return;
    this.#shelved.clear();
    this.#emptied.add(project);
    this.#database.drop(`${project} `);
  }

  /**
   * A draft once its masks are here again; what of a layer was lost is `fallback(layer's id,
   * field)` instead.
   * @param {Identifier} project
   * @param {EditorState} record
   * @param {(id: Identifier, field: PaintedField) => string | null} fallback
   * @returns {Promise<EditorState>}
   */
  async recover(project, record, fallback) {
    const { scene, mix } = record;
    const lost = new Set();
    for (const name of ownMasksOf(record)) {
      const found = await this.#database.get(`${project} ${name}`);
      if (found) this.#masks.put(name, maskFromBytes(found.bytes, found.width_px, found.height_px));
      else if (!this.#masks.has(name)) lost.add(name);
    }
    const kept = scene.layers.flatMap((layer) => {
      const next = withFields(layer, (field, name) =>
        lost.has(name) ? fallback(layer.id, field) : name,
      );
      return next.picture || next.mask ? [next] : [];
    });
    return {
      ...record,
      scene: { ...scene, layers: kept },
      mix: mix && !lost.has(mix.mask) ? mix : null,
    };
  }

  /** @param {EditorState} record */
  #listUnsettled(record) {
    const names = [...new Set(ownMasksOf(record))].filter((name) => !this.#masks.digestOf(name));
    return names.map((name) => /** @type {const} */ ([name, this.#masks.get(name)]));
  }
}

/**
 * shelf: {put(key, value), get(key) → Promise of value | null, drop(start of keys)}, which never
 * rejects.
 * @param {MaskSaverParts} parts
 */
export const createMaskSaver = (parts) => new MaskSaver(parts);
