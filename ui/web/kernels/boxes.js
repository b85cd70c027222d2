// The turned box of a layer: its corners, hits on it, and its handles.

/**
 * @import { Alpha, Matrix, Point, Size } from "../types/editor.d.ts"
 * @import { Handle, Hittable } from "../types/kernels.d.ts"
 * @import { Placement } from "../types/protocol.d.ts"
 */

/**
 * A vector turned by an angle; positive turns clockwise on the screen.
 * @param {Point} vector
 * @param {number} degrees
 */
const turn = (vector, degrees) => {
  const angle = (degrees * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return { x: cosine * vector.x - sine * vector.y, y: sine * vector.x + cosine * vector.y };
};

/**
 * Width and height of the placed picture before it is turned, in canvas pixels.
 * @param {Placement} placement
 * @param {Size} size
 */
const extent = (placement, size) => ({
  width: size.width_px * placement.scale_x,
  height: size.height_px * placement.scale_y,
});

/**
 * A point of the box; (-1, -1) is its top left corner, (0, 0) its centre.
 * @param {Placement} placement
 * @param {Size} size
 * @param {Point} side
 */
export const boxPoint = (placement, size, side) => {
  const { width, height } = extent(placement, size);
  const arm = turn({ x: (side.x * width) / 2, y: (side.y * height) / 2 }, placement.rotation_deg);
  return { x: placement.centre_x_px + arm.x, y: placement.centre_y_px + arm.y };
};

const CORNERS = [
  { x: -1, y: -1 },
  { x: 1, y: -1 },
  { x: 1, y: 1 },
  { x: -1, y: 1 },
];

/**
 * The four corners, clockwise from the top left one.
 * @param {Placement} placement
 * @param {Size} size
 */
export const corners = (placement, size) => CORNERS.map((side) => boxPoint(placement, size, side));

/**
 * The upright box {x0, y0, x1, y1} around the turned one.
 * @param {Placement} placement
 * @param {Size} size
 */
export const bounds = (placement, size) => {
  const points = corners(placement, size);
  const [xs, ys] = [points.map((point) => point.x), points.map((point) => point.y)];
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
};

/**
 * Where a canvas point lies in the box: both coordinates in -1…1 inside.
 * @param {Placement} placement
 * @param {Size} size
 * @param {Point} point
 */
const inBox = (placement, size, point) => {
  const { width, height } = extent(placement, size);
  const arm = { x: point.x - placement.centre_x_px, y: point.y - placement.centre_y_px };
  const local = turn(arm, -placement.rotation_deg);
  return { x: (2 * local.x) / width, y: (2 * local.y) / height };
};

/**
 * Alpha (0…255) of a placed picture under a canvas point. `alpha` is {width, height, values}: a
 * byte a sample.
 * @param {Placement} placement
 * @param {Size} size
 * @param {Alpha} alpha
 * @param {Point} point
 */
export const alphaAt = (placement, size, alpha, point) => {
  const local = inBox(placement, size, point);
  if (!(Math.abs(local.x) < 1 && Math.abs(local.y) < 1)) return 0;
  const [u, v] = [placement.flip_x ? -local.x : local.x, placement.flip_y ? -local.y : local.y];
  const column = Math.floor(((u + 1) / 2) * alpha.width);
  const row = Math.floor(((v + 1) / 2) * alpha.height);
  return alpha.values[row * alpha.width + column];
};

const SEEN_ALPHA = 26;

/**
 * Whether a point lies on what can be seen of a picture {placement, size, alpha}.
 * @param {{ placement: Placement, size: Size, alpha: Alpha }} object
 * @param {Point} point
 */
export const isHit = ({ placement, size, alpha }, point) =>
  alphaAt(placement, size, alpha, point) >= SEEN_ALPHA;

/**
 * The topmost object {hit(point)} under a point, or null. `objects` go from back to front.
 * @template {Hittable} Found
 * @param {readonly Found[]} objects
 * @param {Point} point
 */
export const topmostAt = (objects, point) =>
  objects.findLast((object) => object.hit(point)) ?? null;

/**
 * Whether the turned box holds the whole canvas, as a background does.
 * @param {Placement} placement
 * @param {Size} size
 * @param {Size} canvas
 */
export const coversCanvas = (placement, size, canvas) =>
  [
    [0, 0],
    [canvas.width_px, 0],
    [canvas.width_px, canvas.height_px],
    [0, canvas.height_px],
  ].every(([x, y]) => {
    const local = inBox(placement, size, { x, y });
    return Math.abs(local.x) <= 1.001 && Math.abs(local.y) <= 1.001;
  });

export const SCALE_SIDES = Object.freeze(
  [
    [-1, -1],
    [0, -1],
    [1, -1],
    [1, 0],
    [1, 1],
    [0, 1],
    [-1, 1],
    [-1, 0],
  ].map(([x, y]) => Object.freeze({ x, y })),
);
const MIN_SCALE = 0.001;
const MAX_SCALE = 1000;
const ROTATE_ARM_PX = 26;

/**
 * Handles in screen pixels: eight of kind "scale" and one of kind "rotate". Edge handles are left
 * out where the box is too short on the screen to hold them. `view` is the matrix [a, b, c, d, e,
 * f] from the scene to the screen, which keeps angles; `out` is the direction in which a handle
 * pulls, on the screen.
 * @param {Placement} placement
 * @param {Size} size
 * @param {Matrix} view
 * @returns {Handle[]}
 */
export const handlesOf = (placement, size, [a, b, c, d, e, f]) => {
  const zoom = Math.hypot(a, b);
  const half = {
    x: (size.width_px * placement.scale_x * zoom) / 2,
    y: (size.height_px * placement.scale_y * zoom) / 2,
  };
  const { centre_x_px: x, centre_y_px: y } = placement;
  const centre = { x: a * x + c * y + e, y: b * x + d * y + f };
  /** @param {Point} arm */
  const seen = (arm) => {
    const turned = turn(arm, placement.rotation_deg);
    return { x: (a * turned.x + c * turned.y) / zoom, y: (b * turned.x + d * turned.y) / zoom };
  };
  /** @param {Point} arm */
  const at = (arm) => {
    const way = seen(arm);
    return { x: centre.x + way.x, y: centre.y + way.y };
  };
  const sides = SCALE_SIDES.filter(
    (side) => (side.x !== 0 || half.x > 22) && (side.y !== 0 || half.y > 22),
  );
  const scale = sides.map((side) => ({
    kind: /** @type {const} */ ("scale"),
    side,
    out: seen(side),
    ...at({ x: side.x * half.x, y: side.y * half.y }),
  }));
  const top = at({ x: 0, y: -half.y });
  return [...scale, { kind: "rotate", ...at({ x: 0, y: -half.y - ROTATE_ARM_PX }), foot: top }];
};

/**
 * The handle within `reach` screen pixels of a point, the nearest one; null if none.
 * @param {readonly Handle[]} handles
 * @param {Point} point
 * @param {number} [reach]
 */
export const handleAt = (handles, point, reach = 9) => {
  /** @type {Handle | null} */
  let best = null;
  let nearest = reach;
  for (const handle of handles) {
    const distance = Math.hypot(handle.x - point.x, handle.y - point.y);
    if (distance > nearest) continue;
    best = handle;
    nearest = distance;
  }
  return best;
};

/** @param {number} scale */
const clampScale = (scale) => Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale));

/**
 * New extents of the box when its dragged point lies `reach` away from what stays.
 * @param {number} width
 * @param {number} height
 * @param {Point} side
 * @param {Point} reach
 * @param {boolean} free
 */
const stretch = (width, height, side, reach, free) => {
  if (side.x !== 0 && side.y !== 0 && !free) {
    const diagonal = { x: side.x * width, y: side.y * height };
    const along = reach.x * diagonal.x + reach.y * diagonal.y;
    const factor = Math.max(along / (diagonal.x ** 2 + diagonal.y ** 2), 1e-4);
    return { width: width * factor, height: height * factor };
  }
  return {
    width: side.x === 0 ? width : Math.max(reach.x * side.x, 1e-3),
    height: side.y === 0 ? height : Math.max(reach.y * side.y, 1e-3),
  };
};

/**
 * The placement when the handle at `side` is dragged to a canvas point. Corners keep the
 * proportions unless `free`; the opposite side stays where it is, or the centre when `centred`.
 * @param {Placement} placement
 * @param {Size} size
 * @param {Point} side
 * @param {Point} point
 * @param {{ free?: boolean, centred?: boolean }} [options]
 */
export const scaleTo = (placement, size, side, point, { free = false, centred = false } = {}) => {
  const [width, height] = [size.width_px * placement.scale_x, size.height_px * placement.scale_y];
  const arm = centred
    ? { x: 0, y: 0 }
    : turn({ x: (-side.x * width) / 2, y: (-side.y * height) / 2 }, placement.rotation_deg);
  const anchor = { x: placement.centre_x_px + arm.x, y: placement.centre_y_px + arm.y };
  const reach = turn({ x: point.x - anchor.x, y: point.y - anchor.y }, -placement.rotation_deg);
  const span = centred ? { x: reach.x * 2, y: reach.y * 2 } : reach;
  const next = stretch(width, height, side, span, free);
  const scale_x = clampScale(next.width / size.width_px);
  const scale_y = clampScale(next.height / size.height_px);
  const back = centred
    ? { x: 0, y: 0 }
    : turn(
        { x: (side.x * scale_x * size.width_px) / 2, y: (side.y * scale_y * size.height_px) / 2 },
        placement.rotation_deg,
      );
  return {
    ...placement,
    scale_x,
    scale_y,
    centre_x_px: anchor.x + back.x,
    centre_y_px: anchor.y + back.y,
  };
};

/**
 * The placement turned as the pointer went from `start` to `point` around its centre; `snapped` to
 * steps of 15°.
 * @param {Placement} placement
 * @param {Point} start
 * @param {Point} point
 * @param {{ snapped?: boolean }} [options]
 */
export const rotateTo = (placement, start, point, { snapped = false } = {}) => {
  /** @param {Point} to */
  const angle = (to) =>
    (Math.atan2(to.y - placement.centre_y_px, to.x - placement.centre_x_px) * 180) / Math.PI;
  const raw = placement.rotation_deg + angle(point) - angle(start);
  const wanted = snapped ? Math.round(raw / 15) * 15 : Math.round(raw * 10) / 10;
  const wrapped = ((wanted % 360) + 360) % 360;
  return { ...placement, rotation_deg: wrapped > 180 ? wrapped - 360 : wrapped };
};

const CURSORS = ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"];

/**
 * The cursor of a handle, turned with its layer and the view.
 * @param {Handle} handle
 */
export const cursorOf = (handle) => {
  if (handle.kind === "rotate") return "grab";
  const angle = (Math.atan2(handle.out.y, handle.out.x) * 180) / Math.PI;
  return CURSORS[((Math.round(angle / 45) % 4) + 4) % 4];
};
