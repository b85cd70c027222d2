// The tools there are, in the order of their column.

/** @import { Tool } from "../types/editor.d.ts" */

import { CARRY } from "./carry.js";
import { HAND, ZOOM } from "./view-tools.js";
import { MARQUEE } from "./marquee.js";
import { MOVE } from "./move.js";
import { BRUSH, ERASER } from "./paint.js";
import { BUCKET, ELLIPSE, LASSO, RECTANGLE } from "./region.js";
import { SELECT } from "./select.js";

/** @type {readonly Tool[]} */
export const TOOLS = Object.freeze([
  { id: "move", title: "Move, scale and rotate", key: "V", icon: "move", chart: MOVE },
  {
    id: "rectangle",
    title: "Rectangle region",
    key: "Q",
    icon: "rectangle",
    chart: RECTANGLE,
    paints: true,
  },
  {
    id: "ellipse",
    title: "Ellipse region",
    key: "O",
    icon: "ellipse",
    chart: ELLIPSE,
    paints: true,
  },
  {
    id: "lasso",
    title: "Lasso: drag freely, or click corners",
    key: "L",
    icon: "lasso",
    chart: LASSO,
    paints: true,
  },
  {
    id: "brush",
    title: "Brush: paint on the mask",
    key: "B",
    icon: "brush",
    chart: BRUSH,
    paints: true,
  },
  {
    id: "eraser",
    title: "Eraser: take from the mask",
    key: "E",
    icon: "eraser",
    chart: ERASER,
    paints: true,
  },
  {
    id: "bucket",
    title: "Fill what is alike",
    key: "G",
    icon: "bucket",
    chart: BUCKET,
    paints: true,
  },
  {
    id: "select",
    title: "Select an object: click or box it",
    key: "S",
    icon: "select",
    chart: SELECT,
    paints: true,
  },
  {
    id: "marquee",
    title: "Marquee: box a part, drag it",
    key: "A",
    icon: "marquee",
    chart: MARQUEE,
    paints: true,
  },
  {
    id: "carry",
    title: "Move an object of the finished picture: drag it",
    key: "U",
    icon: "carry",
    chart: CARRY,
  },
  { id: "hand", title: "Hand: move the view", key: "H", icon: "hand", chart: HAND },
  {
    id: "zoom",
    title: "Zoom: click, Alt click, or drag sideways",
    key: "Z",
    icon: "zoom",
    chart: ZOOM,
  },
]);
