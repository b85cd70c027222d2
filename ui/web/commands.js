// Everything that can be asked for by key, button or menu, in one table; the key sheet is printed
// from it.

/**
 * @import { App, Bindings, Command, CommandEntry, KeyPlace, ParameterValues, ToolId } from "./types/editor.d.ts"
 */

import { flip, forEach, moveAllBy, removeLayer, select, setSettings } from "./model/edits.js";
import { moveObject } from "./commands/carrying.js";
import { cutOut, selectObject } from "./commands/cutting.js";
import * as stage1Images from "./commands/stage1.js";
import { ARRANGE_ENTRIES } from "./commands/arranging.js";
import * as editing from "./commands/editing.js";
import { FILE_ENTRIES } from "./commands/file-entries.js";
import * as gallery from "./commands/gallery.js";
import * as home from "./commands/home.js";
import * as layers from "./commands/layers.js";
import * as embeddings from "./commands/embeddings.js";
import * as looking from "./commands/looking.js";
import * as masks from "./commands/masks.js";
import * as mixing from "./commands/mixing.js";
import { checkParameters } from "./model/parameters.js";
import { withBindings } from "./commands/keymap.js";
import { decompose } from "./commands/decompose.js";
import * as queue from "./commands/queue.js";
import * as runs from "./commands/runs.js";
import * as models from "./commands/models.js";
import { PICTURE_FILE_ENTRIES } from "./commands/picture-files.js";
import * as snapshots from "./commands/snapshots.js";
import * as subjects from "./commands/subjects.js";
import { autotune } from "./commands/tuning.js";

/**
 * @param {ToolId} tool
 * @returns {(app: App) => void}
 */
const pickTool =
  (tool) =>
  ({ session }) =>
    session.set({ tool });

/**
 * @param {string} name
 * @returns {(app: App) => void}
 */
const toggleOpen =
  (name) =>
  ({ session }) =>
    session.set({ open: session.state.open === name ? "" : name });

/** @param {App} app */
const toggleHeat = ({ session }) => session.set({ heat: !session.state.heat, showing: "result" });

/** @param {App} app */
const foldCard = ({ session, storage }) => {
  const cardOpen = !session.state.cardOpen;
  storage.put(CARD_KEY, cardOpen);
  session.set({ cardOpen });
};

/** @param {App} app */
const toggleTheme = (app) => app.setTheme(app.isDark() ? "light" : "dark");

/** @param {App} app */
const rollDice = ({ store, random }) => store.change("New seed", setSettings({ seed: random() }));

/** Where this browser keeps whether the card of a layer is folded. */
export const CARD_KEY = "lamina.card";

/**
 * Escape leaves the innermost thing: a drag, a menu, a run, a selection.
 * @param {App} app
 */
const escape = (app) => {
  if (app.store.cancelGesture()) return;
  const { open, job } = app.session.state;
  if (open) app.session.set({ open: "" });
  else if (app.session.state.galleryOpen) gallery.leaveGallery(app);
  else if (app.session.state.homeOpen) home.closeHome(app);
  else if (job) runs.cancelRun(app);
  else if (app.session.state.also.length) app.session.set({ also: [] });
  else app.store.amend(select(""));
};

const CANVAS = "canvas";
const LAYERS = "layers";
const ANYWHERE = "anywhere";

/**
 * What there is, by id. Without a title it is no entry of the key sheet; without keys it has none;
 * where nothing else is said, keys work on the canvas.
 *
 * @type {Record<string, CommandEntry>}
 */
const ENTRIES = {
  generate: {
    title: "Generate",
    group: "Pictures",
    keys: ["Ctrl+Enter"],
    where: ANYWHERE,
    run: runs.generate,
  },
  escape: {
    title: "Stop a run, leave a menu, undo a drag",
    group: "Pictures",
    keys: ["Escape"],
    where: ANYWHERE,
    run: escape,
  },
  viewMade: { group: "Pictures", run: runs.viewMade },
  cancelRun: { group: "Pictures", run: runs.cancelRun },
  cancelJob: { group: "Pictures", run: queue.cancelJob },
  moveJob: { group: "Pictures", run: queue.moveJob },
  cancelOwn: { title: "Stop all runs of this scene", group: "Pictures", run: queue.cancelOwn },
  pauseQueue: {
    title: "Pause the queue, or let it go on",
    group: "Pictures",
    keys: ["Ctrl+Alt+P"],
    where: ANYWHERE,
    run: queue.togglePause,
  },
  queue: {
    title: "What runs and what waits",
    group: "Pictures",
    keys: ["Shift+Q"],
    run: queue.toggleQueue,
  },
  reroll: {
    title: "Re-roll the selected object",
    group: "Pictures",
    keys: ["R"],
    run: runs.reroll,
  },
  vary: {
    title: "Vary only the selected layer",
    group: "Pictures",
    keys: ["W"],
    run: (app, id) => runs.vary(app, id),
  },
  accept: {
    title: "Accept the shown candidate",
    group: "Pictures",
    keys: ["Enter"],
    run: mixing.accept,
  },
  discard: {
    title: "Discard the candidates",
    group: "Pictures",
    keys: ["Shift+X"],
    run: mixing.discard,
  },
  mix: { title: "Paint between two pictures", group: "Pictures", keys: ["P"], run: mixing.mix },
  refine: {
    title: "Refine the draft",
    group: "Pictures",
    keys: ["Shift+R"],
    run: stage1Images.refine,
  },
  stage1ToLayers: {
    title: "Turn the draft into layers",
    group: "Pictures",
    run: stage1Images.toLayers,
  },
  star: { title: "Star the shown candidate", group: "Pictures", keys: ["Shift+S"], run: runs.star },
  next: {
    title: "Next candidate",
    group: "Pictures",
    keys: ["."],
    run: (app) => runs.step(app, 1),
  },
  previous: {
    title: "Previous candidate",
    group: "Pictures",
    keys: [","],
    run: (app) => runs.step(app, -1),
  },
  flipView: { title: "Collage ⇄ result", group: "Pictures", keys: ["`", "C"], run: runs.flipView },
  "compare-split": {
    title: "Compare: split",
    group: "Pictures",
    keys: ["Y"],
    run: runs.compareBy("split"),
  },
  "compare-blink": {
    title: "Compare: blink",
    group: "Pictures",
    keys: ["Shift+Y"],
    run: runs.compareBy("blink"),
  },
  "compare-changed": {
    title: "Compare: changed pixels",
    group: "Pictures",
    keys: ["K"],
    run: runs.compareBy("changed"),
  },
  dice: { title: "New seed", group: "Pictures", keys: ["D"], run: rollDice },
  undo: {
    title: "Undo",
    group: "Editing",
    keys: ["Ctrl+Z"],
    where: ANYWHERE,
    run: ({ store }) => store.undo(),
  },
  redo: {
    title: "Redo",
    group: "Editing",
    keys: ["Ctrl+Shift+Z", "Ctrl+Y"],
    where: ANYWHERE,
    run: ({ store }) => store.redo(),
  },
  duplicate: {
    title: "Duplicate",
    group: "Editing",
    keys: ["Ctrl+D", "Ctrl+J"],
    run: layers.duplicateChosen,
  },
  mergeDown: {
    title: "Merge with the layer below",
    group: "Editing",
    keys: ["Ctrl+Shift+M"],
    run: layers.mergeWithBelow,
  },
  group: {
    title: "Group the chosen layers",
    group: "Editing",
    keys: ["Ctrl+G"],
    run: layers.groupChosen,
  },
  ungroup: {
    title: "Ungroup",
    group: "Editing",
    keys: ["Ctrl+Shift+G"],
    run: layers.ungroupChosen,
  },
  hideGroup: { group: "Editing", run: layers.hideGroup },
  foldGroup: { group: "Editing", run: layers.foldGroup },
  chooseGroup: { group: "Editing", run: layers.chooseGroup },
  chooseAll: {
    title: "Select all layers",
    group: "Editing",
    keys: ["Ctrl+A"],
    run: editing.chooseAll,
  },
  delete: {
    title: "Delete",
    group: "Editing",
    keys: ["Delete", "Backspace"],
    run: editing.onChosen("Delete", (ids) => forEach(ids, removeLayer)),
  },
  left: {
    title: "Nudge (Shift: ten times as far)",
    group: "Editing",
    keys: ["Left"],
    where: LAYERS,
    run: editing.nudgeBy(-1, 0),
  },
  right: { group: "Editing", keys: ["Right"], where: LAYERS, run: editing.nudgeBy(1, 0) },
  up: { group: "Editing", keys: ["Up"], where: LAYERS, run: editing.nudgeBy(0, -1) },
  down: { group: "Editing", keys: ["Down"], where: LAYERS, run: editing.nudgeBy(0, 1) },
  farLeft: { group: "Editing", keys: ["Shift+Left"], where: LAYERS, run: editing.nudgeBy(-10, 0) },
  farRight: { group: "Editing", keys: ["Shift+Right"], where: LAYERS, run: editing.nudgeBy(10, 0) },
  farUp: { group: "Editing", keys: ["Shift+Up"], where: LAYERS, run: editing.nudgeBy(0, -10) },
  farDown: { group: "Editing", keys: ["Shift+Down"], where: LAYERS, run: editing.nudgeBy(0, 10) },
  forward: {
    title: "One layer forward",
    group: "Editing",
    keys: ["Ctrl+]", "Alt+]"],
    run: editing.onChosen("Bring forward", (ids) => moveAllBy(ids, 1)),
  },
  backward: {
    title: "One layer back",
    group: "Editing",
    keys: ["Ctrl+[", "Alt+["],
    run: editing.onChosen("Send back", (ids) => moveAllBy(ids, -1)),
  },
  above: {
    title: "Select the object in front",
    group: "Editing",
    keys: ["PageUp"],
    run: editing.walk(1),
  },
  below: {
    title: "Select the object behind",
    group: "Editing",
    keys: ["PageDown"],
    run: editing.walk(-1),
  },
  flipX: {
    title: "Flip sideways",
    group: "Editing",
    keys: ["F"],
    run: editing.onChosen("Flip", (ids) => forEach(ids, (id) => flip(id, "x"))),
  },
  flipY: {
    title: "Flip upside down",
    group: "Editing",
    keys: ["Shift+F"],
    run: editing.onChosen("Flip", (ids) => forEach(ids, (id) => flip(id, "y"))),
  },
  ...ARRANGE_ENTRIES,
  autotune: {
    title: "Auto-adjust all layers",
    group: "Editing",
    keys: ["Shift+A"],
    run: (app) => autotune(app),
  },
  autotuneLayer: { group: "Editing", run: autotune },
  decompose: {
    title: "Decompose the picture into layers",
    group: "Pictures",
    keys: ["Shift+D"],
    run: decompose,
  },
  heat: { title: "Show where the selected layer's words looked", group: "View", run: toggleHeat },
  learnEmbeddings: {
    title: "Learn the looks of all layers",
    group: "Pictures",
    run: (app) => embeddings.learnEmbedding(app),
  },
  learnEmbedding: { group: "Pictures", run: embeddings.learnEmbedding },
  forgetEmbedding: { group: "Editing", run: embeddings.forgetEmbedding },
  hide: {
    title: "Show or hide",
    group: "Editing",
    keys: ["Shift+H"],
    run: editing.toggle("Show or hide", "visible"),
  },
  lock: {
    title: "Lock or unlock",
    group: "Editing",
    keys: ["Shift+L"],
    run: editing.toggle("Lock or unlock", "locked"),
  },
  addPainted: {
    title: "Add a painted region",
    group: "Painting",
    keys: ["N"],
    run: masks.addPainted,
  },
  toolBrush: {
    title: "Brush (Alt erases, Shift draws straight on)",
    group: "Painting",
    keys: ["B"],
    run: pickTool("brush"),
  },
  toolEraser: { title: "Eraser", group: "Painting", keys: ["E"], run: pickTool("eraser") },
  toolLasso: { title: "Lasso", group: "Painting", keys: ["L"], run: pickTool("lasso") },
  toolRectangle: { title: "Rectangle", group: "Painting", keys: ["Q"], run: pickTool("rectangle") },
  toolEllipse: { title: "Ellipse", group: "Painting", keys: ["O"], run: pickTool("ellipse") },
  toolBucket: { title: "Fill", group: "Painting", keys: ["G"], run: pickTool("bucket") },
  toolSelect: {
    title: "Select an object",
    group: "Painting",
    keys: ["S"],
    run: pickTool("select"),
  },
  toolCarry: {
    title: "Move an object of the finished picture",
    group: "Pictures",
    keys: ["U"],
    run: pickTool("carry"),
  },
  moveObject: { group: "Pictures", run: moveObject },
  toolMarquee: {
    title: "Marquee: move or copy (Alt) a part of the layer",
    group: "Painting",
    keys: ["A"],
    run: pickTool("marquee"),
  },
  cutOut: { group: "Painting", run: cutOut },
  selectObject: { group: "Painting", run: selectObject },
  swapRegion: {
    title: "Regions: add or subtract",
    group: "Painting",
    keys: ["X"],
    run: masks.swapRegion,
  },
  smallerBrush: {
    title: "Smaller brush",
    group: "Painting",
    keys: ["["],
    run: masks.resizeBrush(-1),
  },
  largerBrush: { title: "Larger brush", group: "Painting", keys: ["]"], run: masks.resizeBrush(1) },
  softerBrush: {
    title: "Softer brush",
    group: "Painting",
    keys: ["Shift+["],
    run: masks.tuneBrush("hardness", -0.1),
  },
  harderBrush: {
    title: "Harder brush",
    group: "Painting",
    keys: ["Shift+]"],
    run: masks.tuneBrush("hardness", 0.1),
  },
  invertMask: { title: "Invert the mask", group: "Painting", keys: ["Shift+V"], run: masks.invert },
  growMask: { title: "Grow the mask", group: "Painting", run: masks.grow },
  shrinkMask: { title: "Shrink the mask", group: "Painting", run: masks.shrink },
  featherMask: { title: "Soften the mask's edge", group: "Painting", run: masks.feather },
  maskFromFile: {
    title: "Mask from a picture file",
    group: "Painting",
    run: (app, id, file) => masks.maskFromFile(app, id, file),
  },
  clearMask: { title: "Clear the mask", group: "Painting", keys: ["Shift+C"], run: masks.clear },
  swapPaints: {
    title: "Paint strength instead of the mask, or back",
    group: "Painting",
    keys: ["\\"],
    run: masks.swapPaints,
  },
  paintOn: { group: "Painting", run: masks.paintOn },
  clearStrength: {
    title: "Clear the painted strength",
    group: "Painting",
    run: (app, id) => masks.clearStrength(app, id),
  },
  toolMove: { title: "Move tool", group: "View", keys: ["V"], run: pickTool("move") },
  toolHand: { title: "Hand (or hold Space)", group: "View", keys: ["H"], run: pickTool("hand") },
  toolZoom: { title: "Zoom tool", group: "View", keys: ["Z"], run: pickTool("zoom") },
  fit: { title: "Whole canvas", group: "View", keys: ["0", "Ctrl+0"], run: looking.fit },
  full: { title: "100 %", group: "View", keys: ["1"], run: looking.zoomTo(1) },
  zoomIn: { title: "Closer", group: "View", keys: ["+", "="], run: looking.zoomBy(1.25) },
  zoomOut: { title: "Farther", group: "View", keys: ["-"], run: looking.zoomBy(0.8) },
  subjects: { title: "Subjects", group: "View", keys: ["Shift+P"], run: subjects.toggleSubjects },
  models: { title: "Models", group: "View", keys: ["Shift+M"], run: models.toggleModels },
  ...PICTURE_FILE_ENTRIES,
  searchModels: { title: "Search for models again", group: "Files", run: models.searchModels },
  removeModelFolder: { group: "Files", run: models.removeModelFolder },
  useModel: { group: "Files", run: models.useModel },
  newSubject: { title: "New subject", group: "Files", run: subjects.beginSubject },
  leaveSubject: { group: "Files", run: subjects.leaveSubject },
  addReferences: { group: "Files", run: subjects.addReferences },
  chooseReferences: { group: "Files", run: subjects.chooseReferences },
  referencesFromLayers: { group: "Files", run: subjects.referencesFromLayers },
  dropReference: { group: "Files", run: subjects.dropReference },
  cutReferences: { group: "Files", run: subjects.cutReferences },
  makeSubject: { group: "Files", run: subjects.makeSubject },
  trainSubject: { group: "Files", run: subjects.trainSubject },
  stopTraining: { group: "Files", run: subjects.stopTraining },
  renameSubject: { group: "Files", run: subjects.renameSubject },
  deleteSubject: { group: "Files", run: subjects.deleteSubject },
  placeSubject: { group: "Files", run: subjects.placeSubject },
  drawSubject: { group: "Pictures", run: subjects.drawSubject },
  retouch: { title: "Retouch the layout", group: "Pictures", keys: ["T"], run: subjects.retouch },
  showMasks: {
    title: "Show where the subject was found",
    group: "Pictures",
    run: subjects.showMasks,
  },
  nameSubject: { group: "Pictures", run: subjects.nameSubject },
  turnLeft: {
    title: "Turn the view to the left",
    group: "View",
    keys: ["4"],
    run: looking.turnBy(-15),
  },
  straighten: { title: "Upright view", group: "View", keys: ["5"], run: looking.straighten },
  turnRight: {
    title: "Turn the view to the right",
    group: "View",
    keys: ["6"],
    run: looking.turnBy(15),
  },
  mirror: { title: "Mirror the view", group: "View", keys: ["M"], run: looking.mirror },
  foldCard: {
    title: "Fold or unfold the layer's card",
    group: "View",
    keys: ["I"],
    run: foldCard,
  },
  theme: { title: "Light or dark", group: "View", keys: ["Shift+T"], run: toggleTheme },
  steps: { title: "Steps and named versions", group: "View", run: snapshots.toggleSteps },
  takeSnapshot: { group: "Files", run: snapshots.takeSnapshot },
  openSnapshot: { group: "Files", run: snapshots.openSnapshot },
  deleteSnapshot: { group: "Files", run: snapshots.deleteSnapshot },
  palette: {
    title: "All commands",
    group: "View",
    keys: ["Ctrl+K", "/"],
    where: ANYWHERE,
    run: toggleOpen("palette"),
  },
  keys: { title: "This sheet", group: "View", keys: ["?"], run: toggleOpen("keys") },
  ...FILE_ENTRIES,
};

/** @type {(id: string, entry: CommandEntry) => Command} */
const buildCommand = (id, entry) => {
  const { title = "", words = "", group, keys = [], where = CANVAS, dialog = null, run } = entry;
  return Object.freeze({ id, title, words, group, keys, where, dialog, run });
};

/** @type {Readonly<Record<string, Command>>} */
export const COMMANDS = Object.freeze(
  Object.fromEntries(Object.entries(ENTRIES).map(([id, entry]) => [id, buildCommand(id, entry)])),
);

/** What a dialog of a command is called among what is open. */
const DIALOG = "dialog:";

/**
 * The command whose dialog is open, else null.
 * @param {string} open
 */
export const dialogOf = (open) =>
  open.startsWith(DIALOG) ? (COMMANDS[open.slice(DIALOG.length)] ?? null) : null;

/**
 * Runs a command. One that asks for parameters opens its dialog when none are given; those given are
 * checked.
 * @param {App} app
 * @param {string} id
 * @param {readonly unknown[]} given
 */
export const runCommand = (app, id, given) => {
  const { dialog, run } = COMMANDS[id];
  if (!dialog) return run(app, ...given);
  const [values] = given;
  if (values === undefined) return app.session.set({ open: DIALOG + id });
  const parameters = dialog.parameters(app, /** @type {ParameterValues} */ (values));
  return run(app, checkParameters(parameters, values));
};

/**
 * Whether a command's key means it in a place; a sign alone is typed in a field.
 * @param {Command} command
 * @param {KeyPlace} place
 * @param {string} chord
 */
const worksIn = ({ where }, place, chord) => {
  if (where === ANYWHERE && (place !== "text" || chord.length > 1)) return true;
  if (place === "text" || (where === LAYERS && place !== "canvas")) return false;
  return chord !== "Enter" || place !== "button";
};

/**
 * The command of a key press in a place: "text" (somebody types), "slider", "list" (arrows choose
 * there), "button" or "canvas"; null if the key means nothing there. `bindings` are keys of the
 * person's own, {id: [chords]}.
 * @param {string} chord
 * @param {KeyPlace} place
 * @param {Bindings} [bindings]
 */
export const commandFor = (chord, place, bindings = {}) => {
  const command = withBindings(COMMANDS, bindings).find(({ keys }) => keys.includes(chord));
  return command && worksIn(command, place, chord) ? command : null;
};

const AT_HOME = new Set(["home", "gallery", "escape", "newScene", "openOra", "theme", "keys"]);

/**
 * Whether a command means something while Home or the gallery lies over the editor, whose layers
 * nobody sees then.
 * @param {Command} command
 */
export const worksAtHome = ({ id }) => AT_HOME.has(id);
