// Growing, shrinking and softening a field of bytes (0…255, row by row).

const FAR = 1e9;

/**
 * The lower envelope of parabolas: squared distances along one line (Felzenszwalb and Huttenlocher,
 * 2012).
 * @param {Float64Array} values
 * @param {number} length
 * @param {Float64Array} out
 * @param {Int32Array} places
 * @param {Float64Array} borders
 */
const alongLine = (values, length, out, places, borders) => {
  let top = 0;
  places[0] = 0;
  borders[0] = -FAR;
  borders[1] = FAR;
  for (let at = 1; at < length; at += 1) {
    let border;
    for (;;) {
      const place = places[top];
      border = (values[at] + at * at - values[place] - place * place) / (2 * at - 2 * place);
      if (border > borders[top] || top === 0) break;
      top -= 1;
    }
    if (border > borders[top]) top += 1;
    places[top] = at;
    borders[top] = border;
    borders[top + 1] = FAR;
  }
  for (let at = 0, piece = 0; at < length; at += 1) {
    while (borders[piece + 1] < at) piece += 1;
    out[at] = (at - places[piece]) ** 2 + values[places[piece]];
  }
};

/**
 * Squared distance of every pixel to the nearest one for which isSeed(value) holds; very large when
 * there is none.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {number} height
 * @param {(value: number) => boolean} isSeed
 */
const squaredDistances = (bytes, width, height, isSeed) => {
  const field = Float64Array.from(bytes, (value) => (isSeed(value) ? 0 : FAR));
  const longest = Math.max(width, height);
  const [line, out] = [new Float64Array(longest), new Float64Array(longest)];
  const [places, borders] = [new Int32Array(longest + 1), new Float64Array(longest + 2)];
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) line[y] = field[y * width + x];
    alongLine(line, height, out, places, borders);
    for (let y = 0; y < height; y += 1) field[y * width + x] = out[y];
  }
  for (let y = 0; y < height; y += 1) {
    line.set(field.subarray(y * width, (y + 1) * width));
    alongLine(line, width, out, places, borders);
    field.set(out.subarray(0, width), y * width);
  }
  return field;
};

/** @param {number} value */
const isInside = (value) => value >= 128;

/**
 * Everything within `radius` pixels of the inside, with a soft edge of one pixel; soft parts keep
 * their values.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 */
export const growField = (bytes, width, height, radius) => {
  const squared = squaredDistances(bytes, width, height, isInside);
  return Uint8Array.from(bytes, (value, at) => {
    const reached = 255 * Math.min(1, Math.max(0, radius + 0.5 - Math.sqrt(squared[at]) + 0.5));
    return Math.max(value, reached);
  });
};

/**
 * What is left when the outside grows; the border of the canvas is no outside.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 */
export const shrinkField = (bytes, width, height, radius) =>
  invertField(growField(invertField(bytes), width, height, radius));

/** @param {Uint8Array} bytes */
export const invertField = (bytes) => Uint8Array.from(bytes, (value) => 255 - value);

/**
 * A running mean of 2 · radius + 1 values along lines; the edge values go on beyond the edge.
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {{ lines: number, length: number, lineStep: number, step: number, radius: number }} way
 */
const boxBlur = (from, to, { lines, length, lineStep, step, radius }) => {
  const width = 2 * radius + 1;
  for (let line = 0; line < lines; line += 1) {
    const base = line * lineStep;
    /** @param {number} index */
    const at = (index) => from[base + Math.min(length - 1, Math.max(0, index)) * step];
    let sum = 0;
    for (let index = -radius; index <= radius; index += 1) sum += at(index);
    for (let index = 0; index < length; index += 1) {
      to[base + index * step] = sum / width;
      sum += at(index + radius + 1) - at(index - radius);
    }
  }
};

/**
 * Softened to both sides over about `radius` pixels: three running means, close to a Gaussian.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 */
export const featherField = (bytes, width, height, radius) => {
  const [one, other] = [Float32Array.from(bytes), new Float32Array(bytes.length)];
  const reach = Math.max(1, Math.round(radius / 2));
  for (let pass = 0; pass < 3; pass += 1) {
    boxBlur(one, other, { lines: height, length: width, lineStep: width, step: 1, radius: reach });
    boxBlur(other, one, { lines: width, length: height, lineStep: 1, step: width, radius: reach });
  }
  return Uint8Array.from(one, (value) => value + 0.5);
};
