// Pictures and scenes coming in, and going out.

/**
 * @import { App, Edit, Point, Size } from "../types/editor.d.ts"
 * @import { FoundRecipe, GalleryPicture, Identifier, Layer, ModelFacts, Scene, TakenPicture } from "../types/protocol.d.ts"
 */

import { SCENE_FILES, isSceneFile, phraseFromFileName } from "../kernels/names.js";
import { addLayer, setScene, setSettings } from "../model/edits.js";
import { buildLayer, coveringPlacement, firstPlacement } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { closeHome } from "./home.js";
import { offerScene } from "./picture-files.js";

const PICTURES = "image/png,image/jpeg,image/webp";

/** @param {App} app */
export const choosePictures = async (app) => addFiles(app, await app.chooseFiles(PICTURES, true));

/** @param {App} app */
export const chooseOra = async (app) => {
  const [file] = await app.chooseFiles(SCENE_FILES, false);
  if (file) await openOraFile(app, file);
};

/**
 * A new scene from a file; the one before stays in Home.
 * @param {App} app
 * @param {File} file
 */
const openOraFile = async (app, file) => {
  await app.bridge.openOra(file);
  closeHome(app);
};

/**
 * Adds dropped, pasted or chosen files; `point` is a place on the canvas, or null for its middle.
 * @param {App} app
 * @param {readonly File[]} files
 * @param {Point | null} [point]
 */
export const addFiles = async (app, files, point = null) => {
  const scene = files.find((file) => isSceneFile(file.name));
  if (scene) return openOraFile(app, scene);
  if (app.session.state.homeOpen) await newScene(app);
  closeHome(app);
  for (const [index, file] of files.entries())
    await app.attempt(() => addPicture(app, file, point, index));
  return undefined;
};

const STAGGER_PX = 24;

/**
 * @param {App} app
 * @param {File} file
 * @param {Point | null} point
 * @param {number} index
 */
const addPicture = async (app, file, point, index) => {
  const { store, session, bridge } = app;
  const taken = await app.busyWith(`Reading ${file.name}`, () => bridge.takePicture(file));
  const { scene } = store.record;
  const middle = point ?? { x: scene.width_px / 2, y: scene.height_px / 2 };
  const centre = { x: middle.x + index * STAGGER_PX, y: middle.y + index * STAGGER_PX };
  const phrase = phraseFromFileName(file.name);
  addTaken(app, taken, {
    name: phrase || file.name.slice(0, 200),
    phrase,
    file: file.name,
    centre,
  });
  if (taken.notes.length > 0)
    addNotice(session, { what: `${file.name}: ${taken.notes.join(" ")}` });
  if (taken.recipe) offerRecipe(app, taken.recipe, file.name);
  if (taken.has_scene) offerScene(app, file, taken);
};

/**
 * @param {App} app
 * @param {FoundRecipe} recipe
 * @param {string} file
 */
const offerRecipe = ({ store, session }, recipe, file) => {
  const words = recipe.prompt.length > 120 ? `${recipe.prompt.slice(0, 119)}…` : recipe.prompt;
  addNotice(session, {
    what: `${file} carries a recipe of ${recipe.program}${words ? `: “${words}”` : ""}.`,
    action: {
      title: "Use its prompt, seed and settings",
      run: () => store.change("Use the recipe of a picture", useRecipe(recipe)),
    },
  });
};

/**
 * The words and settings that a picture says it was made from; what it does not say stays.
 * @param {FoundRecipe} recipe
 * @returns {Edit}
 */
const useRecipe =
  ({ prompt, negative, seed, steps, guidance_scale }) =>
  (editor) => {
    const { scene, settings } = editor;
    const words = prompt ? { prompt, negative } : { prompt: scene.prompt };
    return setSettings({
      seed: seed ?? settings.seed,
      steps: steps ?? settings.steps,
      guidance_scale: guidance_scale ?? settings.guidance_scale,
      weighted_prompt: prompt ? true : settings.weighted_prompt,
    })(setScene(words)(editor));
  };

/**
 * A candidate as a layer of its own; it is opaque.
 * @param {App} app
 * @param {Identifier} id
 * @param {Point} point
 */
export const addCandidate = (app, id, point) => {
  const candidate = app.session.state.candidates.find((one) => one.id === id);
  if (!candidate) return;
  const name = `Candidate ${candidate.index + 1}, seed ${candidate.seed}`;
  addTaken(app, { ...candidate, opaque: true }, { name, phrase: "", file: name, centre: point });
};

/**
 * A picture of the gallery as a layer at its full size; it is opaque.
 * @param {App} app
 * @param {GalleryPicture} picture
 * @param {Point} centre
 */
export const addWhole = (app, picture, centre) => {
  const name = `Picture of ${picture.scene}, seed ${picture.seed}`.slice(0, 200);
  const words = { name, phrase: "", file: name, centre, isWhole: true };
  addTaken(app, { ...picture, opaque: true }, words);
};

/**
 * @param {Size} size
 * @param {Scene} scene
 * @param {{ centre: Point, isWhole?: boolean }} where
 */
const placementFor = (size, scene, { centre, isWhole = false }) => {
  if (!isWhole) return firstPlacement(size, scene, centre);
  return { centre_x_px: centre.x, centre_y_px: centre.y, scale_x: 1, scale_y: 1 };
};

/**
 * A stored picture becomes a layer: an opaque one on an empty scene its background, whole and
 * filling the canvas.
 * @param {App} app
 * @param {Pick<TakenPicture, "digest" | "width_px" | "height_px" | "opaque"> & { plain?: boolean }}
 *   taken
 * @param {{ name: string, phrase: string, file: string, centre: Point, isWhole?: boolean }} words
 */
const addTaken = (app, taken, words) => {
  const { name, phrase, file } = words;
  const { store, session } = app;
  const { scene } = store.record;
  const isGround = taken.opaque && scene.layers.length === 0;
  const placement = isGround ? coveringPlacement(taken, scene) : placementFor(taken, scene, words);
  const strength = strengthFor(app.shown().model, taken.plain ?? false);
  const picture = taken.digest;
  const layer = buildLayer({ id: app.newId(), name, phrase, picture, placement, strength });
  store.change(isGround ? `Add ${name} as the background` : `Add ${name}`, addLayer(layer));
  session.set({ showing: "collage" });
  if (taken.opaque && !isGround) offerCut(app, layer, file);
};

/**
 * What a new layer begins with: a silhouette is there to be drawn, a picture to be kept; how far,
 * the model says.
 * @param {ModelFacts | null | undefined} model
 * @param {boolean} plain
 */
const strengthFor = (model, plain) => (plain ? model?.flat_strength : model?.picture_strength);

/**
 * @param {App} app
 * @param {Layer} layer
 * @param {string} file
 */
const offerCut = (app, layer, file) => {
  const what = `${file} has no transparent parts, so its whole rectangle counts as the object.`;
  const canCut = app.shown().model?.members.includes("sam");
  const action = { title: "Cut out the object", run: () => app.run("cutOut", layer.id) };
  if (canCut) addNotice(app.session, { what, action });
  else addNotice(app.session, { what, remedy: "Cut it out first if that is not meant." });
};

const USUAL_SIZE = Object.freeze({ width_px: 512, height_px: 512 });

/**
 * An empty scene of a size; the one before is saved and stays in Home.
 * @param {App} app
 * @param {Size} [size]
 */
export const newScene = async (app, size = USUAL_SIZE) => {
  app.session.set({ open: "" });
  await app.bridge.newScene(size);
  closeHome(app);
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const openExample = async (app, id) => {
  app.session.set({ open: "" });
  await app.bridge.openExample(id);
  closeHome(app);
};

/** @param {App} app */
export const exportOra = async ({ bridge, session, download, addressOf }) => {
  session.set({ open: "" });
  const { url, name } = await bridge.exportOra();
  download(addressOf(url), name);
};
