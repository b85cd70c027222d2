// Pictures and scenes coming in, and going out.

import { fileStem, isOpenRaster, phraseFromFileName } from "../kernels/names.js";
import { addLayer } from "../model/edits.js";
import { buildLayer, firstPlacement } from "../model/records.js";
import { addNotice } from "../model/session.js";

const PICTURES = "image/png,image/jpeg,image/webp";

export const choosePictures = async (desk) => addFiles(desk, await desk.chooseFiles(PICTURES, true));

export const chooseOra = async (desk) => {
  const [file] = await desk.chooseFiles(".ora", false);
  if (file) await desk.bridge.openOra(file);
};

/** Adds dropped, pasted or chosen files; `point` is a place on the canvas, or null for its middle. */
export const addFiles = async (desk, files, point = null) => {
  const scene = files.find((file) => isOpenRaster(file.name));
  if (scene) return desk.bridge.openOra(scene);
  for (const [index, file] of files.entries()) await desk.attempt(() => addPicture(desk, file, point, index));
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
  const placement = firstPlacement(taken, scene, centre);
  const layer = buildLayer({
    id: desk.newId(),
    name: phrase || file.name.slice(0, 200),
    phrase,
    picture: taken.digest,
    placement,
  });
  store.change(`Add ${layer.name}`, addLayer(layer));
  session.set({ showing: "collage" });
  if (taken.notes.length > 0) addNotice(session, { what: `${file.name}: ${taken.notes.join(" ")}` });
  if (taken.opaque) {
    addNotice(session, {
      what: `${file.name} has no transparent parts, so its whole rectangle counts as the object.`,
      remedy: "Cut it out first if that is not meant.",
    });
  }
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
  if (!digest) return addNotice(session, { what: "There is no picture to export yet.", remedy: "Generate one first." });
  return download(pictures.url(digest), `${fileStem(store.record.scene.name)}.png`);
};
