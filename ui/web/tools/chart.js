// A tool is a table: state → event → step. A step (surface, event, held) answers {to, held}, or nothing to stay.

export const go = (to, held = null) => ({ to, held });

/** Runs a chart {start, states}. Events that a state's row does not name are ignored. */
export const createMachine = (chart, surface) => {
  let at = go(chart.start);
  return {
    get state() {
      return at.to;
    },
    get resting() {
      return at.to === chart.start;
    },
    send(event) {
      const step = chart.states[at.to][event.kind];
      const next = step?.(surface, event, at.held);
      if (next) at = next;
    },
  };
};
