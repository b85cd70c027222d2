// In which steps a layer's words are heard: a share of all steps from one end up to another.

import { roundTo } from "../kernels/numbers.js";

/** The least share between the two ends: with none the words would never be heard. */
const LEAST = 0.05;

/** One end of the range moved to a value, which pushes the other one along: {heard_from, heard_to}. */
export const withEnd = ({ heard_from = 0, heard_to = 1 }, field, value) => {
  if (field === "heard_from") {
    const low = Math.min(value, 1 - LEAST);
    return { heard_from: roundTo(low, LEAST), heard_to: roundTo(Math.max(heard_to, low + LEAST), LEAST) };
  }
  const high = Math.max(value, LEAST);
  return { heard_from: roundTo(Math.min(heard_from, high - LEAST), LEAST), heard_to: roundTo(high, LEAST) };
};

/** Its words for the shut fold; none where all steps hear it. */
export const heardText = ({ heard_from = 0, heard_to = 1 }, format) =>
  heard_from === 0 && heard_to === 1 ? "" : `heard ${format(heard_from)} – ${format(heard_to)}`;
