// The options of a method, as the JSON Schema of their type tells them.

/**
 * @import { Shown } from "../types/editor.d.ts"
 * @import { MethodOption } from "../types/model.d.ts"
 * @import { Layer, MethodFacts, OptionValue, RunSettings } from "../types/protocol.d.ts"
 */

const FINE_STEP = 0.01;

/**
 * The schemas of a method's options with their names, in the order of a form.
 * @param {MethodFacts | null} method
 * @returns {readonly MethodOption[]}
 */
export const optionsOf = (method) =>
  method ? Object.entries(method.options.properties).map(([name, one]) => ({ name, ...one })) : [];

/**
 * Least and greatest value of an option that is a number, and by how much it is turned.
 * @param {MethodOption} option
 */
export const rangeOf = ({ type, minimum, exclusiveMinimum, maximum, exclusiveMaximum, step }) => ({
  low: minimum ?? exclusiveMinimum ?? 0,
  high: maximum ?? exclusiveMaximum ?? 1,
  step: type === "integer" ? 1 : (step ?? FINE_STEP),
});

/**
 * @param {RunSettings} settings
 * @param {MethodOption} option
 * @returns {OptionValue}
 */
export const optionValue = (settings, { name, default: usual }) => settings.options[name] ?? usual;

/**
 * The option that sets others in proportion, where a method has one.
 * @param {MethodFacts | null} method
 */
export const linkedOption = (method) =>
  optionsOf(method).find(({ sets }) => sets !== undefined) ?? null;

/**
 * Whether the chosen method reads the words of a layer: one that draws from the prompt alone reads
 * none, but a layer with a subject of its own can still be re-rolled.
 * @param {Pick<Shown, "record" | "state">} shown
 * @param {Layer} layer
 */
export const isRead = ({ record, state }, layer) => {
  const methods = state.facts?.methods ?? [];
  const method = methods.find(({ id }) => id === record.settings.method);
  return layer.subject !== null || !method?.prompt_alone;
};
