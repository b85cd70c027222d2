// A person at random over the real store, masks, tools, commands and bridge, and a server in memory: no page, no canvas.

import { inflateSync } from "node:zlib";

import { createBridge } from "../../ui/web/bridge.js";
import { COMMANDS } from "../../ui/web/commands.js";
import { bytesOf, maskFromBytes } from "../../ui/web/kernels/tiles.js";
import { createDocument } from "../../ui/web/model/document.js";
import {
  nudge,
  pick,
  select,
  setLayer,
  setPlacement,
  setScene,
  setSettings,
} from "../../ui/web/model/edits.js";
import { dropRow, groupsOf } from "../../ui/web/model/groups.js";
import { editorToMessage } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { TOOLS } from "../../ui/web/tools/tools.js";
import {
  createClock,
  createMaskDatabase,
  createStorage,
  buildEditor as editorOf,
  group,
  layer,
  randomFrom,
} from "./editor_fixtures.mjs";
import { at, createUnique, event, surfaceOver } from "./surface_fixture.mjs";

/** Small, so that thousands of strokes take seconds, and cut tiles at both edges. */
const SIZE = { width_px: 150, height_px: 90 };

/** A short text that differs when the bytes do (FNV-1a). */
export const hashOf = (bytes) => {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
};

const digestOf = (bytes) => hashOf(bytes).padStart(64, "0");

/** Width, height and values of a grey PNG of ours: one IDAT after the header, rows without a filter. */
const valuesOf = async (blob) => {
  const file = Buffer.from(await blob.arrayBuffer());
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const rows = inflateSync(file.subarray(41, 41 + file.readUInt32BE(33)));
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1)
    values.set(rows.subarray(y * (width + 1) + 1, (y + 1) * (width + 1)), y * width);
  return values;
};

const firstEditor = () => {
  const layers = [
    layer("back", { placement: at(75, 45), picture: "b".repeat(64) }),
    layer("cat", { placement: at(40, 40) }),
    layer("car", { placement: at(100, 50) }),
    layer("far", { placement: at(120, 70) }),
  ];
  const app = editorOf(layers);
  return { ...app, scene: { ...app.scene, ...SIZE, groups: [group("pair", ["cat", "car"])] } };
};

const offline = () => ({
  what: "The server does not answer.",
  limit: "",
  remedy: "",
  code: "offline",
});

/** One project in memory; `silent` makes it fall silent. Masks are kept as values by digest. */
export const createServer = () => {
  const server = {
    offline: false,
    revision: 1,
    kept: editorToMessage(firstEditor()),
    masks: new Map(),
    files: new Map(),
    keptSteps: new Map(),
    place: 0,
    ask: async (message) =>
      server.offline ? { error: offline() } : structuredClone(server[message.verb](message)),
    upload: async (blob) => {
      if (server.offline) throw Object.assign(new Error("offline"), { refusal: offline() });
      const path = `/up/${server.files.size}`;
      server.files.set(path, blob.size > 1 ? await valuesOf(blob) : null);
      return path;
    },
    hello: () => ({
      project: "p1",
      revision: server.revision,
      ...server.kept,
      job: null,
      candidates: [],
      place: server.place,
      is_kept: server.keptSteps.has(server.place),
    }),
    save({ revision, scene, editor, steps }) {
      if (revision !== server.revision)
        return {
          error: { what: "Stale.", limit: "", remedy: "", code: "stale", current: server.revision },
        };
      const unknown = scene.layers.find(({ mask }) => mask && !server.masks.has(mask));
      if (unknown)
        return {
          error: { what: `No mask ${unknown.mask}.`, limit: "", remedy: "", code: "store" },
        };
      server.revision += 1;
      server.kept = { scene, editor };
      for (const n of [...server.keptSteps.keys()])
        if (n >= steps.first) server.keptSteps.delete(n);
      steps.steps.forEach((step, index) =>
        server.keptSteps.set(steps.first + index, { ...server.kept, ...step }),
      );
      server.place = steps.place;
      return { revision: server.revision, digest: "d", coverage: [], notes: [] };
    },
    /** Four at a time, so that many pages come. */
    steps({ place, later }) {
      const all = [...server.keptSteps].toSorted(([one], [other]) => one - other);
      const before = all.filter(([n]) => n < place).slice(-4);
      const [found, records] = [[...before, ...all.filter(([n]) => later && n >= place)], {}];
      const keep = (record) => {
        const number = Object.keys(records).length + 1 + 1000 * place;
        records[number] = record;
        return number;
      };
      const steps = found.map(([n, { name, scene, editor }]) => ({
        place: n,
        name,
        scene: keep({ ...scene, layers: [] }),
        editor: keep(editor),
        layers: scene.layers.map(keep),
      }));
      return { steps, records, more_before: before.length === 4 ? before[0][0] : 0 };
    },
    take_mask({ path }) {
      const values = server.files.get(path);
      server.files.set(path, null);
      server.masks.set(digestOf(values), values);
      return { digest: digestOf(values), ...SIZE };
    },
    take_picture: ({ path }) => ({
      digest: digestOf(Buffer.from(path)),
      ...SIZE,
      opaque: false,
      notes: [],
    }),
    jobs: () => ({ jobs: [] }),
  };
  return server;
};

/** One open page: everything behind the canvas. `browser` {vault, tab, shelf} outlives a reload. */
const openPage = async ({ server, browser, unique, random }) => {
  const [clock, session] = [createClock(), createSession()];
  const { store, masks } = createDocument(editorOf([]), { now: clock.now, unique });
  const life = { over: false };
  const never = new Promise(() => {});
  // What a page asks after it is gone reaches nobody.
  const host = {
    ask: (message) => (life.over ? never : server.ask(message)),
    upload: (blob, name) => (life.over ? never : server.upload(blob, name)),
  };
  const bridge = createBridge({
    host,
    store,
    session,
    masks,
    clock,
    hidden: () => false,
    listen: () => {},
    ...browser,
  });
  const newId = () => `layer-${unique()}`;
  /** A stored mask is there as soon as anybody asks for it. */
  const maskOf = (name) => {
    if (name && !masks.has(name) && server.masks.has(name))
      masks.put(name, maskFromBytes(server.masks.get(name), SIZE.width_px, SIZE.height_px));
    return masks.get(name);
  };
  const app = {
    store,
    session,
    masks,
    bridge,
    newId,
    random: () => Math.floor(random() * 1000),
    pictures: { mask: maskOf },
    touched: () => {},
    drawTogether: async () => new File(["x"], "merged.png"),
    busyWith: (reading, work) => work(),
  };
  await bridge.hello();
  const surface = surfaceOver(app);
  const machines = TOOLS.map(({ chart }) => createMachine(chart, surface));
  store.record.scene.layers.forEach(({ mask }) => maskOf(mask));
  return { ...app, app, clock, surface, machines, life };
};

const COMMON = [
  "undo redo duplicate delete mergeDown chooseAll left farDown forward backward above below flipX flipY hide lock",
  "addPainted swapRegion invertMask growMask shrinkMask featherMask clearMask dice escape",
  "group ungroup group ungroup",
];

/** What a person does besides drawing; each is chosen as often as it stands here. */
const commandsOf = () => `${COMMON.join(" ")} undo undo redo addPainted above below`.split(" ");

/** What the page tells in words: a refusal, or the server's silence. */
const tolerated = (error) => {
  if (!error.what && error.name !== "Silence") throw error;
};

/** A person with a seed; `does` tells the last things done, for the message of a failure. */
export const createRandomUser = async (seed) => {
  const [random, unique, server] = [randomFrom(seed), createUnique(), createServer()];
  const browser = {
    storage: createStorage(),
    tab: createStorage(),
    database: createMaskDatabase(),
  };
  for (let warm = 0; warm < 5; warm += 1) random();
  const does = [];
  const user = { seed, random, server, browser, does, page: null };
  const any = (list) => list[Math.floor(random() * list.length)];
  const spot = () => [random() * 1.2 * SIZE.width_px - 15, random() * 1.2 * SIZE.height_px - 9];
  const idOf = () => any(user.page.store.record.scene.layers)?.id ?? "";
  const keys = () => ({
    shift: random() < 0.15,
    alt: random() < 0.1,
    ctrl: random() < 0.2,
    eraser: random() < 0.1,
  });
  const busyMachine = () => user.page.machines.find((machine) => !machine.resting);
  const calm = () =>
    user.page.machines.forEach((machine) => machine.resting || machine.send(event("cancel")));
  const gestures = {
    /** Press, draw and let go, or leave it in the middle: by Escape, or with the pointer still down. */
    draw() {
      const machine = any(user.page.machines);
      if (busyMachine() !== machine) calm();
      const { session } = user.page;
      session.set({
        brush: { ...session.state.brush, size: 2 + random() * 40, opacity: 0.3 + random() },
      });
      const held = keys();
      const trail = Array.from({ length: 1 + Math.floor(random() * 4) }, spot);
      machine.send(event("down", ...trail[0], held));
      trail
        .slice(1)
        .forEach((place) => machine.send(event("move", ...place, { ...held, pressure: random() })));
      const end = random();
      if (end < 0.7) machine.send(event("up", ...trail.at(-1), held));
      else if (end < 0.85) machine.send(event("cancel"));
      return machine.state;
    },
    finish: () => void busyMachine()?.send(event(any(["up", "confirm", "cancel"]), ...spot())),
    async command() {
      const id = any(commandsOf());
      if (id === "escape") calm();
      await COMMANDS[id].run(user.page.app)?.catch?.(tolerated);
      return id;
    },
    words: () => {
      const { store } = user.page;
      const id = idOf();
      const text = `word ${Math.floor(random() * 50)}`;
      if (random() < 0.5) store.change("Phrase", setLayer(id, { phrase: text }), `phrase:${id}`);
      else store.change("Prompt", setScene({ prompt: text }), "prompt");
    },
    slider() {
      const { store } = user.page;
      const id = idOf();
      const gesture = store.begin("Slider", random() < 0.5 ? `strength:${id}` : "");
      for (let turn = 0; turn < 3; turn += 1)
        gesture.update(setLayer(id, { strength: random(), opacity: random() }));
      if (random() < 0.3) gesture.cancel();
      else if (random() < 0.8) gesture.commit();
    },
    dials: () =>
      user.page.store.change("Steps", setSettings({ steps: 1 + Math.floor(random() * 50) })),
    accept: () => user.page.store.change("Accept", pick(digestOf([random() * 9]))),
    place: () =>
      user.page.store.change(
        "Place",
        setPlacement(idOf(), { rotation_deg: Math.round(random() * 90) }),
      ),
    aside: () =>
      user.page.store.change("Nudge", nudge(idOf(), Math.round(random() * 9), 1), "nudge"),
    choose: () => {
      const { store, session } = user.page;
      store.amend(select(random() < 0.2 ? "" : idOf()));
      session.set({ also: random() < 0.3 ? [idOf(), store.record.selected].filter(Boolean) : [] });
    },
    rows: () => {
      const { store } = user.page;
      const own = any(groupsOf(store.record.scene));
      const gap = Math.floor(random() * 6);
      store.change("Reorder", dropRow(own && random() < 0.4 ? own.id : idOf(), gap));
    },
    async group() {
      const own = any(groupsOf(user.page.store.record.scene));
      const command = any(["hideGroup", "foldGroup", "chooseGroup"]);
      if (own) COMMANDS[command].run(user.page.app, own.id);
      return command;
    },
    jump: () => user.page.store.goTo(Math.floor(random() * user.page.store.history.entries.length)),
    silence: () => void (user.server.offline = random() < 0.5),
    wait: () => user.page.clock.advance(random() * 400),
    flush: () => user.page.bridge.flush(),
  };
  const often =
    "draw draw draw draw draw finish command command command command command words slider slider dials";
  const names =
    `${often} accept place rows group aside choose choose choose jump silence wait wait flush`.split(
      " ",
    );
  user.act = async () => {
    const name = any(names);
    does.push(name);
    const reported = await gestures[name]();
    if (typeof reported === "string") does.push(`(${reported})`);
  };
  /** Lets go of everything; what a tool had begun is taken back. */
  user.rest = () => {
    calm();
    user.page.store.cancelGesture();
  };
  /** The page is gone, and comes again. */
  user.reload = async () => {
    if (user.page) user.page.life.over = true;
    user.page = await openPage({ server, browser, unique, random });
  };
  await user.reload();
  return user;
};

const contents = new WeakMap();

/** The scene with, instead of each mask's name, what the mask holds: equal texts mean equal documents. */
export const contentOf = ({ scene, settings, picked }, maskOf) => {
  const textOf = (name) => {
    const mask = maskOf(name);
    if (!mask) return `${name} is lost`;
    if (!contents.has(mask)) contents.set(mask, hashOf(bytesOf(mask)));
    return contents.get(mask);
  };
  const layers = scene.layers.map((each) => ({ ...each, mask: each.mask && textOf(each.mask) }));
  // That a group is folded belongs to no step.
  const groups = groupsOf(scene).map((one) => ({ ...one, collapsed: false }));
  return JSON.stringify({ scene: { ...scene, layers, groups }, settings, picked });
};
