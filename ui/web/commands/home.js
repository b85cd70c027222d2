// Home: coming and going, opening a scene by its address, and what is done with a scene of the list.

/**
 * @import { App, HomeSort, Place } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { setScene } from "../model/edits.js";
import { hashOf } from "../model/home.js";
import { addNotice } from "../model/session.js";

/**
 * Shows all scenes, the one at hand as it stands now.
 * @param {App} app
 */
const openHome = async ({ bridge, session }) => {
  session.set({ homeOpen: true, galleryOpen: false, open: "" });
  await bridge.flush();
  await bridge.home.refresh();
};

/**
 * Back to the scene that is open below; without one Home or the gallery stays.
 * @param {App} app
 */
export const closeHome = ({ session }) => {
  if (session.state.project)
    session.set({ homeOpen: false, galleryOpen: false, homeQuery: "", open: "" });
};

/** @param {App} app */
export const toggleHome = (app) => (app.session.state.homeOpen ? closeHome(app) : openHome(app));

/**
 * @param {App} app
 * @param {Identifier} id
 */
const openScene = async (app, id) => {
  await app.bridge.openProject(id);
  closeHome(app);
};

/**
 * Goes where an address leads. A scene that cannot be opened leads to Home, with the reason.
 * @param {App} app
 * @param {Place} place
 */
export const goTo = async (app, { home, gallery, scene }) => {
  if (gallery) return app.run("openGallery");
  if (home || (!scene && !app.session.state.project)) return openHome(app);
  if (!scene) return closeHome(app);
  try {
    return await openScene(app, scene);
  } catch (error) {
    await openHome(app);
    throw error;
  } finally {
    app.correctAddress(hashOf(app.session.state));
  }
};

/**
 * @param {App} app
 * @param {string} query
 */
export const searchHome = ({ session }, query) => session.set({ homeQuery: query });

/**
 * @param {App} app
 * @param {HomeSort} sort
 */
export const sortHome = ({ session }, sort) => session.set({ homeSort: sort });

/**
 * The open scene is renamed as by its own field, so that it is a step and no conflict.
 * @param {App} app
 * @param {Identifier} id
 * @param {string} name
 */
export const renameScene = async ({ bridge, session, store }, id, name) => {
  if (id !== session.state.project) return bridge.home.rename(id, name);
  store.change("Rename the scene", setScene({ name: name.trim() }));
  await bridge.flush();
  return bridge.home.refresh();
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const duplicateScene = async ({ bridge, session }, id) => {
  if (id === session.state.project) await bridge.flush();
  const { name } = await bridge.home.duplicate(id);
  addNotice(session, { tone: "good", what: `“${name}” was made.`, brief: true });
};

/** @param {string} name */
const describeDeletion = (name) => `“${name}” was deleted.`;

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const deleteScene = async ({ run, bridge, session }, id) => {
  if (id === session.state.project) await bridge.flush();
  const { name } = await bridge.home.drop(id);
  if (id === session.state.project) bridge.leaveDeleted();
  addNotice(session, {
    what: describeDeletion(name),
    limit: "It can be put back for half a day; within the day it is gone.",
    action: { title: "Put it back", run: () => run("restoreScene", id) },
  });
};

/**
 * Puts a deleted scene back; the sentence that it was deleted goes.
 * @param {App} app
 * @param {Identifier} id
 */
export const restoreScene = async ({ bridge, session }, id) => {
  const { scenes, notices } = session.state;
  const gone = scenes?.filter((one) => one.id === id).map(({ name }) => describeDeletion(name));
  session.set({ notices: notices.filter(({ what }) => !gone?.includes(what)) });
  await bridge.home.restore(id);
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const exportScene = async ({ bridge, session, download, addressOf }, id) => {
  if (id === session.state.project) await bridge.flush();
  const { url, name } = await bridge.home.export(id);
  download(addressOf(url), name);
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const salvageScene = async ({ bridge, download, addressOf }, id) => {
  const { url, name } = await bridge.home.salvage(id);
  download(addressOf(url), name);
};
