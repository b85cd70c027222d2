// The line to a server that answers, refuses, is stale, falls silent, and comes back.

import assert from "node:assert/strict";
import test from "node:test";

import { createBridge } from "../../ui/web/bridge.js";
import { unsavedKey } from "../../ui/web/bridge/saver.js";
import { nudge, setScene } from "../../ui/web/model/edits.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { editorToMessage } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { createClock, createMaskDatabase, createStorage, buildEditor } from "./editor_fixtures.mjs";
import { createUnique } from "./surface_fixture.mjs";

/** A server in memory with one project; `script` answers a job's events one after the other. */
const createServer = () => {
  const server = {
    revision: 1,
    kept: editorToMessage(buildEditor()),
    offline: false,
    sent: [],
    script: [],
    job: null,
    refusal: null,
    ask(message) {
      server.sent.push(message);
      if (server.offline === "throws") return Promise.reject(new TypeError("Failed to fetch"));
      if (server.offline)
        return Promise.resolve({
          error: { what: "The server does not answer.", limit: "", remedy: "", code: "offline" },
        });
      return Promise.resolve(structuredClone(server[message.verb](message)));
    },
    upload: (file) =>
      file.size > 10
        ? Promise.reject(
            Object.assign(new Error("too large"), {
              refusal: { what: "Too large.", limit: "10 bytes.", remedy: "Shrink it." },
            }),
          )
        : Promise.resolve(`/up/${file.name}`),
    hello: () => ({
      project: "p1",
      revision: server.revision,
      ...server.kept,
      job: server.job,
      candidates: [],
      models: [{ id: "pocket" }],
      samplers: [],
      methods: [],
      examples: [],
      limits: {},
      version: "1",
    }),
    save(message) {
      if (server.refusal) return { error: server.refusal };
      if (message.revision !== server.revision)
        return {
          error: { what: "Stale.", limit: "", remedy: "", code: "stale", current: server.revision },
        };
      server.revision += 1;
      server.kept = { scene: message.scene, editor: message.editor };
      return {
        revision: server.revision,
        digest: "d",
        coverage: [],
        notes: [{ code: "hidden", layer_id: "cat", text: "x" }],
      };
    },
    generate: () => ({ job: "j1", notes: [] }),
    events: () => server.script.shift() ?? { state: "running", events: [], candidates: [] },
    cancel: () => ({ state: "running" }),
    jobs: () => ({ jobs: [] }),
    open_ora: () => ({ ...server.hello(), project: "p2" }),
    take_picture: ({ path }) => ({
      digest: path,
      width_px: 1,
      height_px: 1,
      opaque: false,
      notes: [],
    }),
    verbs: () => server.sent.map(({ verb }) => verb).join(" "),
  };
  return server;
};

/** A stream of pushed events that says what it is told to. */
const createStream = () => {
  const stream = {
    take: () => {},
    listen: (take) => {
      stream.take = take;
    },
    say: (kind, record = 1) => stream.take({ kind, text: JSON.stringify(record) }),
    sayQueue: (...jobs) => stream.say("queue", { jobs, trouble: "" }),
  };
  return stream;
};

const open = async (
  server = createServer(),
  storage = createStorage(),
  tab = createStorage(),
  database = createMaskDatabase(),
  listen = () => {},
) => {
  const clock = createClock();
  const session = createSession();
  const store = createStore(buildEditor([]), clock.now);
  const masks = createMasks(createUnique());
  const bridge = createBridge({
    host: server,
    store,
    session,
    masks,
    database,
    clock,
    storage,
    tab,
    hidden: () => false,
    listen,
  });
  await bridge.hello();
  await clock.settle();
  return { server, storage, tab, clock, session, store, masks, database, bridge };
};

const edit = (store, dx = 1) => store.change("Nudge", nudge("cat", dx, 0));

test("hello opens the project with its facts, and nothing is unsaved", async () => {
  const { session, store, server } = await open();
  assert.equal(session.state.project, "p1");
  assert.equal(session.state.facts.models[0].id, "pocket");
  assert.equal(store.record.scene.layers.length, 3);
  assert.equal(session.state.saved.state, "saved");
  assert.equal(server.verbs(), "hello");
});

test("edits in quick succession are saved once, 150 ms after the last; notes and revision come back", async () => {
  const { session, store, clock, server, storage } = await open();
  edit(store);
  await clock.advance(100);
  edit(store);
  assert.equal(session.state.saved.state, "unsaved");
  assert.ok(storage.kept.has(unsavedKey("p1")));
  await clock.advance(149);
  assert.equal(server.verbs(), "hello");
  await clock.advance(1);
  assert.equal(server.verbs(), "hello save");
  assert.equal(server.kept.scene.layers[1].placement.centre_x_px, 102);
  assert.deepEqual(
    [
      session.state.revision,
      session.state.saved.state,
      session.state.notes.length,
      storage.kept.size,
    ],
    [2, "saved", 1, 0],
  );
});

test("a selection alone is not saved; an open gesture is not either; an undo back to the saved record settles, and the step is kept", async () => {
  const { store, clock, server, session, storage } = await open();
  store.amend((record) => ({ ...record, selected: "cat" }));
  const drag = store.begin("Move");
  drag.update(nudge("cat", 4, 0));
  await clock.advance(500);
  assert.equal(server.verbs(), "hello");
  drag.commit();
  store.undo();
  assert.equal(session.state.saved.state, "saved");
  await clock.advance(500);
  assert.deepEqual([server.verbs(), storage.kept.size], ["hello save", 0]);
  const { steps, scene } = server.sent[1];
  assert.deepEqual([steps.place, steps.steps.at(-1).name], [0, "Move"]);
  assert.equal(scene.layers[1].placement.centre_x_px, 100);
});

test("a gesture that begins while a save is due is not sent half done; its end saves it", async () => {
  const { store, clock, server, session } = await open();
  edit(store);
  const drag = store.begin("Move");
  drag.update(nudge("cat", 4, 0));
  await clock.advance(500);
  assert.equal(server.verbs(), "hello");
  drag.update(nudge("cat", 8, 0));
  drag.commit();
  await clock.advance(500);
  assert.equal(server.verbs(), "hello save");
  assert.equal(server.kept.scene.layers[1].placement.centre_x_px, 109);
  assert.equal(session.state.saved.state, "saved");
});

test("generate saves first, without waiting for the debounce", async () => {
  const { store, clock, server, bridge } = await open();
  server.script = [{ state: "finished", events: [{ n: 1, kind: "finished" }], candidates: [] }];
  edit(store, 9);
  const end = bridge.generate({ kind: "compose", settings: store.record.settings });
  await clock.advance(1000);
  assert.equal(await end, "finished");
  assert.equal(server.verbs(), "hello save generate events");
  assert.equal(server.sent[2].revision, 2);
});

test("a run: progress, preview and pace; the first candidate is shown; the job is gone at the end", async () => {
  const { clock, server, bridge, session } = await open();
  const made = { id: "c1", job: "j1", index: 0, digest: "e".repeat(64), layer_id: "" };
  const step = (n, done, preview) => ({
    state: "running",
    events: [{ n, kind: "progress", done, total: 4, preview }],
    candidates: [],
    left_s: 4 - done,
  });
  server.script = [
    step(1, 1, { jpeg: "data:a", stage1_count: 0 }),
    step(2, 2, null),
    {
      state: "finished",
      events: [
        { n: 3, kind: "images" },
        { n: 4, kind: "finished" },
      ],
      candidates: [made],
    },
  ];
  const end = bridge.generate({ kind: "compose", settings: {} });
  await clock.advance(160);
  assert.deepEqual(
    [session.state.job.done, session.state.job.preview, session.state.job.left_s],
    [2, "data:a", 2],
  );
  await clock.advance(1000);
  assert.equal(await end, "finished");
  assert.equal(session.state.job, null);
  assert.deepEqual(
    [session.state.viewed, session.state.showing, session.state.batch],
    [made.digest, "result", "j1"],
  );
  const asked = server.sent.filter(({ verb }) => verb === "events").map(({ after }) => after);
  assert.deepEqual(asked, [0, 1, 2]);
});

/** A page whose server pushes, in the middle of a run; `entry` is what the queue says of it. */
const openPushed = async () => {
  const stream = createStream();
  const parts = await open(undefined, undefined, undefined, undefined, stream.listen);
  const entry = { id: "j1", state: "running", done: 0, total: 9, noted: 2, left_s: null };
  stream.sayQueue();
  const end = parts.bridge.generate({ kind: "compose", settings: {} });
  parts.server.script = [
    { state: "running", events: [{ n: 2, kind: "started", device: "cpu" }], candidates: [] },
  ];
  await parts.clock.advance(200);
  const countAsked = () => parts.server.sent.filter(({ verb }) => verb === "events").length;
  return { ...parts, stream, entry, end, countAsked };
};

test("where the server pushes, steps and previews come without a question; what else happens is asked for once", async () => {
  const { server, clock, session, stream, entry, end, countAsked } = await openPushed();
  const before = countAsked();
  for (const done of [1, 2, 3]) {
    stream.sayQueue({ ...entry, done, left_s: 9 - done });
    stream.say("preview", { job: "j1", jpeg: `data:${done}`, stage1_count: 0 });
    await clock.advance(1_000);
  }
  const { done, left_s, preview } = session.state.job;
  assert.deepEqual([done, left_s, preview, countAsked()], [3, 6, "data:3", before]);
  server.script = [{ state: "finished", events: [{ n: 8, kind: "finished" }], candidates: [] }];
  stream.sayQueue();
  await clock.settle();
  assert.deepEqual([await end, countAsked()], ["finished", before + 1]);
});

test("a stream that breaks off, or says nothing for 25 s, is asked instead until it is back", async () => {
  for (const silence of ["lost", "silent"]) {
    const { clock, stream, entry, countAsked } = await openPushed();
    stream.sayQueue(entry);
    const before = countAsked();
    if (silence === "lost") stream.say("lost");
    await clock.advance(24_000);
    stream.say("beat");
    await clock.advance(20_000);
    if (silence === "silent") assert.equal(countAsked() - before <= 2, true);
    else assert.equal(countAsked() - before > 100, true);
    await clock.advance(7_000);
    assert.equal(countAsked() - before > 5, true, silence);
  }
});

test("where nothing that is pushed arrives, a sentence says so once and the page asks less often", async () => {
  const { clock, session, bridge, server } = await open();
  await clock.advance(6_000);
  bridge.generate({ kind: "compose", settings: {} });
  await clock.advance(5_000);
  const notes = session.state.notices.filter(({ what }) => what.includes("comes late"));
  const asked = server.sent.filter(({ verb }) => verb === "events").length;
  assert.deepEqual([notes.length, asked >= 5 && asked <= 7], [1, true]);
});

test("a reload in the middle of a run follows the job again", async () => {
  const server = createServer();
  server.job = { id: "j9", state: "running", layer_id: "cat", done: 3, total: 9 };
  const { session, clock } = await open(server);
  assert.equal(session.state.job.id, "j9");
  server.script = [{ state: "finished", events: [], candidates: [] }];
  await clock.advance(200);
  assert.equal(session.state.job, null);
});

test("a failed run says what, limit and remedy; a refused one too, and leaves no job behind", async () => {
  const { clock, server, bridge, session } = await open();
  server.script = [
    {
      state: "failed",
      events: [{ n: 1, kind: "failed", what: "Out of memory.", limit: "4 GB.", remedy: "Fewer." }],
      candidates: [],
    },
  ];
  const end = bridge.generate({ kind: "compose", settings: {} });
  await clock.advance(300);
  assert.equal(await end, "failed");
  assert.deepEqual(
    [session.state.notices[0].what, session.state.notices[0].remedy],
    ["Out of memory.", "Fewer."],
  );
  server.generate = () => ({ error: { what: "No layers.", limit: "", remedy: "Add one." } });
  await assert.rejects(bridge.generate({ kind: "compose", settings: {} }), { what: "No layers." });
  assert.equal(session.state.job, null);
});

test("cancel is asked once, and the state says so until it took effect", async () => {
  const { clock, server, bridge, session } = await open();
  const end = bridge.generate({ kind: "compose", settings: {} });
  await clock.advance(10);
  await Promise.all([bridge.cancel(), bridge.cancel()]);
  assert.equal(session.state.job.stopping, true);
  assert.equal(server.sent.filter(({ verb }) => verb === "cancel").length, 1);
  server.script = [{ state: "cancelled", events: [{ n: 1, kind: "cancelled" }], candidates: [] }];
  await clock.advance(300);
  assert.equal(await end, "cancelled");
});

for (const silence of ["throws", "offline"]) {
  test(`a server that ${silence === "throws" ? "breaks off" : "says offline"}: the work is kept here and saved by itself when it is back`, async () => {
    const { store, clock, server, session, storage } = await open();
    server.offline = silence;
    edit(store, 7);
    await clock.advance(200);
    assert.deepEqual([session.state.link, session.state.saved.state], ["down", "offline"]);
    assert.equal(storage.get(unsavedKey("p1")).scene.layers[1].placement.centre_x_px, 107);
    await clock.advance(20_000);
    edit(store, 1);
    server.offline = false;
    await clock.advance(6_000);
    assert.deepEqual(
      [session.state.link, session.state.saved.state, storage.kept.size],
      ["up", "saved", 0],
    );
    assert.equal(server.kept.scene.layers[1].placement.centre_x_px, 108);
  });
}

test("a run goes on being followed through a silence", async () => {
  const { clock, server, bridge, session } = await open();
  const end = bridge.generate({ kind: "compose", settings: {} });
  await clock.advance(200);
  server.offline = "throws";
  await clock.advance(3000);
  assert.equal(session.state.job.id, "j1");
  server.script = [{ state: "finished", events: [], candidates: [] }];
  server.offline = false;
  await clock.advance(8000);
  assert.equal(await end, "finished");
});

test("a stale save is never merged in silence: the choice is shown, and both ways work", async () => {
  const { store, clock, server, session, bridge } = await open();
  server.revision = 5;
  edit(store, 3);
  await clock.advance(200);
  assert.deepEqual(session.state.conflict, { current: 5 });
  await clock.advance(5000);
  assert.equal(server.revision, 5);
  await bridge.overwrite();
  assert.deepEqual(
    [server.revision, session.state.conflict, server.kept.scene.layers[1].placement.centre_x_px],
    [6, null, 103],
  );
  server.revision = 9;
  server.kept = { ...server.kept, scene: { ...server.kept.scene, prompt: "theirs" } };
  edit(store, 3);
  await clock.advance(200);
  await bridge.loadTheirs();
  assert.deepEqual(
    [store.record.scene.prompt, session.state.revision, session.state.conflict],
    ["theirs", 9, null],
  );
});

test("a refused save is told once and tried again with the next change", async () => {
  const { store, clock, server, session } = await open();
  server.refusal = { what: "300 layers.", limit: "256.", remedy: "Delete some." };
  edit(store);
  await clock.advance(500);
  assert.equal(session.state.notices[0].what, "300 layers.");
  server.refusal = null;
  edit(store);
  await clock.advance(500);
  assert.equal(session.state.saved.state, "saved");
});

test("edits that never reached the server come back after a reload, as one step that can be undone", async () => {
  const first = await open();
  first.server.offline = "throws";
  first.store.change("Prompt", setScene({ prompt: "kept words" }));
  await first.clock.advance(300);
  first.server.offline = false;
  const second = await open(first.server, first.storage);
  assert.equal(second.store.record.scene.prompt, "kept words");
  assert.equal(second.store.undoName, "Recovered edits");
  await second.clock.advance(300);
  assert.equal(first.server.kept.scene.prompt, "kept words");
});

test("older unsaved edits of a scene that went on elsewhere are offered, not applied", async () => {
  const server = createServer();
  const storage = createStorage();
  storage.put(unsavedKey("p1"), {
    revision: 0,
    ...editorToMessage(setScene({ prompt: "older" })(buildEditor())),
  });
  const { store, session } = await open(server, storage);
  assert.notEqual(store.record.scene.prompt, "older");
  session.state.notices[0].action.run();
  assert.equal(store.record.scene.prompt, "older");
});

test("another scene is opened only when this one is saved", async () => {
  const { store, clock, server, bridge, session } = await open();
  edit(store);
  await bridge.openExample("harbour");
  assert.equal(server.verbs(), "hello save open_ora");
  assert.equal(session.state.project, "p2");
  assert.equal(store.undoName, "");
  server.offline = "throws";
  edit(store);
  await assert.rejects(bridge.openExample("harbour"), { name: "Error" });
  await clock.advance(10);
  assert.equal(session.state.project, "p2");
});

test("pictures: the path is handed on; a refused upload keeps its three parts and is no silence", async () => {
  const { bridge, session } = await open();
  assert.equal((await bridge.takePicture({ name: "a.png", size: 5 })).digest, "/up/a.png");
  await assert.rejects(bridge.takePicture({ name: "b.png", size: 50 }), {
    what: "Too large.",
    remedy: "Shrink it.",
  });
  assert.equal(session.state.link, "up");
});

test("a page that opens while the server is away opens by itself later", async () => {
  const server = createServer();
  server.offline = "throws";
  const { session, clock } = await open(server);
  assert.equal(session.state.project, "");
  server.offline = false;
  await clock.advance(6000);
  assert.equal(session.state.project, "p1");
});
