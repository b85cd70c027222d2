// What a command asks for before it runs: a list of parameters, from which its dialog is made and
// by which whatever is handed to it is checked.

/** @import { Parameter, ParameterValue, ParameterValues } from "../types/editor.d.ts" */

import { formatNumber } from "../kernels/numbers.js";

/** What was handed to a command is not what it asks for. */
export class ParameterError extends Error {
  name = "ParameterError";

  /** @param {{ what: string, limit?: string, remedy?: string }} sentences */
  constructor({ what, limit = "", remedy = "" }) {
    super(what);
    this.what = what;
    this.limit = limit;
    this.remedy = remedy;
  }
}

/**
 * @param {Parameter} parameter
 * @param {unknown} value
 * @param {string} limit
 */
const refuse = ({ title }, value, limit) => {
  const found = typeof value === "object" ? "what was given" : `“${String(value).slice(0, 40)}”`;
  return new ParameterError({
    what: `“${title}” cannot be ${found}.`,
    limit,
    remedy: "Change it, then try again.",
  });
};

/** @type {Readonly<Record<Parameter["kind"], (parameter: Parameter, value: unknown) => string>>} */
const OBSTACLES = {
  number: ({ low = -Infinity, high = Infinity, unit = "" }, value) => {
    const isGood =
      typeof value === "number" && Number.isFinite(value) && value >= low && value <= high;
    return isGood ? "" : `It is a number from ${low} to ${high}${unit && ` ${unit}`}.`;
  },
  choice: ({ options = [] }, value) =>
    options.some(({ id }) => id === value)
      ? ""
      : `It is one of: ${options.map(({ title }) => title).join(", ")}.`,
  colour: (_, value) =>
    typeof value === "string" && /^#[0-9a-f]{6}$/.test(value)
      ? ""
      : "It is a colour such as #ffffff.",
  tick: (_, value) => (typeof value === "boolean" ? "" : "It is yes or no."),
  text: ({ high = 200 }, value) =>
    typeof value === "string" && value.length <= high
      ? ""
      : `It is a text of at most ${high} letters.`,
};

/**
 * The usual values of parameters.
 * @param {readonly Parameter[]} parameters
 * @returns {ParameterValues}
 */
export const usualValues = (parameters) =>
  Object.fromEntries(parameters.map(({ name, value }) => [name, value]));

/**
 * The values that a command gets: those given where they are allowed, else the usual ones. A
 * ParameterError says what is wrong with one, or that there is none of that name.
 * @param {readonly Parameter[]} parameters
 * @param {unknown} given
 * @returns {ParameterValues}
 */
export const checkParameters = (parameters, given) => {
  if (given === null || typeof given !== "object" || Array.isArray(given))
    throw new ParameterError({ what: "These are no parameters.", remedy: "Open its dialog." });
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  for (const name of Object.keys(given))
    if (!known.has(name))
      throw new ParameterError({ what: `There is no parameter “${name.slice(0, 40)}”.` });
  const values = { ...usualValues(parameters) };
  for (const [name, parameter] of known) {
    if (!Object.hasOwn(given, name)) continue;
    const value = /** @type {Record<string, unknown>} */ (given)[name];
    const limit = OBSTACLES[parameter.kind](parameter, value);
    if (limit) throw refuse(parameter, value, limit);
    values[name] = /** @type {ParameterValue} */ (
      parameter.kind === "number" ? Number(formatNumber(Number(value), parameter.step)) : value
    );
  }
  return values;
};
