// Numbers as people read and type them. Always with a dot, whatever the browser's language.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export const roundTo = (value, step) => Number((Math.round(value / step) * step).toFixed(10));

/** 0.4 → ".40", 1 → "1.00". */
export const formatFraction = (value) => value.toFixed(2).replace(/^0/, "");

export const formatPercent = (fraction) => {
  const percent = fraction * 100;
  if (percent > 0 && percent < 1) return "< 1 %";
  return `${Math.round(percent)} %`;
};

export const formatSeconds = (seconds) => {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
};

/** As few digits as tell the value within the step. */
export const formatNumber = (value, step = 1) => {
  const digits = step >= 1 ? 0 : Math.min(4, Math.ceil(-Math.log10(step) - 1e-9));
  return String(Number(value.toFixed(digits)));
};

/** A typed number, held within its range; null when it is not a number. A comma counts as a dot. */
export const parseNumber = (text, { low, high, whole = false }) => {
  const trimmed = text.trim().replace(",", ".");
  const value = Number(trimmed);
  if (trimmed === "" || !Number.isFinite(value)) return null;
  return clamp(whole ? Math.round(value) : value, low, high);
};

/**
 * Seconds until `total` from samples [{done, at_ms}], by the pace of the last few steps; null before a pace is known.
 */
export const secondsLeft = (samples, total) => {
  if (samples.length < 2) return null;
  const recent = samples.slice(-8);
  const [first, last] = [recent[0], recent.at(-1)];
  if (last.done <= first.done) return null;
  return (
    ((last.at_ms - first.at_ms) / 1000 / (last.done - first.done)) * Math.max(0, total - last.done)
  );
};

/** "12:04" from a Date. */
export const formatClock = (date) =>
  `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;

export const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;
