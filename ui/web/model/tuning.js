// Dials that the server chose for a layer, and why.

/**
 * @import { LayerPatch } from "../types/editor.d.ts"
 * @import { Layer, TunedLayer } from "../types/protocol.d.ts"
 */

/** @type {readonly ("strength" | "attention_positive" | "attention_negative")[]} */
const FIELDS = Object.freeze(["strength", "attention_positive", "attention_negative"]);
const ABOUT_STRUCTURE = "Edges";

/**
 * The patch that gives a layer its chosen dials; edges are held only where the layer already holds
 * to a structure.
 * @param {Layer} layer
 * @param {TunedLayer} tuned
 * @returns {LayerPatch}
 */
export const dialsOf = (layer, tuned) => {
  const patch = Object.fromEntries(FIELDS.map((field) => [field, tuned[field]]));
  if (layer.structure.kind === "none") return patch;
  return { ...patch, structure: { ...layer.structure, weight: tuned.structure } };
};

/**
 * The sentences for a layer's dials as long as they are the chosen ones; none once somebody turned
 * one.
 * @param {Layer} layer
 * @param {TunedLayer | undefined} tuned
 */
export const reasonsOf = (layer, tuned) => {
  if (!tuned || FIELDS.some((field) => layer[field] !== tuned[field])) return [];
  if (layer.structure.kind === "none")
    return tuned.reasons.filter((reason) => !reason.startsWith(ABOUT_STRUCTURE));
  return layer.structure.weight === tuned.structure ? tuned.reasons : [];
};
