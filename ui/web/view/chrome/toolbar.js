// The column of tools at the left.

/** @import { App, Shown } from "../../types/editor.d.ts" */

import { TOOLS } from "../../tools/tools.js";
import { h, set } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/** @param {App} app */
export const createToolbar = (app) => {
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
        on: { click: () => app.session.set({ tool: tool.id }) },
      },
      icon(tool.icon),
      h("kbd", { text: tool.key }),
    ),
  );
  const add = button(app, "addPicture", {
    iconName: "plus",
    test: "tools-add",
    title: "Add pictures (Ctrl I)",
    kind: "tool",
  });
  const database = "Subjects: your own things, learned from pictures (Shift P)";
  const library = button(app, "subjects", {
    iconName: "subject",
    test: "subjects",
    title: database,
    kind: "tool",
  });
  const models = button(app, "models", {
    iconName: "models",
    test: "models",
    title: "Models: what is there, what each can do, and folders to look in (Shift M)",
    kind: "tool",
  });
  const node = h(
    "nav",
    { class: "tools", "aria-label": "Tools" },
    h("div", { class: "tool-list", role: "radiogroup", "aria-label": "Tool" }, buttons),
    h("hr"),
    add,
    library,
    models,
  );
  /** @param {Shown} shown */
  const update = ({ state }) => {
    buttons.forEach((each, index) =>
      set(each, { "aria-checked": String(TOOLS[index].id === state.tool) }),
    );
    set(library, { "aria-expanded": String(state.subjectsOpen) });
    set(models, { "aria-expanded": String(state.modelsOpen) });
  };
  return { node, update };
};
