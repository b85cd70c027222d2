// Few steps: models that have a network for it draw in four steps what others take thirty for.

/**
 * @import { Facts, RunSettings } from "../types/protocol.d.ts"
 */

const NETWORK = "unet_lcm";
/** @type {ReadonlySet<string>} */
const DISTILLED = new Set(["lcm", "tcd"]);

/** @type {Pick<RunSettings, "sampler" | "steps" | "guidance_scale">} */
const FEW = { sampler: "lcm", steps: 4, guidance_scale: 1 };
/** @type {Pick<RunSettings, "sampler" | "steps" | "guidance_scale">} */
const USUAL = { sampler: "ddim", steps: 30, guidance_scale: 5 };

/**
 * Whether the chosen model has a network for few steps.
 * @param {Readonly<Facts> | null} facts
 * @param {RunSettings} settings
 */
export const hasFewSteps = (facts, { model }) =>
  facts?.models.find(({ id }) => id === model)?.members.includes(NETWORK) ?? false;

/** @param {RunSettings} settings */
export const drawsInFewSteps = ({ sampler }) => DISTILLED.has(sampler);

/**
 * What changes with the box: sampler, steps and guidance together.
 * @param {boolean} wanted
 */
export const fewStepsSettings = (wanted) => (wanted ? FEW : USUAL);

/**
 * What changes with a sampler: one of few steps brings its steps and its guidance, and takes them
 * away again.
 * @param {RunSettings} settings
 * @param {RunSettings["sampler"]} sampler
 * @param {boolean} able whether the model has a network for few steps
 * @returns {Partial<RunSettings>}
 */
export const samplerSettings = (settings, sampler, able) => {
  const [before, after] = [drawsInFewSteps(settings), DISTILLED.has(sampler)];
  if (!able || before === after) return { sampler };
  return { ...fewStepsSettings(after), sampler };
};
