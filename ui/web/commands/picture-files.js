// Pictures that tell what they are: written with their record and their scene, and read again.

/**
 * @import { App, CommandEntry } from "../types/editor.d.ts"
 * @import { Digest, PictureScene, TakenPicture } from "../types/protocol.d.ts"
 */

import { fileStem } from "../kernels/names.js";
import { editorFromProject, freeze } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { closeHome } from "./home.js";

/**
 * A stored picture as a PNG file with its record.
 * @param {App} app
 * @param {{ digest: Digest, name: string }} picture
 */
export const exportPicture = async (app, { digest, name }) => {
  const { bridge, session, download, addressOf } = app;
  const file = await app.busyWith("Writing the picture", () =>
    bridge.pictureFiles.write(digest, name, session.state.carries),
  );
  download(addressOf(file.url), file.name);
  file.notes.forEach((what) => addNotice(session, { what }));
};

/**
 * A dropped picture carries the scene that it was made in: it is a layer already, and the scene
 * can be opened beside it.
 * @param {App} app
 * @param {File} file
 * @param {TakenPicture} taken
 */
export const offerScene = (app, file, taken) =>
  addNotice(app.session, {
    what: `${file.name} carries the scene that it was made in.`,
    remedy: "The picture alone is a layer now; undo takes it away.",
    action: {
      title: "Open that scene",
      run: () => app.attempt(() => openCarried(app, file, taken.digest)),
    },
  });

/**
 * Holds a picture file against its own record, and shows what was found.
 * @param {App} app
 */
export const checkPicture = async (app) => {
  const [file] = await app.chooseFiles("image/png,image/jpeg,image/webp", false);
  if (!file) return;
  app.session.set({ open: "" });
  const check = await app.busyWith(`Checking ${file.name}`, () =>
    app.bridge.pictureFiles.check(file),
  );
  app.session.set({ check: freeze(check) });
};

/**
 * A new scene that begins as the one in a file, with that picture; it is one step, which undo
 * takes back. The scene that is open now stays in Home.
 * @param {App} app
 * @param {File} file
 * @param {Digest} picked
 */
const openCarried = async (app, file, picked) => {
  const { bridge, store, session } = app;
  /** @type {PictureScene} */
  const kept = await app.busyWith(`Reading ${file.name}`, () =>
    bridge.pictureFiles.readScene(file),
  );
  const editor = editorFromProject({ scene: kept.scene, editor: { ...kept.editor, mix: null } });
  const { width_px, height_px, name } = editor.scene;
  await bridge.newScene({ width_px, height_px });
  const scene = { ...editor.scene, name: name === "Untitled" ? fileStem(file.name) : name };
  store.change(`The scene of ${file.name}`, () => freeze({ ...editor, scene, picked }));
  session.set({ showing: "result" });
  closeHome(app);
  kept.notes.forEach((what) => addNotice(session, { what }));
  await bridge.flush();
};

/** What can be asked for, by id, as `ENTRIES` of commands.js. @type {Record<string, CommandEntry>} */
export const PICTURE_FILE_ENTRIES = {
  exportPicture: { group: "Files", run: exportPicture },
  checkPicture: {
    title: "Check a picture: is it as it was saved?",
    group: "Files",
    run: checkPicture,
  },
};
