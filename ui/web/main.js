// The composition root: mount(element, host) builds the parts, wires them, and draws when something changed.

import { createBridge } from "./bridge.js";
import { asKnown } from "./bridge/masks.js";
import { COMMANDS, commandFor } from "./commands.js";
import { readBindings } from "./commands/keymap.js";
import { shownBatch } from "./commands/runs.js";
import { chordOf } from "./kernels/chords.js";
import { findSpans } from "./kernels/spans.js";
import { bytesOf, unionOf } from "./kernels/tiles.js";
import { createDocument } from "./model/document.js";
import { beforeOf, candidateOf, batchesOf, createSession } from "./model/session.js";
import { mixOf } from "./model/mixing.js";
import { draftOf } from "./model/drafts.js";
import { freeze, layerOf } from "./model/records.js";
import { createFound } from "./view/found.js";
import { createFreedomVeil } from "./view/freedom.js";
import { createKeySheet } from "./view/keysheet.js";
import { h } from "./view/dom.js";
import { createLayers } from "./view/layers.js";
import { createBanners, createNotices, tellProblem } from "./view/notices.js";
import { createOptions } from "./view/options.js";
import { createPalette } from "./view/palette.js";
import { createPictures } from "./view/pictures.js";
import { createRecipe } from "./view/recipe.js";
import { createShelf } from "./view/shelf.js";
import { createStage } from "./view/stage.js";
import { createStrip } from "./view/strip.js";
import { createSubjects } from "./view/subjects.js";
import { createTints } from "./view/tints.js";
import { createTools } from "./view/toolbar.js";
import { createTopbar } from "./view/topbar.js";
import {
  chooseFiles,
  connectKeys,
  connectPaste,
  connectLeaving,
  createVault,
  download,
  loadStyle,
} from "./view/window.js";

const NOTHING = freeze({
  scene: {
    version: 1,
    name: "",
    width_px: 512,
    height_px: 512,
    prompt: "",
    negative: "",
    layers: [],
  },
  settings: {
    model: "",
    method: "",
    sampler: "",
    steps: 30,
    guidance_scale: 5,
    seed: 0,
    count: 4,
    options: {},
  },
  picked: "",
  selected: "",
  mix: null,
});

const LARGEST_DRAWN_SEED = 1_000_000;
const THEME_KEY = "lamina.theme";
const BRUSH_KEY = "lamina.brush";
const KEYS_KEY = "lamina.keys";

const clock = {
  now: () => Date.now(),
  later: (run, wait_ms) => setTimeout(run, wait_ms),
  forget: (timer) => clearTimeout(timer),
};

/** The last value of a function of a few parts, as long as the parts are the same. */
const remembered = (compute) => {
  let [parts, value] = [[], null];
  return (...next) => {
    if (parts.length !== next.length || next.some((part, index) => part !== parts[index]))
      [parts, value] = [next, compute(...next)];
    return value;
  };
};

const spokenLayers = (layers) =>
  layers.filter(({ visible }) => visible).map(({ id, phrase }) => ({ id, phrase }));

/** What the views are drawn from: the record, the session, and what follows from the two. */
const createShown = (store, session, pictures) => {
  // By their words, not by the layers themselves: a drag changes a layer in every frame, and its words in none.
  const spansOf = remembered((prompt, words) => {
    const spans = findSpans(prompt, JSON.parse(words));
    return { ...spans, unlinked: new Set(spans.unlinked) };
  });
  const batches = remembered((candidates, drafts, dismissed) =>
    batchesOf({ candidates, drafts, dismissed }),
  );
  return () => {
    const { record } = store;
    const { state } = session;
    const selected = layerOf(record, record.selected);
    const spans = spansOf(record.scene.prompt, JSON.stringify(spokenLayers(record.scene.layers)));
    const mix = mixOf(record, state);
    const candidate = mix?.base ?? candidateOf(state, state.viewed || record.picked);
    const before = beforeOf(state, record, candidate);
    const own = mix?.base.digest ?? (state.viewed || record.picked);
    const digest = (state.comparing && before) || own;
    return {
      record,
      state,
      selected,
      candidate,
      model: state.facts?.models.find(({ id }) => id === record.settings.model) ?? null,
      scored: state.showing === "result" && !state.job ? (candidate ?? draftOf(state, own)) : null,
      spans,
      scene: record.scene,
      unlinked: spans.unlinked,
      size: selected?.picture ? (pictures.get(selected.picture)?.size ?? null) : null,
      batches: batches(state.candidates, state.drafts, state.dismissed),
      batch: shownBatch(state),
      shownDigest: digest,
      ownDigest: own,
      before,
      mix,
      canCompare: own !== "" && state.showing === "result" && !state.job && !mix,
    };
  };
};

/**
 * One frame for any number of changes: {refresh(), touched(box)}. When nothing but masks changed, draw gets the box
 * {x0, y0, x1, y1} around that, else null.
 */
const createRefresh = (draw) => {
  let waiting = null;
  const frame = () => {
    const { whole, box } = waiting;
    waiting = null;
    draw(whole ? null : box);
  };
  const want = () => {
    if (!waiting) requestAnimationFrame(frame);
    waiting ??= { whole: false, box: null };
    return waiting;
  };
  return {
    refresh: () => void (want().whole = true),
    touched: (box) => {
      const wanted = want();
      wanted.box = unionOf(wanted.box, box);
    },
  };
};

const createTheme = (element, vault, session) => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let inks = null;
  const isDark = () => (session.state.theme ? session.state.theme === "dark" : system.matches);
  const apply = () => {
    element.dataset.theme = isDark() ? "dark" : "light";
    inks = null;
  };
  const setTheme = (theme) => {
    vault.put(THEME_KEY, theme);
    session.set({ theme });
    apply();
  };
  system.addEventListener("change", () => (apply(), session.set({})));
  const readInks = () => {
    const style = getComputedStyle(element);
    const ink = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      checkA: ink("check-a"),
      checkB: ink("check-b"),
      accent: ink("accent-line"),
      halo: ink("halo"),
      handle: ink("handle"),
      guide: ink("guide"),
      tints: Array.from({ length: 8 }, (_, index) => ink(`tint-${index}`)),
      ready: ink("check-a") !== "",
    };
  };
  const current = () => {
    if (!inks?.ready) inks = readInks();
    return inks;
  };
  session.set({ theme: vault.get(THEME_KEY) ?? "" });
  apply();
  return { isDark, setTheme, inks: current };
};

const unique = () =>
  crypto.getRandomValues(new Uint32Array(2)).reduce((text, part) => text + part.toString(36), "");

/** What cancels and confirms in the page's tools; each answers whether there was something to do. */
const createTurns = () => {
  const [cancels, confirms] = [new Set(), new Set()];
  const runAll = (all) => [...all].map((run) => run()).some(Boolean);
  return {
    onCancel: (run) => cancels.add(run),
    onConfirm: (run) => confirms.add(run),
    cancelTools: () => runAll(cancels),
    confirmTools: () => runAll(confirms),
  };
};

/** The brush as it was left, in this browser. */
const rememberBrush = (session, vault) => {
  const kept = vault.get(BRUSH_KEY);
  if (kept) session.set({ brush: { ...session.state.brush, ...kept } });
  let known = session.state.brush;
  session.subscribe(() => {
    if (session.state.brush === known) return;
    known = session.state.brush;
    vault.put(BRUSH_KEY, known);
  });
};

const createDesk = (element, host) => {
  const session = createSession();
  const [vault, tab] = [createVault(() => localStorage), createVault(() => sessionStorage)];
  const { store, masks } = createDocument(NOTHING, { now: clock.now, unique });
  const app = { store, session, masks, vault, download, chooseFiles, ...createTurns() };
  const draftsIn = () => ({
    count: session.state.job?.drafts ?? 0,
    watched: session.state.watched,
  });
  app.pictures = createPictures({
    urlOf: host.pictureUrl,
    masks,
    changed: () => app.refresh(),
    draftsIn,
  });
  const hidden = () => document.hidden;
  const kept = { shelf: createShelf(), clock, vault, tab };
  app.bridge = createBridge({
    host,
    newId: () => app.newId(),
    store,
    session,
    masks,
    ...kept,
    hidden,
  });
  rememberBrush(session, vault);
  session.set({ bindings: readBindings(COMMANDS, vault.get(KEYS_KEY)) });
  app.setBindings = (bindings) => {
    vault.put(KEYS_KEY, bindings);
    session.set({ bindings });
  };
  app.tints = createTints();
  app.shown = createShown(store, session, app.pictures);
  app.addressOf = host.url;
  app.random = () => Math.floor(Math.random() * LARGEST_DRAWN_SEED);
  app.newId = () => `layer-${unique()}`;
  // What goes wrong is told in words, and whatever comes next goes on.
  app.attempt = async (work) => {
    try {
      return await work();
    } catch (error) {
      return tellProblem(session, error);
    }
  };
  app.run = (id, ...given) => app.attempt(() => COMMANDS[id].run(app, ...given));
  app.busyWith = async (reading, work) => {
    session.set({ reading });
    return work().finally(() => session.set({ reading: "" }));
  };
  return Object.assign(app, createTheme(element, vault, session));
};

/** While a person drags on the stage, what lies around it follows this much later: samples come before panels. */
const PANELS_MS = 200;

/** Answers update(shown): all panels, but during a drag only now and then; the end of a drag draws them anyway. */
const createPanels = (panels, stage) => {
  let last = 0;
  return (shown) => {
    const now = performance.now();
    if (stage.held() && now - last < PANELS_MS) return;
    last = now;
    panels.forEach((panel) => panel.update(shown));
  };
};

const build = (app, element) => {
  const stage = createStage(app);
  const over = {
    notices: createNotices(app),
    banners: createBanners(app),
    found: createFound(app),
    freedom: createFreedomVeil(app),
  };
  const views = {
    topbar: createTopbar(app),
    tools: createTools(app),
    options: createOptions(app),
    strip: createStrip(app),
    layers: createLayers(app),
    recipe: createRecipe(app),
    keys: createKeySheet(app),
    palette: createPalette(app),
    subjects: createSubjects(app),
  };
  stage.node.append(over.found.node, ...over.freedom.nodes, over.notices.node);
  const centre = h(
    "main",
    { class: "centre" },
    views.options.node,
    over.banners.node,
    stage.node,
    views.strip.node,
  );
  const side = h("aside", { class: "side" }, views.layers.node, views.recipe.node);
  const above = [views.subjects, views.keys, views.palette].map(({ node }) => node);
  element.replaceChildren(views.topbar.node, views.tools.node, centre, side, ...above);
  const touch = (shown, box) => {
    stage.update(shown, box);
    over.freedom.update(shown);
  };
  const panels = createPanels(Object.values(views), stage);
  const draw = (shown) => {
    stage.update(shown);
    Object.values(over).forEach((view) => view.update(shown));
    panels(shown);
  };
  return { stage, touch, draw };
};

/** A JSON-able summary for tests and the curious; `pixels` are what the page of the canvas shows, at scene size. */
const createProbe = (app, stage) => ({
  state: () => {
    const { record, state, shownDigest } = app.shown();
    const { project, revision, saved, link, job, showing, viewed, candidates, drafts } = state;
    const { coverage, notes, tool, view } = state;
    return structuredClone({
      ...asKnown(record, app.masks),
      project,
      revision,
      saved,
      link,
      job,
      showing,
      viewed,
      candidates,
      drafts,
      coverage,
      notes,
      tool,
      view,
      shown: shownDigest,
      undo: app.store.undoName,
      redo: app.store.redoName,
    });
  },
  canvasPixels: () => {
    const { width_px, height_px } = app.store.record.scene;
    return { width_px, height_px, rgba: stage.pixels() };
  },
  maskPixels: (id, field = "mask") => {
    const mask = app.pictures.mask(layerOf(app.store.record, id)[field]);
    return mask && { width_px: mask.width_px, height_px: mask.height_px, grey: bytesOf(mask) };
  },
});

/**
 * Builds the app inside `element`. host: {ask(message) → Promise<reply>, upload(file, name) → Promise<path>,
 * pictureUrl(digest) → URL, url(address from the server) → URL}. `element.lamina` is {state(), canvasPixels()}.
 * Resolves when a scene is open.
 */
export const mount = async (element, host) => {
  element.classList.add("lamina");
  await loadStyle(element, new URL("./styles/main.css", import.meta.url).href);
  const app = createDesk(element, host);
  Object.assign(
    app,
    createRefresh((box) => (box ? parts.touch(app.shown(), box) : parts.draw(app.shown()))),
  );
  const parts = build(app, element);
  app.stageSize = parts.stage.size;
  app.drawTogether = parts.stage.drawTogether;
  app.store.subscribe(app.refresh);
  app.session.subscribe(app.refresh);
  app.bridge.whenBack(() => app.pictures.retry());
  connectKeys(app, element, { commandFor, chordOf, holdSpace: parts.stage.holdSpace });
  connectPaste(app);
  connectLeaving(app);
  element.lamina = createProbe(app, parts.stage);
  app.refresh();
  await app.bridge.hello();
  await app.attempt(() => app.bridge.library.refresh());
};
