// What a page of version 0.1.0 left in this browser. unsaved_v0.json was written by that page's own
// saver (f5c55e6) and is never rewritten.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { createBridge } from "../../ui/web/bridge.js";
import { unsavedKey } from "../../ui/web/bridge/saver.js";
import { readBindings } from "../../ui/web/commands/keymap.js";
import { COMMANDS } from "../../ui/web/commands.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { editorToMessage, layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { upgradeBindings, upgradeUnsaved } from "../../ui/web/model/upgrade.js";
import { buildEditor, createClock, createMaskDatabase, createStorage } from "./editor_fixtures.mjs";

const OLD = JSON.parse(readFileSync(new URL("./unsaved_v0.json", import.meta.url), "utf8"));
const MASK = OLD.copy.scene.layers[1].noise_map;

/** A server whose store was brought over: the same scene before the edits that never came. */
const createServer = (revision) => {
  const server = { saved: [], revision };
  const replies = {
    hello: () => ({
      project: "p1",
      revision: server.revision,
      ...editorToMessage(buildEditor()),
      models: [],
      methods: [],
    }),
    take_mask: () => ({ digest: "d".repeat(64), width_px: 512, height_px: 512 }),
    save: ({ scene, editor }) => {
      server.saved.push({ scene, editor });
      server.revision += 1;
      return { revision: server.revision };
    },
  };
  server.ask = async (message) => structuredClone(replies[message.verb](message));
  server.upload = async (blob, name) => `/up/${name}`;
  return server;
};

const open = async (revision) => {
  const [storage, database, clock] = [createStorage(), createMaskDatabase(), createClock()];
  storage.put(OLD.key, OLD.copy);
  database.put(`p1 ${MASK}`, {
    width_px: 512,
    height_px: 512,
    bytes: new Uint8Array(512 * 512).fill(90),
  });
  const [session, store] = [createSession(), createStore(buildEditor([]), clock.now)];
  let serial = 0;
  const masks = createMasks(() => `new-tab-${(serial += 1)}`);
  const host = createServer(revision);
  const tab = createStorage();
  const parts = { host, store, session, masks, database, clock, storage, tab };
  const bridge = createBridge({ ...parts, hidden: () => false, listen: () => {} });
  await bridge.hello();
  await clock.settle();
  return { ...parts, bridge };
};

const checkRecovered = ({ store, masks }) => {
  const { scene, settings } = store.record;
  assert.deepEqual([scene.version, scene.prompt], [2, "kept words"]);
  const cat = layerOf(store.record, "cat");
  assert.deepEqual(
    [cat.strength, cat.prompt_start, cat.prompt_end, cat.embedding],
    [0.35, 0.1, 0.9, "e".repeat(64)],
  );
  assert.equal(cat.strength_map, MASK);
  assert.ok(masks.has(MASK));
  for (const old of ["noise", "noise_map", "heard_from", "heard_to", "look"])
    assert.ok(scene.layers.every((layer) => !(old in layer)));
  assert.deepEqual(settings.options, {
    mask_tolerance: 0.4,
    per_stage1: 2,
    start: "sample",
    steps_1: 9,
  });
};

test("unsaved work of the old page comes back as one step, and is saved", async () => {
  const page = await open(OLD.copy.revision);
  checkRecovered(page);
  assert.equal(page.store.undoName, "Recovered edits");
  await page.clock.advance(1000);
  await page.bridge.flush();
  assert.equal(page.host.saved.at(-1)?.scene.prompt, "kept words");
  assert.equal(page.host.saved.at(-1)?.scene.layers[1].strength, 0.35);
});

test("unsaved work of the old page is offered where the scene went on elsewhere", async () => {
  const page = await open(OLD.copy.revision + 3);
  assert.notEqual(page.store.record.scene.prompt, "kept words");
  page.session.state.notices[0].action.run();
  checkRecovered(page);
});

test("a copy of today stays as it is, and what is no copy is none", () => {
  const copy = { revision: 3, ...editorToMessage(buildEditor()) };
  assert.equal(upgradeUnsaved(copy), copy);
  for (const none of [null, {}, { desk: {} }, "text"]) assert.equal(upgradeUnsaved(none), null);
  assert.equal(OLD.key, unsavedKey("p1"));
});

test("keys that were given to commands of the old page go on working", () => {
  const bindings = upgradeBindings({
    learnLook: ["L"],
    clearFreedom: ["K"],
    undo: ["U"],
    gone: [],
  });
  assert.deepEqual(readBindings(COMMANDS, bindings), {
    learnEmbedding: ["L"],
    clearStrength: ["K"],
    undo: ["U"],
  });
  assert.equal(upgradeBindings(null), null);
});
