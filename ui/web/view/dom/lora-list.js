// The LoRAs of the scene or of a layer: each with its weight, and a choice of those that were found.

/**
 * @import { App, Edit, Shown } from "../../types/editor.d.ts"
 * @import { Field } from "../../types/view.d.ts"
 * @import { Loras } from "../../model/loras.js"
 */

import {
  addLora,
  broughtBy,
  broughtText,
  hasLora,
  loraChoices,
  removeLora,
  weighLora,
  weightOf,
  WEIGHTS,
} from "../../model/loras.js";
import { setSettings } from "../../model/edits.js";
import { createKeyed, h, set, show } from "./elements.js";
import { button, choice } from "./fields.js";
import { numberField } from "./number-fields.js";

/**
 * @typedef {object} LoraListOptions
 * @property {string} label what the list is called
 * @property {string} test
 * @property {(shown: Shown) => Loras} read
 * @property {(change: (loras: Loras) => Loras) => Edit} edit
 * @property {boolean} [bringsDials] one of few steps sets the dials of the run
 */

/**
 * @param {App} app
 * @param {LoraListOptions} options
 * @param {string} name
 */
const createRow = (app, { test, read, edit }, name) => {
  const weight = numberField(app, {
    label: "weight",
    title: `Weight of ${name}`,
    test: `${test}-weight`,
    ...WEIGHTS,
    whole: false,
    name: `Weight of ${name}`,
    read: (shown) => weightOf(read(shown), name),
    edit: (value) => edit((loras) => weighLora(loras, name, value)),
  });
  const drop = () =>
    app.store.change(
      `Remove ${name}`,
      edit((loras) => removeLora(loras, name)),
    );
  const remove = button(app, drop, {
    iconName: "close",
    test: `${test}-remove`,
    title: `Remove ${name}`,
    kind: "quiet small",
  });
  const title = h("span", { class: "lora-name", text: name });
  const brought = h("p", { class: "lora-brought muted", "data-test": `${test}-brought` });
  const node = h(
    "li",
    { class: "lora", "data-test": test, "data-name": name },
    title,
    weight.node,
    remove,
    brought,
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const isThere = hasLora(shown.state.facts, name);
    set(node, { "data-missing": !isThere });
    set(title, { title: isThere ? name : `${name} was not found in the folders of models` });
    const words = broughtText(shown.state.facts, name, shown.record.settings);
    set(brought, { text: words });
    show(brought, words !== "");
    weight.update(shown);
  };
  return { node, update };
};

/**
 * {node, update(shown)}: hidden while there is neither a LoRA nor one that could be chosen.
 * @param {App} app
 * @param {LoraListOptions} options
 * @returns {Pick<Field, "node" | "update">}
 */
export const createLoraList = (app, options) => {
  const { label, test, read, edit, bringsDials = false } = options;
  const list = h("ul", { class: "lora-list", "aria-label": label });
  const placeRows = createKeyed(list, String, (/** @type {string} */ name) =>
    createRow(app, options, name),
  );
  const add = choice(app, {
    label: `Add a LoRA: ${label}`,
    test: `${test}-choice`,
    name: "LoRA",
    options: (shown) => loraChoices(shown.state.facts, read(shown)),
    read: () => "",
    edit: (name) => (record) => {
      const added = edit((loras) => addLora(loras, name))(record);
      return bringsDials ? setSettings(broughtBy(app.session.state.facts, name))(added) : added;
    },
  });
  const node = h("div", { class: "loras" }, list, add.node);
  /** @param {Shown} shown */
  const update = (shown) => {
    const loras = read(shown);
    const found = shown.state.facts?.loras.length ?? 0;
    show(node, loras.length + found > 0);
    placeRows(loras.map(({ name }) => name)).forEach((row) => row.update(shown));
    show(list, loras.length > 0);
    show(add.node, found > 0);
    add.update(shown);
  };
  return { node, update };
};
