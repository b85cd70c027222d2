"""Which layers of a scene can take part, and how much of the picture each one shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backend.plan.card import Card, Size, generation_size
from backend.scene.composite import alpha_of
from backend.scene.geometry import with_scale
from backend.scene.imaging.mask import is_blank
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Pixels, Scene

Obstacle = Literal["", "hidden", "empty", "off_canvas", "too_small", "covered"]


@dataclass(frozen=True)
class Surveyed:
    """A layer as it stands in its scene at generation size.

    ``obstacle`` is "" when it takes part. ``own_cells`` is the area it would show alone and
    ``visible_cells`` what the layers above leave of it, in latent cells; ``visible_frac`` that as a
    share of the canvas. ``strength`` is the greatest that any pixel of the layer has, 0..1, of one
    that takes part.
    """

    layer: Layer
    placement: Placement
    obstacle: Obstacle
    own_cells: float = 0.0
    visible_cells: float = 0.0
    visible_frac: float = 0.0
    strength: float = 0.0


@dataclass(frozen=True)
class Survey:
    """A scene as a model will see it, rastered once for all that is said and planned of it.

    ``layers`` are all of the scene's, from back to front.
    """

    scene: Scene
    card: Card
    layers: tuple[Surveyed, ...]

    @property
    def usable(self) -> tuple[Surveyed, ...]:
        """The layers that take part."""
        return tuple(seen for seen in self.layers if not seen.obstacle)

    @property
    def size(self) -> Size:
        """The size that the model generates at."""
        return generation_size(self.scene.width_px, self.scene.height_px, self.card)


def survey(scene: Scene, card: Card, pixels: Pixels) -> Survey:
    """Raster each shown layer of a scene once. Layers that cannot take part hide nothing of the
    others.
    """
    size = generation_size(scene.width_px, scene.height_px, card)
    left = np.ones((size.height_px, size.width_px), np.float32)
    seen: list[Surveyed] = []
    for layer in reversed(scene.layers):
        surveyed, left = _survey_layer(
            layer, scene, size, card.cell_px**2, pixels=pixels, left=left
        )
        seen.append(surveyed)
    return Survey(scene, card, tuple(reversed(seen)))


def in_generation_px(placement: Placement, scene: Scene, size: Size) -> Placement:
    """A placement of the canvas in the pixels of the generated picture."""
    return with_scale(placement, size.width_px / scene.width_px, size.height_px / scene.height_px)


def _survey_layer(
    layer: Layer,
    scene: Scene,
    size: Size,
    cell_area: int,
    *,
    pixels: Pixels,
    left: NDArray[np.float32],
) -> tuple[Surveyed, NDArray[np.float32]]:
    """One layer, and what it leaves uncovered of ``left``, the share (h, w) in 0..1 of each pixel
    that no layer above it covers.
    """
    placement = in_generation_px(layer.placement, scene, size)
    if not layer.visible:
        return Surveyed(layer, placement, "hidden"), left
    picture = pixels.picture(layer.picture) if layer.picture else None
    mask = pixels.mask(layer.mask) if layer.mask else None
    blank = (picture is not None and is_blank(picture[..., 3])) or (
        mask is not None and is_blank(mask)
    )
    if blank or layer.opacity == 0.0:
        return Surveyed(layer, placement, "empty"), left
    alpha = alpha_of(picture, mask, placement, layer.opacity, size)
    own = float(alpha.sum(dtype=np.float64)) / cell_area
    shown = alpha * left
    visible = float(shown.sum(dtype=np.float64)) / cell_area
    fraction = visible * cell_area / alpha.size
    if own == 0.0:
        return Surveyed(layer, placement, "off_canvas" if mask is None else "empty"), left
    if visible < 1.0:
        obstacle: Obstacle = "too_small" if own < 1.0 else "covered"
        return Surveyed(layer, placement, obstacle, own, visible, fraction), left
    strength = layer.strength
    if layer.strength_map is not None:
        strength = float(pixels.mask(layer.strength_map).max()) / 255
    return Surveyed(layer, placement, "", own, visible, fraction, strength), left - shown
