// The stage: it turns pointer, wheel and drop into events for the tools, and draws a frame when something changed.

import { coversCanvas, alphaAt, hitsBox, topmostAt } from "../kernels/boxes.js";
import { fitted, panned, toScene, zoomedAt } from "../kernels/views.js";
import { layerOf, titleOf } from "../model/records.js";
import { createMachine } from "../tools/chart.js";
import { HAND } from "../tools/look.js";
import { TOOLS } from "../tools/tools.js";
import { createInvitation, createProgress, createPromise, createSwitch } from "./chips.js";
import { createCompositor } from "./compositor.js";
import { h, set } from "./dom.js";
import { paintStage } from "./paint.js";

const WHEEL_RATE = 0.0015;
const LONGEST_WHEEL = 240;
const OPAQUE_ENOUGH = 26;

/** What the tools may see and do. */
const createSurface = (desk, size) => {
  const { store, session, pictures } = desk;
  const sizeOf = (layer) => (layer.picture ? (pictures.get(layer.picture)?.size ?? null) : null);
  const objects = () =>
    store.record.scene.layers
      .filter((layer) => layer.visible && sizeOf(layer))
      .map((layer) => ({
        id: layer.id,
        locked: layer.locked,
        placement: layer.placement,
        size: sizeOf(layer),
        alpha: pictures.get(layer.picture).alpha,
      }));
  const guide = (guides) => session.state.guides !== guides && session.set({ guides });
  return {
    sizeOf,
    view: () => session.state.view,
    canvas: () => store.record.scene,
    selected: () => layerOf(store.record, store.record.selected),
    hits: (id, point) => {
      const object = objects().find((other) => other.id === id);
      if (!object) return false;
      return object.alpha
        ? alphaAt(object.placement, object.size, object.alpha, point) >= OPAQUE_ENOUGH
        : hitsBox(object.placement, object.size, point);
    },
    topmost: (point) =>
      topmostAt(
        objects().filter(({ locked }) => !locked),
        point,
      ) ?? topmostAt(objects(), point),
    isBackdrop: (layer) => coversCanvas(layer.placement, sizeOf(layer), store.record.scene),
    begin: (name) => {
      session.set({ showing: "collage" });
      const layer = layerOf(store.record, store.record.selected);
      return store.begin(`${name} ${titleOf(layer)}`);
    },
    amend: (edit) => store.amend(edit),
    look: (view) => session.set({ view, fitted: false }),
    guide,
    point: ({ cursor, hovered }) => {
      if (size.canvas.style.cursor !== cursor) size.canvas.style.cursor = cursor;
      if (session.state.hovered !== hovered) session.set({ hovered });
    },
  };
};

/** Pointer events → the machine of the tool at hand; Space and the middle button borrow the hand. */
const connectPointer = (desk, canvas, surface) => {
  const machines = Object.fromEntries(TOOLS.map(({ id, chart }) => [id, createMachine(chart, surface)]));
  const hand = createMachine(HAND, surface);
  let active = null;
  let pointer = null;
  let spaceHeld = false;
  const own = () => (spaceHeld ? hand : machines[desk.session.state.tool]);
  const eventOf = (kind, event) => {
    const box = canvas.getBoundingClientRect();
    return {
      kind,
      point: { x: event.clientX - box.left, y: event.clientY - box.top },
      shift: event.shiftKey,
      alt: event.altKey,
      ctrl: event.ctrlKey || event.metaKey,
    };
  };
  const cancel = () => {
    const wasActive = active !== null;
    active?.send({ kind: "cancel" });
    [active, pointer] = [null, null];
    return wasActive;
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (active || event.button > 1) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    [active, pointer] = [event.button === 1 ? hand : own(), event.pointerId];
    active.send(eventOf("down", event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (active && event.pointerId === pointer) active.send(eventOf("move", event));
    else if (!active) own().send(eventOf("hover", event));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!active || event.pointerId !== pointer) return;
    active.send(eventOf("up", event));
    [active, pointer] = [null, null];
  });
  canvas.addEventListener("pointerleave", () => !active && surface.point({ cursor: "default", hovered: "" }));
  canvas.addEventListener("lostpointercapture", cancel);
  canvas.addEventListener("pointercancel", cancel);
  desk.onCancel(cancel);
  return {
    holdSpace: (held) => (spaceHeld = held),
    get active() {
      return active !== null;
    },
  };
};

const connectWheel = (desk, canvas) =>
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      const { view } = desk.session.state;
      const turned = Math.max(-LONGEST_WHEEL, Math.min(LONGEST_WHEEL, event.deltaY * (event.deltaMode === 1 ? 32 : 1)));
      if (event.shiftKey) return desk.session.set({ view: panned(view, -turned, 0), fitted: false });
      const point = { x: event.clientX - box.left, y: event.clientY - box.top };
      return desk.session.set({
        view: zoomedAt(view, point, view.zoom * Math.exp(-turned * WHEEL_RATE)),
        fitted: false,
      });
    },
    { passive: false },
  );

const connectDrop = (desk, node, canvas) => {
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    node.classList.toggle("dropping", depth > 0);
  };
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  node.addEventListener("dragenter", (event) => carriesFiles(event) && (event.preventDefault(), mark(1)));
  node.addEventListener("dragleave", (event) => carriesFiles(event) && mark(-1));
  node.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  node.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(-depth);
    const box = canvas.getBoundingClientRect();
    const point = toScene(desk.session.state.view, { x: event.clientX - box.left, y: event.clientY - box.top });
    desk.run("addFiles", [...event.dataTransfer.files], point);
  });
};

const describe = (shown) => {
  const { scene, selected } = shown;
  const what = shown.state.showing === "collage" ? "Collage" : "Result";
  const object = selected
    ? `Selected: ${titleOf(selected)}, at ${Math.round(selected.placement.centre_x_px)}, ${Math.round(selected.placement.centre_y_px)}.`
    : "Nothing selected.";
  return `${what}, ${scene.width_px} by ${scene.height_px} pixels. ${object}`;
};

export const createStage = (desk) => {
  const canvas = h("canvas", { class: "canvas", tabindex: "0", role: "application", "data-test": "canvas" });
  const chips = [createProgress(desk), createPromise(desk), createSwitch(desk), createInvitation(desk)];
  const node = h(
    "section",
    { class: "stage", "aria-label": "Canvas" },
    canvas,
    chips.map((chip) => chip.node),
  );
  const box = { canvas, width: 0, height: 0 };
  const surface = createSurface(desk, box);
  const pointer = connectPointer(desk, canvas, surface);
  connectWheel(desk, canvas);
  connectDrop(desk, node, canvas);
  const compositor = createCompositor(desk.pictures);
  const resize = () => {
    Object.assign(box, { width: node.clientWidth, height: node.clientHeight });
    const ratio = Math.min(2, devicePixelRatio);
    Object.assign(canvas, { width: Math.round(box.width * ratio), height: Math.round(box.height * ratio) });
    desk.refresh();
  };
  new ResizeObserver(resize).observe(node);
  const update = (shown) => {
    if (!box.width || !shown.state.project) return;
    if (shown.state.fitted) {
      const view = fitted(shown.scene, box);
      const { zoom, x, y } = shown.state.view;
      if (view.zoom !== zoom || view.x !== x || view.y !== y) return void desk.session.set({ view });
    }
    const frame = frameOf(desk, shown, compositor, surface);
    paintStage(canvas, { ...frame, ratio: canvas.width / box.width });
    chips.forEach((chip) => chip.update({ ...shown, hasPreview: frame.isPreview }));
    set(canvas, { "aria-label": describe(shown), "data-showing": frame.what });
    placeChips(node, shown, box);
  };
  return {
    node,
    update,
    size: () => box,
    holdSpace: pointer.holdSpace,
    compose: (shown) => frameOf(desk, shown, compositor, surface).picture,
  };
};

/** The chips stay inside the page where it is visible. */
const placeChips = (node, { scene, state: { view } }, box) => {
  const edges = {
    left: Math.max(0, view.x),
    top: Math.max(0, view.y),
    right: Math.max(0, box.width - view.x - scene.width_px * view.zoom),
    bottom: Math.max(0, box.height - view.y - scene.height_px * view.zoom),
  };
  for (const [side, value] of Object.entries(edges)) node.style.setProperty(`--page-${side}`, `${value}px`);
};

/** What fills the page: a preview, the shown result, or the collage. */
const pageOf = (desk, shown, compositor) => {
  const collage = () =>
    compositor.compose(shown.scene, shown.record.selected, (id) => desk.inks().tints[desk.tints.indexOf(id)]).canvas;
  if (shown.state.showing === "collage") return { what: "collage", picture: collage() };
  const preview = desk.pictures.preview(shown.state.job?.preview ?? "");
  if (preview) return { what: "preview", picture: preview };
  const result = desk.pictures.get(shown.shownDigest);
  return result ? { what: "result", picture: result.image } : { what: "collage", picture: collage() };
};

const frameOf = (desk, shown, compositor, surface) => {
  const { scene, selected, state } = shown;
  const { what, picture } = pageOf(desk, shown, compositor);
  const withSize = (layer) =>
    layer && { layer, size: surface.sizeOf(layer), picture: desk.pictures.get(layer.picture) };
  const hovered = state.hovered && state.hovered !== selected?.id ? layerOf(shown.record, state.hovered) : null;
  return {
    scene,
    view: state.view,
    inks: desk.inks(),
    what,
    picture,
    isPreview: what === "preview",
    showing: what,
    guides: state.guides,
    selected: withSize(selected),
    hovered: hovered && { ...withSize(hovered), tint: desk.inks().tints[desk.tints.indexOf(hovered.id)] },
    handles: state.tool === "move" && selected?.visible && !selected.locked && !state.job,
  };
};
