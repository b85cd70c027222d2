// The gallery's verbs: how many pictures there are, their pages, and what is done with them.

/**
 * @import { GalleryParts } from "../types/bridge.d.ts"
 * @import { GalleryFilter, GalleryPicture, Identifier } from "../types/protocol.d.ts"
 */

import { keysBetween } from "../model/gallery.js";
import { freeze } from "../model/records.js";

/** Places that are wanted of a list before anybody has seen it. */
const START = Object.freeze([0, 1]);

class GalleryVerbs {
  #session;
  #link;
  /** Pages that were asked for since the list was read. @type {Map<number, Promise<void>>} */
  #asked = new Map();
  #turn = 0;
  /** The place of the first picture that was wanted last, and the place after them. */
  #wanted = START;
  /** The filter by which the list was read. */
  #filter;

  /** @param {GalleryParts} parts */
  constructor({ session, link }) {
    this.#session = session;
    this.#link = link;
    this.#filter = session.state.galleryFilter;
    link.whenBack(() => session.state.galleryOpen && this.refresh());
  }

  /** Reads the list anew, with the pages that were wanted last, so that nothing flickers. */
  async refresh() {
    this.#turn += 1;
    const turn = this.#turn;
    const { galleryFilter: filter, galleryPages: pages } = this.#session.state;
    const index = freeze(await this.#link.ask({ verb: "gallery", filter }));
    const isSame = filter === this.#filter;
    const [first, last] = (isSame ? this.#wanted : START).map((at) => Math.min(at, index.total));
    const keys = turn === this.#turn ? keysBetween(index, first, last) : [];
    const fresh = await Promise.all(keys.map((key) => this.#ask(filter, key)));
    if (turn !== this.#turn) return;
    this.#filter = filter;
    this.#asked = new Map(keys.map((key) => [key, Promise.resolve()]));
    const known = isSame ? index.keys.filter((key) => key in pages) : [];
    const kept = known.map((key) => [key, pages[key]]);
    const galleryPages = Object.fromEntries([...kept, ...keys.map((key, at) => [key, fresh[at]])]);
    this.#session.set({ galleryIndex: index, galleryPages: freeze(galleryPages) });
  }

  /**
   * Asks for the pages that can be seen, where they were not asked for yet, and waits for them.
   * @param {number} first
   * @param {number} last the place after them
   */
  async readPages(first, last) {
    const { galleryIndex: index } = this.#session.state;
    if (!index) return;
    this.#wanted = [first, last];
    await this.#readKeys(keysBetween(index, first, last));
  }

  /**
   * The pictures of these places.
   * @param {number} first
   * @param {number} last the place after them
   * @returns {Promise<readonly GalleryPicture[]>}
   */
  async readBetween(first, last) {
    const { galleryIndex: index } = this.#session.state;
    if (!index) return [];
    const keys = keysBetween(index, first, last);
    await this.#readKeys(keys);
    const { galleryPages } = this.#session.state;
    const from = first - (first % index.page);
    return keys.flatMap((key) => galleryPages[key] ?? []).slice(first - from, last - from);
  }

  /** @param {readonly number[]} keys */
  #readKeys(keys) {
    return Promise.all(keys.map((key) => this.#readPage(key)));
  }

  /** @param {number} key */
  #readPage(key) {
    const asked = this.#asked.get(key) ?? this.#askPage(key);
    this.#asked.set(key, asked);
    return asked;
  }

  /** @param {number} key */
  async #askPage(key) {
    const turn = this.#turn;
    const pictures = await this.#ask(this.#filter, key);
    if (turn !== this.#turn) return;
    const galleryPages = freeze({ ...this.#session.state.galleryPages, [key]: pictures });
    this.#session.set({ galleryPages });
  }

  /**
   * @param {GalleryFilter} filter
   * @param {number} key
   */
  async #ask(filter, key) {
    return (await this.#link.ask({ verb: "gallery_page", filter, key })).pictures;
  }

  /**
   * {project, scene, editor, notes}: the scene as it was when a picture was made.
   * @param {Identifier} picture
   */
  sceneOf(picture) {
    return this.#link.ask({ verb: "picture_scene", picture });
  }

  /**
   * @param {Identifier} picture
   * @param {boolean} starred
   */
  async star(picture, starred) {
    await this.#link.ask({ verb: "star_picture", picture, starred });
    await this.refresh();
  }

  /** @param {readonly Identifier[]} pictures */
  async drop(pictures) {
    await this.#link.ask({ verb: "delete_pictures", pictures });
    await this.refresh();
  }

  /** @param {readonly Identifier[]} pictures */
  async restore(pictures) {
    await this.#link.ask({ verb: "restore_pictures", pictures });
    await this.refresh();
  }

  /**
   * {url, name} of a ZIP file of them with their recipes.
   * @param {readonly Identifier[]} pictures
   */
  export(pictures) {
    return this.#link.ask({ verb: "export_pictures", pictures });
  }
}

/**
 * parts: {link, session}.
 * @param {GalleryParts} parts
 */
export const createGalleryVerbs = (parts) => new GalleryVerbs(parts);
