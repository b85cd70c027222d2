// Where phrases stand in a prompt, against a table.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { appendPhrase, cutAtSpans, findSpans, occurrences } from "../../ui/web/kernels/spans.js";

/** [what, prompt, phrases, [text:ids …], unlinked] with ids as the phrases' positions. */
const TABLE = [
  ["plain", "a red car and a cat", ["red car", "cat"], ["red car:0", "cat:1"], ""],
  ["other case", "A Red CAR", ["red car"], ["Red CAR:0"], ""],
  ["word boundaries", "a category of cats", ["cat"], [], "0"],
  ["at the ends", "cat and dog", ["cat", "dog"], ["cat:0", "dog:1"], ""],
  ["beside punctuation", "(cat), dog.", ["cat", "dog"], ["cat:0", "dog:1"], ""],
  [
    "one phrase inside another",
    "a red apple and an apple",
    ["apple", "red apple"],
    ["red apple:1", "apple:0"],
    "",
  ],
  ["inside another, and nowhere else", "a red apple", ["apple", "red apple"], ["red apple:1"], "0"],
  ["repeats in order", "a cat, a dog, a cat", ["cat", "cat"], ["cat:0", "cat:1"], ""],
  ["more layers than places", "a cat", ["cat", "cat", "cat"], ["cat:0,1,2"], ""],
  ["missing", "a cat", ["dog"], [], "0"],
  ["no phrase is neither linked nor unlinked", "a cat", ["", "  "], [], ""],
  ["blanks within", "a red   car", [" red car "], ["red   car:0"], ""],
  [
    "signs are not patterns",
    "a c++ (book) cat.",
    ["c++", "(book)", "c.t"],
    ["c++:0", "(book):1"],
    "2",
  ],
  [
    "letters beyond ASCII",
    "ein grüner Bär, bär",
    ["grüner bär", "bär"],
    ["grüner Bär:0", "bär:1"],
    "",
  ],
  ["empty prompt", "", ["cat"], [], "0"],
];

for (const [what, prompt, phrases, expected, unlinked] of TABLE) {
  test(`spans: ${what}`, () => {
    const found = findSpans(
      prompt,
      phrases.map((phrase, index) => ({ id: String(index), phrase })),
    );
    assert.deepEqual(
      found.spans.map(({ start, end, ids }) => `${prompt.slice(start, end)}:${ids}`),
      expected,
    );
    assert.equal(found.unlinked.join(), unlinked);
  });
}

test("no two spans overlap, and the runs put together are the prompt", () => {
  const prompt = "a b a b c a b, c b a";
  const phrases = ["a b", "b", "a", "b c", "c b a", "c"];
  const { spans } = findSpans(
    prompt,
    phrases.map((phrase, index) => ({ id: String(index), phrase })),
  );
  spans.slice(1).forEach((span, index) => assert.ok(spans[index].end <= span.start));
  assert.equal(
    cutAtSpans(prompt, spans)
      .map(({ text }) => text)
      .join(""),
    prompt,
  );
});

test("a phrase that was appended is found", () => {
  for (const prompt of ["", "a cat", "a cat,", "a cat, "]) {
    const next = appendPhrase(prompt, " red car ");
    assert.equal(occurrences(next, "red car").length, 1);
    assert.ok(!next.includes(",,"));
  }
});

/** What, prompt, phrase, and what is found of the prompt in NFC; the server is held to it too. */
const PHRASES = JSON.parse(
  readFileSync(new URL("../tables/phrases.json", import.meta.url), "utf8"),
);

for (const [what, prompt, phrase, expected] of PHRASES) {
  test(`phrases stand where the table says: ${what}`, () => {
    const found = occurrences(prompt, phrase);
    assert.deepEqual(
      found.map(({ start, end }) => prompt.slice(start, end).normalize("NFC")),
      expected,
    );
  });
}
