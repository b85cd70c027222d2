// The view {zoom, x, y, turn, mirror}: a scene point is mirrored sideways if asked, enlarged,
// turned by `turn` degrees clockwise, and moved by (x, y). Screen points are CSS pixels of the
// stage; (x, y) is where the scene's corner lies.

/**
 * @import { Box, Extent, Matrix, Point, Size, View } from "../types/editor.d.ts"
 * @import { ViewLike } from "../types/kernels.d.ts"
 */

const MIN_ZOOM = 0.05;
export const MAX_ZOOM = 16;

/** @param {number} zoom */
const clampZoom = (zoom) => Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, zoom));

/**
 * Quarter turns are exact, so that pixels stay on pixels.
 * @param {number} value
 */
const roundFine = (value) => Math.round(value * 1e12) / 1e12;

/**
 * Cosine and sine of degrees.
 * @param {number} degrees
 */
const turnOf = (degrees) => {
  const angle = (degrees * Math.PI) / 180;
  return [roundFine(Math.cos(angle)), roundFine(Math.sin(angle))];
};

/**
 * Degrees in -180 (not reached) to 180.
 * @param {number} degrees
 */
const wrapDegrees = (degrees) => {
  const turn = ((degrees % 360) + 360) % 360;
  return turn > 180 ? turn - 360 : turn;
};

/**
 * Scene pixels to screen pixels: [a, b, c, d, e, f] as canvas has them.
 * @param {ViewLike} view
 * @returns {Matrix}
 */
export const viewMatrix = ({ zoom, x, y, turn = 0, mirror = false }) => {
  const [cosine, sine] = turnOf(turn);
  const across = mirror ? -zoom : zoom;
  return [cosine * across, sine * across, -sine * zoom, cosine * zoom, x, y];
};

/**
 * @param {ViewLike} view
 * @param {Point} point
 */
export const toScreen = (view, point) => {
  const [a, b, c, d, e, f] = viewMatrix(view);
  return { x: a * point.x + c * point.y + e, y: b * point.x + d * point.y + f };
};

/**
 * @param {ViewLike} view
 * @param {Point} point
 */
export const toScene = (view, point) => {
  const { zoom, turn = 0, mirror = false } = view;
  const [cosine, sine] = turnOf(turn);
  const [dx, dy] = [point.x - view.x, point.y - view.y];
  const across = (cosine * dx + sine * dy) / zoom;
  return { x: mirror ? -across : across, y: (cosine * dy - sine * dx) / zoom };
};

/**
 * The upright box {x0, y0, x1, y1} on the screen around a box of the scene.
 * @param {ViewLike} view
 * @param {Box} box
 */
export const boxOnScreen = (view, { x0, y0, x1, y1 }) => {
  const places = [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ].map(([x, y]) => toScreen(view, { x, y }));
  const [xs, ys] = [places.map(({ x }) => x), places.map(({ y }) => y)];
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
};

/**
 * The upright box on the screen around the page of a canvas {width_px, height_px}.
 * @param {ViewLike} view
 * @param {Size} size
 */
export const pageOnScreen = (view, { width_px, height_px }) =>
  boxOnScreen(view, { x0: 0, y0: 0, x1: width_px, y1: height_px });

/**
 * The whole canvas in the middle of the stage, with a margin, turned and mirrored as `way` {turn,
 * mirror} is.
 * @param {Size} canvas
 * @param {Extent} stage
 * @param {{ turn?: number, mirror?: boolean }} [options]
 * @param {number} [margin]
 */
export const fitView = (canvas, stage, { turn = 0, mirror = false } = {}, margin = 36) => {
  const [across, down] = [
    Math.max(40, stage.width - 2 * margin),
    Math.max(40, stage.height - 2 * margin),
  ];
  const box = pageOnScreen({ zoom: 1, x: 0, y: 0, turn, mirror }, canvas);
  const zoom = clampZoom(Math.min(across / (box.x1 - box.x0), down / (box.y1 - box.y0)));
  return {
    zoom,
    x: Math.round((stage.width - (box.x0 + box.x1) * zoom) / 2),
    y: Math.round((stage.height - (box.y0 + box.y1) * zoom) / 2),
    turn,
    mirror,
  };
};

/**
 * Another zoom while the scene point under `point` (stage pixels) stays where it is.
 * @param {View} view
 * @param {Point} point
 * @param {number} zoom
 * @returns {View}
 */
export const zoomAt = (view, point, zoom) => {
  const wanted = clampZoom(zoom);
  const ratio = wanted / view.zoom;
  return {
    ...view,
    zoom: wanted,
    x: point.x - (point.x - view.x) * ratio,
    y: point.y - (point.y - view.y) * ratio,
  };
};

/**
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 * @returns {View}
 */
export const panView = (view, dx, dy) => ({ ...view, x: view.x + dx, y: view.y + dy });

/**
 * The view turned clockwise by degrees around a point of the stage.
 * @param {View} view
 * @param {Point} point
 * @param {number} degrees
 * @returns {View}
 */
export const turnAt = (view, point, degrees) => {
  const [cosine, sine] = turnOf(degrees);
  const [dx, dy] = [view.x - point.x, view.y - point.y];
  const x = point.x + cosine * dx - sine * dy;
  return {
    ...view,
    x,
    y: point.y + sine * dx + cosine * dy,
    turn: wrapDegrees((view.turn ?? 0) + degrees),
  };
};

/**
 * What is seen, mirrored sideways at a line `x` of the stage.
 * @param {View} view
 * @param {number} x
 * @returns {View}
 */
export const mirrorAt = (view, x) => ({
  ...view,
  x: 2 * x - view.x,
  turn: wrapDegrees(-(view.turn ?? 0)),
  mirror: !view.mirror,
});
