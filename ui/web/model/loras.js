// LoRAs that are applied: a list of names with weights, of the whole scene or of one layer.

/** @import { Facts, LoraChoice } from "../types/protocol.d.ts" */

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
