// The head of a group in the layers panel: fold, eye, name, how many layers. A click chooses them
// all.

/**
 * @import { App, LayerRow, Shown } from "../../types/editor.d.ts"
 * @import { Identifier } from "../../types/protocol.d.ts"
 */

import { groupById, isGroupShown, setGroup } from "../../model/groups.js";
import { chosenIds } from "../../model/records.js";
import { elementOf, h, set } from "../dom/elements.js";
import { button, textField } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/**
 * @param {string} test
 * @param {readonly string[]} icons
 * @param {() => void} press
 */
const toggle = (test, icons, press) => {
  /** @param {PointerEvent} event */
  const click = (event) => {
    event.stopPropagation();
    press();
  };
  return h(
    "button",
    { type: "button", class: `toggle ${test}`, "data-test": test, on: { click } },
    icons.map(icon),
  );
};

/**
 * The row of the group `id`: {node, update(shown, {group}, isFront)}.
 * @param {App} app
 * @param {Identifier} id
 */
export const createGroupRow = (app, id) => {
  const fold = toggle("group-fold", ["right"], () => app.run("foldGroup", id));
  const eye = toggle("group-eye", ["eye", "eyeShut"], () => app.run("hideGroup", id));
  const name = textField(app, {
    label: "Name of the group",
    test: "group-name",
    read: ({ scene }) => groupById(scene, id)?.name ?? "",
    name: "Rename the group",
    edit: (value) => setGroup(id, { name: value }),
    merge: () => `group-name:${id}`,
  });
  const count = h("span", { class: "muted" });
  const loose = {
    iconName: "ungroup",
    test: "ungroup",
    title: "Ungroup (Ctrl Shift G)",
    kind: "quiet small",
  };
  const ungroup = button(app, () => (app.run("chooseGroup", id), app.run("ungroup")), loose);
  const head = h("div", { class: "group-head" }, eye, fold, name.node, count, ungroup);
  const node = h(
    "div",
    { class: "group-row", role: "treeitem", "data-test": "group-row", "data-group": id },
    head,
  );
  node.addEventListener("click", (event) => {
    if (!elementOf(event).closest("button, input")) app.run("chooseGroup", id);
  });
  /**
   * @param {Shown} shown
   * @param {LayerRow} row
   */
  const update = (shown, { group }) => {
    if (!group) return;
    const isShown = isGroupShown(shown.scene, group);
    const chosen = chosenIds(shown.record, shown.state.also);
    const isChosen = group.members.every((member) => chosen.includes(member));
    name.update(shown);
    set(eye, {
      "aria-pressed": isShown,
      "aria-label": isShown ? "Hide the group" : "Show the group",
    });
    set(fold, {
      "aria-label": group.collapsed ? "Open the group" : "Close the group",
      "data-open": !group.collapsed,
    });
    set(count, { text: String(group.members.length) });
    set(node, {
      "aria-expanded": !group.collapsed,
      "aria-label": group.name,
      "aria-level": 1,
      tabindex: isChosen ? 0 : -1,
      "data-chosen": isChosen,
      "data-holds": group.collapsed && group.members.includes(shown.record.selected),
      "data-hidden": !isShown,
    });
  };
  return { node, update };
};
