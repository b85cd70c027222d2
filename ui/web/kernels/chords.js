// Key presses as text: "Ctrl+Shift+Z". Cmd counts as Ctrl, so one table serves every keyboard.

const NAMED = {
  " ": "Space",
  ArrowUp: "Up",
  ArrowDown: "Down",
  ArrowLeft: "Left",
  ArrowRight: "Right",
  Esc: "Escape",
};

const BRACKET_CODES = { BracketLeft: "[", BracketRight: "]", Backquote: "`" };

/** `press` has key, code, ctrlKey, metaKey, altKey and shiftKey. Shift is left out where it only makes the sign. */
export const chordOf = (press) => {
  const base = BRACKET_CODES[press.code] ?? NAMED[press.key] ?? press.key;
  const letter = base.length === 1 ? base.toUpperCase() : base;
  const isSign =
    base === press.key && base.length === 1 && base.toLowerCase() === base.toUpperCase();
  const parts = [];
  if (press.ctrlKey || press.metaKey) parts.push("Ctrl");
  if (press.altKey) parts.push("Alt");
  if (press.shiftKey && !isSign) parts.push("Shift");
  return [...parts, letter].join("+");
};
