// Home: all scenes as it lists them, and the address of each.

/**
 * @import { HomeSort, Place, SessionState } from "../types/editor.d.ts"
 * @import { Identifier, SceneEntry } from "../types/protocol.d.ts"
 */

import { formatAgo, plural } from "../kernels/numbers.js";
import { matchOf } from "../kernels/searching.js";

/** @type {readonly { id: HomeSort, title: string }[]} */
export const SORTS = Object.freeze([
  { id: "changed", title: "Changed last" },
  { id: "name", title: "Name" },
  { id: "created", title: "Made last" },
]);

/**
 * Names as a person sorts them: capitals do not count, numbers do.
 * @param {SceneEntry} one
 * @param {SceneEntry} other
 */
const byName = (one, other) =>
  one.name.localeCompare(other.name, undefined, { numeric: true, sensitivity: "base" });

/**
 * By a count of the server: a clock may have been set back.
 * @param {"change" | "number"} field
 * @returns {(one: SceneEntry, other: SceneEntry) => number}
 */
const byNewest = (field) => (one, other) => other[field] - one[field];

/** @type {Readonly<Record<HomeSort, (one: SceneEntry, other: SceneEntry) => number>>} */
const ORDERS = { name: byName, changed: byNewest("change"), created: byNewest("number") };

/**
 * The scenes whose names hold all words of the query, in the chosen order; deleted ones are left out.
 * @param {readonly SceneEntry[]} scenes
 * @param {string} query
 * @param {HomeSort} sort
 */
export const listScenes = (scenes, query, sort) =>
  scenes.filter(({ deleted, name }) => !deleted && matchOf(name, query) > 0).toSorted(ORDERS[sort]);

/**
 * The scenes that can still be put back, the one deleted last first.
 * @param {readonly SceneEntry[]} scenes
 */
export const listDeleted = (scenes) =>
  scenes
    .filter(({ deleted }) => deleted)
    .toSorted((one, other) => (one.deleted < other.deleted ? 1 : -1));

const NO_BREAK = "\u00a0";

/** @param {number} layers */
const describeLayers = (layers) => (layers ? plural(layers, "layer", "layers") : "empty");

/**
 * "512 × 512 · 4 layers · 2 pictures · 5 min ago".
 * @param {SceneEntry} scene
 * @param {number} now_ms
 */
export const describeScene = (scene, now_ms) => {
  const { width_px, height_px, layers, pictures, changed, is_readable: isReadable } = scene;
  const parts = [
    isReadable ? `${width_px} × ${height_px}` : "",
    isReadable ? describeLayers(layers) : "",
    pictures ? plural(pictures, "picture", "pictures") : "",
    changed ? formatAgo(now_ms - Date.parse(changed), changed) : "",
  ];
  return parts
    .filter(Boolean)
    .map((part) => part.replaceAll(" ", NO_BREAK))
    .join(" · ");
};

/**
 * How many scenes are listed, and of how many.
 * @param {number} shown
 * @param {number} all
 */
export const countScenes = (shown, all) =>
  shown === all ? plural(all, "scene", "scenes") : `${shown} of ${plural(all, "scene", "scenes")}`;

const SCENE = /^#scene=([A-Za-z0-9_-]{1,64})$/;

/**
 * What an address names: Home, the gallery, a scene, or (by an empty or foreign hash) nothing.
 * @param {string} hash
 * @returns {Place}
 */
export const placeOfHash = (hash) => ({
  home: hash === "#home",
  gallery: hash === "#gallery",
  scene: SCENE.exec(hash)?.[1] ?? "",
});

/** @param {Identifier} scene */
export const hashOfScene = (scene) => `#scene=${scene}`;

/**
 * Whether something lies over the whole editor.
 * @param {Pick<SessionState, "homeOpen" | "galleryOpen">} state
 */
export const isCovered = ({ homeOpen, galleryOpen }) => homeOpen || galleryOpen;

/**
 * The address of what is shown; empty before anything is.
 * @param {Pick<SessionState, "homeOpen" | "galleryOpen" | "project">} state
 */
export const hashOf = ({ homeOpen, galleryOpen, project }) => {
  if (homeOpen) return "#home";
  if (galleryOpen) return "#gallery";
  return project ? hashOfScene(project) : "";
};
