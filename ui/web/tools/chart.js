// A tool is a table: state → event → step. A step (surface, event, held) answers {to, held}, or
// nothing to stay.

/** @import { Chart, Next, Surface, ToolEvent } from "../types/editor.d.ts" */

/**
 * The next state, and what is held in it.
 * @param {string} to
 * @param {unknown} [held]
 * @returns {Next}
 */
export const go = (to, held = null) => ({ to, held });

/**
 * Runs a chart {start, states}. Events that a state's row does not name are ignored.
 * @param {Chart} chart
 * @param {Surface} surface
 */
export const createMachine = (chart, surface) => {
  let at = go(chart.start);
  return {
    get state() {
      return at.to;
    },
    get resting() {
      return at.to === chart.start;
    },
    /** @param {ToolEvent} event */
    send(event) {
      const step = chart.states[at.to][event.kind];
      const next = step?.(surface, event, at.held);
      if (next) at = next;
    },
  };
};
