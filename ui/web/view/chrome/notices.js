// Calm sentences at the foot of the stage, and the two banners that stay until something is decided.

import { addNotice, dropNotice } from "../../model/session.js";
import { h, keyed, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

const STAY_MS = { brief: 3_000, note: 9_000, good: 6_000 };

const createNotice = (app, notice) => {
  const close = () => dropNotice(app.session, notice.id);
  const act = () => {
    close();
    notice.action.run();
  };
  if (notice.tone !== "problem" && !notice.action)
    setTimeout(close, notice.brief ? STAY_MS.brief : STAY_MS[notice.tone]);
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

export const createNotices = (app) => {
  const nodes = new Map();
  const node = h("div", { class: "notices" });
  const update = ({ state }) =>
    keyed(
      node,
      nodes,
      state.notices,
      ({ id }) => id,
      (notice) => createNotice(app, notice),
    );
  return { node, update };
};

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
    button(app, "keepMine", { label: "Keep mine, replace it", test: "keep-mine", kind: "small" }),
  );
  const update = ({ state }) => {
    show(gone, state.link === "down");
    show(stale, state.conflict !== null);
  };
  return { node: h("div", { class: "banners" }, gone, stale), update };
};

/** What went wrong in a command, in words; silence has its banner already. */
export const tellProblem = (session, error) => {
  if (error.name === "Silence") return;
  const {
    what = "Something in this page broke.",
    limit = "",
    remedy = String(error.message),
  } = error;
  addNotice(session, { tone: "problem", what, limit, remedy });
};
