// The window around the desk: its keys, paste, leaving, style sheet, file chooser, downloads and local storage.

import { h } from "./dom.js";

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
export const connectKeys = (desk, element, { commandFor, chordOf, holdSpace }) => {
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const place = placeOf(event.target);
    const chord = chordOf(event);
    if (chord === "Space" && place === "canvas") {
      event.preventDefault();
      return holdSpace(true);
    }
    if (chord === "Escape" && (place === "text" || desk.cancelTools()))
      return event.target.blur?.();
    if (chord === "Enter" && place === "canvas" && desk.confirmTools())
      return event.preventDefault();
    const command = commandFor(chord, place, desk.session.state.bindings);
    if (!command) return undefined;
    event.preventDefault();
    return desk.run(command.id);
  });
  window.addEventListener("keyup", (event) => event.key === " " && holdSpace(false));
  window.addEventListener("blur", () => {
    holdSpace(false);
    desk.cancelTools();
  });
  element.addEventListener("pointerdown", (event) => {
    const { open } = desk.session.state;
    if (open && !event.target.closest(".menu-box, .sheet, [data-test=keys]"))
      desk.session.set({ open: "" });
  });
};

export const connectPaste = (desk) =>
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    desk.run("addFiles", files);
  });

/** A page that is left or hidden saves at once. */
export const connectLeaving = (desk) =>
  document.addEventListener("visibilitychange", () => document.hidden && desk.run("save"));

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

/** A storage that never throws: a full or forbidden one only means that nothing is kept. */
export const createVault = (storageOf) => {
  const attempt = (work) => {
    try {
      return work();
    } catch {
      return null;
    }
  };
  return {
    get: (key) => attempt(() => JSON.parse(storageOf().getItem(key))),
    put: (key, value) => attempt(() => storageOf().setItem(key, JSON.stringify(value))),
    drop: (key) => attempt(() => storageOf().removeItem(key)),
  };
};
