// The regions of painted layers, each in its layer's colour and pattern, as sheets {canvas, shift} over the page.

import { isPainted } from "../model/records.js";

const FINEST_PX = 128;

/**
 * Sheets (a canvas that fills the page, and a matrix by which it is shifted) of the visible painted layers; the one at
 * hand lies on top.
 */
export const createVeils = (desk, plates, shiftOf) => {
  const styleOf = (id, mask) => ({
    ink: desk.inks().tints[desk.tints.indexOf(id)],
    pattern: desk.tints.indexOf(id),
    step_px: Math.max(1, Math.round(Math.max(mask.width_px, mask.height_px) / (4 * FINEST_PX))),
  });
  const sheetOf = (layer) => {
    const { id, mask } = layer;
    const found = desk.pictures.mask(mask);
    return found ? { canvas: plates.get(`${id} veil`, found, styleOf(id, found)), shift: shiftOf(layer) } : null;
  };
  return (scene, selected) => {
    if (!desk.inks().ready) return [];
    const painted = scene.layers.filter((layer) => layer.visible && layer.mask && isPainted(layer));
    const others = painted.filter(({ id }) => id !== selected);
    const own = painted.filter(({ id }) => id === selected);
    return [...others, ...own].map(sheetOf).filter(Boolean);
  };
};
