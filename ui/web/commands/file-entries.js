// The commands of files, scenes and the canvas as a whole: rows of the one table.

/** @import { CommandEntry } from "../types/editor.d.ts" */

import * as canvas from "./canvas.js";
import * as exporting from "./exporting.js";
import * as files from "./files.js";
import * as gallery from "./gallery.js";
import * as home from "./home.js";
import * as mixing from "./mixing.js";
import * as runs from "./runs.js";

/** @type {Record<string, CommandEntry>} */
export const FILE_ENTRIES = {
  newScene: {
    title: "New scene",
    group: "Files",
    keys: ["Alt+N"],
    run: (app, size) => files.newScene(app, size),
  },
  addPicture: {
    title: "Add pictures",
    group: "Files",
    keys: ["Ctrl+I"],
    where: "anywhere",
    run: files.choosePictures,
  },
  openOra: {
    title: "Open an .ora, .psd or .kra file",
    group: "Files",
    keys: ["Ctrl+O"],
    where: "anywhere",
    run: files.chooseOra,
  },
  exportOra: {
    title: "Export as .ora",
    group: "Files",
    keys: ["Ctrl+E"],
    where: "anywhere",
    run: files.exportOra,
  },
  export: {
    title: "Export …",
    words: "save download png jpeg jpg webp picture file share",
    group: "Files",
    keys: ["Ctrl+Shift+E"],
    where: "anywhere",
    dialog: { button: "Export", parameters: exporting.exportParameters },
    run: exporting.exportFile,
  },
  resizeCanvas: {
    title: "Canvas size …",
    words: "resize document larger smaller",
    group: "Canvas",
    keys: ["Ctrl+Alt+C"],
    dialog: { button: "Change the size", parameters: canvas.resizeParameters },
    run: canvas.resizeCanvas,
  },
  cropCanvas: {
    title: "Crop the canvas …",
    words: "cut trim selection marquee",
    group: "Canvas",
    keys: ["Shift+K"],
    dialog: { button: "Crop", parameters: canvas.cropParameters },
    run: canvas.cropCanvas,
  },
  extendCanvas: {
    title: "Extend the canvas …",
    words: "outpaint uncrop rim border enlarge",
    group: "Canvas",
    keys: ["Shift+E"],
    dialog: { button: "Extend", parameters: canvas.extendParameters },
    run: canvas.extendCanvas,
  },
  save: {
    title: "Save now (it also saves by itself)",
    group: "Files",
    keys: ["Ctrl+S"],
    where: "anywhere",
    run: ({ bridge }) => bridge.flush(),
  },
  home: {
    title: "Home: all scenes",
    group: "Files",
    keys: ["Home"],
    run: home.toggleHome,
  },
  closeHome: { group: "Files", run: home.closeHome },
  goTo: { group: "Files", run: home.goTo },
  searchHome: { group: "Files", run: home.searchHome },
  sortHome: { group: "Files", run: home.sortHome },
  renameScene: { group: "Files", run: home.renameScene },
  duplicateScene: { group: "Files", run: home.duplicateScene },
  deleteScene: { group: "Files", run: home.deleteScene },
  restoreScene: { group: "Files", run: home.restoreScene },
  exportScene: { group: "Files", run: home.exportScene },
  salvageScene: { group: "Files", run: home.salvageScene },
  gallery: {
    title: "Gallery: all pictures",
    group: "Files",
    keys: ["Shift+G"],
    run: gallery.toggleGallery,
  },
  openGallery: { group: "Files", run: gallery.openGallery },
  filterGallery: { group: "Files", run: gallery.filterGallery },
  refreshGallery: { group: "Files", run: gallery.refreshGallery },
  viewPicture: { group: "Files", run: gallery.viewPicture },
  closePicture: { group: "Files", run: gallery.closePicture },
  stepPicture: { group: "Files", run: gallery.stepPicture },
  choosePictures: { group: "Files", run: gallery.choosePictures },
  chooseAllPictures: { group: "Files", run: gallery.chooseAllPictures },
  clearChosen: { group: "Files", run: gallery.clearChosen },
  starPicture: { group: "Files", run: gallery.starPicture },
  dropChosen: { group: "Files", run: gallery.dropChosen },
  deletePictures: { group: "Files", run: gallery.deletePictures },
  restorePictures: { group: "Files", run: gallery.restorePictures },
  exportPictures: { group: "Files", run: gallery.exportPictures },
  openAsItWas: { group: "Files", run: gallery.openAsItWas },
  copyAsItWas: { group: "Files", run: gallery.copyAsItWas },
  addGalleryPicture: { group: "Files", run: gallery.addGalleryPicture },
  carryPicture: { group: "Files", run: gallery.carryPicture },
  addCandidate: { group: "Files", run: files.addCandidate },
  addFiles: { group: "Files", run: files.addFiles },
  openExample: { group: "Files", run: files.openExample },
  rerollLayer: { group: "Pictures", run: (app, id) => runs.rerollLayer(app, id) },
  rerollUntilPassed: { group: "Pictures", run: runs.rerollUntilPassed },
  view: { group: "Pictures", run: mixing.view },
  showBatch: { group: "Pictures", run: runs.showBatch },
  loadTheirs: { group: "Files", run: ({ bridge }) => bridge.loadTheirs() },
  keepBoth: { group: "Files", run: ({ bridge }) => bridge.keepBoth() },
  keepMine: { group: "Files", run: ({ bridge }) => bridge.overwrite() },
};
