// A stage without a page: a real store with real masks, full pictures, a view and an outline that are remembered.

import { bounds, isHit, topmostAt } from "../../ui/web/kernels/boxes.js";
import { toScene, toScreen } from "../../ui/web/kernels/views.js";
import { createDocument } from "../../ui/web/model/document.js";
import { select } from "../../ui/web/model/edits.js";
import { beginPart } from "../../ui/web/model/marquee.js";
import { beginMask } from "../../ui/web/model/painting.js";
import { chosenIds, layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { buildEditor, layer } from "./editor_fixtures.mjs";

export const SIZE = { width_px: 100, height_px: 60 };
const FULL = { width: 1, height: 1, values: Uint8Array.from([255]) };

export const at = (x, y) => ({
  centre_x_px: x,
  centre_y_px: y,
  scale_x: 1,
  scale_y: 1,
  rotation_deg: 0,
  flip_x: false,
  flip_y: false,
});

/** Names 1, 2, 3, … */
export const createUnique = () => {
  let serial = 0;
  return () => String((serial += 1));
};

export const createSurface = (
  layers = [layer("cat", { placement: at(100, 100) }), layer("car", { placement: at(300, 200) })],
) => {
  const [session, unique] = [createSession(), createUnique()];
  const { store, masks } = createDocument(buildEditor(layers), { now: () => 0, unique });
  return surfaceOver({
    store,
    session,
    masks,
    newId: () => `layer-${unique()}`,
    touched: () => {},
  });
};

/** The stage of parts {store, session, masks, newId, touched} that are there already. */
export const surfaceOver = (parts) => {
  const { store, session } = parts;
  const seen = {
    view: { zoom: 1, x: 0, y: 0 },
    guides: null,
    pointed: null,
    outline: null,
    objects: [],
  };
  const objects = () =>
    store.record.scene.layers.map((each) => ({
      ...each,
      hit: (point) => isHit({ placement: each.placement, size: SIZE, alpha: FULL }, point),
    }));
  const hits = (id, point) => objects().some((each) => each.id === id && each.hit(point));
  return {
    ...parts,
    seen,
    sizeOf: () => SIZE,
    view: () => seen.view,
    canvas: () => store.record.scene,
    selected: () => layerOf(store.record, store.record.selected),
    brush: () => session.state.brush,
    region: () => session.state.region,
    toScene: (point) => toScene(seen.view, point),
    toScreen: (point) => toScreen(seen.view, point),
    pixels: () => new Uint8Array(store.record.scene.width_px * store.record.scene.height_px * 4),
    hits,
    beginPart: (box, way) => beginPart({ ...parts, hits }, box, way),
    topmost: (point) => topmostAt(objects(), point),
    isBackdrop: (each) => each.id === "back",
    begin: (name) => store.begin(name),
    beginMask: (name) => beginMask(parts, name),
    selectObject: (where) => void seen.objects.push(where),
    carryObject: (move) => void seen.objects.push(move),
    chosen: () => chosenIds(store.record, session.state.also),
    chooseAlone: () => session.set({ also: [] }),
    choose: (ids) => {
      const { selected } = store.record;
      session.set({ also: ids.length > 1 ? ids : [] });
      store.amend(select(ids.includes(selected) ? selected : (ids.at(-1) ?? "")));
    },
    boxes: () =>
      store.record.scene.layers
        .filter(({ visible }) => visible)
        .map(({ id, placement, locked }) => ({
          id,
          box: bounds(placement, SIZE),
          isFixed: locked || id === "back",
        })),
    amend: (edit) => store.amend(edit),
    look: (view) => (seen.view = view),
    guide: (guides) => (seen.guides = guides),
    outline: (outline) => void (seen.outline = outline),
    point: (pointed) => void (seen.pointed = pointed),
  };
};

export const event = (kind, x = 0, y = 0, keys = {}) => ({
  kind,
  point: { x, y },
  pressure: 1,
  trail: [{ point: { x, y }, pressure: 1 }],
  shift: false,
  alt: false,
  ctrl: false,
  eraser: false,
  ...keys,
});

export const send = (machine, ...events) => events.forEach((each) => machine.send(each));
