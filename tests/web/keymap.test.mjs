// Keys of a person's own, and finding commands by a few letters.

import assert from "node:assert/strict";
import test from "node:test";

import { commandFor, COMMANDS } from "../../ui/web/commands.js";
import { readBindings, rebind, withBindings } from "../../ui/web/commands/keymap.js";
import { search, matchOf } from "../../ui/web/kernels/searching.js";

test("a key given to another command is taken from the one that had it, and the usual keys come back", () => {
  const bindings = rebind(COMMANDS, {}, "invertMask", "B");
  assert.equal(commandFor("B", "canvas", bindings).id, "invertMask");
  assert.equal(commandFor("Shift+V", "canvas", bindings), null);
  assert.deepEqual(withBindings(COMMANDS, bindings).find(({ id }) => id === "toolBrush").keys, []);
  assert.equal(commandFor("B", "canvas", {}).id, "toolBrush");
});

test("what a browser kept is used as far as it makes sense", () => {
  const kept = { undo: ["Ctrl+U"], nothing: ["X"], redo: "Ctrl+R", delete: [7] };
  assert.deepEqual(readBindings(COMMANDS, kept), { undo: ["Ctrl+U"] });
  assert.deepEqual(readBindings(COMMANDS, null), {});
});

test("a sign alone is typed in a field, even where its command works anywhere", () => {
  assert.equal(commandFor("/", "text"), null);
  assert.equal(commandFor("/", "canvas").id, "palette");
  assert.equal(commandFor("Ctrl+K", "text").id, "palette");
});

test("every word must be found; beginnings of words come first, and accents do not matter", () => {
  const titles = ["Undo", "Redo", "Re-roll the selected object", "Hide", "Grow the mask"];
  const ask = (query) => search(titles, query, (title) => title);
  assert.deepEqual(ask("re"), ["Redo", "Re-roll the selected object"]);
  assert.deepEqual(ask("obj sel"), ["Re-roll the selected object"]);
  assert.deepEqual(ask("zzz"), []);
  assert.equal(ask("").length, titles.length);
  assert.ok(matchOf("Éclair", "ecl") > 0);
});
