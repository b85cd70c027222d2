// The gallery: which of its pictures can be seen, what is known of each, and how one moves among them.

/**
 * @import { GalleryGrid, GalleryView, SessionState } from "../types/editor.d.ts"
 * @import { GalleryFilter, GalleryIndex, GalleryPicture, Identifier, PictureScene } from "../types/protocol.d.ts"
 */

import { clamp, formatAgo, formatNumber, plural } from "../kernels/numbers.js";
import { titleOf } from "./records.js";

/** @type {Readonly<Required<GalleryFilter>>} */
export const NO_FILTER = Object.freeze({
  words: "",
  scene: "",
  layer: "",
  method: "",
  model: "",
  starred: false,
  deleted: false,
});

/** @param {Readonly<Required<GalleryFilter>>} filter */
export const isFiltered = (filter) => Object.values({ ...filter, deleted: false }).some(Boolean);

/**
 * The filter with a part changed; layers are those of a scene, so another scene forgets the layer.
 * @param {Readonly<Required<GalleryFilter>>} filter
 * @param {GalleryFilter} patch
 */
export const withFilter = (filter, patch) => ({
  ...filter,
  ...(patch.scene !== undefined && patch.scene !== filter.scene ? { layer: "" } : {}),
  ...patch,
});

const TILE_PX = 168;
const GAP_PX = 10;
/** So many rows above and below what can be seen are there as well. */
const SPARE_ROWS = 2;

/**
 * How the tiles lie, and which of them are needed: from `first` up to and without `last`.
 * @param {{ total: number, width: number, height: number, top: number }} sheet in CSS pixels
 * @returns {GalleryGrid}
 */
export const gridOf = ({ total, width, height, top }) => {
  const columns = Math.max(1, Math.floor((width + GAP_PX) / (TILE_PX + GAP_PX)));
  const side = Math.max(1, (width + GAP_PX) / columns - GAP_PX);
  const step = side + GAP_PX;
  const rows = Math.ceil(total / columns);
  const from = clamp(Math.floor(top / step) - SPARE_ROWS, 0, Math.max(0, rows - 1));
  const to = clamp(Math.ceil((top + height) / step) + SPARE_ROWS, 0, rows);
  return {
    columns,
    side,
    step,
    height: Math.max(0, rows * step - GAP_PX),
    first: from * columns,
    last: Math.min(total, to * columns),
  };
};

/**
 * Where a tile lies on its sheet.
 * @param {Pick<GalleryGrid, "columns" | "step">} grid
 * @param {number} place
 */
export const spotOf = ({ columns, step }, place) => ({
  x: (place % columns) * step,
  y: Math.floor(place / columns) * step,
});

/**
 * The place to which a key leads; null for a key that leads nowhere.
 * @param {string} key
 * @param {number} place
 * @param {{ columns: number, rowsSeen: number, total: number }} grid
 */
export const placeAfter = (key, place, { columns, rowsSeen, total }) => {
  /** @type {Readonly<Record<string, number>>} */
  const steps = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * rowsSeen,
    PageDown: columns * rowsSeen,
    Home: -total,
    End: total,
  };
  if (!(key in steps) || total === 0) return null;
  return clamp(place + steps[key], 0, total - 1);
};

/**
 * The key of the page on which a place lies; undefined beyond the last.
 * @param {Pick<GalleryIndex, "keys" | "page">} index
 * @param {number} place
 */
const keyOfPlace = ({ keys, page }, place) => keys[Math.floor(place / page)];

/**
 * The keys of the pages on which places lie.
 * @param {Pick<GalleryIndex, "keys" | "page">} index
 * @param {number} first
 * @param {number} last the place after them
 */
export const keysBetween = ({ keys, page }, first, last) =>
  last > first ? keys.slice(Math.floor(first / page), Math.floor((last - 1) / page) + 1) : [];

/**
 * The picture of a place once its page is here, else null.
 * @param {Pick<SessionState, "galleryIndex" | "galleryPages">} state
 * @param {number} place
 * @returns {GalleryPicture | null}
 */
export const pictureAt = ({ galleryIndex: index, galleryPages: pages }, place) => {
  const key = index ? keyOfPlace(index, place) : undefined;
  if (!index || key === undefined) return null;
  return pages[key]?.[place % index.page] ?? null;
};

/**
 * A picture by its id, and its place, as far as its page is here; else null.
 * @param {Pick<SessionState, "galleryIndex" | "galleryPages">} state
 * @param {Identifier} id
 * @returns {GalleryView | null}
 */
export const findPicture = ({ galleryIndex: index, galleryPages: pages }, id) => {
  for (const [at, key] of (index?.keys ?? []).entries()) {
    const within = pages[key]?.findIndex((picture) => picture.id === id) ?? -1;
    if (within >= 0)
      return { picture: pages[key][within], place: at * (index?.page ?? 0) + within };
  }
  return null;
};

/**
 * The picture that is looked at as it is known now.
 * @param {Pick<SessionState, "galleryIndex" | "galleryPages" | "galleryViewed">} state
 * @returns {GalleryView | null}
 */
export const viewedPicture = (state) =>
  state.galleryViewed &&
  (findPicture(state, state.galleryViewed.picture.id) ?? state.galleryViewed);

/**
 * The chosen pictures with some more; those that are all chosen already are given up.
 * @param {readonly Identifier[]} chosen
 * @param {readonly Identifier[]} ids
 */
export const toggleChosen = (chosen, ids) => {
  const [known, given] = [new Set(chosen), new Set(ids)];
  if (ids.every((id) => known.has(id))) return chosen.filter((id) => !given.has(id));
  return [...chosen, ...ids.filter((id) => !known.has(id))];
};

/**
 * "10000 pictures", "3 pictures found", "1 deleted picture".
 * @param {number} total
 * @param {Readonly<Required<GalleryFilter>>} filter
 */
export const countPictures = (total, filter) => {
  if (filter.deleted) return plural(total, "deleted picture", "deleted pictures");
  return `${plural(total, "picture", "pictures")}${isFiltered(filter) ? " found" : ""}`;
};

/**
 * What a picture is called where it cannot be seen.
 * @param {GalleryPicture} picture
 */
export const titleOfPicture = ({ scene, layer, prompt, seed }) => {
  const words = layer ? `${layer} drawn again` : prompt.trim();
  return [scene, words, `seed ${seed}`].filter(Boolean).join(", ");
};

/**
 * Its recipe as far as the gallery has it: [term, text].
 * @param {GalleryPicture} picture
 * @param {{ now_ms: number, titleOf: (kind: "methods" | "models", id: string) => string }} means
 * @returns {(readonly [string, string])[]}
 */
export const describePicture = (picture, { now_ms, titleOf }) => {
  const { scene, layer, prompt, method, model, seed, width_px, height_px, created } = picture;
  /** @type {(readonly [string, string])[]} */
  const lines = [
    ["Scene", scene],
    ["Layer", layer],
    ["Prompt", prompt],
    ["Method", method && titleOf("methods", method)],
    ["Model", model && titleOf("models", model)],
    ["Seed", String(seed)],
    ["Size", `${width_px} × ${height_px}`],
    ["Made", formatAgo(now_ms - Date.parse(created), created)],
  ];
  return lines.filter(([, text]) => text !== "");
};

/**
 * The rest of a recipe, as it was kept with the scene: [term, text].
 * @param {PictureScene} kept
 * @returns {(readonly [string, string])[]}
 */
export const describeRecipe = ({ scene, editor: { settings } }) => {
  const { sampler, steps, guidance_scale: guidance } = settings;
  const layers = scene.layers.filter(({ visible }) => visible);
  /** @type {(readonly [string, string])[]} */
  const lines = [
    ["Not wanted", scene.negative],
    ["Steps", `${steps}, ${sampler}`],
    ["Guidance", formatNumber(guidance, 0.1)],
    ["Layers", layers.map(titleOf).toReversed().join(", ")],
  ];
  return lines.filter(([, text]) => text !== "");
};
