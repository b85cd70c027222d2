// Models: the panel that lists them, and the folders in which they are looked for.

/**
 * @import { App } from "../types/editor.d.ts"
 * @import { ErrorRecord, ModelsFound } from "../types/protocol.d.ts"
 */

import { setSettings } from "../model/edits.js";
import { reasonText, summaryOf } from "../model/models.js";
import { addNotice } from "../model/session.js";

/** @param {App} app */
export const toggleModels = ({ session }) => session.set({ modelsOpen: !session.state.modelsOpen });

/**
 * @param {App} app
 * @param {ModelsFound} found
 */
const tell = ({ session }, found) =>
  addNotice(session, { tone: "good", what: summaryOf(found), brief: true });

/**
 * Looks into a folder from now on; what is wrong with it as a sentence, empty where nothing is.
 * @param {App} app
 * @param {string} path
 */
export const addModelFolder = async (app, path) => {
  try {
    tell(app, await app.bridge.models.add(path));
    return "";
  } catch (error) {
    const refused = /** @type {ErrorRecord} */ (error);
    if (typeof refused.what !== "string") throw error;
    return reasonText(refused);
  }
};

/** @param {App} app */
export const searchModels = async (app) => tell(app, await app.bridge.models.search());

/**
 * @param {App} app
 * @param {string} path
 */
export const removeModelFolder = (app, path) => app.bridge.models.remove(path);

/**
 * The scene is made with this model from now on.
 * @param {App} app
 * @param {string} id
 */
export const useModel = ({ store }, id) => store.change("Model", setSettings({ model: id }));
