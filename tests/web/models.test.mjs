// What the page says of models.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  factsText,
  folderText,
  lackText,
  modelChoices,
  sizeText,
  summaryOf,
  wordText,
} from "../../ui/web/model/models.js";

test("sizes have one digit behind the point below ten", () => {
  assert.equal(sizeText(0), "0 B");
  assert.equal(sizeText(1023), "1023 B");
  assert.equal(sizeText(3.4 * 2 ** 30), "3.4 GB");
  assert.equal(sizeText(12.6 * 2 ** 30), "13 GB");
});

test("the facts of a model leave out what is not known", () => {
  const model = { id: "toys", family: "sd", native_px: 512, size_bytes: 0, memory_bytes: 2 ** 30 };
  assert.equal(factsText(model), "Stable Diffusion · 512 px · 1.0 GB in memory");
  assert.match(factsText({ ...model, id: "pocket" }), /^Comes with Lamina/);
});

test("what an ability lacks comes before what would help", () => {
  assert.equal(lackText({ lacks: ["vqgan", "clip"], better_with: ["sam"] }), "needs vqgan, clip");
  assert.equal(lackText({ lacks: [], better_with: ["sam"] }), "better with sam");
  assert.equal(lackText({ lacks: [], better_with: [] }), "");
});

test("refused models are shown in the choice and cannot be chosen; other files are not", () => {
  const facts = {
    models: [{ id: "pocket", title: "Pocket" }],
    refused: [
      { kind: "model", id: "old", name: "old.ckpt", what: "It is pickled." },
      { kind: "file", id: "style", name: "style.safetensors", what: "It holds a LoRA." },
    ],
    loras: [],
    words: [],
  };
  assert.deepEqual(modelChoices(facts), [
    { id: "pocket", title: "Pocket" },
    { id: "old", title: "old.ckpt: It is pickled.", disabled: true },
  ]);
  assert.deepEqual(modelChoices(null), []);
  assert.equal(summaryOf(facts), "Found 1 model, 1 that cannot be used, 1 other file.");
});

test("an embedding says for which words it was made, and which the model has", () => {
  const word = { name: "ink", vectors: 2, widths: [768, 1280] };
  const made = "2 tokens, for words of 768 and 1280 numbers";
  assert.equal(wordText(word, undefined), made);
  assert.equal(wordText(word, { title: "XL", words_widths: [768, 1280] }), made);
  const other = { title: "Toon", words_widths: [768] };
  assert.equal(wordText(word, other), `${made}; those of Toon have 768`);
});

test("a folder is summed up", () => {
  assert.equal(folderText({ models: 1, refused: 0, files: 0, loras: 0, words: 0 }), "1 model");
  assert.equal(
    folderText({ models: 2, refused: 1, files: 3, loras: 4, words: 1 }),
    "2 models, 1 cannot be used, 4 LoRAs, 1 embedding, 3 other files",
  );
});
