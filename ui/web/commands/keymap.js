// Which keys a person has given to which command; without a word of theirs the table's own keys hold.

/** The commands with the keys that `bindings` ({id: [chords]}) gives them. */
export const withBindings = (commands, bindings) =>
  Object.values(commands).map((command) => ({
    ...command,
    keys: bindings[command.id] ?? command.keys,
  }));

/** `bindings` after a command got a chord as its only one; whichever command had it loses it. */
export const rebound = (commands, bindings, id, chord) => {
  const taken = withBindings(commands, bindings).filter(
    (other) => other.id !== id && other.keys.includes(chord),
  );
  const without = taken.map((other) => [other.id, other.keys.filter((key) => key !== chord)]);
  return { ...bindings, ...Object.fromEntries(without), [id]: [chord] };
};

/** `bindings` as far as they can be used: known commands, lists of texts. */
export const readBindings = (commands, kept) =>
  Object.fromEntries(
    Object.entries(kept ?? {}).filter(
      ([id, keys]) =>
        commands[id] && Array.isArray(keys) && keys.every((key) => typeof key === "string"),
    ),
  );
