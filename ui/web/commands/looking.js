// Zooming, turning and mirroring what is seen; the scene stays as it is.

/** @import { App, Extent } from "../types/editor.d.ts" */

import { fitView, mirrorAt, turnAt, zoomAt } from "../kernels/views.js";

/** @param {Extent} extent */
const middleOf = ({ width, height }) => ({ x: width / 2, y: height / 2 });

/**
 * Turns the view clockwise by degrees around the middle of the stage.
 * @param {number} degrees
 * @returns {(app: App) => void}
 */
export const turnBy =
  (degrees) =>
  ({ session, stageSize }) =>
    session.set({
      view: turnAt(session.state.view, middleOf(stageSize()), degrees),
      fitted: false,
    });

/**
 * Upright again; a mirrored view stays mirrored.
 * @param {App} app
 */
export const straighten = (app) => turnBy(-app.session.state.view.turn)(app);

/** @param {App} app */
export const mirror = ({ session, stageSize }) =>
  session.set({ view: mirrorAt(session.state.view, middleOf(stageSize()).x), fitted: false });

/**
 * @param {number} factor
 * @returns {(app: App) => void}
 */
export const zoomBy =
  (factor) =>
  /** @param {App} app */ ({ session, stageSize }) => {
    const { view } = session.state;
    session.set({ view: zoomAt(view, middleOf(stageSize()), view.zoom * factor), fitted: false });
  };

/**
 * @param {number} zoom
 * @returns {(app: App) => void}
 */
export const zoomTo = (zoom) => /** @param {App} app */ (app) =>
  zoomBy(zoom / app.session.state.view.zoom)(app);

/** @param {App} app */
export const fit = ({ session, store, stageSize }) =>
  session.set({ view: fitView(store.record.scene, stageSize(), session.state.view), fitted: true });
