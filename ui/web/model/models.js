// Models as the page sees them: what is said of one, and what was found and cannot be used.

/** @import { Ability, Facts, ModelFacts, ModelsFound, RefusedModel, WordFacts } from "../types/protocol.d.ts" */

const KB = 1024;
const UNITS = ["B", "KB", "MB", "GB", "TB"];
const WHOLE_FROM = 10;

/** @type {Readonly<Record<string, string>>} */
const FAMILIES = { sd: "Stable Diffusion", sdxl: "Stable Diffusion XL" };
const EMBEDDED = "pocket";

/** @type {Readonly<Record<RefusedModel["kind"], string>>} */
export const KINDS = { model: "Model", member: "Network", file: "File", folder: "Folder" };

/**
 * "3.4 GB": one digit behind the point below ten.
 * @param {number} bytes
 */
export const sizeText = (bytes) => {
  const power = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(KB)), UNITS.length - 1);
  const value = bytes / KB ** power;
  return `${value.toFixed(value < WHOLE_FROM && power > 0 ? 1 : 0)} ${UNITS[power]}`;
};

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/**
 * "Stable Diffusion · 512 px · 3.4 GB on disk · 4.0 GB in memory".
 * @param {ModelFacts} model
 */
export const factsText = ({
  id,
  family,
  native_px: side,
  size_bytes: size,
  memory_bytes: memory,
}) =>
  [
    id === EMBEDDED ? "Comes with Lamina" : FAMILIES[family],
    `${side} px`,
    size ? `${sizeText(size)} on disk` : "",
    memory ? `${sizeText(memory)} in memory` : "",
  ]
    .filter(Boolean)
    .join(" · ");

/**
 * What an ability lacks, in words; empty where nothing does.
 * @param {Ability} ability
 */
export const lackText = ({ lacks, better_with: better }) => {
  if (lacks.length > 0) return `needs ${lacks.join(", ")}`;
  return better.length > 0 ? `better with ${better.join(", ")}` : "";
};

/** @param {Pick<RefusedModel, "what" | "limit" | "remedy">} refused */
export const reasonText = ({ what, limit, remedy }) =>
  [what, limit, remedy].filter(Boolean).join(" ");

/**
 * "2 tokens, for words of 768 and 1280 numbers: not the chosen model's".
 * @param {WordFacts} word
 * @param {ModelFacts | undefined} model
 */
export const wordText = ({ vectors, widths }, model) => {
  const fits = !model || String(model.words_widths) === String(widths);
  const made = `${counted(vectors, "token")}, for words of ${widths.join(" and ")} numbers`;
  return fits ? made : `${made}; those of ${model.title} have ${model.words_widths.join(" and ")}`;
};

/** @param {Readonly<Facts> | null} facts */
export const refusedOf = (facts) => (facts?.refused ?? []).filter(({ kind }) => kind !== "file");

/** @param {Readonly<Facts> | null} facts */
export const filesOf = (facts) => (facts?.refused ?? []).filter(({ kind }) => kind === "file");

/**
 * What a choice of models shows: the usable ones, then those that are refused, which cannot be
 * chosen.
 * @param {Readonly<Facts> | null} facts
 */
export const modelChoices = (facts) => [
  ...(facts?.models ?? []).map(({ id, title }) => ({ id, title })),
  ...(facts?.refused ?? [])
    .filter(({ kind }) => kind === "model")
    .map(({ id, name, what }) => ({ id, title: `${name}: ${what}`, disabled: true })),
];

/** @param {Pick<ModelsFound, "models" | "refused" | "loras" | "words">} found */
export const summaryOf = ({ models, refused, loras, words }) => {
  const others = refused.filter(({ kind }) => kind === "file").length;
  const parts = [counted(models.length, "model")];
  if (refused.length > others) parts.push(`${refused.length - others} that cannot be used`);
  if (loras.length > 0) parts.push(counted(loras.length, "LoRA"));
  if (words.length > 0) parts.push(counted(words.length, "embedding"));
  if (others > 0) parts.push(counted(others, "other file"));
  return `Found ${parts.join(", ")}.`;
};

/**
 * "2 models, 1 refused, 4 LoRAs, 3 other files".
 * @param {{ models: number, refused: number, files: number, loras: number, words: number }} folder
 */
export const folderText = ({ models, refused, files, loras, words }) =>
  [
    counted(models, "model"),
    refused > 0 ? `${refused} cannot be used` : "",
    loras > 0 ? counted(loras, "LoRA") : "",
    words > 0 ? counted(words, "embedding") : "",
    files > 0 ? counted(files, "other file") : "",
  ]
    .filter(Boolean)
    .join(", ");
