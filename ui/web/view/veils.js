// Masks over the page, each in its layer's colour and pattern, as sheets {canvas, shift}: regions of painted layers,
// and what the mask of the picture at hand hides, while it is painted.

import { isPainted } from "../model/records.js";

const FINEST_PX = 128;

/**
 * Sheets (a canvas that fills the page, and a matrix by which it is shifted) of the visible painted layers, the
 * selected one on top; a selected picture's mask has one only while a tool `paints`.
 */
export const createVeils = (desk, plates, shiftOf) => {
  const styleOf = ({ id, hidden }, mask) => ({
    ink: desk.inks().tints[desk.tints.indexOf(id)],
    pattern: desk.tints.indexOf(id),
    step_px: Math.max(1, Math.round(Math.max(mask.width_px, mask.height_px) / (4 * FINEST_PX))),
    hidden,
  });
  const sheetOf = (layer) => {
    const { id, mask } = layer;
    const found = desk.pictures.mask(mask);
    const style = found && styleOf({ id, hidden: !isPainted(layer) }, found);
    return found ? { canvas: plates.get(`${id} veil`, found, style), shift: shiftOf(layer) } : null;
  };
  return (scene, selected, paints) => {
    if (!desk.inks().ready) return [];
    const isShown = (layer) => isPainted(layer) || (paints && layer.id === selected);
    const painted = scene.layers.filter((layer) => layer.visible && layer.mask && isShown(layer));
    const others = painted.filter(({ id }) => id !== selected);
    const own = painted.filter(({ id }) => id === selected);
    return [...others, ...own].map(sheetOf).filter(Boolean);
  };
};
