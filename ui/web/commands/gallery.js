// The gallery: coming and going, what it shows, and what is done with its pictures.

/**
 * @import { App, Point } from "../types/editor.d.ts"
 * @import { GalleryFilter, GalleryPicture, Identifier, PictureScene } from "../types/protocol.d.ts"
 */

import { plural } from "../kernels/numbers.js";
import { toggleStar } from "../model/edits.js";
import { findPicture, toggleChosen, viewedPicture, withFilter } from "../model/gallery.js";
import { editorFromProject, freeze } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { addWhole } from "./files.js";
import { closeHome } from "./home.js";

/**
 * Shows all pictures of all scenes.
 * @param {App} app
 */
export const openGallery = async ({ bridge, session }) => {
  const fresh = { galleryViewed: null, galleryRecipe: null, galleryCarried: false };
  session.set({ galleryOpen: true, homeOpen: false, open: "", ...fresh });
  await bridge.gallery.refresh();
};

/** @param {App} app */
export const toggleGallery = (app) =>
  app.session.state.galleryOpen ? closeHome(app) : openGallery(app);

/**
 * Escape leaves the innermost thing: a picture looked at, the choice, the gallery.
 * @param {App} app
 */
export const leaveGallery = (app) => {
  const { galleryViewed, galleryChosen } = app.session.state;
  if (galleryViewed) closePicture(app);
  else if (galleryChosen.length > 0) clearChosen(app);
  else closeHome(app);
};

/**
 * @param {App} app
 * @param {GalleryFilter} patch
 */
export const filterGallery = ({ bridge, session }, patch) => {
  const galleryFilter = freeze(withFilter(session.state.galleryFilter, patch));
  session.set({ galleryFilter, galleryChosen: [], galleryViewed: null });
  return bridge.gallery.refresh();
};

/** @param {App} app */
export const refreshGallery = ({ bridge }) => bridge.gallery.refresh();

/**
 * Looks at the picture of a place, with its recipe.
 * @param {App} app
 * @param {number} place
 */
export const viewPicture = async ({ bridge, session }, place) => {
  const [picture] = await bridge.gallery.readBetween(place, place + 1);
  if (!picture) return;
  session.set({ galleryViewed: { picture, place }, galleryRecipe: null });
  if (!picture.restorable) return;
  const galleryRecipe = freeze(await bridge.gallery.sceneOf(picture.id));
  if (session.state.galleryViewed?.picture.id === picture.id) session.set({ galleryRecipe });
};

/** @param {App} app */
export const closePicture = ({ session }) =>
  session.set({ galleryViewed: null, galleryRecipe: null });

/**
 * @param {App} app
 * @param {number} by
 */
export const stepPicture = async (app, by) => {
  const viewed = viewedPicture(app.session.state);
  const total = app.session.state.galleryIndex?.total ?? 0;
  const place = (viewed?.place ?? 0) + by;
  if (viewed && place >= 0 && place < total) await viewPicture(app, place);
};

/**
 * Chooses the pictures of places, or gives them up where all are chosen.
 * @param {App} app
 * @param {number} first
 * @param {number} last the place after them
 */
export const choosePictures = async ({ bridge, session }, first, last) => {
  const pictures = await bridge.gallery.readBetween(first, last);
  const ids = pictures.map(({ id }) => id);
  session.set({ galleryChosen: freeze(toggleChosen(session.state.galleryChosen, ids)) });
};

/**
 * Chooses all pictures that the filter finds.
 * @param {App} app
 */
export const chooseAllPictures = async (app) => {
  app.session.set({ galleryChosen: [] });
  await choosePictures(app, 0, app.session.state.galleryIndex?.total ?? 0);
};

/** @param {App} app */
export const clearChosen = ({ session }) => session.set({ galleryChosen: [] });

/**
 * In the open scene it is a step of its own, so that it is no conflict.
 * @param {App} app
 * @param {GalleryPicture} picture
 */
export const starPicture = async ({ bridge, session, store }, { id, project, digest, starred }) => {
  if (project !== session.state.project) return bridge.gallery.star(id, !starred);
  if ((store.record.starred ?? []).includes(digest) === starred)
    store.change(starred ? "Take the star away" : "Star a candidate", toggleStar(digest));
  await bridge.flush();
  return bridge.gallery.refresh();
};

/** @param {number} count */
const describeDeletion = (count) =>
  count === 1 ? "A picture was deleted." : `${count} pictures were deleted.`;

/**
 * @param {App} app
 * @param {readonly Identifier[]} ids
 */
export const deletePictures = async ({ run, bridge, session }, ids) => {
  const place = viewedPicture(session.state)?.place;
  await bridge.gallery.drop(ids);
  session.set({ galleryChosen: [], galleryViewed: null, galleryRecipe: null });
  addNotice(session, {
    what: describeDeletion(ids.length),
    limit: "For half a day they can be put back; within the day they are gone.",
    action: {
      title: ids.length === 1 ? "Put it back" : "Put them back",
      run: () => run("restorePictures", ids),
    },
  });
  await bridge.readCandidates();
  const left = session.state.galleryIndex?.total ?? 0;
  if (place !== undefined && left > 0) await run("viewPicture", Math.min(place, left - 1));
};

/**
 * Deletes the chosen pictures, else the one of a place; deleted ones stay where they are.
 * @param {App} app
 * @param {number} place
 */
export const dropChosen = async (app, place) => {
  const { galleryChosen, galleryFilter } = app.session.state;
  const here = await app.bridge.gallery.readBetween(place, place + 1);
  const ids = galleryChosen.length > 0 ? galleryChosen : here.map(({ id }) => id);
  if (ids.length > 0 && !galleryFilter.deleted) await deletePictures(app, ids);
};

/**
 * Puts deleted pictures back; the sentence that they were deleted goes.
 * @param {App} app
 * @param {readonly Identifier[]} ids
 */
export const restorePictures = async ({ bridge, session }, ids) => {
  await bridge.gallery.restore(ids);
  const gone = describeDeletion(ids.length);
  const notices = session.state.notices.filter(({ what }) => what !== gone);
  session.set({ galleryChosen: [], galleryViewed: null, galleryRecipe: null, notices });
  addNotice(session, {
    tone: "good",
    what: `${plural(ids.length, "picture was", "pictures were")} put back.`,
    brief: true,
  });
  await bridge.readCandidates();
};

/**
 * @param {App} app
 * @param {readonly Identifier[]} ids
 */
export const exportPictures = async ({ bridge, download, addressOf }, ids) => {
  const { url, name } = await bridge.gallery.export(ids);
  download(addressOf(url), name);
};

/**
 * What was kept, without what belongs to its moment alone.
 * @param {PictureScene} kept
 */
const editorOf = ({ scene, editor }) =>
  editorFromProject({ scene, editor: { ...editor, mix: null } });

/**
 * @param {App} app
 * @param {PictureScene} kept
 */
const tellNotes = ({ session }, { notes }) => notes.forEach((what) => addNotice(session, { what }));

/**
 * Opens the scene of a picture as it was when the picture was made: one step, which undo takes
 * back. The scene that is open now is saved first.
 * @param {App} app
 * @param {GalleryPicture} picture
 */
export const openAsItWas = async (app, { id, job, digest, seed }) => {
  const { bridge, store, session } = app;
  const kept = await bridge.gallery.sceneOf(id);
  await bridge.openProject(kept.project);
  store.change(`The scene as it was for the picture of seed ${seed}`, () => editorOf(kept));
  const isListed = session.state.candidates.some((candidate) => candidate.id === id);
  if (isListed) session.set({ viewed: digest, batch: job });
  session.set({ showing: "result" });
  closeHome(app);
  tellNotes(app, kept);
  addNotice(session, {
    tone: "good",
    what: "This is the scene as it was when the picture was made.",
    remedy: "Undo brings the present one back.",
    action: { title: "Undo", run: () => app.run("undo") },
  });
};

/**
 * A new scene that begins as a picture's scene was when the picture was made, with that picture.
 * @param {App} app
 * @param {GalleryPicture} picture
 */
export const copyAsItWas = async (app, { id, digest, scene: name }) => {
  const { bridge, store, session } = app;
  const kept = await bridge.gallery.sceneOf(id);
  const editor = editorOf(kept);
  const { width_px, height_px } = editor.scene;
  await bridge.newScene({ width_px, height_px });
  const scene = { ...editor.scene, name: `${name.slice(0, 180)}, as it was` };
  store.change("The scene as it was", () => freeze({ ...editor, scene, picked: digest }));
  session.set({ showing: "result" });
  closeHome(app);
  tellNotes(app, kept);
  await bridge.flush();
};

/**
 * A picture as a layer of the open scene, at its full size; `point` is a place on the canvas, or
 * its middle.
 * @param {App} app
 * @param {Identifier} id
 * @param {Point | null} [point]
 */
export const addGalleryPicture = async (app, id, point = null) => {
  const { session, bridge, store } = app;
  const found = findPicture(session.state, id) ?? session.state.galleryViewed;
  if (found?.picture.id !== id) return;
  if (!session.state.project) await bridge.newScene(found.picture);
  const { width_px, height_px } = store.record.scene;
  closeHome(app);
  addWhole(app, found.picture, point ?? { x: width_px / 2, y: height_px / 2 });
};

/**
 * While a picture is dragged the gallery lets the canvas be seen.
 * @param {App} app
 * @param {boolean} galleryCarried
 */
export const carryPicture = ({ session }, galleryCarried) => session.set({ galleryCarried });
