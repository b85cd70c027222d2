"""Per-layer noise: each pixel is held to the source until its layer's share of the steps begins.

Collage Diffusion, section 4.4. Equation (3) is printed the wrong way round; what is meant, and done
here, is that a cell with strength h keeps the re-noised source until step k0 = N - ⌊N·h⌋ and
belongs to the solver from then on. Unlike the released code the source is re-noised to the level of
the state it is put into, so a cell with h = 0 ends bit-equal to the encoded source, and equal
strengths everywhere are bit-equal to image-to-image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.engine.decode import encode_mean
from backend.engine.loop_types import Control
from backend.engine.noise import NoiseStream, SharedNoise
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from backend.plan.raster import cell_centres, split_into_cells
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.mask import blur

StrengthMap = NDArray[np.float64]
Holding = Literal["touched", "filled"]


@dataclass(frozen=True)
class LayerNoise(Control):
    """Holds each cell to the source up to its first free step (Collage Diffusion, section 4.4).

    x'_k = x_k where k > k0, else the source at the level of state k, with k0 = N - ⌊N·h⌋ for the
    strength h (equations 2 and 3).

    Attributes:
        source: clean latents, (b, c, h, w).
        start_steps: k0, the first step that each cell takes freely, int (h, w) or (1, 1), 0 to N
            (never).
        schedule: whose levels the states have.
        stream: noise of a state; it must not be the generators that the sampler draws from.
    """

    source: Tensor = field(repr=False, compare=False)
    start_steps: Tensor = field(repr=False, compare=False)
    schedule: Schedule = field(repr=False, compare=False)
    stream: NoiseStream = field(repr=False, compare=False)

    @cached_property
    def last_hold(self) -> int:
        """The last state in which any cell is held."""
        return int(self.start_steps.max())

    def edit(self, latents: Tensor, k: int) -> Tensor:
        """Put the held cells back at the state's level.

        Args:
            latents: state k, (b, c, h, w).
            k: the number of the state, 1 to N.

        Returns:
            The same tensor where no cell is held any more.
        """
        if k > self.last_hold:
            return latents
        noise = self.source if k == self.schedule.steps else self.stream.at(k, self.source)
        return torch.where(
            self.start_steps >= k, self.schedule.noise_to(k, self.source, noise), latents
        )


@dataclass(frozen=True, eq=False)
class HeldPicture:
    """A finished picture that is drawn anew in some cells alone.

    Attributes:
        clean: its latents, (1, c, h, w).
        start_steps: the first step that each cell takes freely, int (h, w), N for never.
    """

    clean: Tensor = field(repr=False)
    start_steps: Tensor = field(repr=False)

    @property
    def first_step(self) -> int:
        """The step with which a run begins."""
        return int(self.start_steps.min())

    def begin(self, schedule: Schedule, noise: Tensor) -> tuple[Tensor, tuple[LayerNoise, ...]]:
        """Begin a run in the picture.

        Args:
            schedule: the run's.
            noise: standard normal, (1, c, h, w).

        Returns:
            The state of the first step, and the control that holds the rest.
        """
        held = LayerNoise(self.clean, self.start_steps, schedule, SharedNoise(noise))
        return schedule.noise_to(self.first_step, self.clean, noise), (held,)


def hold_picture(
    bundle: ModelBundle, picture: Picture, strength: StrengthMap, steps: int
) -> HeldPicture:
    """Hold a finished picture wherever its strength is 0.

    Args:
        bundle: whose encoder makes the latents.
        picture: uint8 (h, w, 3).
        strength: h of each pixel, float64 (h, w) in 0..1.
        steps: N of the run.
    """
    start_steps = build_start_steps(strength, steps, bundle.card.cell_px, "filled")
    return HeldPicture(
        encode_mean(bundle, picture), torch.from_numpy(start_steps).to(bundle.device)
    )


def build_strength_map(
    topmost: NDArray[np.integer], strengths: Sequence[float | StrengthMap], blur_px: float
) -> StrengthMap:
    """h of each pixel: the strength of its topmost layer, softened between layers that are free.

    Held pixels (0) neither take nor give blur: they stay 0 and do not lower their neighbours.

    Args:
        topmost: the number of the layer on top, int (h, w), 0 where nothing covers the canvas.
        strengths: of number i, a number in 0..1 or a painted map float64 (h, w); a uniform map is
            its number, bit for bit.
        blur_px: the Gaussian's deviation in pixels; 0 for hard borders.

    Returns:
        float64 (h, w) in 0..1.
    """
    hard = np.zeros(topmost.shape, np.float64)
    for index, strength in enumerate(strengths):
        np.copyto(hard, strength, where=topmost == index)
    free = hard > 0
    if blur_px <= 0 or len(np.unique(hard[free])) < 2:
        return hard
    share = blur(free.astype(np.float64), blur_px, edge="nearest", reach=3.0)
    soft = np.divide(
        blur(hard, blur_px, edge="nearest", reach=3.0), share, out=np.zeros_like(hard), where=free
    )
    changed = free & (
        np.abs(soft - hard) > 1e-6
    )  # what blur leaves alone stays exact, down to the last bit
    return np.where(changed, soft, hard)


def build_start_steps(
    strength: StrengthMap, steps: int, cell_px: int, held: Holding
) -> NDArray[np.int64]:
    """The first free step of every latent cell: k0 = N - ⌊N·h⌋, with h at the cell's centre, or the
    greatest in the cell where only the centre is held.

    Args:
        strength: h of each pixel, float64 (h, w) in 0..1, the sides divisible by ``cell_px``.
        steps: N.
        cell_px: pixels per latent cell along a side.
        held: "touched" holds a cell that has any held pixel, "filled" one that has no other.

    Returns:
        int64 (h / cell_px, w / cell_px), 0 to N.
    """
    cells, strength = split_into_cells(strength, cell_px), cell_centres(strength, cell_px)
    if held == "touched":
        strength = np.where(cells.min(axis=(1, 3)) > 0, strength, 0.0)
    else:
        strength = np.where(strength > 0, strength, cells.max(axis=(1, 3)))
    return steps - np.floor(steps * strength).astype(np.int64)
