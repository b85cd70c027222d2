// What this browser remembers of how a person works: light or dark, the brush, keys of their own.

/** @import { App, Inks, KeyValues, SessionStore, Theme } from "../../types/editor.d.ts" */

import { COMMANDS } from "../../commands.js";
import { readBindings } from "../../commands/keymap.js";
import { upgradeBindings } from "../../model/upgrade.js";

const THEME_KEY = "lamina.theme";
const BRUSH_KEY = "lamina.brush";
const KEYS_KEY = "lamina.keys";

/**
 * Light or dark, as the person or the system says, and the colours that follow.
 * @param {HTMLElement} element
 * @param {KeyValues} storage
 * @param {SessionStore} session
 * @returns {Pick<App, "isDark" | "setTheme" | "inks">}
 */
export const createTheme = (element, storage, session) => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  /** @type {Inks | null} */
  let inks = null;
  const isDark = () => (session.state.theme ? session.state.theme === "dark" : system.matches);
  const apply = () => {
    element.dataset.theme = isDark() ? "dark" : "light";
    inks = null;
  };
  /** @param {Theme} theme */
  const setTheme = (theme) => {
    storage.put(THEME_KEY, theme);
    session.set({ theme });
    apply();
  };
  system.addEventListener("change", () => (apply(), session.set({})));
  /** @returns {Inks} */
  const readInks = () => {
    const style = getComputedStyle(element);
    /** @param {string} name */
    const ink = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      checkA: ink("check-a"),
      checkB: ink("check-b"),
      accent: ink("accent-line"),
      halo: ink("halo"),
      handle: ink("handle"),
      guide: ink("guide"),
      tints: Array.from({ length: 8 }, (_, index) => ink(`tint-${index}`)),
      ready: ink("check-a") !== "",
    };
  };
  const current = () => {
    const known = inks?.ready ? inks : readInks();
    inks = known;
    return known;
  };
  session.set({ theme: storage.get(THEME_KEY) ?? "" });
  apply();
  return { isDark, setTheme, inks: current };
};

/**
 * The brush as it was left, in this browser.
 * @param {SessionStore} session
 * @param {KeyValues} storage
 */
export const rememberBrush = (session, storage) => {
  const kept = storage.get(BRUSH_KEY);
  if (kept) session.set({ brush: { ...session.state.brush, ...kept } });
  let known = session.state.brush;
  session.subscribe(() => {
    if (session.state.brush === known) return;
    known = session.state.brush;
    storage.put(BRUSH_KEY, known);
  });
};

/**
 * The keys that the person gave to commands, in this browser.
 * @param {SessionStore} session
 * @param {KeyValues} storage
 * @returns {Pick<App, "setBindings">}
 */
export const createBindings = (session, storage) => {
  session.set({ bindings: readBindings(COMMANDS, upgradeBindings(storage.get(KEYS_KEY))) });
  return {
    setBindings: (bindings) => {
      storage.put(KEYS_KEY, bindings);
      session.set({ bindings });
    },
  };
};
