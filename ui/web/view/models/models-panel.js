// The panel of models over the stage: where they are looked for, what each can do, and why others
// cannot be used.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Ability, Facts, ModelFacts, ModelFolder, RefusedModel, WordFacts } from "../../types/protocol.d.ts"
 */

import { addModelFolder } from "../../commands/models.js";
import {
  KINDS,
  factsText,
  filesOf,
  folderText,
  lackText,
  reasonText,
  refusedOf,
  wordText,
} from "../../model/models.js";
import { createKeyed, focused, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";

/**
 * A titled part of the panel, hidden while it is empty.
 * @param {string} title
 * @param {string} test
 */
const createPart = (title, test) => {
  const list = h("ul", { class: "model-list", "aria-label": title, "data-test": test });
  const count = h("span", { class: "muted" });
  const head = h("h3", { class: "model-title" }, h("span", { text: title }), count);
  const node = h("section", { class: "model-part" }, head, list);
  /** @param {number} size */
  const update = (size) => {
    set(count, { text: String(size) });
    show(node, size > 0);
  };
  return { node, list, update };
};

/**
 * @param {App} app
 * @param {ModelFolder} folder
 */
const createFolder = (app, { path, added }) => {
  const counts = h("span", { class: "muted" });
  const drop = button(app, () => app.run("removeModelFolder", path), {
    iconName: "close",
    test: "model-folder-remove",
    title: `Look no longer into ${path}`,
    kind: "quiet small",
  });
  const origin = h("span", { class: "muted", text: "named at the start" });
  const words = h(
    "div",
    { class: "model-words" },
    h("span", { class: "model-path", text: path, title: path }),
    counts,
  );
  const shape = { class: "model-folder", "data-test": "model-folder", "data-path": path };
  const node = h("li", shape, words, added ? drop : origin);
  /** @param {ModelFolder} now */
  const update = (now) => set(counts, { text: folderText(now) });
  return { node, update };
};

/** @param {Ability} ability */
const createAbility = (ability) => {
  const lack = lackText(ability);
  const ready = ability.lacks.length === 0;
  return h(
    "li",
    { class: "ability", "data-ready": ready, "data-test": `ability-${ability.id}` },
    h("span", { class: "ability-sign", "aria-hidden": "true", text: ready ? "✓" : "–" }),
    h("span", { text: ability.title }),
    lack ? h("span", { class: "muted", text: lack }) : null,
  );
};

/**
 * @param {App} app
 * @param {ModelFacts} model
 */
const createModel = (app, model) => {
  const use = button(app, () => app.run("useModel", model.id), {
    label: "Use",
    test: "model-use",
    title: `Make this scene with ${model.title}`,
    kind: "small accent",
  });
  const used = h("span", { class: "model-used", text: "In use", "data-test": "model-used" });
  const licence = model.licence ? `Licence: ${model.licence}` : "No licence is named in its folder";
  const ready = model.abilities.filter(({ lacks }) => lacks.length === 0).length;
  const abilities = h(
    "details",
    { class: "abilities", "data-test": "model-abilities" },
    h("summary", { text: `What it can do: ${ready} of ${model.abilities.length}` }),
    h("ul", { class: "model-list" }, model.abilities.map(createAbility)),
  );
  const node = h(
    "li",
    { class: "model", "data-test": "model", "data-model": model.id },
    h(
      "div",
      { class: "model-head" },
      h("span", { class: "model-name", text: model.title, title: model.title }),
      used,
      use,
    ),
    h("p", { class: "model-line", text: factsText(model) }),
    h("p", { class: "model-line", text: model.knows ? `Knows ${model.knows}` : licence }),
    ...model.notes.map((text) => h("p", { class: "model-note", text })),
    h("p", { class: "model-path muted", text: model.path, title: model.path }),
    abilities,
  );
  /** @param {string} chosen */
  const update = (chosen) => {
    const isUsed = chosen === model.id;
    if (isUsed && document.activeElement === use) abilities.querySelector("summary")?.focus();
    show(used, isUsed);
    show(use, !isUsed);
  };
  return { node, update };
};

/** @param {RefusedModel} refused */
const createRefused = (refused) => ({
  node: h(
    "li",
    {
      class: "model refused",
      "data-test": "model-refused",
      "data-name": refused.name,
      "data-kind": refused.kind,
    },
    h(
      "div",
      { class: "model-head" },
      h("span", { class: "model-name", text: refused.name, title: refused.name }),
      h("span", { class: "muted", text: KINDS[refused.kind] }),
    ),
    h("p", { class: "model-line model-reason", text: reasonText(refused) }),
    h("p", { class: "model-path muted", text: refused.path, title: refused.path }),
  ),
});

/** @param {WordFacts} word */
const createWord = (word) => {
  const facts = h("p", { class: "model-line" });
  const node = h(
    "li",
    { class: "model", "data-test": "model-word", "data-name": word.name },
    h("div", { class: "model-head" }, h("span", { class: "model-name", text: word.name })),
    facts,
    h("p", { class: "model-path muted", text: word.path, title: word.path }),
  );
  /** @param {ModelFacts | undefined} model */
  const update = (model) => set(facts, { text: wordText(word, model) });
  return { node, update };
};

/** @param {App} app */
const createAdder = (app) => {
  const input = h("input", {
    class: "field-input",
    type: "text",
    "aria-label": "Folder or file with models",
    placeholder: "~/ComfyUI/models",
    maxlength: 4096,
    "data-test": "model-path",
    autocomplete: "off",
    spellcheck: "false",
  });
  const obstacle = h("p", {
    class: "model-obstacle",
    role: "alert",
    "data-test": "model-obstacle",
  });
  const add = async () => {
    const path = input.value.trim();
    if (path === "") return input.focus();
    const sentence = await app.attempt(() => addModelFolder(app, path));
    set(obstacle, { text: sentence ?? "" });
    show(obstacle, Boolean(sentence));
    set(input, { "aria-invalid": Boolean(sentence) });
    if (sentence === "") input.value = "";
    return input.focus();
  };
  show(obstacle, false);
  const press = button(app, add, { label: "Add", test: "model-add", kind: "small accent" });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") add();
  });
  const hint = h("p", {
    class: "muted model-hint",
    text: "A folder on the machine that Lamina runs on: ComfyUI/models, stable-diffusion-webui/models, InvokeAI’s or Krita AI’s folder, huggingface/hub, or a model’s own folder.",
  });
  const node = h(
    "div",
    { class: "model-adder" },
    h("div", { class: "model-row" }, input, press),
    obstacle,
    hint,
  );
  /** @param {Shown} shown */
  const update = ({ state }) => set(press, { disabled: state.modelsBusy });
  return { node, update, input };
};

/**
 * @param {App} app
 */
const createHead = (app) => {
  const again = button(app, "searchModels", {
    label: "Search again",
    test: "models-search",
    kind: "small quiet",
  });
  const close = button(app, "models", {
    iconName: "close",
    test: "models-close",
    title: "Close",
    kind: "quiet small",
  });
  const title = h("h2", { text: "Models" });
  const spring = h("span", { class: "spring" });
  const node = h("div", { class: "panel-head" }, title, spring, again, close);
  /** @param {Shown} shown */
  const update = ({ state }) => set(again, { disabled: state.modelsBusy });
  return { node, update };
};

/** @param {RefusedModel} one */
const keyOfRefused = (one) => `${one.kind} ${one.path} ${one.id} ${one.what}`;

/** @param {App} app */
const createLists = (app) => {
  const folders = createPart("Folders", "model-folders");
  const models = createPart("Models", "model-list");
  const words = createPart("Embeddings: write a name into a prompt", "model-words");
  const refused = createPart("Cannot be used", "model-refusals");
  const filesBody = h("ul", { class: "model-list", "aria-label": "Other files" });
  const filesTitle = h("summary", {});
  const files = h(
    "details",
    { class: "model-part", "data-test": "model-files" },
    filesTitle,
    filesBody,
  );
  const nodes = [folders.node, models.node, words.node, refused.node, files];
  const placeFolders = createKeyed(
    folders.list,
    ({ path, added }) => `${added} ${path}`,
    (/** @type {ModelFolder} */ folder) => createFolder(app, folder),
  );
  const placeModels = createKeyed(
    models.list,
    (model) => JSON.stringify(model),
    (/** @type {ModelFacts} */ model) => createModel(app, model),
  );
  const placeWords = createKeyed(
    words.list,
    (word) => JSON.stringify(word),
    (/** @type {WordFacts} */ word) => createWord(word),
  );
  const placeRefused = createKeyed(refused.list, keyOfRefused, createRefused);
  const placeFiles = createKeyed(filesBody, keyOfRefused, createRefused);
  /**
   * @param {Readonly<Facts> | null} facts
   * @param {string} model the id of the chosen one
   */
  const updateWords = (facts, model) => {
    const [found, chosen] = [facts?.words ?? [], facts?.models.find(({ id }) => id === model)];
    placeWords(found).forEach((each) => each.update(chosen));
    words.update(found.length);
  };
  /** @param {Shown} shown */
  const update = ({ state: { facts }, record }) => {
    const given = facts?.model_folders ?? [];
    placeFolders(given).forEach((each, index) => each.update(given[index]));
    folders.update(given.length);
    placeModels(facts?.models ?? []).forEach((each) => each.update(record.settings.model));
    models.update(facts?.models.length ?? 0);
    updateWords(facts, record.settings.model);
    const [bad, other] = [refusedOf(facts), filesOf(facts)];
    placeRefused(bad);
    refused.update(bad.length);
    placeFiles(other);
    set(filesTitle, { text: `Other files that were found: ${other.length}` });
    show(files, other.length > 0);
  };
  return { nodes, update };
};

/**
 * {node, update(shown)}: hidden until it is opened; the focus comes along and goes back where it
 * was.
 * @param {App} app
 */
export const createModelsPanel = (app) => {
  const [head, adder, lists] = [createHead(app), createAdder(app), createLists(app)];
  const shape = {
    class: "models",
    role: "dialog",
    "aria-label": "Models",
    "data-test": "models-panel",
  };
  const body = h("div", { class: "model-scroll" }, adder.node, ...lists.nodes);
  const node = h("section", { ...shape, hidden: true }, head.node, body);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    app.run("models");
  });
  /** @type {HTMLElement | null} */
  let returnTo = null;
  /** @param {boolean} open */
  const turn = (open) => {
    if (open) returnTo = focused();
    show(node, open);
    (open ? adder.input : returnTo)?.focus();
  };
  /** @param {Shown} shown */
  const update = (shown) => {
    const open = shown.state.modelsOpen;
    if (open === node.hidden) turn(open);
    if (!open) return;
    [head, adder, lists].forEach((part) => part.update(shown));
    set(node, { "aria-busy": shown.state.modelsBusy });
  };
  return { node, update };
};
