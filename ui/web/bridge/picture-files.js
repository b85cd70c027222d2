// Pictures as files: what is written with them, and what one says that comes back.

/**
 * @import { SnapshotParts } from "../types/bridge.d.ts"
 * @import { CarryChoice, Size } from "../types/editor.d.ts"
 * @import { Digest } from "../types/protocol.d.ts"
 */

class PictureFileVerbs {
  #link;

  /** @param {Pick<SnapshotParts, "link">} parts */
  constructor({ link }) {
    this.#link = link;
  }

  /**
   * {url, name, notes} of a PNG file with its record.
   * @param {Digest} picture
   * @param {string} name
   * @param {CarryChoice} choice
   */
  write(picture, name, { scene, words }) {
    return this.#link.ask({ verb: "export_png", picture, name, scene, words });
  }

  /**
   * {scene, editor, notes} that a PNG file carries.
   * @param {File} file
   */
  async readScene(file) {
    const path = await this.#link.upload(file, file.name);
    return this.#link.ask({ verb: "read_picture_file", path, name: file.name });
  }

  /**
   * {digest, notes} of the mask that a picture file is for a canvas of that size.
   * @param {File} file
   * @param {Size} size
   */
  async takeMask(file, { width_px, height_px }) {
    const path = await this.#link.upload(file, file.name);
    return this.#link.ask({ verb: "take_mask_file", path, name: file.name, width_px, height_px });
  }

  /**
   * {name, untouched, findings, sentences, lines}: a picture file held against its own record.
   * @param {File} file
   */
  async check(file) {
    const path = await this.#link.upload(file, file.name);
    return this.#link.ask({ verb: "check_picture", path, name: file.name });
  }
}

/**
 * parts: {link}.
 * @param {Pick<SnapshotParts, "link">} parts
 */
export const createPictureFileVerbs = (parts) => new PictureFileVerbs(parts);
