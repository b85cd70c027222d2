// The models that the server has: looking for them anew, and the folders in which it looks.

/**
 * @import { ModelsParts } from "../types/bridge.d.ts"
 * @import { Message, ModelsFound } from "../types/protocol.d.ts"
 */

import { freeze } from "../model/records.js";

/** @typedef {"search_models" | "add_model_folder" | "remove_model_folder"} ModelVerb */

/**
 * parts: {link, session}.
 * @param {ModelsParts} parts
 */
export const createModels = ({ link, session }) => {
  /** @param {Message<ModelVerb>} message */
  const ask = async (message) => {
    session.set({ modelsBusy: true });
    try {
      return take(await link.ask(message));
    } finally {
      session.set({ modelsBusy: false });
    }
  };
  /** @param {ModelsFound} found */
  const take = ({ models, refused, model_folders, loras, words }) => {
    const { facts } = session.state;
    const found = { models, refused, model_folders, loras, words };
    if (facts) session.set({ facts: freeze({ ...facts, ...found }) });
    return found;
  };
  return {
    search: () => ask({ verb: "search_models" }),
    /** @param {string} path */
    add: (path) => ask({ verb: "add_model_folder", path }),
    /** @param {string} path */
    remove: (path) => ask({ verb: "remove_model_folder", path }),
  };
};
