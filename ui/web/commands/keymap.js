// Which keys a person has given to which command; without a word of theirs the table's own keys
// hold.

/**
 * @import { Bindings, Command } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

/**
 * The commands with the keys that `bindings` ({id: [chords]}) gives them.
 * @param {Readonly<Record<string, Command>>} commands
 * @param {Bindings} bindings
 * @returns {Command[]}
 */
export const withBindings = (commands, bindings) =>
  Object.values(commands).map((command) => ({
    ...command,
    keys: bindings[command.id] ?? command.keys,
  }));

/**
 * `bindings` after a command got a chord as its only one; whichever command had it loses it.
 * @param {Readonly<Record<string, Command>>} commands
 * @param {Bindings} bindings
 * @param {Identifier} id
 * @param {string} chord
 * @returns {Bindings}
 */
export const rebind = (commands, bindings, id, chord) => {
  const taken = withBindings(commands, bindings).filter(
    (other) => other.id !== id && other.keys.includes(chord),
  );
  const without = taken.map((other) => [other.id, other.keys.filter((key) => key !== chord)]);
  return { ...bindings, ...Object.fromEntries(without), [id]: [chord] };
};

/**
 * `bindings` as far as they can be used: known commands, lists of texts.
 * @param {Readonly<Record<string, Command>>} commands
 * @param {Record<string, unknown> | null} kept
 * @returns {Bindings}
 */
export const readBindings = (commands, kept) => {
  /** @type {Record<string, readonly string[]>} */
  const bindings = {};
  for (const [id, keys] of Object.entries(kept ?? {}))
    if (commands[id] && Array.isArray(keys) && keys.every((key) => typeof key === "string"))
      bindings[id] = keys;
  return bindings;
};
