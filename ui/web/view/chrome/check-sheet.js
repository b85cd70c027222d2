// What a picture file says of itself, held against its own record: a sheet that opens when one was
// checked.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { PictureCheck } from "../../types/protocol.d.ts"
 */

import { focused, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/** @param {PictureCheck} check */
const listLines = ({ lines }) =>
  lines.flatMap(({ term, text }) => [h("dt", { text: term }), h("dd", { text })]);

/** @param {App} app */
export const createCheckSheet = (app) => {
  const close = () => app.session.set({ check: null });
  const title = h("h2", { "data-test": "check-title" });
  const shut = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": "Close", on: { click: close } },
    icon("close"),
  );
  const again = button(app, "checkPicture", {
    label: "Check another picture …",
    test: "check-again",
    kind: "small",
  });
  const head = h(
    "div",
    { class: "sheet-head" },
    title,
    h("span", { class: "spring" }),
    again,
    shut,
  );
  const found = h("div", { class: "check-found", role: "status", "data-test": "check-found" });
  const lines = h("dl", { class: "picture-lines", "data-test": "check-lines" });
  const about = {
    class: "sheet check-sheet",
    role: "dialog",
    "aria-modal": "true",
    "aria-label": "Check of a picture",
  };
  const node = h(
    "div",
    { class: "veil", hidden: true, "data-test": "check-sheet" },
    h("div", about, head, found, lines),
  );
  node.addEventListener("click", (event) => event.target === node && close());
  node.addEventListener(
    "keydown",
    (event) => event.key === "Escape" && (event.stopPropagation(), close()),
  );
  /** @param {PictureCheck} check */
  const fill = (check) => {
    set(title, { text: check.name });
    set(found, { "data-untouched": String(check.untouched) });
    const sign = icon(check.untouched ? "check" : "warn");
    found.replaceChildren(
      sign,
      h(
        "div",
        {},
        check.sentences.map((text) => h("p", { text })),
      ),
    );
    lines.replaceChildren(...listLines(check));
  };
  /** @type {HTMLElement | null} */
  let returnTo = null;
  /** @type {PictureCheck | null} */
  let drawn = null;
  /** @param {Shown} shown */
  const update = ({ state: { check } }) => {
    if (check && drawn !== check) fill(check);
    drawn = check;
    if ((check !== null) !== node.hidden) return;
    if (check) returnTo = focused();
    show(node, check !== null);
    (check ? shut : returnTo)?.focus();
  };
  return { node, update };
};
