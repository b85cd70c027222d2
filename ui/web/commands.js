// Everything that can be asked for by key, button or menu, in one table; the key sheet is printed from it.

import { fitted, zoomedAt } from "./kernels/views.js";
import {
  flip,
  forEach,
  moveAllBy,
  nudge,
  removeLayer,
  select,
  setLayer,
  setSettings,
} from "./model/edits.js";
import { chosenIds, layerOf } from "./model/records.js";
import { moveObject } from "./commands/carrying.js";
import { cutOut, selectObject } from "./commands/cutting.js";
import * as drafts from "./commands/drafts.js";
import * as files from "./commands/files.js";
import * as layers from "./commands/layers.js";
import * as looks from "./commands/looks.js";
import * as looking from "./commands/looking.js";
import * as masks from "./commands/masks.js";
import * as mixing from "./commands/mixing.js";
import { withBindings } from "./commands/keymap.js";
import { decompose } from "./commands/parts.js";
import * as runs from "./commands/runs.js";
import * as subjects from "./commands/subjects.js";
import { autotune } from "./commands/tuning.js";

const chosen = ({ store, session }) => chosenIds(store.record, session.state.also);

/** An edit of all chosen layers as one step: editOf(ids) → edit. */
const onChosen = (name, editOf) => (desk) => {
  const ids = chosen(desk);
  if (ids.length > 0)
    desk.store.change(`${name} ${layers.calledOf(desk.store.record, ids)}`, editOf(ids, desk));
};

const move = (dx, dy) => (desk) => {
  const ids = chosen(desk);
  const edit = forEach(ids, (id) => nudge(id, dx, dy));
  if (ids.length > 0) desk.store.change("Nudge", edit, `nudge:${ids}`);
};

/** All chosen ones take the other state of the selected one. */
const toggled = (name, field) =>
  onChosen(name, (ids, { store }) => {
    const value = !layerOf(store.record, store.record.selected)[field];
    return forEach(ids, (id) => setLayer(id, { [field]: value }));
  });

const chooseAll = ({ store, session }) => {
  const ids = store.record.scene.layers.map(({ id }) => id);
  if (!store.record.selected) store.amend(select(ids.at(-1) ?? ""));
  session.set({ also: ids });
};

const zoomBy =
  (factor) =>
  ({ session, stageSize }) => {
    const { view } = session.state;
    const middle = { x: stageSize().width / 2, y: stageSize().height / 2 };
    session.set({ view: zoomedAt(view, middle, view.zoom * factor), fitted: false });
  };

const zoomTo = (zoom) => (desk) => zoomBy(zoom / desk.session.state.view.zoom)(desk);

const fit = ({ session, store, stageSize }) =>
  session.set({ view: fitted(store.record.scene, stageSize(), session.state.view), fitted: true });

const pickTool =
  (tool) =>
  ({ session }) =>
    session.set({ tool });

const toggleOpen =
  (name) =>
  ({ session }) =>
    session.set({ open: session.state.open === name ? "" : name });

const toggleHeat = ({ session }) => session.set({ heat: !session.state.heat, showing: "result" });

const toggleTheme = (desk) => desk.setTheme(desk.isDark() ? "light" : "dark");

/** The next object in front or behind, so that a person without a mouse can reach each. */
const walk =
  (steps) =>
  ({ store }) => {
    const { scene, selected } = store.record;
    const at = scene.layers.findIndex((layer) => layer.id === selected);
    const next = scene.layers[at < 0 ? scene.layers.length - 1 : at + steps];
    if (next) store.amend(select(next.id));
  };

const rollDice = ({ store, random }) => store.change("New seed", setSettings({ seed: random() }));

/** Escape leaves the innermost thing: a drag, a menu, a run, a selection. */
const escape = (desk) => {
  if (desk.store.cancelGesture()) return;
  const { open, job } = desk.session.state;
  if (open) desk.session.set({ open: "" });
  else if (job) runs.cancel(desk);
  else if (desk.session.state.also.length) desk.session.set({ also: [] });
  else desk.store.amend(select(""));
};

const CANVAS = "canvas";
const LAYERS = "layers";
const ANYWHERE = "anywhere";

/** [id, title, group, keys, where the keys work, run]. "" as a title keeps it off the key sheet. */
const ROWS = [
  ["generate", "Generate", "Pictures", ["Ctrl+Enter"], ANYWHERE, runs.generate],
  ["cancel", "Stop a run, leave a menu, undo a drag", "Pictures", ["Escape"], ANYWHERE, escape],
  ["stop", "", "Pictures", [], CANVAS, runs.cancel],
  ["reroll", "Re-roll the selected object", "Pictures", ["R"], CANVAS, runs.reroll],
  [
    "vary",
    "Vary only the selected layer",
    "Pictures",
    ["W"],
    CANVAS,
    (desk, id) => runs.vary(desk, id),
  ],
  ["accept", "Accept the shown candidate", "Pictures", ["Enter"], CANVAS, mixing.accept],
  ["discard", "Discard the candidates", "Pictures", ["Shift+X"], CANVAS, mixing.discard],
  ["mix", "Paint between two pictures", "Pictures", ["P"], CANVAS, mixing.mix],
  ["refine", "Refine the draft", "Pictures", ["Shift+R"], CANVAS, drafts.refine],
  ["draftToLayers", "Turn the draft into layers", "Pictures", [], CANVAS, drafts.toLayers],
  ["star", "Star the shown candidate", "Pictures", ["Shift+S"], CANVAS, runs.star],
  ["next", "Next candidate", "Pictures", ["."], CANVAS, (desk) => runs.step(desk, 1)],
  ["previous", "Previous candidate", "Pictures", [","], CANVAS, (desk) => runs.step(desk, -1)],
  ["flipView", "Collage ⇄ result", "Pictures", ["`", "C"], CANVAS, runs.flipView],
  ["compare-split", "Compare: split", "Pictures", ["Y"], CANVAS, runs.compareBy("split")],
  ["compare-blink", "Compare: blink", "Pictures", ["Shift+Y"], CANVAS, runs.compareBy("blink")],
  [
    "compare-changed",
    "Compare: changed pixels",
    "Pictures",
    ["K"],
    CANVAS,
    runs.compareBy("changed"),
  ],
  ["dice", "New seed", "Pictures", ["D"], CANVAS, rollDice],
  ["undo", "Undo", "Editing", ["Ctrl+Z"], ANYWHERE, ({ store }) => store.undo()],
  ["redo", "Redo", "Editing", ["Ctrl+Shift+Z", "Ctrl+Y"], ANYWHERE, ({ store }) => store.redo()],
  ["duplicate", "Duplicate", "Editing", ["Ctrl+D", "Ctrl+J"], CANVAS, layers.duplicateChosen],
  [
    "mergeDown",
    "Merge with the layer below",
    "Editing",
    ["Ctrl+Shift+M"],
    CANVAS,
    layers.mergeWithBelow,
  ],
  ["group", "Group the chosen layers", "Editing", ["Ctrl+G"], CANVAS, layers.groupChosen],
  ["ungroup", "Ungroup", "Editing", ["Ctrl+Shift+G"], CANVAS, layers.ungroupChosen],
  ["hideGroup", "", "Editing", [], CANVAS, layers.hideGroup],
  ["foldGroup", "", "Editing", [], CANVAS, layers.foldGroup],
  ["chooseGroup", "", "Editing", [], CANVAS, layers.chooseGroup],
  ["chooseAll", "Select all layers", "Editing", ["Ctrl+A"], CANVAS, chooseAll],
  [
    "delete",
    "Delete",
    "Editing",
    ["Delete", "Backspace"],
    CANVAS,
    onChosen("Delete", (ids) => forEach(ids, removeLayer)),
  ],
  ["left", "Nudge (Shift: ten times as far)", "Editing", ["Left"], LAYERS, move(-1, 0)],
  ["right", "", "Editing", ["Right"], LAYERS, move(1, 0)],
  ["up", "", "Editing", ["Up"], LAYERS, move(0, -1)],
  ["down", "", "Editing", ["Down"], LAYERS, move(0, 1)],
  ["farLeft", "", "Editing", ["Shift+Left"], LAYERS, move(-10, 0)],
  ["farRight", "", "Editing", ["Shift+Right"], LAYERS, move(10, 0)],
  ["farUp", "", "Editing", ["Shift+Up"], LAYERS, move(0, -10)],
  ["farDown", "", "Editing", ["Shift+Down"], LAYERS, move(0, 10)],
  [
    "forward",
    "One layer forward",
    "Editing",
    ["Ctrl+]", "Alt+]"],
    CANVAS,
    onChosen("Bring forward", (ids) => moveAllBy(ids, 1)),
  ],
  [
    "backward",
    "One layer back",
    "Editing",
    ["Ctrl+[", "Alt+["],
    CANVAS,
    onChosen("Send back", (ids) => moveAllBy(ids, -1)),
  ],
  ["above", "Select the object in front", "Editing", ["PageUp"], CANVAS, walk(1)],
  ["below", "Select the object behind", "Editing", ["PageDown"], CANVAS, walk(-1)],
  [
    "flipX",
    "Flip sideways",
    "Editing",
    ["F"],
    CANVAS,
    onChosen("Flip", (ids) => forEach(ids, (id) => flip(id, "x"))),
  ],
  [
    "flipY",
    "Flip upside down",
    "Editing",
    ["Shift+F"],
    CANVAS,
    onChosen("Flip", (ids) => forEach(ids, (id) => flip(id, "y"))),
  ],
  ["autotune", "Auto-adjust all layers", "Editing", ["Shift+A"], CANVAS, (desk) => autotune(desk)],
  ["autotuneLayer", "", "Editing", [], CANVAS, autotune],
  ["decompose", "Decompose the picture into layers", "Pictures", ["Shift+D"], CANVAS, decompose],
  ["heat", "Show where the selected layer's words looked", "View", [], CANVAS, toggleHeat],
  [
    "learnLooks",
    "Learn the looks of all layers",
    "Pictures",
    [],
    CANVAS,
    (desk) => looks.learnLook(desk),
  ],
  ["learnLook", "", "Pictures", [], CANVAS, looks.learnLook],
  ["forgetLook", "", "Editing", [], CANVAS, looks.forgetLook],
  ["hide", "Show or hide", "Editing", ["Shift+H"], CANVAS, toggled("Show or hide", "visible")],
  ["lock", "Lock or unlock", "Editing", ["Shift+L"], CANVAS, toggled("Lock or unlock", "locked")],
  ["addPainted", "Add a painted region", "Painting", ["N"], CANVAS, masks.addPainted],
  [
    "toolBrush",
    "Brush (Alt erases, Shift draws straight on)",
    "Painting",
    ["B"],
    CANVAS,
    pickTool("brush"),
  ],
  ["toolEraser", "Eraser", "Painting", ["E"], CANVAS, pickTool("eraser")],
  ["toolLasso", "Lasso", "Painting", ["L"], CANVAS, pickTool("lasso")],
  ["toolRectangle", "Rectangle", "Painting", ["Q"], CANVAS, pickTool("rectangle")],
  ["toolEllipse", "Ellipse", "Painting", ["O"], CANVAS, pickTool("ellipse")],
  ["toolBucket", "Fill", "Painting", ["G"], CANVAS, pickTool("bucket")],
  ["toolSelect", "Select an object", "Painting", ["S"], CANVAS, pickTool("select")],
  [
    "toolCarry",
    "Move an object of the finished picture",
    "Pictures",
    ["U"],
    CANVAS,
    pickTool("carry"),
  ],
  ["moveObject", "", "Pictures", [], CANVAS, moveObject],
  [
    "toolMarquee",
    "Marquee: move or copy (Alt) a part of the layer",
    "Painting",
    ["A"],
    CANVAS,
    pickTool("marquee"),
  ],
  ["cutOut", "", "Painting", [], CANVAS, cutOut],
  ["selectObject", "", "Painting", [], CANVAS, selectObject],
  ["swapRegion", "Regions: add or subtract", "Painting", ["X"], CANVAS, masks.swapRegion],
  ["smallerBrush", "Smaller brush", "Painting", ["["], CANVAS, masks.resizeBrush(-1)],
  ["largerBrush", "Larger brush", "Painting", ["]"], CANVAS, masks.resizeBrush(1)],
  [
    "softerBrush",
    "Softer brush",
    "Painting",
    ["Shift+["],
    CANVAS,
    masks.tuneBrush("hardness", -0.1),
  ],
  [
    "harderBrush",
    "Harder brush",
    "Painting",
    ["Shift+]"],
    CANVAS,
    masks.tuneBrush("hardness", 0.1),
  ],
  ["invertMask", "Invert the mask", "Painting", ["Shift+V"], CANVAS, masks.invert],
  ["growMask", "Grow the mask", "Painting", [], CANVAS, masks.grow],
  ["shrinkMask", "Shrink the mask", "Painting", [], CANVAS, masks.shrink],
  ["featherMask", "Soften the mask's edge", "Painting", [], CANVAS, masks.feather],
  ["clearMask", "Clear the mask", "Painting", ["Shift+C"], CANVAS, masks.clear],
  [
    "swapPaints",
    "Paint freedom instead of the mask, or back",
    "Painting",
    ["\\"],
    CANVAS,
    masks.swapPaints,
  ],
  ["paintOn", "", "Painting", [], CANVAS, masks.paintOn],
  [
    "clearFreedom",
    "Clear the painted freedom",
    "Painting",
    [],
    CANVAS,
    (desk, id) => masks.clearFreedom(desk, id),
  ],
  ["toolMove", "Move tool", "View", ["V"], CANVAS, pickTool("move")],
  ["toolHand", "Hand (or hold Space)", "View", ["H"], CANVAS, pickTool("hand")],
  ["toolZoom", "Zoom tool", "View", ["Z"], CANVAS, pickTool("zoom")],
  ["fit", "Whole canvas", "View", ["0", "Ctrl+0"], CANVAS, fit],
  ["full", "100 %", "View", ["1"], CANVAS, zoomTo(1)],
  ["zoomIn", "Closer", "View", ["+", "="], CANVAS, zoomBy(1.25)],
  ["zoomOut", "Farther", "View", ["-"], CANVAS, zoomBy(0.8)],
  ["subjects", "Subjects", "View", ["Shift+P"], CANVAS, subjects.toggleSubjects],
  ["newSubject", "New subject", "Files", [], CANVAS, subjects.beginSubject],
  ["leaveSubject", "", "Files", [], CANVAS, subjects.leaveSubject],
  ["addReferences", "", "Files", [], CANVAS, subjects.addReferences],
  ["chooseReferences", "", "Files", [], CANVAS, subjects.chooseReferences],
  ["referencesFromLayers", "", "Files", [], CANVAS, subjects.referencesFromLayers],
  ["dropReference", "", "Files", [], CANVAS, subjects.dropReference],
  ["cutReferences", "", "Files", [], CANVAS, subjects.cutReferences],
  ["makeSubject", "", "Files", [], CANVAS, subjects.makeSubject],
  ["trainSubject", "", "Files", [], CANVAS, subjects.trainSubject],
  ["stopTraining", "", "Files", [], CANVAS, subjects.stopTraining],
  ["renameSubject", "", "Files", [], CANVAS, subjects.renameSubject],
  ["deleteSubject", "", "Files", [], CANVAS, subjects.deleteSubject],
  ["placeSubject", "", "Files", [], CANVAS, subjects.placeSubject],
  ["drawSubject", "", "Pictures", [], CANVAS, subjects.drawSubject],
  ["retouch", "Retouch the layout", "Pictures", ["T"], CANVAS, subjects.retouch],
  ["showMasks", "Show where the subject was found", "Pictures", [], CANVAS, subjects.showMasks],
  ["nameSubject", "", "Pictures", [], CANVAS, subjects.nameSubject],
  ["turnLeft", "Turn the view to the left", "View", ["4"], CANVAS, looking.turnBy(-15)],
  ["straighten", "Upright view", "View", ["5"], CANVAS, looking.straighten],
  ["turnRight", "Turn the view to the right", "View", ["6"], CANVAS, looking.turnBy(15)],
  ["mirror", "Mirror the view", "View", ["M"], CANVAS, looking.mirror],
  ["theme", "Light or dark", "View", ["Shift+T"], CANVAS, toggleTheme],
  ["steps", "", "View", [], CANVAS, toggleOpen("history")],
  ["palette", "All commands", "View", ["Ctrl+K", "/"], ANYWHERE, toggleOpen("palette")],
  ["keys", "This sheet", "View", ["?"], CANVAS, toggleOpen("keys")],
  ["newScene", "New scene", "Files", ["Alt+N"], CANVAS, (desk, size) => files.newScene(desk, size)],
  ["addPicture", "Add pictures", "Files", ["Ctrl+I"], ANYWHERE, files.choosePictures],
  ["openOra", "Open an .ora file", "Files", ["Ctrl+O"], ANYWHERE, files.chooseOra],
  ["exportOra", "Export as .ora", "Files", ["Ctrl+E"], ANYWHERE, files.exportOra],
  ["exportPng", "Export the shown picture", "Files", ["Ctrl+Shift+E"], ANYWHERE, files.exportPng],
  [
    "save",
    "Save now (it also saves by itself)",
    "Files",
    ["Ctrl+S"],
    ANYWHERE,
    ({ bridge }) => bridge.flush(),
  ],
  ["addCandidate", "", "Files", [], CANVAS, files.addCandidate],
  ["addFiles", "", "Files", [], CANVAS, files.addFiles],
  ["openExample", "", "Files", [], CANVAS, files.openExample],
  ["rerollLayer", "", "Pictures", [], CANVAS, (desk, id) => runs.rerollLayer(desk, id)],
  ["rerollUntilPassed", "", "Pictures", [], CANVAS, runs.rerollUntilPassed],
  ["view", "", "Pictures", [], CANVAS, mixing.view],
  ["showBatch", "", "Pictures", [], CANVAS, runs.showBatch],
  ["loadTheirs", "", "Files", [], CANVAS, ({ bridge }) => bridge.loadTheirs()],
  ["keepMine", "", "Files", [], CANVAS, ({ bridge }) => bridge.overwrite()],
];

export const COMMANDS = Object.freeze(
  Object.fromEntries(
    ROWS.map(([id, title, group, keys, where, run]) => [
      id,
      Object.freeze({ id, title, group, keys, where, run }),
    ]),
  ),
);

/**
 * The command of a key press in a place: "text" (somebody types), "slider", "list" (arrows choose there), "button" or
 * "canvas"; null if the key means nothing there. `bindings` are keys of the person's own, {id: [chords]}.
 */
export const commandFor = (chord, place, bindings = {}) => {
  const command = withBindings(COMMANDS, bindings).find(({ keys }) => keys.includes(chord));
  if (!command) return null;
  if (command.where === ANYWHERE && (place !== "text" || chord.length > 1)) return command;
  if (place === "text") return null;
  if (command.where === LAYERS && place !== "canvas") return null;
  return chord === "Enter" && place === "button" ? null : command;
};
