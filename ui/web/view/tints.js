// A colour, and where colours run out a line style, for every layer as long as the page lives.

const COLOURS = 8;
const LINES = ["solid", "dashed", "dotted", "double"];

/** indexOf(id) is 0…7 for the style sheet; lineOf(id) tells layers of one colour apart. */
export const createTints = () => {
  const places = new Map();
  const placeOf = (id) => {
    if (!places.has(id)) places.set(id, places.size);
    return places.get(id);
  };
  return {
    indexOf: (id) => placeOf(id) % COLOURS,
    lineOf: (id) => LINES[Math.floor(placeOf(id) / COLOURS) % LINES.length],
  };
};
