// The frozen records that undo moves between: a Desk holds the scene, the dials of a run, what is picked and selected,
// the two candidates {base, other: ids, mask: name} between which somebody paints (`mix`, else null), the id of the
// subject that runs draw ("" for none chosen), and the digests of the candidates that somebody starred.

export const freeze = (value) => {
  if (value === null || typeof value !== "object" || Object.isFrozen(value)) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
};

/** A Desk from the server's project reply. */
export const deskFromProject = (project) =>
  freeze({
    scene: project.scene,
    settings: project.desk.settings,
    picked: project.desk.picked,
    selected: project.desk.selected,
    mix: project.desk.mix ?? null,
    subject: project.desk.subject ?? "",
    starred: project.desk.starred ?? [],
  });

/** What the server keeps: the scene, and the rest beside it. */
export const deskToMessage = ({
  scene,
  settings,
  picked,
  selected,
  mix,
  subject = "",
  starred = [],
}) => ({
  scene,
  desk: { settings, picked, selected, mix, subject, starred },
});

/** Whether two Desks differ in something worth saving; a selection alone is not. */
export const sameWork = (one, other) =>
  ["scene", "settings", "picked", "mix", "subject", "starred"].every(
    (part) => one[part] === other[part],
  );

/** A layer for a picture that was just taken. */
export const buildLayer = ({ id, name, phrase, picture, placement }) =>
  freeze({
    id,
    name,
    picture,
    mask: null,
    placement: { rotation_deg: 0, flip_x: false, flip_y: false, ...placement },
    opacity: 1,
    blend: "normal",
    visible: true,
    locked: false,
    phrase,
    negative: "",
    noise: 0.6,
    attention_positive: 0.5,
    attention_negative: 0.8,
    structure: { kind: "none", weight: 0 },
    look: null,
    subject: null,
    class_label: "",
    seed: null,
    noise_map: null,
    heard_from: 0,
    heard_to: 1,
  });

/** A layer without a picture: a phrase for the region that its mask names. It brings no pixels, so it is all free. */
export const buildPaintedLayer = ({ id, name, mask, scene }) => {
  const placement = {
    centre_x_px: scene.width_px / 2,
    centre_y_px: scene.height_px / 2,
    scale_x: 1,
    scale_y: 1,
  };
  return freeze({
    ...buildLayer({ id, name, phrase: "", picture: null, placement }),
    mask,
    noise: 1,
  });
};

const LARGEST_SHARE = 0.6;

/** A placement for a picture of a size: at a point, shrunk to at most 60 % of the canvas, never enlarged. */
export const firstPlacement = (size, scene, centre) => {
  const share = Math.min(
    (LARGEST_SHARE * scene.width_px) / size.width_px,
    (LARGEST_SHARE * scene.height_px) / size.height_px,
  );
  const scale = Math.min(1, share);
  return { centre_x_px: centre.x, centre_y_px: centre.y, scale_x: scale, scale_y: scale };
};

/** A placement with which a picture just covers the canvas. */
export const coveringPlacement = (size, scene) => {
  const scale = Math.max(scene.width_px / size.width_px, scene.height_px / size.height_px);
  return {
    centre_x_px: scene.width_px / 2,
    centre_y_px: scene.height_px / 2,
    scale_x: scale,
    scale_y: scale,
  };
};

export const layerOf = (desk, id) => desk.scene.layers.find((layer) => layer.id === id) ?? null;

/** The ids of the selected layer and of those chosen with it (`also`, which then names it too), from back to front. */
export const chosenIds = ({ scene, selected }, also) => {
  const isChosen = also.includes(selected) ? (id) => also.includes(id) : (id) => id === selected;
  return scene.layers.map(({ id }) => id).filter(isChosen);
};

/** Whether a layer is a painted region and no picture. */
export const isPainted = (layer) => layer.picture === null;

/** What a person calls a layer: its name, else its phrase. */
export const titleOf = (layer) => layer.name || layer.phrase || "Layer without words";
