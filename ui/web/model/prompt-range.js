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
  prompt_start: roundTo(low, LEAST),
  prompt_end: roundTo(high, LEAST),
});

/**
 * The range of a layer with its lower end at a value, which pushes the upper one along.
 * @param {Partial<Pick<Layer, "prompt_start" | "prompt_end">>} layer
 * @param {number} value
 */
export const withLow = ({ prompt_end: high = 1 }, value) => {
  const low = Math.min(value, 1 - LEAST);
  return rangeOf(low, Math.max(high, low + LEAST));
};

/**
 * The range of a layer with its upper end at a value, which pushes the lower one along.
 * @param {Partial<Pick<Layer, "prompt_start" | "prompt_end">>} layer
 * @param {number} value
 */
export const withHigh = ({ prompt_start: low = 0 }, value) => {
  const high = Math.max(value, LEAST);
  return rangeOf(Math.min(low, high - LEAST), high);
};

/**
 * Its words for the shut fold; none where all steps hear it.
 * @param {Partial<Pick<Layer, "prompt_start" | "prompt_end">>} layer
 * @param {(value: number) => string} format
 */
export const promptRangeText = ({ prompt_start: low = 0, prompt_end: high = 1 }, format) =>
  low === 0 && high === 1 ? "" : `active ${format(low)} – ${format(high)}`;
