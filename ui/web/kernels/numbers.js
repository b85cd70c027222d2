// Numbers as people read and type them. Always with a dot, whatever the browser's language.

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * @param {number} value
 * @param {number} step
 */
export const roundTo = (value, step) => Number((Math.round(value / step) * step).toFixed(10));

/**
 * 0.4 → ".40", 1 → "1.00".
 * @param {number} value
 */
export const formatFraction = (value) => value.toFixed(2).replace(/^0/, "");

/** @param {number} fraction */
export const formatPercent = (fraction) => {
  const percent = fraction * 100;
  if (percent > 0 && percent < 1) return "< 1 %";
  return `${Math.round(percent)} %`;
};

/** @param {number} seconds */
export const formatSeconds = (seconds) => {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
};

/**
 * As few digits as tell the value within the step.
 * @param {number} value
 * @param {number} [step]
 */
export const formatNumber = (value, step = 1) => {
  const digits = step >= 1 ? 0 : Math.min(4, Math.ceil(-Math.log10(step) - 1e-9));
  return String(Number(value.toFixed(digits)));
};

/**
 * A typed number, held within its range; null when it is not a number. A comma counts as a dot.
 * @param {string} text
 * @param {{ low: number, high: number, whole?: boolean }} range
 */
export const parseNumber = (text, { low, high, whole = false }) => {
  const trimmed = text.trim().replace(",", ".");
  const value = Number(trimmed);
  if (trimmed === "" || !Number.isFinite(value)) return null;
  return clamp(whole ? Math.round(value) : value, low, high);
};

/**
 * "12:04" from a Date.
 * @param {Date} date
 */
export const formatClock = (date) =>
  `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/**
 * "just now", "5 min ago", "3 h ago", "2 days ago"; for what is older than a week its date.
 * @param {number} past_ms
 * @param {string} moment in ISO 8601
 */
export const formatAgo = (past_ms, moment) => {
  const past_s = past_ms / 1000;
  if (past_s < MINUTE_S) return "just now";
  if (past_s < HOUR_S) return `${Math.floor(past_s / MINUTE_S)} min ago`;
  if (past_s < DAY_S) return `${Math.floor(past_s / HOUR_S)} h ago`;
  if (past_s < 7 * DAY_S) return `${plural(Math.floor(past_s / DAY_S), "day", "days")} ago`;
  return moment.slice(0, 10);
};
