// The bar above the stage while a tool paints: the dials of brush or region, and what can be done to a whole mask.

import { h, set, show } from "../dom/elements.js";
import { button, numberField } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/** Fields write gestures; these settings are no part of the document, so their gestures go to the session. */
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

const dial = (app, part, field, shape) =>
  numberField(
    { store: gesturesOf(app.session) },
    {
      ...shape,
      whole: !shape.suffix,
      name: shape.title,
      read: ({ state }) => state[part][field] * (shape.suffix ? 100 : 1),
      edit: (value) => ({
        [part]: { ...app.session.state[part], [field]: shape.suffix ? value / 100 : value },
      }),
    },
  );

const percent = { low: 0, high: 100, step: 1, suffix: " %" };

const brushDials = (app) => [
  dial(app, "brush", "size", {
    label: "size",
    title: "Size in pixels ([ and ])",
    test: "brush-size",
    low: 1,
    high: 1000,
  }),
  dial(app, "brush", "hardness", {
    ...percent,
    label: "hard",
    title: "Hardness (Shift [ and ])",
    test: "brush-hardness",
  }),
  dial(app, "brush", "opacity", {
    ...percent,
    label: "opacity",
    title: "Opacity of a stroke",
    test: "brush-opacity",
  }),
  dial(app, "brush", "spacing", {
    ...percent,
    low: 1,
    label: "spacing",
    title: "Spacing of the dabs, in percent of the size",
    test: "brush-spacing",
  }),
];

/** A button that is on or off, with a label or an icon: {node, update(isOn)}. */
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
  return { node, update: (isOn) => set(node, { "aria-pressed": isOn }) };
};

const pressureSwitches = (app) => {
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
  const update = ({ state: { brush } }) => {
    parts[0].update(brush.pressureSize);
    parts[1].update(brush.pressureFlow);
  };
  return { nodes: parts.map(({ node }) => node), update };
};

const regionParts = (app) => {
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
  const tolerance = dial(app, "region", "tolerance", {
    label: "tolerance",
    title,
    test: "tolerance",
    low: 0,
    high: 255,
  });
  const node = h("span", { class: "group" }, add.node, subtract.node);
  const update = (shown) => {
    const { region, tool } = shown.state;
    add.update(!region.subtract);
    subtract.update(region.subtract);
    tolerance.update(shown);
    show(tolerance.node, tool === "bucket");
  };
  return { nodes: [node, tolerance.node], update };
};

/** What strokes change: the mask, or the layer's strength. */
const createTarget = (app) => {
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
  const update = ({ state, selected, mix }) => {
    show(node, selected !== null && mix === null);
    sides.forEach((each) =>
      set(each, { "aria-checked": each.dataset.test === `paint-${state.paints}` }),
    );
  };
  return { node, update };
};

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
  const radius = dial(app, "region", "radius", shape);
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
  const update = (shown) => {
    const isBrush = ["brush", "eraser"].includes(shown.state.tool);
    show(brushPart, isBrush);
    show(regionPart, !isBrush && !["select", "marquee"].includes(shown.state.tool));
    [...dials, pressure, region, radius, target].forEach((part) => part.update(shown));
    whole.forEach((each) => set(each, { disabled: !shown.selected && !shown.mix }));
  };
  return { node, update };
};
