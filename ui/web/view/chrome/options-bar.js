// The bar above the stage: the selected layer's place as numbers, its flips, and the method.

/**
 * @import { App, Edit, Shown } from "../../types/editor.d.ts"
 * @import { Part } from "../../types/view.d.ts"
 */

import { setPlacement, setSettings } from "../../model/edits.js";
import { chosenIds, layerOf, titleOf } from "../../model/records.js";
import { settingsOfMethod } from "../../model/subjects.js";
import { TOOLS } from "../../tools/tools.js";
import { h, set, show } from "../dom/elements.js";
import { button, choice } from "../dom/fields.js";
import { numberField } from "../dom/number-fields.js";
import { createMaskBar } from "./mask-bar.js";

const FARTHEST_PX = 32768;

/** @type {Readonly<Record<"x" | "y", "width_px" | "height_px">>} */
const SIDES = { x: "width_px", y: "height_px" };

/**
 * Both scales by one factor, so that the side along an axis becomes as many pixels long.
 * @param {App} app
 * @param {"x" | "y"} axis
 * @returns {(value: number) => Edit}
 */
const scaleTo = (app, axis) => /** @param {number} value */ (value) => (record) => {
  const layer = layerOf(record, record.selected);
  const { size } = app.shown();
  if (!layer || !size) return record;
  const { scale_x, scale_y } = layer.placement;
  const factor = value / (size[SIDES[axis]] * (axis === "x" ? scale_x : scale_y));
  const placement = { scale_x: scale_x * factor, scale_y: scale_y * factor };
  return setPlacement(layer.id, placement)(record);
};

/** @typedef {"centre_x_px" | "centre_y_px" | "rotation_deg"} PlaceField */

/**
 * @param {PlaceField} field
 * @returns {(value: number) => Edit}
 */
const moveTo = (field) => /** @param {number} value */ (value) => (record) =>
  setPlacement(record.selected, { [field]: value })(record);

/**
 * @param {App} app
 * @param {string} label
 * @param {PlaceField} field
 * @param {string} title
 */
const placeField = (app, label, field, title) =>
  numberField(app, {
    label,
    title,
    test: `field-${label}`,
    low: -FARTHEST_PX,
    high: FARTHEST_PX,
    name: `Move to ${label}`,
    read: ({ selected }) => selected?.placement[field] ?? null,
    edit: moveTo(field),
  });

/**
 * @param {App} app
 * @param {string} label
 * @param {"x" | "y"} axis
 * @param {string} title
 */
const spanField = (app, label, axis, title) =>
  numberField(app, {
    label,
    title,
    test: `field-${label}`,
    low: 1,
    high: FARTHEST_PX,
    name: `Scale to ${label}`,
    read: ({ selected, size }) =>
      selected && size ? selected.placement[`scale_${axis}`] * size[SIDES[axis]] : null,
    edit: scaleTo(app, axis),
  });

/** @param {App} app */
const rotationField = (app) =>
  numberField(app, {
    label: "rotate",
    title: "Rotation in degrees, clockwise",
    test: "field-rotate",
    low: -180,
    high: 180,
    whole: false,
    suffix: "°",
    name: "Rotate to",
    read: ({ selected }) => selected?.placement.rotation_deg ?? null,
    edit: moveTo("rotation_deg"),
  });

/**
 * @param {App} app
 * @returns {Part}
 */
const createPlace = (app) => {
  const fields = [
    placeField(app, "x", "centre_x_px", "Centre from the left, in pixels"),
    placeField(app, "y", "centre_y_px", "Centre from the top, in pixels"),
    spanField(app, "w", "x", "Width in pixels"),
    spanField(app, "h", "y", "Height in pixels"),
    rotationField(app),
  ];
  const kind = "quiet small";
  const flips = [
    button(app, "flipX", { iconName: "flipX", test: "flip-x", title: "Flip sideways (F)", kind }),
    button(app, "flipY", {
      iconName: "flipY",
      test: "flip-y",
      title: "Flip upside down (Shift F)",
      kind,
    }),
  ];
  const inputs = fields.map(({ node }) => node);
  const node = h("div", { class: "options-fields" }, inputs, h("span", { class: "group" }, flips));
  return { node, update: (shown) => fields.forEach((field) => field.update(shown)) };
};

/** @type {readonly { command: string, iconName: string, title: string }[]} */
const ARRANGE = [
  { command: "alignLeft", iconName: "alignLeft", title: "Align left edges" },
  { command: "alignCentre", iconName: "alignCentre", title: "Align centres across" },
  { command: "alignRight", iconName: "alignRight", title: "Align right edges" },
  { command: "alignTop", iconName: "alignTop", title: "Align top edges" },
  { command: "alignMiddle", iconName: "alignMiddle", title: "Align centres in height" },
  { command: "alignBottom", iconName: "alignBottom", title: "Align bottom edges" },
  { command: "distributeAcross", iconName: "gapsAcross", title: "Even gaps across" },
  { command: "distributeDown", iconName: "gapsDown", title: "Even gaps in height" },
];

/**
 * What can be done with several layers at once.
 * @param {App} app
 */
const createArranging = (app) => {
  const kind = "quiet small";
  const buttons = ARRANGE.map(({ command, iconName, title }) =>
    button(app, command, { iconName, title, test: command, kind }),
  );
  const group = button(app, "group", {
    label: "Group",
    test: "group-chosen",
    title: "Group (Ctrl G)",
    kind,
  });
  return h("div", { class: "options-fields" }, h("span", { class: "group" }, buttons), group);
};

/** @param {App} app */
const methodChoice = (app) =>
  choice(app, {
    label: "Method",
    test: "method",
    name: "Method",
    options: ({ state }) => (state.facts?.methods ?? []).map(({ id, title }) => ({ id, title })),
    read: ({ record }) => record.settings.method,
    edit: (method) => setSettings(settingsOfMethod(method)),
  });

/** @param {App} app */
export const createOptionsBar = (app) => {
  const title = h("span", { class: "options-title" });
  const hint = h("span", {
    class: "muted hint",
    text: "Click an object to select it, or drop a picture here.",
  });
  const [place, arranging] = [createPlace(app), createArranging(app)];
  const masks = createMaskBar(app);
  const method = methodChoice(app);
  const bar = { class: "options", role: "toolbar", "aria-label": "The selected object" };
  const node = h(
    "div",
    bar,
    title,
    place.node,
    arranging,
    masks.node,
    hint,
    h("span", { class: "spring" }),
    method.node,
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const { selected } = shown;
    const count = chosenIds(shown.record, shown.state.also).length;
    const several = count > 1;
    const name = several ? `${count} layers` : selected && titleOf(selected);
    set(title, { text: name ?? "" });
    const paints = TOOLS.some(({ id, paints: each }) => each && id === shown.state.tool);
    show(title, selected !== null && !paints);
    show(place.node, selected !== null && selected.picture !== null && !paints && !several);
    show(arranging, several && !paints);
    show(masks.node, paints);
    show(hint, selected === null && !paints);
    [place, masks, method].forEach((part) => part.update(shown));
  };
  return { node, update };
};
