// A scene in Home: its thumbnail, its name, what there is of it, and what can be done with it.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, SceneEntry } from "../../types/protocol.d.ts"
 */

import { describeScene, hashOfScene } from "../../model/home.js";
import { h, set, show } from "../dom/elements.js";
import { button, nameField } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/**
 * The name; that of a scene that cannot be read is only read.
 * @param {App} app
 * @param {Identifier} id
 */
const createName = (app, id) => {
  const { node, update: tell } = nameField({
    label: "Name of the scene",
    test: "scene-name",
    keep: (name) => app.run("renameScene", id, name),
  });
  /** @param {SceneEntry} scene */
  const update = ({ name, is_readable: isReadable }) => {
    set(node, { readonly: !isReadable, title: name });
    tell(name);
  };
  return { node, update };
};

/**
 * The thumbnail as a link to the scene; of a scene that cannot be read a sign, which leads nowhere.
 * @param {App} app
 * @param {Identifier} id
 */
const createThumb = (app, id) => {
  const image = h("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  image.addEventListener("error", () => show(image, false));
  image.addEventListener("load", () => show(image, true));
  const sign = h("span", { class: "scene-sign", hidden: true }, icon("warn"));
  const here = h("span", { class: "scene-here", text: "open", hidden: true });
  const node = h("a", { class: "scene-thumb", "data-test": "scene-open" }, image, sign, here);
  node.addEventListener("click", (event) => {
    if (node.dataset.current !== "true" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    app.run("closeHome");
  });
  /**
   * @param {SceneEntry} scene
   * @param {boolean} isCurrent
   */
  const update = (scene, isCurrent) => {
    const { name, thumbnail, is_readable: isReadable } = scene;
    set(node, {
      href: isReadable ? hashOfScene(id) : null,
      "aria-label": isReadable ? `Open ${name}` : `${name} cannot be opened`,
      "data-current": isCurrent,
    });
    if (thumbnail) set(image, { src: app.addressOf(thumbnail) });
    else show(image, false);
    show(sign, !isReadable);
    show(here, isCurrent);
  };
  return { node, update };
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
const createActions = (app, id) => {
  /** @param {string} command */
  const press = (command) => () => app.run(command, id);
  const copy = button(app, press("duplicateScene"), {
    iconName: "copy",
    test: "scene-duplicate",
    title: "Duplicate",
    kind: "quiet small",
  });
  const file = button(app, press("exportScene"), {
    iconName: "save",
    test: "scene-export",
    title: "Export as .ora",
    kind: "quiet small",
  });
  const drop = button(app, press("deleteScene"), {
    iconName: "bin",
    test: "scene-delete",
    title: "Delete; it can be put back for half a day",
    kind: "quiet small",
  });
  const node = h("span", { class: "scene-actions" }, copy, file, drop);
  /** @param {SceneEntry} scene */
  const update = ({ problem, is_readable: isReadable }) => {
    show(copy, isReadable);
    show(file, isReadable && !problem);
  };
  return { node, update };
};

/**
 * Why a scene cannot be read, or what of it is missing, and the way to what is there.
 * @param {App} app
 * @param {Identifier} id
 */
const createProblem = (app, id) => {
  const words = h("p", { "data-test": "scene-problem" });
  const salvage = button(app, () => app.run("salvageScene", id), {
    label: "Export what is there",
    test: "scene-salvage",
    title: "A ZIP file with its record, its pictures, and what was made of it",
    kind: "small",
  });
  const node = h("div", { class: "scene-problem", hidden: true }, words, salvage);
  /** @param {SceneEntry} scene */
  const update = ({ problem }) => {
    set(words, { text: problem });
    show(node, problem !== "");
  };
  return { node, update };
};

/**
 * {node, update(scene, shown)}.
 * @param {App} app
 * @param {SceneEntry} scene
 */
export const createSceneCard = (app, { id }) => {
  const [thumb, name] = [createThumb(app, id), createName(app, id)];
  const [actions, problem] = [createActions(app, id), createProblem(app, id)];
  const line = h("span", { class: "scene-line muted", "data-test": "scene-line" });
  const foot = h("div", { class: "scene-foot" }, line, actions.node);
  const node = h(
    "li",
    { class: "scene-card", "data-test": "scene-card", "data-scene": id },
    thumb.node,
    h("div", { class: "scene-words" }, name.node, foot, problem.node),
  );
  /**
   * @param {SceneEntry} scene
   * @param {Shown} shown
   */
  const update = (scene, { state }) => {
    const isCurrent = scene.id === state.project;
    thumb.update(scene, isCurrent);
    [name, actions, problem].forEach((part) => part.update(scene));
    set(line, { text: describeScene(scene, Date.now()) });
    set(node, {
      "data-current": isCurrent,
      "data-readable": scene.is_readable,
      "data-problem": scene.problem !== "",
    });
  };
  return { node, update };
};
