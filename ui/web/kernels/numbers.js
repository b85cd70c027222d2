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

/** What may stand in a sum: a number with a dot or a comma, a sign, a bracket. */
const TOKEN = /\s*(?:(\d+(?:[.,]\d*)?|[.,]\d+)|([-+*/()×÷−]))/y;
const LONGEST = 200;

/** @type {Readonly<Record<string, string>>} */
const PLAIN = { "×": "*", "÷": "/", "−": "-" };

/**
 * The numbers and signs of a text; null where anything else stands in it.
 * @param {string} text
 */
const tokensOf = (text) => {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (!found) return null;
    tokens.push(found[1] ? Number(found[1].replace(",", ".")) : (PLAIN[found[2]] ?? found[2]));
  }
  return tokens;
};

/**
 * Reads sums by the usual precedence, one token at a time.
 * @param {readonly (number | string)[]} tokens
 */
const createReader = (tokens) => {
  let at = 0;
  /** @param {...string} signs */
  const takes = (...signs) => {
    const token = tokens[at];
    if (typeof token !== "string" || !signs.includes(token)) return "";
    at += 1;
    return token;
  };
  /** @returns {number} */
  const part = () => {
    const sign = takes("-", "+");
    if (sign) return sign === "-" ? -part() : part();
    if (takes("(")) {
      const value = sum();
      return takes(")") ? value : NaN;
    }
    const token = tokens[at];
    at += 1;
    return typeof token === "number" ? token : NaN;
  };
  const product = () => {
    let value = part();
    for (let sign = takes("*", "/"); sign; sign = takes("*", "/"))
      value = sign === "*" ? value * part() : value / part();
    return value;
  };
  const sum = () => {
    let value = product();
    for (let sign = takes("+", "-"); sign; sign = takes("+", "-"))
      value = sign === "+" ? value + product() : value - product();
    return value;
  };
  return () => {
    const value = sum();
    return at === tokens.length ? value : NaN;
  };
};

/**
 * The value of a typed sum; null when it is none, is not finished, or is no finite number.
 * @param {string} text
 * @returns {number | null}
 */
export const calculate = (text) => {
  const trimmed = text.trim();
  if (!trimmed || trimmed.length > LONGEST) return null;
  const plain = Number(trimmed);
  if (Number.isFinite(plain)) return plain;
  const tokens = tokensOf(trimmed);
  const value = tokens ? createReader(tokens)() : NaN;
  return Number.isFinite(value) ? value : null;
};

/**
 * A typed number or sum ("120+8*2"), held within its range; null when it is none. A comma counts as
 * a dot.
 * @param {string} text
 * @param {{ low: number, high: number, whole?: boolean }} range
 */
export const parseNumber = (text, { low, high, whole = false }) => {
  const value = calculate(text);
  return value === null ? null : clamp(whole ? Math.round(value) : value, low, high);
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
