// Key presses as text: "Ctrl+Shift+Z". Cmd counts as Ctrl, so one table serves every keyboard.

/** @import { KeyPress } from "../types/kernels.d.ts" */

/** @type {Record<string, string>} */
const NAMED = {
  " ": "Space",
  ArrowUp: "Up",
  ArrowDown: "Down",
  ArrowLeft: "Left",
  ArrowRight: "Right",
  Esc: "Escape",
};

/** @type {Record<string, string>} */
const BRACKET_CODES = { BracketLeft: "[", BracketRight: "]", Backquote: "`" };

/**
 * `press` has key, code, ctrlKey, metaKey, altKey and shiftKey. Shift is left out where it only
 * makes the sign.
 * @param {KeyPress} press
 */
export const chordOf = (press) => {
  const base = BRACKET_CODES[press.code] ?? NAMED[press.key] ?? press.key;
  const letter = base.length === 1 ? base.toUpperCase() : base;
  const isSign =
    base === press.key && base.length === 1 && base.toLowerCase() === base.toUpperCase();
  const held = {
    Ctrl: press.ctrlKey || press.metaKey,
    Alt: press.altKey,
    Shift: press.shiftKey && !isSign,
  };
  const parts = Object.entries(held).flatMap(([name, isHeld]) => (isHeld ? [name] : []));
  return [...parts, letter].join("+");
};
