// In which steps a layer's words are heard: a share of all steps from one end up to another.

/** @import { Layer } from "../types/protocol.d.ts" */

import { roundTo } from "../kernels/numbers.js";

/** The least share between the two ends: with none the words would never be heard. */
const LEAST = 0.05;

/**
 * @param {number} low
 * @param {number} high
 */
const rangeOf = (low, high) => ({
  heard_from: roundTo(low, LEAST),
  heard_to: roundTo(high, LEAST),
});

/**
 * The range of a layer with its lower end at a value, which pushes the upper one along.
 * @param {Partial<Pick<Layer, "heard_from" | "heard_to">>} layer
 * @param {number} value
 */
export const withLow = ({ heard_to: high = 1 }, value) => {
  const low = Math.min(value, 1 - LEAST);
  return rangeOf(low, Math.max(high, low + LEAST));
};

/**
 * The range of a layer with its upper end at a value, which pushes the lower one along.
 * @param {Partial<Pick<Layer, "heard_from" | "heard_to">>} layer
 * @param {number} value
 */
export const withHigh = ({ heard_from: low = 0 }, value) => {
  const high = Math.max(value, LEAST);
  return rangeOf(Math.min(low, high - LEAST), high);
};

/**
 * Its words for the shut fold; none where all steps hear it.
 * @param {Partial<Pick<Layer, "heard_from" | "heard_to">>} layer
 * @param {(value: number) => string} format
 */
export const heardText = ({ heard_from: low = 0, heard_to: high = 1 }, format) =>
  low === 0 && high === 1 ? "" : `heard ${format(low)} – ${format(high)}`;
