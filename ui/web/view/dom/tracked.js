// An update that is left out as long as all that it read is as it was.

/** @import { Shown } from "../../types/editor.d.ts" */

/**
 * Records of many things: what is read of them is tracked, not the records themselves.
 * @type {ReadonlySet<string | symbol>}
 */
const RECORDS = new Set(["state", "record"]);

/** Changes with every drag of any layer: who depends on a layer gets that layer as a value. */
const UNTRACKED = "scene";

/**
 * What is shown, with a list of what is read of it: the field, or the record's and its own field.
 * @param {Shown} shown
 * @param {Map<string, unknown>} reads
 * @returns {Shown}
 */
const watch = (shown, reads) => {
  /**
   * @template {object} Target
   * @param {Target} target
   * @param {string} start
   * @returns {Target}
   */
  const watchRecord = (target, start) =>
    new Proxy(target, {
      get: (record, name) => {
        const value = Reflect.get(record, name);
        const isTracked = name !== UNTRACKED && !RECORDS.has(name);
        if (isTracked) reads.set(start + String(name), value);
        return value;
      },
    });
  const records = {
    state: watchRecord(shown.state, "state."),
    record: watchRecord(shown.record, "record."),
  };
  return watchRecord({ ...shown, ...records }, "");
};

/**
 * @param {Shown} shown
 * @param {string} path
 */
const valueAt = (shown, path) => {
  const [first, second] = path.split(".");
  const value = Reflect.get(shown, first);
  return second === undefined ? value : Reflect.get(value, second);
};

/**
 * Answers update(shown, ...values): draws when a value is another one than the last time, or
 * anything that the last drawing read of what is shown. The scene is not among that: a drag changes
 * it in every frame.
 * @template {readonly unknown[]} Values
 * @param {(shown: Shown, ...values: Values) => void} draw
 * @returns {(shown: Shown, ...values: Values) => void}
 */
export const createTracked = (draw) => {
  /** @type {Map<string, unknown> | null} */
  let reads = null;
  /** @type {readonly unknown[]} */
  let last = [];
  return (shown, ...values) => {
    const isSame =
      reads !== null &&
      values.every((value, index) => value === last[index]) &&
      [...reads].every(([path, value]) => valueAt(shown, path) === value);
    if (isSame) return;
    const seen = new Map();
    draw(watch(shown, seen), ...values);
    [reads, last] = [seen, values];
  };
};
