// Calm sentences at the foot of the stage, and the two banners that stay until something is
// decided.

/**
 * @import { App, Notice, SessionStore, Shown } from "../../types/editor.d.ts"
 * @import { ErrorRecord } from "../../types/protocol.d.ts"
 */

import { addNotice, dropNotice } from "../../model/session.js";
import { createKeyed, h, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

const STAY_MS = { brief: 3_000, note: 9_000, good: 6_000 };

/** @param {Notice} notice */
const stayOf = ({ tone, action, brief }) => {
  if (tone === "problem" || action) return null;
  return brief ? STAY_MS.brief : STAY_MS[tone];
};

/**
 * @param {App} app
 * @param {Notice} notice
 */
const createNotice = (app, notice) => {
  const close = () => dropNotice(app.session, notice.id);
  const act = () => {
    close();
    notice.action?.run();
  };
  const stay_ms = stayOf(notice);
  if (stay_ms !== null) setTimeout(close, stay_ms);
  const node = h(
    "div",
    {
      class: "notice",
      "data-tone": notice.tone,
      "data-test": "notice",
      role: notice.tone === "problem" ? "alert" : "status",
    },
    icon(notice.tone === "problem" ? "warn" : "check"),
    h(
      "div",
      { class: "notice-words" },
      h("strong", { text: notice.what }),
      [notice.limit, notice.remedy].filter(Boolean).map((text) => h("span", { text: ` ${text}` })),
    ),
    notice.action
      ? h("button", {
          type: "button",
          class: "button small",
          text: notice.action.title,
          "data-test": "notice-action",
          on: { click: act },
        })
      : null,
    h(
      "button",
      {
        type: "button",
        class: "button quiet small",
        "aria-label": "Dismiss",
        title: "Dismiss",
        on: { click: close },
      },
      icon("close"),
    ),
  );
  return { node };
};

/** @param {App} app */
export const createNotices = (app) => {
  const node = h("div", { class: "notices" });
  /** @param {Notice} notice */
  const noticeOf = (/** @type {Notice} */ notice) => createNotice(app, notice);
  const placeNotices = createKeyed(node, ({ id }) => id, noticeOf);
  /** @param {Shown} shown */
  const update = ({ state }) => void placeNotices(state.notices);
  return { node, update };
};

/** @param {App} app */
export const createBanners = (app) => {
  const gone = h(
    "div",
    { class: "banner", "data-test": "banner-offline", role: "alert", hidden: true },
    icon("warn"),
    h("span", {
      text: "The server does not answer. Your work is kept in this browser; it is saved when the server is back.",
    }),
  );
  const stale = h(
    "div",
    { class: "banner", "data-test": "banner-stale", role: "alert", hidden: true },
    icon("warn"),
    h("span", { text: "This scene was changed from another page, so this one is not saved." }),
    h("span", { class: "spring" }),
    button(app, "loadTheirs", {
      label: "Load the other version",
      test: "load-theirs",
      kind: "small",
    }),
    button(app, "keepBoth", {
      label: "Keep both",
      test: "keep-both",
      title: "Mine becomes a scene of its own; the other version stays in Home",
      kind: "small",
    }),
    button(app, "keepMine", { label: "Keep mine, replace it", test: "keep-mine", kind: "small" }),
  );
  /** @param {Shown} shown */
  const update = ({ state }) => {
    show(gone, state.link === "down");
    show(stale, state.conflict !== null);
  };
  return { node: h("div", { class: "banners" }, gone, stale), update };
};

/**
 * What went wrong in a command, in words; silence has its banner already.
 * @param {SessionStore} session
 * @param {unknown} problem
 */
export const tellProblem = (session, problem) => {
  const error = /** @type {Error & Partial<ErrorRecord>} */ (problem);
  if (error.name === "Silence") return;
  const { what = "Something in this page broke.", limit = "" } = error;
  const { remedy = String(error.message) } = error;
  addNotice(session, { tone: "problem", what, limit, remedy });
};
