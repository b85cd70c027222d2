// Brush and eraser: one stroke from press to release on the mask of the selected layer.

/**
 * @import { Brush, Chart, Next, Spot, Surface, ToolEvent } from "../types/editor.d.ts"
 * @import { PressedPoint } from "../types/kernels.d.ts"
 * @import { PaintHeld } from "../types/tools.d.ts"
 */

import { beginWalk, lineOf, walkTo } from "../kernels/brush.js";
import { beginStroke, withDabs } from "../model/strokes.js";
import { go } from "./chart.js";

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 */
const aim = (surface, event) =>
  void surface.point({ cursor: "none", hovered: "", ring: event.point });

/**
 * @param {Surface} surface
 * @param {Spot} spot
 */
const spotOf = (surface, { point, pressure }) => ({ ...surface.toScene(point), pressure });

/**
 * Shift at the press draws the straight line from where the last stroke ended.
 * @param {Readonly<Brush>} brush
 * @param {PressedPoint} spot
 * @param {{ event: ToolEvent, last: PressedPoint | null }} how
 */
const firstDabs = (brush, spot, { event, last }) =>
  event.shift && last ? lineOf(brush, last, spot) : beginWalk(brush, spot);

/**
 * @param {boolean} erases
 * @returns {(surface: Surface, event: ToolEvent, last: PressedPoint | null) => Next}
 */
const press = (erases) => (surface, event, last) => {
  const erase = erases || event.alt || event.eraser;
  const pen = surface.beginMask(erase ? "Erase" : "Paint");
  if (!pen) return go("idle", last);
  const brush = surface.brush();
  const spot = spotOf(surface, event);
  const { walk, dabs } = firstDabs(brush, spot, { event, last });
  const stroke = withDabs(beginStroke(pen.base, { erase, opacity: brush.opacity }), dabs);
  pen.put(stroke.mask);
  return go("painting", { pen, brush, walk, stroke });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {PaintHeld} held
 */
const paint = (surface, event, held) => {
  aim(surface, event);
  let { walk } = held;
  const all = [];
  for (const each of event.trail) {
    const next = walkTo(held.brush, walk, spotOf(surface, each));
    walk = next.walk;
    all.push(...next.dabs);
  }
  if (all.length === 0) return go("painting", { ...held, walk });
  const stroke = withDabs(held.stroke, all);
  held.pen.put(stroke.mask);
  return go("painting", { ...held, walk, stroke });
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {PaintHeld} held
 */
const finish = (surface, event, held) => {
  held.pen.commit();
  return go("idle", held.walk.at);
};

/**
 * @param {Surface} surface
 * @param {ToolEvent} event
 * @param {PaintHeld} held
 */
const abandon = (surface, event, held) => {
  held.pen.cancel();
  return go("idle");
};

/**
 * @param {boolean} erases
 * @returns {Chart}
 */
const chartOf = (erases) =>
  Object.freeze({
    start: "idle",
    states: {
      idle: { hover: aim, down: press(erases) },
      painting: { move: paint, up: finish, cancel: abandon },
    },
  });

export const BRUSH = chartOf(false);
export const ERASER = chartOf(true);
