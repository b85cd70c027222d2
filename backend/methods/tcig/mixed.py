"""Pictures among painted masks: laid over the draft, and held in stage 2 as far as their own noise
says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.controls.layer_noise import LayerNoise, build_start_steps, build_strength_map
from backend.engine.sampling import Batch
from backend.models.bundle import ModelBundle
from backend.plan.plan import Plan
from backend.plan.raster import Raster
from backend.scene.composite import ground, lay_over, over_grey, sheet_of
from backend.scene.scene import Picture, Pixels

BLUR_PX = 10.0
"""How softly noise levels pass into each other, in pixels of a picture of 512: Collage Diffusion's
default.
"""
PAPER_SIDE_PX = 512


@dataclass(frozen=True)
class PictureStack:
    """``start_steps`` (h_lat, w_lat) is the first free step of each cell, ``first`` the lowest of
    them.
    """

    start_steps: Tensor = field(repr=False)
    first: int

    def control(self, run_start: Batch, seeds: tuple[int, ...]) -> LayerNoise:
        """What holds the cells of the pictures."""
        return LayerNoise(run_start.source, self.start_steps, run_start.schedule, run_start.stream)


def stack_of(plan: Plan, flat: Raster, strength: float, bundle: ModelBundle) -> PictureStack:
    """Painted layers and what none covers are free from ``strength`` on, pictures from their own
    noise.
    """
    levels = (
        strength,
        *(strength if layer.picture is None else layer.strength for layer in plan.layers),
    )
    strengths = build_strength_map(
        flat.topmost, levels, BLUR_PX * bundle.card.native_px / PAPER_SIDE_PX
    )
    start_steps = build_start_steps(strengths, plan.steps, bundle.card.cell_px, "touched")
    return PictureStack(torch.from_numpy(start_steps).to(bundle.device), int(start_steps.min()))


def fill(plan: Plan, pixels: Pixels, draft: Picture) -> Picture:
    """The plan's stack with ``stage1``, uint8 (h, w, 3), under it and in the place of every painted
    layer.
    """
    size = (plan.width_px, plan.height_px)
    under = ground(size, draft)
    flat = under
    for layer in plan.layers:
        picture = pixels.picture(layer.picture) if layer.picture else None
        mask = pixels.mask(layer.mask) if layer.mask else None
        sheet = sheet_of(picture, mask, layer.placement, layer.opacity, size)
        colour: NDArray[np.float32] = (
            under * sheet.alpha[..., None] if picture is None else sheet.colour
        )
        flat = lay_over(flat, replace(sheet, colour=colour, blend=layer.blend))
    return over_grey(flat)
