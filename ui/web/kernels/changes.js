// Where two pictures differ.

/**
 * Paints every pixel that differs between two RGBA pictures of one size: {count, rgba}. A pixel
 * differs if any channel does, by however little; `ink` is [red, green, blue]. Small differences
 * are painted fainter, none invisible.
 * @param {Uint8ClampedArray} before
 * @param {Uint8ClampedArray} after
 * @param {readonly number[]} ink
 */
export const changesOf = (before, after, ink) => {
  const rgba = new Uint8ClampedArray(after.length);
  let count = 0;
  for (let at = 0; at < after.length; at += 4) {
    const far = Math.max(
      Math.abs(before[at] - after[at]),
      Math.abs(before[at + 1] - after[at + 1]),
      Math.abs(before[at + 2] - after[at + 2]),
      Math.abs(before[at + 3] - after[at + 3]),
    );
    if (far === 0) continue;
    count += 1;
    rgba.set([...ink, Math.min(220, 90 + 2 * far)], at);
  }
  return { count, rgba };
};
