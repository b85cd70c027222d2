// LoRAs that are applied: a list of names with weights, of the whole scene or of one layer.

/** @import { Facts, LoraChoice, RunSettings } from "../types/protocol.d.ts" */

/** @typedef {readonly LoraChoice[]} Loras */

/** The weights that can be set; 1 is as it was trained, below 0 the other way round. */
export const WEIGHTS = Object.freeze({ low: -4, high: 4, step: 0.05 });

/**
 * @param {Loras} loras
 * @param {string} name
 * @returns {Loras}
 */
export const addLora = (loras, name) =>
  name === "" || loras.some((one) => one.name === name) ? loras : [...loras, { name, weight: 1 }];

/**
 * @param {Loras} loras
 * @param {string} name
 * @returns {Loras}
 */
export const removeLora = (loras, name) => loras.filter((one) => one.name !== name);

/**
 * @param {Loras} loras
 * @param {string} name
 * @param {number} weight
 * @returns {Loras}
 */
export const weighLora = (loras, name, weight) =>
  loras.map((one) => (one.name === name ? { name, weight } : one));

/**
 * The weight of a LoRA; null where it is not applied.
 * @param {Loras} loras
 * @param {string} name
 */
export const weightOf = (loras, name) => loras.find((one) => one.name === name)?.weight ?? null;

/**
 * Whether a file of that name was found.
 * @param {Readonly<Facts> | null} facts
 * @param {string} name
 */
export const hasLora = (facts, name) => (facts?.loras ?? []).some((one) => one.name === name);

/**
 * What can still be chosen, after a line that asks for it.
 * @param {Readonly<Facts> | null} facts
 * @param {Loras} loras
 */
export const loraChoices = (facts, loras) => [
  { id: "", title: "Add a LoRA …" },
  ...(facts?.loras ?? [])
    .filter(({ name }) => weightOf(loras, name) === null)
    .map(({ name }) => ({ id: name, title: name })),
];

/**
 * What a LoRA that was distilled to few steps is drawn with; null for any other.
 * @param {Readonly<Facts> | null} facts
 * @param {string} name
 */
const fewStepsOf = (facts, name) =>
  (facts?.loras ?? []).find((one) => one.name === name)?.few_steps ?? null;

/**
 * The dials that a LoRA brings with it: nothing, but for one of few steps.
 * @param {Readonly<Facts> | null} facts
 * @param {string} name
 * @returns {Partial<RunSettings>}
 */
export const broughtBy = (facts, name) => {
  const few = fewStepsOf(facts, name);
  if (!few) return {};
  const { sampler, steps, guidance_scale } = few;
  return { sampler, steps, guidance_scale };
};

/**
 * What is said beside a LoRA of few steps, empty for any other.
 * @param {Readonly<Facts> | null} facts
 * @param {string} name
 * @param {RunSettings} settings
 */
export const broughtText = (facts, name, settings) => {
  const few = fewStepsOf(facts, name);
  if (!few) return "";
  const { title, sampler, steps, guidance_scale: guidance } = few;
  const is =
    settings.sampler === sampler &&
    settings.steps === steps &&
    settings.guidance_scale === guidance;
  const dials = `${sampler.replaceAll("_", " ")}, ${steps} steps, guidance ${guidance}`;
  return is
    ? `${title} brought its dials: ${dials}. Undo takes them back.`
    : `${title} was made for ${dials}.`;
};
