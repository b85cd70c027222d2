"""Filling what an object leaves: a plain fill from around it, and a part of pictures drawn again
over that.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from scipy import ndimage

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode
from backend.engine.loop_types import Control, Step
from backend.engine.sampling import Batch, prepare_from_pictures, relay, sample_batch
from backend.models.bundle import ModelBundle
from backend.plan.plan import Plan
from backend.scene.imaging.arrays import Floats, Mask, Picture
from backend.scene.imaging.edges import canny
from backend.scene.imaging.mask import blur

MARGIN_SHARE = 1 / 32
"""How far a hole reaches beyond the object, over the shorter side: a cut-out's soft edge and thin
shadow.
"""
SHADE_REACH = 0.2
"""How far from an object its shadow is looked for, over the longer side of its box: what lies under
it or close behind it. Farther shadows are taken for the place's."""
DARKER, GREYISH = 0.96, 0.15
"""A shadow keeps at most this share of the ground's light, and about as much of each channel."""
SMOOTH_SHARE = 1 / 64
"""Gaussian of the plain fill's smoothing, over the picture's shorter side: 2 px at 128, 8 at 512.
"""
SWEEPS = 40
"""Smoothings of the plain fill: what is left of its streaks after 40 is under one level of 255 on a
slope.
"""
SOFT_PX = 0.7
"""Gaussian that softens an object's outline: about one pixel from opaque to nothing."""


@dataclass(frozen=True)
class Redraw:
    """Pictures of which a part is drawn again.

    Attributes:
        pictures: one for each seed, uint8 (h, w, 3).
        seeds: a candidate each.
        words: the prompt.
        unwanted: the negative prompt.
        steps: how many of the last steps are taken, 0 to N.
        before: steps of the whole run that were done before this part.
        total: all of them.
    """

    pictures: tuple[Picture, ...] = field(repr=False)
    seeds: tuple[int, ...]
    words: str
    unwanted: str
    steps: int
    before: int
    total: int


def hole_of(mask: Mask) -> Mask:
    """The object with its margin.

    Args:
        mask: the object, bool (h, w).
    """
    grown: Mask = ndimage.binary_dilation(
        mask, iterations=max(1, round(min(mask.shape) * MARGIN_SHARE))
    )
    return grown


def hole_with_shade(picture: Picture, mask: Mask) -> tuple[Mask, Floats]:
    """The object with its margin and the soft shadow that it throws near by, and that shadow.

    It is what is darker than the plain fill from farther away, in all channels alike, and reached
    from the object without crossing a line (other things have outlines, a shadow's edge is soft).
    Under the object it goes on as around it.

    Args:
        picture: uint8 (h, w, 3).
        mask: the object, bool (h, w).

    Returns:
        The hole, bool (h, w), and the shadow, float32 (h, w, 3): the share of its light that the
        ground keeps, 1 beyond the hole.
    """
    hole, none = hole_of(mask), np.ones(picture.shape, np.float32)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return hole, none
    longest = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    wide: Mask = hole | ndimage.binary_dilation(
        mask, iterations=max(1, round(SHADE_REACH * longest))
    )
    if wide.all():
        return hole, none
    kept = (picture.astype(np.float32) + 1) / (fill(picture, wide).astype(np.float32) + 1)
    dark = (kept.mean(-1) < DARKER) & (np.ptp(kept, axis=-1) < GREYISH) & wide
    shade: Mask = ndimage.binary_propagation(hole, mask=hole | (dark & ~canny(picture)))
    hole = hole | (ndimage.binary_dilation(shade & ~hole) & wide)
    object_itself = ndimage.binary_dilation(mask, iterations=2)
    light = np.where((hole & dark & ~object_itself)[..., None], np.clip(kept, 0, 1), none)
    return hole, fill_light(light, object_itself)


def fill_light(light: Floats, hidden: Mask) -> Floats:
    """A shadow that goes on under what hides it, in 255 steps.

    Args:
        light: float32 (h, w, 3) in 0..1.
        hidden: where it is not known, bool (h, w).
    """
    steps = np.rint(light * 255).astype(np.uint8)
    found: Floats = fill(steps, hidden).astype(np.float32) / np.float32(255)
    return found


def fill(picture: Picture, hole: Mask) -> Picture:
    """A picture with its hole filled from around it: by the nearest pixels outside, then smoothed.

    Args:
        picture: uint8 (h, w, 3).
        hole: bool (h, w).

    Returns:
        uint8 (h, w, 3); outside of the hole its own bytes.
    """
    rows, columns = ndimage.distance_transform_edt(
        hole, return_distances=False, return_indices=True
    )
    values = picture[rows, columns].astype(np.float32)
    sigma = max(1.0, min(hole.shape) * SMOOTH_SHARE)
    for _ in range(SWEEPS):
        values[hole] = blur(values, sigma)[hole]
    smooth = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.where(hole[..., None], smooth, picture)


def redraw_region(
    bundle: ModelBundle, plan: Plan, redraw: Redraw, hold: Callable[[Batch], Control]
) -> Generator[Step, None, tuple[Picture, ...]]:
    """Draw a part of pictures again.

    Args:
        bundle: the model.
        plan: its sampler, steps, size and guidance scale count.
        redraw: the pictures and their words.
        hold: makes the control that keeps the rest.

    Yields:
        Steps in the count of the whole run.

    Returns:
        The decoded pictures; the given ones where no step is taken.
    """
    if not redraw.steps:
        return redraw.pictures
    batch = prepare_from_pictures(
        bundle, plan, redraw.pictures, redraw.seeds, plan.steps - redraw.steps
    )
    conditioning = build_conditioning(
        bundle, redraw.words, redraw.unwanted, plan.guidance_scale, len(redraw.seeds)
    )
    numbers = count(redraw.before)
    latents = yield from relay(
        sample_batch(bundle, batch, conditioning, [hold(batch)]),
        lambda step: replace(step, k=next(numbers), total=redraw.total, first=0),
    )
    return decode(bundle, latents)
