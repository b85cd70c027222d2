// The bar above the stage while a tool paints: the dials of brush or region, and what can be done
// to a whole mask.

/**
 * @import { App, SessionState, SessionStore, Shown } from "../../types/editor.d.ts"
 * @import { ButtonOptions, GestureTarget, NumberOptions } from "../../types/view.d.ts"
 */

import { h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";
import { numberField } from "../dom/number-fields.js";

/**
 * Fields write gestures; these settings are no part of the document, so their gestures go to the
 * session.
 * @param {SessionStore} session
 * @returns {GestureTarget<Partial<SessionState>>}
 */
const gesturesOf = (session) => ({
  change: (name, patch) => session.set(patch),
  seal: () => {},
  begin: () => {
    const { brush, region } = session.state;
    return {
      update: (patch) => session.set(patch),
      commit: () => {},
      cancel: () => session.set({ brush, region }),
    };
  },
});

/**
 * @typedef {Omit<NumberOptions, "name" | "read" | "edit" | "title"> & { title: string }} DialShape
 */

/**
 * A field for a number of the session; what has a suffix is shown in percent.
 * @param {App} app
 * @param {DialShape} shape
 * @param {(state: SessionState) => number} read
 * @param {(value: number) => Partial<SessionState>} edit
 */
const dial = (app, shape, read, edit) => {
  const share = shape.suffix ? 100 : 1;
  return numberField(
    { store: gesturesOf(app.session) },
    {
      ...shape,
      whole: !shape.suffix,
      name: shape.title,
      read: ({ state }) => read(state) * share,
      edit: (value) => edit(value / share),
    },
  );
};

/**
 * @param {App} app
 * @param {"size" | "hardness" | "opacity" | "spacing"} field
 * @param {DialShape} shape
 */
const brushDial = (app, field, shape) =>
  dial(
    app,
    shape,
    ({ brush }) => brush[field],
    (value) => ({ brush: { ...app.session.state.brush, [field]: value } }),
  );

/**
 * @param {App} app
 * @param {"tolerance" | "radius"} field
 * @param {DialShape} shape
 */
const regionDial = (app, field, shape) =>
  dial(
    app,
    shape,
    ({ region }) => region[field],
    (value) => ({ region: { ...app.session.state.region, [field]: value } }),
  );

const percent = { low: 0, high: 100, step: 1, suffix: " %" };

/** @param {App} app */
const brushDials = (app) => [
  brushDial(app, "size", {
    label: "size",
    title: "Size in pixels ([ and ])",
    test: "brush-size",
    low: 1,
    high: 1000,
  }),
  brushDial(app, "hardness", {
    ...percent,
    label: "hard",
    title: "Hardness (Shift [ and ])",
    test: "brush-hardness",
  }),
  brushDial(app, "opacity", {
    ...percent,
    label: "opacity",
    title: "Opacity of a stroke",
    test: "brush-opacity",
  }),
  brushDial(app, "spacing", {
    ...percent,
    low: 1,
    label: "spacing",
    title: "Spacing of the dabs, in percent of the size",
    test: "brush-spacing",
  }),
];

/**
 * A button that is on or off, with a label or an icon: {node, update(isOn)}.
 * @param {string} label
 * @param {{ test: string, title: string, press: () => void, iconName?: string }} shape
 */
const switchButton = (label, { test, title, press, iconName }) => {
  const shape = {
    type: "button",
    class: "button quiet small flip",
    "data-test": test,
    title,
    on: { click: press },
  };
  const node = h("button", shape, iconName ? icon(iconName) : h("span", { text: label }));
  if (iconName) set(node, { "aria-label": label });
  return { node, update: (/** @type {boolean} */ isOn) => set(node, { "aria-pressed": isOn }) };
};

/** @param {App} app */
const pressureSwitches = (app) => {
  /** @param {"pressureSize" | "pressureFlow"} field */
  const turn = (field) => () => {
    const { brush } = app.session.state;
    app.session.set({ brush: { ...brush, [field]: !brush[field] } });
  };
  const size = { test: "pen-size", title: "Pen pressure changes the size", iconName: "penSize" };
  const flow = {
    test: "pen-opacity",
    title: "Pen pressure changes the opacity",
    iconName: "penFlow",
  };
  const parts = [
    switchButton("pen size", { ...size, press: turn("pressureSize") }),
    switchButton("pen opacity", { ...flow, press: turn("pressureFlow") }),
  ];
  /** @param {Shown} shown */
  const update = ({ state: { brush } }) => {
    parts[0].update(brush.pressureSize);
    parts[1].update(brush.pressureFlow);
  };
  return { nodes: parts.map(({ node }) => node), update };
};

/** @param {App} app */
const regionParts = (app) => {
  /** @param {boolean} subtract */
  const turn = (subtract) => () =>
    app.session.set({ region: { ...app.session.state.region, subtract } });
  const add = switchButton("Add", {
    test: "region-add",
    title: "Add to the mask (X swaps)",
    press: turn(false),
  });
  const less = {
    test: "region-subtract",
    title: "Take from the mask (X swaps; Ctrl for once)",
    press: turn(true),
  };
  const subtract = switchButton("Subtract", less);
  const title = "How unlike a colour may be and still be filled";
  const tolerance = regionDial(app, "tolerance", {
    label: "tolerance",
    title,
    test: "tolerance",
    low: 0,
    high: 255,
  });
  const node = h("span", { class: "group" }, add.node, subtract.node);
  /** @param {Shown} shown */
  const update = (shown) => {
    const { region, tool } = shown.state;
    add.update(!region.subtract);
    subtract.update(region.subtract);
    tolerance.update(shown);
    show(tolerance.node, tool === "bucket");
  };
  return { nodes: [node, tolerance.node], update };
};

/**
 * What strokes change: the mask, or the layer's strength.
 * @param {App} app
 */
const createTarget = (app) => {
  /**
   * @param {"mask" | "strength"} paints
   * @param {string} label
   * @param {string} title
   */
  const side = (paints, label, title) => {
    const shape = { type: "button", role: "radio", "data-test": `paint-${paints}`, title };
    return h("button", { ...shape, text: label, on: { click: () => app.run("paintOn", paints) } });
  };
  const sides = [
    side("mask", "Mask", "Paint where the layer is (\\ swaps)"),
    side("strength", "Strength", "Paint how much the layer may change, place by place (\\ swaps)"),
  ];
  const node = h(
    "span",
    { class: "segments target", role: "radiogroup", "aria-label": "What is painted" },
    sides,
  );
  /** @param {Shown} shown */
  const update = ({ state, selected, mix }) => {
    show(node, selected !== null && mix === null);
    sides.forEach((each) =>
      set(each, { "aria-checked": each.dataset.test === `paint-${state.paints}` }),
    );
  };
  return { node, update };
};

/** @type {readonly (readonly [command: string, look: ButtonOptions])[]} */
const WHOLE = [
  ["invertMask", { iconName: "invert", test: "mask-invert", title: "Invert the mask (Shift V)" }],
  ["growMask", { iconName: "grow", test: "mask-grow", title: "Grow the mask by this many pixels" }],
  [
    "shrinkMask",
    { iconName: "shrink", test: "mask-shrink", title: "Shrink the mask by this many pixels" },
  ],
  [
    "featherMask",
    {
      iconName: "feather",
      test: "mask-feather",
      title: "Soften the mask's edge over this many pixels",
    },
  ],
  ["clearMask", { iconName: "bin", test: "mask-clear", title: "Clear the mask (Shift C)" }],
];

/** @param {App} app */
export const createMaskBar = (app) => {
  const [dials, pressure, region] = [brushDials(app), pressureSwitches(app), regionParts(app)];
  const target = createTarget(app);
  const shape = {
    label: "by",
    title: "Pixels by which masks grow, shrink or soften",
    test: "mask-radius",
    low: 1,
    high: 100,
  };
  const radius = regionDial(app, "radius", shape);
  const whole = WHOLE.map(([command, look]) =>
    button(app, command, { ...look, kind: "quiet small" }),
  );
  const brushPart = h(
    "span",
    { class: "options-fields" },
    dials.map(({ node }) => node),
    pressure.nodes,
  );
  const regionPart = h("span", { class: "options-fields" }, region.nodes);
  const wholePart = h(
    "span",
    { class: "options-fields whole" },
    radius.node,
    h("span", { class: "group" }, whole),
  );
  const node = h(
    "div",
    { class: "options-fields mask-bar" },
    target.node,
    brushPart,
    regionPart,
    wholePart,
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const isBrush = ["brush", "eraser"].includes(shown.state.tool);
    show(brushPart, isBrush);
    show(regionPart, !isBrush && !["select", "marquee"].includes(shown.state.tool));
    [...dials, pressure, region, radius, target].forEach((part) => part.update(shown));
    whole.forEach((each) => set(each, { disabled: !shown.selected && !shown.mix }));
  };
  return { node, update };
};
