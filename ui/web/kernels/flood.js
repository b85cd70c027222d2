// Filling from a point: everything that is connected to it and alike.

const farthest = (rgba, one, other) =>
  Math.max(
    Math.abs(rgba[one] - rgba[other]),
    Math.abs(rgba[one + 1] - rgba[other + 1]),
    Math.abs(rgba[one + 2] - rgba[other + 2]),
    Math.abs(rgba[one + 3] - rgba[other + 3]),
  );

/**
 * The pixels connected to `seed` {x, y} whose colour differs by at most `tolerance` (0…255, the largest channel) and
 * which lie on the same side of a mask: Uint8Array of 0 and 255. `rgba` and `mask` are width × height, row by row.
 */
export const floodFrom = ({ rgba, mask, width, height }, seed, tolerance) => {
  const found = new Uint8Array(width * height);
  const start = Math.floor(seed.y) * width + Math.floor(seed.x);
  const side = mask[start] >= 128;
  const alike = (at) =>
    found[at] === 0 && mask[at] >= 128 === side && farthest(rgba, at * 4, start * 4) <= tolerance;
  const waiting = [start];
  while (waiting.length > 0) {
    const at = waiting.pop();
    if (!alike(at)) continue;
    const row = Math.floor(at / width) * width;
    let [left, right] = [at, at];
    while (left > row && alike(left - 1)) left -= 1;
    while (right < row + width - 1 && alike(right + 1)) right += 1;
    found.fill(255, left, right + 1);
    for (const beside of [-width, width]) {
      for (let next = left + beside; next <= right + beside; next += 1)
        if (
          next >= 0 &&
          next < found.length &&
          alike(next) &&
          !(next > left + beside && alike(next - 1))
        )
          waiting.push(next);
    }
  }
  return found;
};
