// What a tool may see of the stage, and do to it.

/**
 * @import { App, Point, Surface } from "../../types/editor.d.ts"
 * @import { Digest, Identifier, Layer } from "../../types/protocol.d.ts"
 * @import { HitLayer } from "../../types/view.d.ts"
 */

import { coversCanvas, isHit, topmostAt } from "../../kernels/boxes.js";
import { valueAt } from "../../kernels/tiles.js";
import { toScene, toScreen } from "../../kernels/views.js";
import { select } from "../../model/edits.js";
import { boxOf } from "../../model/extents.js";
import { beginPart } from "../../model/marquee.js";
import { beginMask } from "../../model/painting.js";
import { chosenIds, isPainted, layerOf, titleOf } from "../../model/records.js";
import { show } from "../dom/elements.js";

const SEEN_MASK = 26;

/**
 * The visible layers that are here, from back to front, each with how a point hits it.
 * @param {App} app
 * @returns {HitLayer[]}
 */
const objectsOf = ({ store, pictures }) =>
  store.record.scene.layers
    .filter(({ visible }) => visible)
    .flatMap((layer) => {
      const mask = layer.mask ? pictures.mask(layer.mask) : null;
      /** @param {Point} point */
      const inMask = (point) => !mask || valueAt(mask, point.x, point.y) >= SEEN_MASK;
      if (isPainted(layer)) return mask ? [{ ...layer, hit: inMask }] : [];
      const found = pictures.get(layer.picture);
      if (!found) return [];
      const object = { placement: layer.placement, size: found.size, alpha: found.alpha };
      return [{ ...layer, hit: (point) => isHit(object, point) && inMask(point) }];
    });

/**
 * Locked layers are found only where nothing else is.
 * @param {readonly HitLayer[]} objects
 * @param {Point} point
 */
const topmostOf = (objects, point) => {
  const free = objects.filter(({ locked }) => !locked);
  return topmostAt(free, point) ?? topmostAt(objects, point);
};

/**
 * The circle of the brush at the pointer: an element of its own, so that moving it draws nothing.
 * @param {App} app
 * @param {HTMLElement} ring
 * @param {Point | null} point
 */
const placeRing = (app, ring, point) => {
  show(ring, point !== null);
  if (!point) return;
  const side = Math.max(3, app.session.state.brush.size * app.session.state.view.zoom);
  Object.assign(ring.style, {
    width: `${side}px`,
    height: `${side}px`,
    transform: `translate(${point.x - side / 2}px, ${point.y - side / 2}px)`,
  });
};

/**
 * @param {App} app
 * @param {Layer} layer
 */
const isBackdrop = ({ store, pictures }, layer) => {
  const size = isPainted(layer) ? null : pictures.get(layer.picture)?.size;
  return Boolean(size && coversCanvas(layer.placement, size, store.record.scene));
};

/** @param {App} app */
const boxesOf = (app) =>
  app.store.record.scene.layers
    .filter(({ visible }) => visible)
    .flatMap((layer) => {
      const box = boxOf(layer, app.pictures);
      return box ? [{ id: layer.id, box, isFixed: layer.locked || isBackdrop(app, layer) }] : [];
    });

/**
 * The layer that is seen at a point of the stage, "" for none.
 * @param {App} app
 * @param {Point} point
 */
export const layerAt = (app, point) =>
  topmostOf(objectsOf(app), toScene(app.session.state.view, point))?.id ?? "";

/** @param {Layer | null} layer */
const nameOf = (layer) => (layer ? titleOf(layer) : "a layer");

/**
 * @param {App} app
 * @param {{
 *   canvas: HTMLElement,
 *   ring: HTMLElement,
 *   pixels: () => Uint8ClampedArray,
 * }} parts The pixels are what the page shows at scene size.
 * @returns {Surface}
 */
export const createToolSurface = (app, { canvas, ring, pixels }) => {
  const { store, session, pictures } = app;
  /** @param {{ picture: Digest | null }} one */
  const sizeOf = ({ picture }) => pictures.get(picture)?.size ?? null;
  const selected = () => layerOf(store.record, store.record.selected);
  /**
   * @param {Identifier} id
   * @param {Point} point
   */
  const hits = (id, point) =>
    objectsOf(app).some((object) => object.id === id && object.hit(point));
  return {
    sizeOf,
    selected,
    pixels,
    view: () => session.state.view,
    canvas: () => store.record.scene,
    brush: () => session.state.brush,
    region: () => session.state.region,
    toScene: (point) => toScene(session.state.view, point),
    toScreen: (point) => toScreen(session.state.view, point),
    hits,
    beginPart: (box, way) => beginPart({ ...app, hits }, box, way),
    topmost: (point) => topmostOf(objectsOf(app), point),
    isBackdrop: (layer) => isBackdrop(app, layer),
    begin: (name) => {
      session.set({ showing: "collage" });
      return store.begin(`${name} ${nameOf(selected())}`);
    },
    beginMask: (name) => beginMask(app, name),
    selectObject: (where) => void app.run("selectObject", where),
    carryObject: (move) => void app.run("moveObject", move),
    chosen: () => chosenIds(store.record, session.state.also),
    chooseAlone: () => void (session.state.also.length > 0 && session.set({ also: [] })),
    choose: (ids) => {
      const { selected: known } = store.record;
      session.set({ also: ids.length > 1 ? [...ids] : [] });
      store.amend(select(ids.includes(known) ? known : (ids.at(-1) ?? "")));
    },
    boxes: () => boxesOf(app),
    amend: (edit) => store.amend(edit),
    look: (view) => session.set({ view, fitted: false }),
    guide: (guides) => void (session.state.guides !== guides && session.set({ guides })),
    outline: (outline) => void (session.state.outline !== outline && session.set({ outline })),
    point: ({ cursor, hovered, ring: at = null }) => {
      placeRing(app, ring, at);
      if (canvas.style.cursor !== cursor) canvas.style.cursor = cursor;
      if (session.state.hovered !== hovered) session.set({ hovered });
    },
  };
};
