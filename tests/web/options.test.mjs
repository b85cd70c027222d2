// The form of a method is read from the JSON Schema of its options.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  isRead,
  linkedOption,
  optionsOf,
  optionValue,
  rangeOf,
} from "../../ui/web/model/options.js";

const method = {
  id: "any",
  options: {
    properties: {
      dial: {
        title: "Dial",
        type: "number",
        default: 0.5,
        minimum: 0,
        maximum: 1,
        step: 0.05,
        sets: { width: [2, 8] },
        unless: "own",
      },
      own: { title: "Own", type: "boolean", default: false },
      width: { title: "Width", type: "integer", default: 4, exclusiveMinimum: 0, maximum: 9 },
      kind: { title: "Kind", type: "string", default: "a", enum: ["a", "b"] },
    },
  },
};

test("options keep their order and get their names", () => {
  assert.deepEqual(
    optionsOf(method).map(({ name, type }) => [name, type]),
    [
      ["dial", "number"],
      ["own", "boolean"],
      ["width", "integer"],
      ["kind", "string"],
    ],
  );
  assert.deepEqual(optionsOf(null), []);
});

test("a range is the schema's, whole numbers are turned one by one", () => {
  const [dial, , width] = optionsOf(method);
  assert.deepEqual(rangeOf(dial), { low: 0, high: 1, step: 0.05 });
  assert.deepEqual(rangeOf(width), { low: 0, high: 9, step: 1 });
});

test("a value is the person's, else the usual one; one option may set others", () => {
  const [dial, , width] = optionsOf(method);
  assert.equal(optionValue({ options: {} }, width), 4);
  assert.equal(optionValue({ options: { width: 7 } }, width), 7);
  assert.equal(linkedOption(method).name, dial.name);
  assert.equal(linkedOption(null), null);
});

test("a method of the prompt alone reads no layer but those with a subject", () => {
  const methods = [
    { id: "collage", prompt_alone: false },
    { id: "layout_retouch", prompt_alone: true },
  ];
  const shown = (method) => ({ record: { settings: { method } }, state: { facts: { methods } } });
  const layer = { id: "a", subject: null };
  assert.equal(isRead(shown("collage"), layer), true);
  assert.equal(isRead(shown("layout_retouch"), layer), false);
  assert.equal(isRead(shown("layout_retouch"), { id: "b", subject: "toy" }), true);
  assert.equal(isRead(shown("gone"), layer), true);
});
