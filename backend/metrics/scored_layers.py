"""What a plan asks of each layer that can be seen, for those who look at finished pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.metrics.similarity import box_of
from backend.plan.plan import Plan, PlannedLayer
from backend.plan.raster import raster, stack_pictures
from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Mask, Picture
from backend.scene.scene import Pixels


@dataclass(frozen=True, eq=False)
class ScoredLayer:
    """A layer that can be seen: ``region`` (h, w) where it is topmost, its box, and its picture
    over what lies below.

    ``shown`` uint8 (h, w, 3) is empty for a layer without a picture. ``claimed`` (h, w) is all that
    it would show if nothing lay over it.
    """

    layer: PlannedLayer
    region: Mask
    box_px: PixelBox[int]
    shown: Picture
    claimed: Mask

    @property
    def is_place(self) -> bool:
        """Whether its box is the whole picture: a place, not an object that could be boxed."""
        height, width = self.region.shape
        return self.box_px == (0, 0, width, height)

    @property
    def visible_share(self) -> float:
        """How much of it nothing hides, 0..1."""
        return float(self.region.sum() / max(self.claimed.sum(), self.region.sum()))


def select_scored(plan: Plan, pixels: Pixels) -> tuple[ScoredLayer, ...]:
    """What a plan asks of its layers; those that nothing is seen of are left out."""
    flat = raster(plan, pixels)
    found = []
    for number, (layer, (shown, alpha)) in enumerate(
        zip(plan.layers, stack_pictures(plan, pixels), strict=True), start=1
    ):
        region = flat.topmost == number
        if region.any():
            own = shown if layer.picture else shown[:0]
            found.append(ScoredLayer(layer, region, box_of(region), own, alpha >= 0.5))
    return tuple(found)


def others_of(asked: Sequence[ScoredLayer], one: ScoredLayer) -> Mask:
    """Where other objects than one of these were asked for: bool (h, w); places do not count."""
    regions = [each.region for each in asked if each is not one and not each.is_place]
    return np.any(regions, axis=0) if regions else np.zeros_like(one.region)
