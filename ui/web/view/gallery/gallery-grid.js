// The tiles of the gallery: of ten thousand pictures only the rows that can be seen are in the page.

/**
 * @import { App, GalleryGrid, SessionState, Shown } from "../../types/editor.d.ts"
 * @import { GalleryPicture } from "../../types/protocol.d.ts"
 */

import { gridOf, pictureAt, placeAfter, spotOf, titleOfPicture } from "../../model/gallery.js";
import { createKeyed, elementOf, h, PICTURE, set, show } from "../dom/elements.js";
import { icon } from "../dom/icons.js";

const SETTLE_MS = 60;
/** What stays free below a tile that is moved to. */
const MARGIN_PX = 20;

/**
 * What a tile tells of itself, and what may be done with it.
 * @typedef {object} TileWays
 * @property {(place: number, event: MouseEvent) => void} press
 * @property {(place: number, event: MouseEvent) => void} choose
 * @property {(place: number) => void} star
 */

/**
 * @param {App} app
 * @param {number} place
 * @param {TileWays} ways
 */
const createTile = (app, place, ways) => {
  const image = h("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  image.addEventListener("error", () => show(image, false));
  image.addEventListener("load", () => show(image, true));
  const check = h("span", { class: "tile-check", "data-test": "tile-choose" }, icon("check"));
  const star = h("span", { class: "tile-star", "data-test": "tile-star" }, icon("star"));
  const node = h(
    "li",
    { class: "tile", role: "option", "data-test": "tile", draggable: "true" },
    image,
    check,
    star,
  );
  node.addEventListener("click", (event) => ways.press(place, event));
  check.addEventListener("click", (event) => (event.stopPropagation(), ways.choose(place, event)));
  star.addEventListener("click", (event) => (event.stopPropagation(), ways.star(place)));
  node.addEventListener("dragstart", (event) => {
    const picture = pictureAt(app.session.state, place);
    if (!picture || !event.dataTransfer) return event.preventDefault();
    event.dataTransfer.setData(PICTURE, picture.id);
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setDragImage(image, 20, 20);
    // Only then: a source that goes away while the drag begins ends it.
    return void setTimeout(() => app.run("carryPicture", true));
  });
  node.addEventListener("dragend", () => app.run("carryPicture", false));
  /**
   * @param {GalleryPicture | null} picture
   * @param {{ grid: GalleryGrid, isActive: boolean, isChosen: boolean, total: number }} means
   */
  const update = (picture, { grid, isActive, isChosen, total }) => {
    const { x, y } = spotOf(grid, place);
    node.style.transform = `translate(${x}px, ${y}px)`;
    node.style.width = `${grid.side}px`;
    node.style.height = `${grid.side}px`;
    set(node, {
      "aria-label": picture ? titleOfPicture(picture) : "A picture that is being read",
      "aria-selected": isChosen,
      "aria-posinset": place + 1,
      "aria-setsize": total,
      tabindex: isActive ? 0 : -1,
      "data-place": place,
      "data-picture": picture?.id ?? null,
      "data-starred": picture?.starred ?? false,
      title: picture ? titleOfPicture(picture) : null,
    });
    if (picture) set(image, { src: app.addressOf(`lamina/small/${picture.digest}.webp`) });
    else image.removeAttribute("src");
  };
  return { node, update };
};

/**
 * What keys do on a tile, beside those that move.
 * @param {App} app
 * @param {() => number} placeOf
 * @param {TileWays & { extend: (place: number) => void }} ways
 * @returns {Readonly<Record<string, (event: KeyboardEvent) => unknown>>}
 */
const keysOf = (app, placeOf, { extend, star }) => ({
  Enter: () => app.run("viewPicture", placeOf()),
  " ": ({ shiftKey }) =>
    shiftKey ? extend(placeOf()) : app.run("choosePictures", placeOf(), placeOf() + 1),
  s: () => star(placeOf()),
  Delete: () => app.run("dropChosen", placeOf()),
  a: ({ ctrlKey, metaKey }) => (ctrlKey || metaKey) && app.run("chooseAllPictures"),
});

/**
 * {node, update(shown), focus()}: node scrolls.
 * @param {App} app
 */
export const createGalleryGrid = (app) => {
  const sheet = h("ul", {
    class: "gallery-sheet",
    role: "listbox",
    "aria-label": "Pictures, the newest first",
    "aria-multiselectable": "true",
    "data-test": "gallery-sheet",
  });
  const node = h("div", { class: "gallery-scroll", "data-test": "gallery-scroll" }, sheet);
  let [active, anchor] = [0, 0];
  /** @type {Readonly<SessionState>} */
  let state = app.session.state;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} place */
  const extend = (place) => {
    const [first, last] = [Math.min(anchor, place), Math.max(anchor, place)];
    return app.run("choosePictures", first, last + 1);
  };
  /** @type {TileWays & { extend: (place: number) => unknown }} */
  const ways = {
    extend,
    press: (place, event) => {
      if (event.shiftKey || event.ctrlKey || event.metaKey) ways.choose(place, event);
      else app.run("viewPicture", place);
      moveTo(place);
    },
    choose: (place, { shiftKey }) => {
      if (shiftKey) return extend(place);
      anchor = place;
      return app.run("choosePictures", place, place + 1);
    },
    star: (place) => {
      const picture = pictureAt(state, place);
      if (picture) app.run("starPicture", picture);
    },
  };
  const placeTiles = createKeyed(
    sheet,
    (/** @type {number} */ place) => place,
    (/** @type {number} */ place) => createTile(app, place, ways),
  );

  const total = () => state.galleryIndex?.total ?? 0;
  const measure = () =>
    gridOf({
      total: total(),
      width: sheet.clientWidth,
      height: node.clientHeight,
      top: node.scrollTop,
    });
  /** @param {GalleryGrid} grid */
  const listPlaces = ({ first, last }) => {
    const places = Array.from({ length: last - first }, (_, index) => first + index);
    const isSpare = active >= first && active < last;
    return isSpare || active >= total() ? places : [...places, active];
  };
  const draw = () => {
    const grid = measure();
    sheet.style.height = `${grid.height}px`;
    const places = listPlaces(grid);
    const chosen = new Set(state.galleryChosen);
    placeTiles(places).forEach((tile, index) => {
      const place = places[index];
      const picture = pictureAt(state, place);
      const isChosen = picture !== null && chosen.has(picture.id);
      tile.update(picture, { grid, isActive: place === active, isChosen, total: total() });
    });
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { first, last } = measure();
      if (state.galleryOpen) app.attempt(() => app.bridge.gallery.readPages(first, last));
    }, SETTLE_MS);
    return grid;
  };
  const focus = () =>
    /** @type {HTMLElement | null} */ (sheet.querySelector('[tabindex="0"]'))?.focus({
      preventScroll: true,
    });
  /** @param {number} place */
  const moveTo = (place) => {
    active = place;
    const grid = measure();
    const { y } = spotOf(grid, place);
    if (y < node.scrollTop) node.scrollTop = y;
    const below = y + grid.side + MARGIN_PX;
    if (below > node.scrollTop + node.clientHeight) node.scrollTop = below - node.clientHeight;
    draw();
    focus();
  };
  const keys = keysOf(app, () => active, ways);
  sheet.addEventListener("keydown", (event) => {
    const { columns, step } = measure();
    const rowsSeen = Math.max(1, Math.floor(node.clientHeight / step));
    const next = placeAfter(event.key, active, { columns, rowsSeen, total: total() });
    if (next === null && !(event.key in keys)) return;
    event.preventDefault();
    if (next === null) return void keys[event.key](event);
    if (!event.shiftKey) anchor = next;
    return moveTo(next);
  });
  sheet.addEventListener("focusin", (event) => {
    const place = Number(elementOf(event).dataset.place);
    if (Number.isNaN(place) || place === active) return;
    [active, anchor] = [place, place];
    draw();
  });
  node.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(node);
  /** @param {Shown} shown */
  const update = (shown) => {
    const isOther = shown.state.galleryFilter !== state.galleryFilter;
    state = shown.state;
    if (isOther) [active, anchor, node.scrollTop] = [0, 0, 0];
    active = Math.max(0, Math.min(active, total() - 1));
    show(node, total() > 0);
    draw();
  };
  return { node, update, focus, moveTo };
};
