// Pictures and scenes coming in, and going out.

import { fileStem, isOpenRaster, phraseFromFileName } from "../kernels/names.js";
import { addLayer } from "../model/edits.js";
import { buildLayer, coveringPlacement, firstPlacement } from "../model/records.js";
import { addNotice } from "../model/session.js";

const PICTURES = "image/png,image/jpeg,image/webp";

export const choosePictures = async (desk) =>
  addFiles(desk, await desk.chooseFiles(PICTURES, true));

export const chooseOra = async (desk) => {
  const [file] = await desk.chooseFiles(".ora", false);
  if (file) await desk.bridge.openOra(file);
};

/** Adds dropped, pasted or chosen files; `point` is a place on the canvas, or null for its middle. */
export const addFiles = async (desk, files, point = null) => {
  const scene = files.find((file) => isOpenRaster(file.name));
  if (scene) return desk.bridge.openOra(scene);
  for (const [index, file] of files.entries())
    await desk.attempt(() => addPicture(desk, file, point, index));
  return undefined;
};

const STAGGER_PX = 24;

const addPicture = async (desk, file, point, index) => {
  const { store, session, bridge } = desk;
  const taken = await desk.busyWith(`Reading ${file.name}`, () => bridge.takePicture(file));
  const { scene } = store.record;
  const middle = point ?? { x: scene.width_px / 2, y: scene.height_px / 2 };
  const centre = { x: middle.x + index * STAGGER_PX, y: middle.y + index * STAGGER_PX };
  const phrase = phraseFromFileName(file.name);
  addTaken(desk, taken, {
    name: phrase || file.name.slice(0, 200),
    phrase,
    file: file.name,
    centre,
  });
  if (taken.notes.length > 0)
    addNotice(session, { what: `${file.name}: ${taken.notes.join(" ")}` });
};

/** A candidate as a layer of its own; it is opaque. */
export const addCandidate = (desk, id, point) => {
  const candidate = desk.session.state.candidates.find((one) => one.id === id);
  if (!candidate) return;
  const name = `Candidate ${candidate.index + 1}, seed ${candidate.seed}`;
  addTaken(desk, { ...candidate, opaque: true }, { name, phrase: "", file: name, centre: point });
};

/** A stored picture becomes a layer: an opaque one on an empty scene its background, whole and filling the canvas. */
const addTaken = (desk, taken, { name, phrase, file, centre }) => {
  const { store, session } = desk;
  const { scene } = store.record;
  const isGround = taken.opaque && scene.layers.length === 0;
  const placement = isGround
    ? coveringPlacement(taken, scene)
    : firstPlacement(taken, scene, centre);
  const layer = buildLayer({ id: desk.newId(), name, phrase, picture: taken.digest, placement });
  store.change(isGround ? `Add ${name} as the background` : `Add ${name}`, addLayer(layer));
  session.set({ showing: "collage" });
  if (taken.opaque && !isGround) offerCut(desk, layer, file);
};

const offerCut = (desk, layer, file) => {
  const what = `${file} has no transparent parts, so its whole rectangle counts as the object.`;
  const canCut = desk.shown().model?.members.includes("sam");
  const action = { title: "Cut out the object", run: () => desk.run("cutOut", layer.id) };
  if (canCut) addNotice(desk.session, { what, action });
  else addNotice(desk.session, { what, remedy: "Cut it out first if that is not meant." });
};

const USUAL_SIZE = Object.freeze({ width_px: 512, height_px: 512 });

/** An empty scene of a size; the one at hand is saved first. */
export const newScene = ({ bridge, session }, size = USUAL_SIZE) => {
  session.set({ open: "" });
  return bridge.newScene(size);
};

export const openExample = ({ bridge, session }, id) => {
  session.set({ open: "" });
  return bridge.openExample(id);
};

export const exportOra = async ({ bridge, session, download, addressOf }) => {
  session.set({ open: "" });
  const { url, name } = await bridge.exportOra();
  download(addressOf(url), name);
};

/** The picture on the stage: the candidate looked at, else the picked one. */
export const exportPng = ({ store, session, pictures, download }) => {
  session.set({ open: "" });
  const digest = session.state.viewed || store.record.picked;
  if (!digest)
    return addNotice(session, {
      what: "There is no picture to export yet.",
      remedy: "Generate one first.",
    });
  return download(pictures.url(digest), `${fileStem(store.record.scene.name)}.png`);
};
