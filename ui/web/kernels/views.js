// The view {zoom, x, y}: screen = scene · zoom + (x, y), in CSS pixels of the stage.

const MIN_ZOOM = 0.05;
export const MAX_ZOOM = 16;

const held = (zoom) => Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, zoom));

/** The whole canvas in the middle of the stage, with a margin. */
export const fitted = (canvas, stage, margin = 36) => {
  const [across, down] = [Math.max(40, stage.width - 2 * margin), Math.max(40, stage.height - 2 * margin)];
  const zoom = held(Math.min(across / canvas.width_px, down / canvas.height_px));
  return {
    zoom,
    x: Math.round((stage.width - canvas.width_px * zoom) / 2),
    y: Math.round((stage.height - canvas.height_px * zoom) / 2),
  };
};

/** Another zoom while the scene point under `point` (stage pixels) stays where it is. */
export const zoomedAt = (view, point, zoom) => {
  const wanted = held(zoom);
  const ratio = wanted / view.zoom;
  return { zoom: wanted, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio };
};

export const panned = (view, dx, dy) => ({ ...view, x: view.x + dx, y: view.y + dy });

export const toScene = (view, point) => ({ x: (point.x - view.x) / view.zoom, y: (point.y - view.y) / view.zoom });

export const toScreen = (view, point) => ({ x: point.x * view.zoom + view.x, y: point.y * view.zoom + view.y });
