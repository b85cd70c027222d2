// The window around the app: its keys, paste, leaving, style sheet, file chooser, downloads and local storage.

import { h } from "./elements.js";

/** Puts the style sheet into the element's own root, and waits until it applies. */
export const loadStyle = (element, href) => {
  const root = element.getRootNode();
  const place = root === document ? document.head : root;
  return new Promise((resolve) => {
    const link = h("link", { rel: "stylesheet", href, on: { load: resolve, error: resolve } });
    place.append(link);
  });
};

const placeOf = (target) => {
  if (target.closest?.('textarea, select, input:not([type="range"]):not([type="checkbox"])'))
    return "text";
  if (target.closest?.('input[type="range"]')) return "slider";
  if (target.closest?.("button, summary, a"))
    return target.closest(".candidates") ? "list" : "button";
  return target.closest?.('[role="tree"], [role="listbox"], [role="menu"], [role="dialog"]')
    ? "list"
    : "canvas";
};

/** Keys for the whole page. Escape, and the window losing focus, cancel what a tool is doing. */
export const connectKeys = (app, element, { commandFor, chordOf, holdSpace }) => {
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const place = placeOf(event.target);
    const chord = chordOf(event);
    if (chord === "Space" && place === "canvas") {
      event.preventDefault();
      return holdSpace(true);
    }
    if (chord === "Escape" && (place === "text" || app.cancelTools())) return event.target.blur?.();
    if (chord === "Enter" && place === "canvas" && app.confirmTools())
      return event.preventDefault();
    const command = commandFor(chord, place, app.session.state.bindings);
    if (!command) return undefined;
    event.preventDefault();
    return app.run(command.id);
  });
  window.addEventListener("keyup", (event) => event.key === " " && holdSpace(false));
  window.addEventListener("blur", () => {
    holdSpace(false);
    app.cancelTools();
  });
  element.addEventListener("pointerdown", (event) => {
    const { open } = app.session.state;
    if (open && !event.target.closest(".menu-box, .sheet, [data-test=keys]"))
      app.session.set({ open: "" });
  });
};

export const connectPaste = (app) =>
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    app.run("addFiles", files);
  });

/** A page that is left or hidden saves at once. */
export const connectLeaving = (app) =>
  document.addEventListener("visibilitychange", () => document.hidden && app.run("save"));

/** The files that a person picks; none after a cancel. The field stays in the page until then, or the browser may
 * collect it before its answer comes. */
export const chooseFiles = (accept, multiple) =>
  new Promise((resolve) => {
    const answer = (files) => {
      input.remove();
      resolve(files);
    };
    const input = h("input", {
      type: "file",
      accept,
      multiple,
      hidden: true,
      on: { change: () => answer([...input.files]), cancel: () => answer([]) },
    });
    document.body.append(input);
    input.click();
  });

export const download = (href, name) => {
  const link = h("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
};
