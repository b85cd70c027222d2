// Named versions: kept of what is saved, and led back to as a step.

import assert from "node:assert/strict";
import test from "node:test";

import { createSnapshotVerbs } from "../../ui/web/bridge/snapshots.js";
import { COMMANDS } from "../../ui/web/commands.js";
import { setScene } from "../../ui/web/model/edits.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { buildEditor } from "./editor_fixtures.mjs";

const open = ({ isSaved = true } = {}) => {
  const [session, store] = [createSession(), createStore(buildEditor(), () => 0)];
  session.set({ project: "p1", revision: 4 });
  const [asked, kept] = [[], []];
  const answers = {
    snapshots: () => ({ snapshots: kept }),
    take_snapshot: ({ name }) => {
      const { scene, ...editor } = store.record;
      kept.unshift({ id: `s${kept.length}`, project: "p1", name, created: "", scene, editor });
    },
    snapshot_scene: ({ snapshot }) => {
      const { scene, editor } = kept.find(({ id }) => id === snapshot);
      return { project: "p1", scene, editor, notes: ["A note."] };
    },
    delete_snapshot: ({ snapshot }) =>
      void kept.splice(
        kept.findIndex(({ id }) => id === snapshot),
        1,
      ),
  };
  const ask = async (message) => {
    asked.push(message);
    return structuredClone(answers[message.verb](message) ?? {});
  };
  const bridge = {
    snapshots: createSnapshotVerbs({ session, link: { ask } }),
    flush: async () => isSaved,
  };
  const app = {
    session,
    store,
    bridge,
    run: (id, ...given) => COMMANDS[id].run(app, ...given),
  };
  return { app, asked, session, store };
};

const namesOf = ({ state }) => state.snapshots.map(({ name }) => name);

test("a version is named as it is saved, led back to as a step, and deleted", async () => {
  const { app, asked, session, store } = open();
  await app.run("takeSnapshot", "Before");
  assert.deepEqual(asked[0], {
    verb: "take_snapshot",
    project: "p1",
    revision: 4,
    name: "Before",
  });
  store.change("Words", setScene({ prompt: "other" }));
  await app.run("takeSnapshot", "After");
  assert.deepEqual(namesOf(session), ["After", "Before"]);
  await app.run("openSnapshot", session.state.snapshots[1]);
  assert.equal(store.record.scene.prompt, buildEditor().scene.prompt);
  assert.equal(store.undoName, "Version “Before”");
  assert.ok(session.state.notices.some(({ what }) => what === "A note."));
  await session.state.notices.at(-1).action.run();
  assert.equal(store.record.scene.prompt, "other");
  await app.run("deleteSnapshot", session.state.snapshots[1]);
  assert.deepEqual(namesOf(session), ["After"]);
});

test("the list is read when it is looked at, and is that of the open scene", async () => {
  const { app, asked, session } = open();
  await app.run("steps");
  assert.deepEqual([session.state.open, asked.length], ["history", 1]);
  await app.run("steps");
  assert.deepEqual([session.state.open, asked.length], ["", 1]);
  await app.run("takeSnapshot", "One");
  session.set({ snapshots: [] });
  const late = app.bridge.snapshots.refresh();
  session.set({ project: "p2" });
  await late;
  assert.deepEqual(namesOf(session), []);
  session.set({ project: "" });
  await app.bridge.snapshots.refresh();
  assert.equal(asked.length, 4);
});

test("what could not be saved is not named", async () => {
  const { app, asked } = open({ isSaved: false });
  await app.run("takeSnapshot", "Before");
  assert.deepEqual(asked, []);
});
