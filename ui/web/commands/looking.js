// Turning and mirroring what is seen; the scene stays as it is.

import { mirroredAt, turnedAt } from "../kernels/views.js";

const middleOf = ({ width, height }) => ({ x: width / 2, y: height / 2 });

/** Turns the view clockwise by degrees around the middle of the stage. */
export const turnBy =
  (degrees) =>
  ({ session, stageSize }) =>
    session.set({
      view: turnedAt(session.state.view, middleOf(stageSize()), degrees),
      fitted: false,
    });

/** Upright again; a mirrored view stays mirrored. */
export const straighten = (desk) => turnBy(-desk.session.state.view.turn)(desk);

export const mirror = ({ session, stageSize }) =>
  session.set({ view: mirroredAt(session.state.view, middleOf(stageSize()).x), fitted: false });
