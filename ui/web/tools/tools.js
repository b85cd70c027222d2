// The tools there are, in the order of their column.

import { HAND, ZOOM } from "./look.js";
import { MOVE } from "./move.js";

export const TOOLS = Object.freeze([
  { id: "move", title: "Move, scale and rotate", key: "V", icon: "move", chart: MOVE },
  { id: "hand", title: "Hand: move the view", key: "H", icon: "hand", chart: HAND },
  { id: "zoom", title: "Zoom: click, Alt click, or drag sideways", key: "Z", icon: "zoom", chart: ZOOM },
]);
