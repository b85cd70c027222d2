// The named versions of the open scene: listed, taken, led back to, deleted.

/**
 * @import { SnapshotParts } from "../types/bridge.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { freeze } from "../model/records.js";

class SnapshotVerbs {
  #session;
  #link;

  /** @param {SnapshotParts} parts */
  constructor({ session, link }) {
    this.#session = session;
    this.#link = link;
  }

  /** Reads the list of the open scene anew. */
  async refresh() {
    const { project } = this.#session.state;
    if (!project) return this.#session.set({ snapshots: [] });
    const { snapshots } = await this.#link.ask({ verb: "snapshots", project });
    if (project === this.#session.state.project)
      this.#session.set({ snapshots: freeze(snapshots) });
    return undefined;
  }

  /**
   * Names the scene as it is saved.
   * @param {string} name
   */
  async take(name) {
    const { project, revision } = this.#session.state;
    await this.#link.ask({ verb: "take_snapshot", project, revision, name });
    await this.refresh();
  }

  /**
   * {project, scene, editor, notes}: the scene as it was.
   * @param {Identifier} snapshot
   */
  sceneOf(snapshot) {
    return this.#link.ask({ verb: "snapshot_scene", snapshot });
  }

  /** @param {Identifier} snapshot */
  async drop(snapshot) {
    await this.#link.ask({ verb: "delete_snapshot", snapshot });
    await this.refresh();
  }
}

/**
 * parts: {link, session}.
 * @param {SnapshotParts} parts
 */
export const createSnapshotVerbs = (parts) => new SnapshotVerbs(parts);
