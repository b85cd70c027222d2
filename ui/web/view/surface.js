// What a tool may see of the stage, and do to it.

import { coversCanvas, isHit, topmostAt } from "../kernels/boxes.js";
import { layerOf, titleOf } from "../model/records.js";

/** The visible layers whose picture is here, from back to front, as the hit tests want them. */
const objectsOf = ({ store, pictures }) =>
  store.record.scene.layers.flatMap(({ id, visible, locked, placement, picture }) => {
    const found = visible ? pictures.get(picture) : null;
    return found ? [{ id, locked, placement, size: found.size, alpha: found.alpha }] : [];
  });

/** Locked layers are found only where nothing else is. */
const topmostOf = (objects, point) => {
  const free = objects.filter(({ locked }) => !locked);
  return topmostAt(free, point) ?? topmostAt(objects, point);
};

export const createSurface = (desk, canvas) => {
  const { store, session, pictures } = desk;
  const sizeOf = ({ picture }) => pictures.get(picture)?.size ?? null;
  const selected = () => layerOf(store.record, store.record.selected);
  return {
    sizeOf,
    selected,
    view: () => session.state.view,
    canvas: () => store.record.scene,
    hits: (id, point) => objectsOf(desk).some((object) => object.id === id && isHit(object, point)),
    topmost: (point) => topmostOf(objectsOf(desk), point),
    isBackdrop: (layer) => coversCanvas(layer.placement, sizeOf(layer), store.record.scene),
    begin: (name) => {
      session.set({ showing: "collage" });
      return store.begin(`${name} ${titleOf(selected())}`);
    },
    amend: (edit) => store.amend(edit),
    look: (view) => session.set({ view, fitted: false }),
    guide: (guides) => void (session.state.guides !== guides && session.set({ guides })),
    point: ({ cursor, hovered }) => {
      if (canvas.style.cursor !== cursor) canvas.style.cursor = cursor;
      if (session.state.hovered !== hovered) session.set({ hovered });
    },
  };
};
