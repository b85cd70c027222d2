// What was made from what, as a tree that is walked by keys: up and down, left to what a picture was
// made from, right to what was made from it; Enter shows it.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { LineageRow } from "../../model/lineage.js"
 */

import { buildLineage, walkLineage } from "../../model/lineage.js";
import { layerOf, titleOf } from "../../model/records.js";
import { createKeyed, h, lastOf, set, show } from "../dom/elements.js";

/**
 * @param {Shown} shown
 * @param {LineageRow} row
 */
const describe = ({ record }, { candidate, level }) => {
  const layer = layerOf(record, candidate.layer_id);
  const whole = level > 1 ? "painted together" : "whole picture";
  const what = candidate.layer_id ? (layer ? titleOf(layer) : "a deleted layer") : whole;
  const accepted = record.picked === candidate.digest ? " · accepted" : "";
  return `${what} · seed ${candidate.seed}${accepted}`;
};

/** @param {App} app */
export const createLineageTree = (app) => {
  const list = h("div", { role: "tree", "aria-label": "What was made from what" });
  /** @type {readonly LineageRow[]} */
  let rows = [];
  /** @param {KeyboardEvent} event */
  const walk = (event) => {
    const nodes = [...list.children];
    const at = nodes.indexOf(/** @type {Element} */ (event.target));
    const next = at < 0 ? -1 : walkLineage(rows, at, event.key);
    if (next < 0) return;
    event.preventDefault();
    event.stopPropagation();
    /** @type {HTMLElement} */ (nodes[next]).focus();
  };
  list.addEventListener("keydown", walk);
  const place = createKeyed(
    list,
    ({ candidate }) => candidate.id,
    ({ candidate }) => ({
      node: h(
        "button",
        {
          type: "button",
          class: "menu-item",
          role: "treeitem",
          "data-test": "lineage",
          "data-digest": candidate.digest,
          on: { click: () => app.run("viewMade", candidate) },
        },
        h("img", {
          class: "step-picture",
          alt: "",
          loading: "lazy",
          src: app.addressOf(`lamina/small/${candidate.digest}.webp`),
        }),
        h("span"),
      ),
    }),
  );
  const heading = h("div", { class: "menu-heading", text: "What was made from what" });
  /** @param {Shown} shown */
  const update = (shown) => {
    rows = buildLineage(shown.state.candidates);
    show(heading, rows.length > 0);
    place(rows).forEach(({ node }, index) => {
      const row = rows[index];
      set(lastOf(node), { text: describe(shown, row) });
      set(node, {
        "aria-level": row.level,
        "aria-selected": shown.shownDigest === row.candidate.digest,
        style: `padding-left: ${10 + 14 * (row.level - 1)}px`,
      });
    });
  };
  return { nodes: [heading, list], update };
};
