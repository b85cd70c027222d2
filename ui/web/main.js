// The composition root: mount(element, host) builds the parts, wires them, and draws when something
// changed.

/**
 * @import { StreamListener } from "./types/bridge.d.ts"
 * @import { App, Box, Clock, EditorState, EditorStore, Host, Inks, KeyValues, PaintedField, Panel, Pictures, SessionState, SessionStore, Shown, StageView, Theme, Views } from "./types/editor.d.ts"
 * @import { Identifier, Layer } from "./types/protocol.d.ts"
 */

import { createBridge } from "./bridge.js";
import { withKnownNames } from "./bridge/masks.js";
import { CARD_KEY, commandFor, runCommand, worksAtHome } from "./commands.js";
import { shownBatch } from "./commands/runs.js";
import { chordOf } from "./kernels/chords.js";
import { findSpans } from "./kernels/spans.js";
import { bytesOf, unionOf } from "./kernels/tiles.js";
import { createDocument } from "./model/document.js";
import { isCovered } from "./model/home.js";
import { beforeOf, candidateOf, batchesOf, createSession } from "./model/session.js";
import { mixOf } from "./model/mixing.js";
import { stage1Of } from "./model/stage1.js";
import { isRead } from "./model/options.js";
import { NOTHING, layerOf, requireLayer } from "./model/records.js";
import { createSubjectVeil } from "./view/canvas/overlays.js";
import { createStrengthVeil } from "./view/canvas/strength-veil.js";
import { connectAddress, correctAddress, readPlace } from "./view/dom/address.js";
import { createGalleryView } from "./view/gallery/gallery-view.js";
import { createHomeView } from "./view/home/home-view.js";
import { createCheckSheet } from "./view/chrome/check-sheet.js";
import { createKeySheet } from "./view/chrome/key-sheet.js";
import { h } from "./view/dom/elements.js";
import { createLayersPanel } from "./view/layers/layers-panel.js";
import { createBanners, createNotices, tellProblem } from "./view/chrome/notices.js";
import { createOptionsBar } from "./view/chrome/options-bar.js";
import { createContextMenu } from "./view/chrome/context-menu.js";
import { createSideGrip } from "./view/chrome/side-grip.js";
import { layerAt } from "./view/canvas/tool-surface.js";
import { createCardPanel } from "./view/layers/card-panel.js";
import { createCommandDialog } from "./view/chrome/command-dialog.js";
import { createCommandPalette } from "./view/chrome/command-palette.js";
import { createBindings, createTheme, rememberBrush } from "./view/dom/preferences.js";
import { createPictures } from "./view/dom/pictures.js";
import { listen } from "./view/dom/stream.js";
import { createRecipePanel } from "./view/recipe/recipe-panel.js";
import { createKeyValues, createMaskDatabase } from "./view/dom/browser-storage.js";
import { createStage } from "./view/canvas/stage.js";
import { createStrip } from "./view/strip/candidates.js";
import { createModelsPanel } from "./view/models/models-panel.js";
import { createSubjectsPanel } from "./view/subjects/subjects-panel.js";
import { createTints } from "./view/layers/tints.js";
import { createToolbar } from "./view/chrome/toolbar.js";
import { createTopbar } from "./view/chrome/topbar.js";
import {
  chooseFiles,
  connectKeys,
  connectPaste,
  connectLeaving,
  download,
  loadStyle,
} from "./view/dom/window.js";

const LARGEST_DRAWN_SEED = 1_000_000;

/** @type {Clock} */
const clock = {
  now: () => Date.now(),
  later: (run, wait_ms) => setTimeout(run, wait_ms),
  forget: (timer) => clearTimeout(timer ?? undefined),
};

/**
 * The last value of a function of a few parts, as long as the parts are the same.
 * @template {readonly unknown[]} Parts
 * @template Value
 * @param {(...parts: Parts) => Value} compute
 * @returns {(...parts: Parts) => Value}
 */
const remember = (compute) => {
  /** @type {{ parts: Parts, value: Value } | null} */
  let last = null;
  return (...parts) => {
    if (!last || last.parts.some((part, index) => part !== parts[index]))
      last = { parts, value: compute(...parts) };
    return last.value;
  };
};

/**
 * The words of the layers that are shown.
 * @param {readonly Layer[]} layers
 */
const wordsOf = (layers) =>
  layers.filter(({ visible }) => visible).map(({ id, phrase }) => ({ id, phrase }));

/**
 * Which picture is looked at: what was made, what it is compared with, and what is shown of both.
 * @param {EditorState} record
 * @param {Readonly<SessionState>} state
 */
const shownPicture = (record, state) => {
  const mix = mixOf(record, state);
  const looked = mix ? mix.base.digest : state.viewed || record.picked;
  const candidate = mix ? mix.base : candidateOf(state, looked);
  const before = beforeOf(state, record, candidate);
  const shownDigest = state.comparing && before ? before : looked;
  return { mix, candidate, before, ownDigest: looked, shownDigest };
};

/**
 * The model that is set; null where the server has none of that id.
 * @param {Readonly<SessionState>} state
 * @param {EditorState} record
 */
const modelOf = ({ facts }, { settings }) =>
  facts?.models.find(({ id }) => id === settings.model) ?? null;

/**
 * What the views are drawn from: the record, the session, and what follows from the two.
 * @param {EditorStore} store
 * @param {SessionStore} session
 * @param {Pictures} pictures
 * @returns {() => Shown}
 */
const createShown = (store, session, pictures) => {
  // By their words, not by the layers: a drag changes a layer in every frame, its words in none.
  const spansOf = remember((/** @type {string} */ prompt, /** @type {string} */ words) => {
    const spans = findSpans(prompt, JSON.parse(words));
    return { ...spans, unlinked: new Set(spans.unlinked) };
  });
  const batches = remember(
    (
      /** @type {SessionState["candidates"]} */ candidates,
      /** @type {SessionState["stage1Images"]} */ stage1Images,
      /** @type {SessionState["dismissed"]} */ dismissed,
    ) => batchesOf({ candidates, stage1Images, dismissed }),
  );
  return () => {
    const { record } = store;
    const { state } = session;
    const { scene } = record;
    const selected = layerOf(record, record.selected);
    const spans = spansOf(scene.prompt, JSON.stringify(wordsOf(scene.layers)));
    const isReadHere = (/** @type {Identifier} */ id) =>
      isRead({ record, state }, requireLayer(record, id));
    const looked = shownPicture(record, state);
    const isResult = state.showing === "result" && !state.job;
    return {
      record,
      state,
      scene,
      selected,
      model: modelOf(state, record),
      spans,
      unlinked: new Set([...spans.unlinked].filter(isReadHere)),
      size: pictures.get(selected?.picture)?.size ?? null,
      batches: batches(state.candidates, state.stage1Images, state.dismissed),
      batch: shownBatch(state),
      ...looked,
      scored: isResult ? (looked.candidate ?? stage1Of(state, looked.ownDigest)) : null,
      canCompare: isResult && looked.ownDigest !== "" && !looked.mix,
    };
  };
};

/**
 * One frame for any number of changes. When nothing but masks changed, draw gets the box around
 * that, else null.
 * @param {(box: Box | null) => void} draw
 * @returns {Pick<App, "refresh" | "touched">}
 */
const createRefresh = (draw) => {
  /** @type {{ whole: boolean, box: Box | null } | null} */
  let waiting = null;
  const frame = () => {
    const drawn = waiting;
    waiting = null;
    draw(drawn?.whole ? null : (drawn?.box ?? null));
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

const unique = () =>
  crypto.getRandomValues(new Uint32Array(2)).reduce((text, part) => text + part.toString(36), "");

/**
 * What cancels and confirms in the page's tools; each answers whether there was something to do.
 * @returns {Pick<App, "onCancel" | "onConfirm" | "cancelTools" | "confirmTools">}
 */
const createTurns = () => {
  /** @type {Set<() => boolean>} */
  const cancels = new Set();
  /** @type {Set<() => boolean>} */
  const confirms = new Set();
  /** @param {Set<() => boolean>} all */
  const runAll = (all) => [...all].map((run) => run()).some(Boolean);
  return {
    onCancel: (run) => void cancels.add(run),
    onConfirm: (run) => void confirms.add(run),
    cancelTools: () => runAll(cancels),
    confirmTools: () => runAll(confirms),
  };
};

/**
 * Runs commands and whatever may go wrong: it is told in words, and whatever comes next goes on.
 * @param {SessionStore} session
 * @param {() => App} appOf
 * @returns {Pick<App, "attempt" | "run" | "busyWith">}
 */
const createRunner = (session, appOf) => {
  /** @type {App["attempt"]} */
  const attempt = async (work) => {
    try {
      return await work();
    } catch (error) {
      tellProblem(session, error);
      return undefined;
    }
  };
  return {
    attempt,
    run: (id, ...given) => attempt(() => runCommand(appOf(), id, given)),
    busyWith: async (reading, work) => {
      session.set({ reading });
      return work().finally(() => session.set({ reading: "" }));
    },
  };
};

/**
 * The App, built once. The views are built from it, so what it needs of them comes late.
 * @param {HTMLElement} element
 * @param {Host} host
 * @param {() => Views} viewsOf
 * @returns {App}
 */
const createApp = (element, host, viewsOf) => {
  const session = createSession();
  const [storage, tab] = [
    createKeyValues(() => localStorage),
    createKeyValues(() => sessionStorage),
  ];
  const { store, masks } = createDocument(NOTHING, { now: clock.now, unique });
  const { refresh, touched } = createRefresh((box) => viewsOf().draw(shown(), box));
  /** @type {Pictures} */
  const pictures = createPictures({
    urlOf: host.pictureUrl,
    masks,
    changed: refresh,
    previewState: () => ({
      count: session.state.job?.stage1Count ?? 0,
      watched: session.state.watched,
    }),
  });
  const shown = createShown(store, session, pictures);
  const newId = () => `layer-${unique()}`;
  const hidden = () => document.hidden;
  const kept = { database: createMaskDatabase(), clock, storage, tab };
  const hear = (/** @type {StreamListener} */ take) => listen(host.url("lamina/queue"), take);
  const bridge = createBridge({
    host,
    newId,
    store,
    session,
    masks,
    ...kept,
    hidden,
    listen: hear,
  });
  rememberBrush(session, storage);
  session.set({ cardOpen: storage.get(CARD_KEY) ?? true });
  /** @type {App} */
  const app = {
    store,
    session,
    masks,
    storage,
    pictures,
    bridge,
    tints: createTints(),
    shown,
    refresh,
    touched,
    newId,
    random: () => Math.floor(Math.random() * LARGEST_DRAWN_SEED),
    addressOf: host.url,
    correctAddress,
    download,
    chooseFiles,
    ...createRunner(session, () => app),
    ...createBindings(session, storage),
    ...createTheme(element, storage, session),
    ...createTurns(),
    stageSize: () => viewsOf().stage.size(),
    drawTogether: (layers) => viewsOf().stage.drawTogether(layers),
  };
  return app;
};

/**
 * While a person drags on the stage, what lies around it follows this much later: samples come
 * before panels.
 */
const PANELS_MS = 200;

/**
 * Answers update(shown): all panels, but during a drag only now and then; its end draws them anyway.
 * @param {readonly Panel[]} panels
 * @param {Pick<StageView, "held">} stage
 * @returns {(shown: Shown) => void}
 */
const createPanels = (panels, stage) => {
  let last = 0;
  return (shown) => {
    const now = performance.now();
    if (stage.held() && now - last < PANELS_MS) return;
    last = now;
    panels.forEach((panel) => panel.update(shown));
  };
};

/**
 * Builds the views into the element.
 * @param {App} app
 * @param {HTMLElement} element
 * @returns {Views}
 */
const buildViews = (app, element) => {
  /** @type {StageView} */
  const stage = createStage(app);
  const strength = createStrengthVeil(app);
  const over = {
    notices: createNotices(app),
    banners: createBanners(app),
    found: createSubjectVeil(app),
  };
  const panels = {
    topbar: createTopbar(app),
    tools: createToolbar(app),
    options: createOptionsBar(app),
    strip: createStrip(app),
    layers: createLayersPanel(app),
    card: createCardPanel(app),
    recipe: createRecipePanel(app),
    keys: createKeySheet(app),
    palette: createCommandPalette(app),
    dialog: createCommandDialog(app),
    context: createContextMenu(app, (point) => layerAt(app, point)),
    subjects: createSubjectsPanel(app),
    models: createModelsPanel(app),
    check: createCheckSheet(app),
  };
  const [home, gallery] = [createHomeView(app), createGalleryView(app)];
  stage.node.append(over.found.node, ...strength.nodes, over.notices.node);
  const centre = h(
    "main",
    { class: "centre" },
    panels.options.node,
    over.banners.node,
    stage.node,
    panels.strip.node,
  );
  const { layers, card, recipe } = panels;
  const side = h("aside", { class: "side" }, layers.node, card.node, recipe.node);
  const { subjects, models, keys, palette, dialog, check, context } = panels;
  const sheets = [subjects, models, home, gallery, keys, palette, dialog, check, context];
  const above = sheets.map(({ node }) => node);
  const editor = [panels.topbar.node, panels.tools.node, centre, side];
  element.replaceChildren(...editor, ...above);
  createSideGrip(app, side);
  element.addEventListener("contextmenu", context.open);
  const updatePanels = createPanels(Object.values(panels), stage);
  return {
    stage,
    draw: (shown, box) => {
      stage.update(shown, box);
      strength.update(shown);
      if (box) return;
      const { homeOpen, galleryOpen, galleryCarried } = shown.state;
      const covers = [homeOpen && home.node, galleryOpen && !galleryCarried && gallery.node];
      const ground = covers.find((node) => node !== false) ?? stage.node;
      if (over.notices.node.parentNode !== ground) ground.append(over.notices.node);
      editor.forEach((part) => void (part.inert = ground !== stage.node));
      Object.values(over).forEach((view) => view.update(shown));
      home.update(shown);
      gallery.update(shown);
      updatePanels(shown);
    },
  };
};

/**
 * A JSON-able summary for tests and the curious; pixels are what the page of the canvas shows, at
 * scene size.
 * @param {App} app
 * @param {StageView} stage
 */
const createProbe = (app, stage) => ({
  state: () => {
    const { record, state, shownDigest } = app.shown();
    const { project, revision, saved, link, job, showing, viewed, candidates, stage1Images } =
      state;
    const { coverage, notes, tool, view } = state;
    return structuredClone({
      ...withKnownNames(record, app.masks),
      project,
      revision,
      saved,
      link,
      job,
      showing,
      viewed,
      candidates,
      stage1Images,
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
  /**
   * @param {Identifier} id
   * @param {PaintedField} [field]
   */
  maskPixels: (id, field = "mask") => {
    const mask = app.pictures.mask(layerOf(app.store.record, id)?.[field]);
    return mask && { width_px: mask.width_px, height_px: mask.height_px, grey: bytesOf(mask) };
  },
});

/**
 * The scene of the address, or the one that this tab had. Where it cannot be opened, Home says why
 * and lists the others.
 * @param {App} app
 * @param {Identifier | ""} scene
 */
const openFirst = async (app, scene) => {
  try {
    await app.bridge.hello(scene);
  } catch (error) {
    app.session.set({ homeOpen: !app.session.state.galleryOpen });
    throw error;
  }
};

/**
 * Builds the editor inside `element` and resolves when a scene is open. `element.lamina` is a probe
 * for tests: {state(), canvasPixels(), maskPixels(id)}.
 * @param {HTMLElement & { lamina?: ReturnType<typeof createProbe> }} element
 * @param {Host} host
 */
export const mount = async (element, host) => {
  element.classList.add("lamina");
  await loadStyle(element, new URL("./styles/main.css", import.meta.url).href);
  const app = createApp(element, host, () => views);
  const views = buildViews(app, element);
  app.store.subscribe(app.refresh);
  app.session.subscribe(app.refresh);
  app.bridge.whenBack(() => app.pictures.retry());
  connectKeys(app, element, {
    commandFor: (...pressed) => {
      const command = commandFor(...pressed);
      return command && isCovered(app.session.state) && !worksAtHome(command) ? null : command;
    },
    chordOf,
    holdSpace: views.stage.holdSpace,
  });
  connectPaste(app);
  connectLeaving(app);
  element.lamina = createProbe(app, views.stage);
  const { home, gallery, scene } = readPlace();
  app.session.set({ homeOpen: home, galleryOpen: gallery });
  connectAddress(app, (place) => app.run("goTo", place));
  app.refresh();
  await app.attempt(() => openFirst(app, scene));
  if (app.session.state.homeOpen) await app.attempt(() => app.bridge.home.refresh());
  if (app.session.state.galleryOpen) await app.run("openGallery");
  await app.attempt(() => app.bridge.library.refresh());
};
