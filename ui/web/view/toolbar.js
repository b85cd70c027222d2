// The column of tools at the left, and the bar above the stage with the numbers of the selected layer.

import { setPlacement, setSettings } from "../model/edits.js";
import { titleOf } from "../model/records.js";
import { TOOLS } from "../tools/tools.js";
import { button, choice, numberField } from "./fields.js";
import { icon } from "./icons.js";
import { h, set, show } from "./dom.js";

export const createTools = (desk) => {
  const buttons = TOOLS.map((tool) =>
    h(
      "button",
      {
        type: "button",
        class: "tool",
        role: "radio",
        title: `${tool.title} (${tool.key})`,
        "aria-label": tool.title,
        "data-test": `tool-${tool.id}`,
        on: { click: () => desk.session.set({ tool: tool.id }) },
      },
      icon(tool.icon),
      h("kbd", { text: tool.key }),
    ),
  );
  const add = button(desk, "addPicture", {
    iconName: "plus",
    test: "tools-add",
    title: "Add pictures (Ctrl I)",
    kind: "tool",
  });
  const node = h(
    "nav",
    { class: "tools", "aria-label": "Tools" },
    h("div", { class: "tool-list", role: "radiogroup", "aria-label": "Tool" }, buttons),
    h("hr"),
    add,
  );
  const update = ({ state }) =>
    buttons.forEach((each, index) => set(each, { "aria-checked": String(TOOLS[index].id === state.tool) }));
  return { node, update };
};

const selectedPart =
  (part) =>
  ({ selected, size }) =>
    selected && ((part !== "width" && part !== "height") || size) ? selected : null;

/** Fields for the selected layer's place; width and height keep the proportions. */
const placeFields = (desk) => {
  const id = () => desk.store.record.selected;
  const sizeNow = () => desk.shown().size;
  const scaled = (side) => (value) => (record) => {
    const { placement } = record.scene.layers.find((layer) => layer.id === id());
    const factor = value / (sizeNow()[side === "x" ? "width_px" : "height_px"] * placement[`scale_${side}`]);
    return setPlacement(id(), { scale_x: placement.scale_x * factor, scale_y: placement.scale_y * factor })(record);
  };
  const place = (label, field, title) =>
    numberField(desk, {
      label,
      title,
      test: `field-${label}`,
      low: -32768,
      high: 32768,
      step: 1,
      name: "Move",
      read: (shown) => selectedPart("")(shown)?.placement[field] ?? null,
      edit: (value) => setPlacement(id(), { [field]: value }),
    });
  const span = (label, side, title) =>
    numberField(desk, {
      label,
      title,
      test: `field-${label}`,
      low: 1,
      high: 32768,
      step: 1,
      name: "Scale",
      read: (shown) => {
        const layer = selectedPart("width")(shown);
        return layer ? layer.placement[`scale_${side}`] * shown.size[side === "x" ? "width_px" : "height_px"] : null;
      },
      edit: scaled(side),
    });
  const rotation = numberField(desk, {
    label: "rotate",
    title: "Rotation in degrees, clockwise",
    test: "field-rotate",
    low: -180,
    high: 180,
    step: 1,
    whole: false,
    suffix: "°",
    name: "Rotate",
    read: ({ selected }) => selected?.placement.rotation_deg ?? null,
    edit: (value) => setPlacement(id(), { rotation_deg: value }),
  });
  return [
    place("x", "centre_x_px", "Centre from the left, in pixels"),
    place("y", "centre_y_px", "Centre from the top, in pixels"),
    span("w", "x", "Width in pixels"),
    span("h", "y", "Height in pixels"),
    rotation,
  ];
};

export const createOptions = (desk) => {
  const title = h("span", { class: "options-title" });
  const fields = placeFields(desk);
  const flipX = button(desk, "flipX", {
    iconName: "flipX",
    test: "flip-x",
    title: "Flip sideways (F)",
    kind: "quiet small",
  });
  const flipY = button(desk, "flipY", {
    iconName: "flipY",
    test: "flip-y",
    title: "Flip upside down (Shift F)",
    kind: "quiet small",
  });
  const place = h(
    "div",
    { class: "options-fields" },
    fields.map(({ node }) => node),
    h("span", { class: "group" }, flipX, flipY),
  );
  const hint = h("span", { class: "muted hint", text: "Click an object to select it, or drop a picture here." });
  const method = choice(desk, {
    label: "Method",
    test: "method",
    name: "Method",
    options: ({ state }) => (state.facts?.methods ?? []).map(({ id, title: text }) => ({ id, title: text })),
    read: ({ record }) => record.settings.method,
    edit: (value) => setSettings({ method: value, options: {} }),
  });
  const node = h(
    "div",
    { class: "options", role: "toolbar", "aria-label": "The selected object" },
    title,
    place,
    hint,
    h("span", { class: "spring" }),
    method.node,
  );
  const update = (shown) => {
    show(title, Boolean(shown.selected));
    set(title, { text: shown.selected ? titleOf(shown.selected) : "" });
    show(place, Boolean(shown.selected));
    show(hint, !shown.selected);
    [...fields, method].forEach((field) => field.update(shown));
  };
  return { node, update };
};
