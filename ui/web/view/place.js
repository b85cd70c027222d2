// The place of a candidate or draft among those of its run, as a sign on its thumbnail.

import { plural } from "../kernels/numbers.js";
import { h, set, show } from "./dom.js";
import { icon } from "./icons.js";

/** The place by scores: a star for the best of its run, a number for the others; nothing where nothing was scored. */
export const createPlace = () => {
  const [star, number] = [icon("star"), h("span")];
  const node = h(
    "span",
    { class: "candidate-place", "data-test": "candidate-place", hidden: true },
    star,
    number,
  );
  const update = (place) => {
    show(node, place !== null);
    if (!place) return;
    const { rank, of, failed } = place;
    const told = failed ? `; ${plural(failed, "layer", "layers")} failed` : "";
    const title = `${rank === 1 ? "Best" : `Number ${rank}`} of ${of} by the scores of its layers${told}`;
    set(node, { title, "data-rank": rank, "data-failed": failed > 0 });
    star.toggleAttribute("hidden", rank !== 1);
    set(number, { text: rank === 1 ? "" : String(rank) });
  };
  return { node, update };
};
