// The address of the page: its hash names what is shown, and Back and Forward lead through it.

/** @import { App, Place, SessionStore } from "../../types/editor.d.ts" */

import { hashOf, placeOfHash } from "../../model/home.js";

/** What the address names now. */
export const readPlace = () => placeOfHash(location.hash);

/**
 * Puts another hash in the place of the present one, without a step of Back.
 * @param {string} hash
 */
export const correctAddress = (hash) => {
  if (hash && hash !== location.hash) history.replaceState(history.state, "", hash);
};

/**
 * What is shown writes the address; the first one, and one that is shown already, makes no step of Back.
 * @param {SessionStore} session
 */
const followSession = (session) => {
  let known = "";
  session.subscribe(() => {
    const hash = hashOf(session.state);
    if (!hash || hash === known) return;
    const isFirst = known === "" && readPlace().scene === "";
    known = hash;
    if (hash === location.hash) return;
    if (isFirst) correctAddress(hash);
    else history.pushState(null, "", hash);
  });
};

/**
 * Keeps address and page together. `go` is where Back, Forward and links lead; of many in a row only
 * the last counts.
 * @param {App} app
 * @param {(place: Place) => Promise<unknown>} go
 */
export const connectAddress = (app, go) => {
  followSession(app.session);
  /** @type {Promise<unknown>} */
  let going = Promise.resolve();
  let asked = 0;
  const follow = () => {
    asked += 1;
    const turn = asked;
    going = going.then(() => (turn === asked ? go(readPlace()) : undefined));
  };
  window.addEventListener("popstate", follow);
};
