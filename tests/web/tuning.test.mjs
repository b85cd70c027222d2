// Auto-adjust: dials that the server chose, in one step, with their reasons.

import assert from "node:assert/strict";
import test from "node:test";

import { COMMANDS } from "../../ui/web/commands.js";
import { setLayer } from "../../ui/web/model/edits.js";
import { layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { dialsOf, reasonsOf } from "../../ui/web/model/tuning.js";
import { buildEditor as record, layer } from "./editor_fixtures.mjs";

const REASONS = ["Strength 0.50: small.", "Words drawn in by 1.20.", "Edges held by 0.5."];
const tuned = (layer_id) => ({
  layer_id,
  strength: 0.5,
  attention_positive: 1.2,
  attention_negative: 1,
  structure: 0.5,
  reasons: REASONS,
});
const held = layer("held", { structure: { kind: "edges", weight: 0.9 } });

const createApp = (answer) => {
  const [session, store] = [createSession(), createStore(record([layer("cat"), held]), () => 0)];
  const asked = [];
  const bridge = { autotune: async (id) => asked.push(id) && answer };
  return { session, store, bridge, asked, busyWith: (reading, work) => work() };
};

test("all layers are adjusted in one step, which undo takes back", async () => {
  const app = createApp([tuned("cat"), tuned("held"), tuned("gone")]);
  const before = app.store.record;
  await COMMANDS.autotune.run(app);
  assert.deepEqual(app.asked, [""]);
  assert.equal(layerOf(app.store.record, "cat").attention_positive, 1.2);
  assert.deepEqual(layerOf(app.store.record, "cat").structure, { kind: "none", weight: 0 });
  assert.deepEqual(layerOf(app.store.record, "held").structure, { kind: "edges", weight: 0.5 });
  assert.equal(app.store.undoName, "Auto-adjust all layers");
  app.store.undo();
  assert.equal(app.store.record, before);
});

test("one layer is adjusted alone, and no layer is a sentence and no step", async () => {
  const app = createApp([tuned("cat")]);
  await COMMANDS.autotuneLayer.run(app, "cat");
  assert.deepEqual(app.asked, ["cat"]);
  assert.equal(app.store.undoName, "Auto-adjust cat");
  const empty = createApp([]);
  await COMMANDS.autotune.run(empty);
  assert.equal(empty.session.state.notices.length, 1);
  assert.equal(empty.store.undoName, "");
});

test("reasons stand as long as the dials are the chosen ones; those about edges only where edges are held", () => {
  const adjusted = (each) => ({ ...each, ...dialsOf(each, tuned(each.id)) });
  assert.deepEqual(reasonsOf(adjusted(layer("cat")), tuned("cat")), REASONS.slice(0, 2));
  assert.deepEqual(reasonsOf(adjusted(held), tuned("held")), REASONS);
  assert.deepEqual(reasonsOf(layer("cat"), tuned("cat")), []);
  assert.deepEqual(reasonsOf(layer("cat"), undefined), []);
  const turned = setLayer("cat", { strength: 0.1 })(record([adjusted(layer("cat"))]));
  assert.deepEqual(reasonsOf(layerOf(turned, "cat"), tuned("cat")), []);
});
