// Home's verbs: the list of all scenes, and what is done with one of them.

/**
 * @import { HomeParts } from "../types/bridge.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { freeze } from "../model/records.js";

class HomeVerbs {
  #session;
  #link;

  /** @param {HomeParts} parts */
  constructor({ session, link }) {
    this.#session = session;
    this.#link = link;
  }

  /** Reads the list anew. */
  async refresh() {
    const { scenes, notes } = await this.#link.ask({ verb: "scenes" });
    this.#session.set({ scenes: freeze(scenes), homeNotes: freeze(notes) });
  }

  /**
   * @param {Identifier} project
   * @param {string} name
   */
  async rename(project, name) {
    await this.#link.ask({ verb: "rename_scene", project, name });
    await this.refresh();
  }

  /**
   * The entry of the copy.
   * @param {Identifier} project
   */
  async duplicate(project) {
    const copy = await this.#link.ask({ verb: "duplicate_scene", project });
    await this.refresh();
    return copy;
  }

  /**
   * The entry of what was deleted.
   * @param {Identifier} project
   */
  async drop(project) {
    const gone = await this.#link.ask({ verb: "delete_scene", project });
    await this.refresh();
    return gone;
  }

  /** @param {Identifier} project */
  async restore(project) {
    await this.#link.ask({ verb: "restore_scene", project });
    await this.refresh();
  }

  /**
   * {url, name} of a whole scene's file.
   * @param {Identifier} project
   */
  export(project) {
    return this.#link.ask({ verb: "export_ora", project });
  }

  /**
   * {url, name} of a ZIP file with what is there of a scene.
   * @param {Identifier} project
   */
  salvage(project) {
    return this.#link.ask({ verb: "salvage_scene", project });
  }
}

/**
 * parts: {link, session}.
 * @param {HomeParts} parts
 */
export const createHomeVerbs = (parts) => new HomeVerbs(parts);
