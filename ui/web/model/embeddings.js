// Learned looks: which there are, who has one, and who can have one learned.

/**
 * @import { Edit, EditorState, Job } from "../types/editor.d.ts"
 * @import { Layer, LearnedEmbedding } from "../types/protocol.d.ts"
 */

import { setLayer } from "./edits.js";
import { layerOf, titleOf } from "./records.js";

/** How long to learn, in steps at most: a try, and what the paper's code takes. */
export const LENGTHS = Object.freeze([
  { id: 60, title: "60 steps" },
  { id: 250, title: "250 steps" },
  { id: 800, title: "800 steps" },
]);

/**
 * The known looks and the fresh ones before them, each once.
 * @param {readonly LearnedEmbedding[]} known
 * @param {readonly LearnedEmbedding[]} fresh
 */
export const joinEmbeddings = (known, fresh) => {
  const digests = new Set(fresh.map(({ embedding }) => embedding));
  return [...fresh, ...known.filter(({ embedding }) => !digests.has(embedding))];
};

/**
 * Gives every layer its look; layers that went meanwhile are left out.
 * @param {readonly Pick<LearnedEmbedding, "layer_id" | "embedding">[]} embeddings
 * @returns {Edit}
 */
export const withEmbeddings = (embeddings) => (editor) =>
  embeddings.reduce(
    (record, { layer_id: id, embedding }) =>
      layerOf(record, id) ? setLayer(id, { embedding })(record) : record,
    editor,
  );

/**
 * Whether a layer's look can be learned: its picture is seen, and there are words.
 * @param {Layer} layer
 */
export const isTeachable = (layer) =>
  layer.visible && layer.picture !== null && layer.phrase.trim() !== "";

/**
 * What a step that gives these layers their looks is called.
 * @param {EditorState} editor
 * @param {readonly Pick<LearnedEmbedding, "layer_id" | "embedding">[]} embeddings
 */
export const nameOfLearning = (editor, embeddings) => {
  const layer = embeddings.length === 1 && layerOf(editor, embeddings[0].layer_id);
  return layer ? `Learn the look of ${titleOf(layer)}` : "Learn looks";
};

/**
 * How it stands with a layer's look: {state: "none" | "learning" | "learned", text}.
 * @param {Layer} layer
 * @param {Readonly<Job> | null} job
 */
export const standingOf = (layer, job) => {
  if (job?.kind === "learn" && (job.layer_ids ?? []).includes(layer.id))
    return {
      state: "learning",
      text: job.total ? `learning ${job.done}/${job.total}` : "learning …",
    };
  return layer.embedding ? { state: "learned", text: "learned" } : { state: "none", text: "none" };
};

/**
 * What a layer may look like: nothing of its own, or one of the known looks; its own ones come
 * first.
 * @param {Layer} layer
 * @param {readonly LearnedEmbedding[]} embeddings
 */
export const choicesOf = (layer, embeddings) => {
  const own = embeddings.filter(({ layer_id: id }) => id === layer.id);
  const others = embeddings.filter(({ layer_id: id }) => id !== layer.id);
  /**
   * @param {LearnedEmbedding} learned
   * @param {string} where
   */
  const choiceFor = ({ embedding, phrase }, where) => ({
    id: embedding,
    title: `${phrase || "a layer"} (${where})`,
  });
  const known = [
    ...own.map((each) => choiceFor(each, "learned here")),
    ...others.map((each) => choiceFor(each, "of another")),
  ];
  const strange =
    layer.embedding && !embeddings.some(({ embedding }) => embedding === layer.embedding);
  return [
    { id: "", title: "none" },
    ...(strange ? [{ id: layer.embedding, title: "came with the layer" }] : []),
    ...known,
  ];
};
