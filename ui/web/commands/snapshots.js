// Named versions of the open scene: naming it as it is, going back to one, deleting one.

/**
 * @import { App } from "../types/editor.d.ts"
 * @import { SceneSnapshot } from "../types/protocol.d.ts"
 */

import { editorFromProject } from "../model/records.js";
import { addNotice } from "../model/session.js";

/**
 * Opens or closes the list of steps, with the named versions of the scene.
 * @param {App} app
 */
export const toggleSteps = ({ bridge, session }) => {
  const isOpen = session.state.open === "history";
  session.set({ open: isOpen ? "" : "history" });
  return isOpen ? undefined : bridge.snapshots.refresh();
};

/**
 * Names the scene as it stands.
 * @param {App} app
 * @param {string} name
 */
export const takeSnapshot = async ({ bridge, session }, name) => {
  if (!(await bridge.flush())) return;
  await bridge.snapshots.take(name);
  addNotice(session, { tone: "good", what: `“${name.trim()}” was kept.`, brief: true });
};

/**
 * Puts a named version over the present scene, as one step.
 * @param {App} app
 * @param {SceneSnapshot} snapshot
 */
export const openSnapshot = async ({ run, bridge, session, store }, { id, name }) => {
  const { scene, editor, notes } = await bridge.snapshots.sceneOf(id);
  const kept = editorFromProject({ scene, editor: { ...editor, mix: null } });
  store.change(`Version “${name}”`, () => kept);
  session.set({ open: "", viewed: "", showing: kept.picked ? "result" : "collage" });
  notes.forEach((what) => addNotice(session, { what }));
  addNotice(session, {
    tone: "good",
    what: `This is “${name}”.`,
    remedy: "Undo brings the present scene back.",
    action: { title: "Undo", run: () => run("undo") },
  });
};

/**
 * @param {App} app
 * @param {SceneSnapshot} snapshot
 */
export const deleteSnapshot = async ({ bridge, session }, { id, name }) => {
  await bridge.snapshots.drop(id);
  addNotice(session, { what: `“${name}” was deleted.`, brief: true });
};
