"""Holes that take an object's soft shadow away, and leave what stands near."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from backend.engine.healing import fill, hole_of, hole_with_shade

SIDE = 96


def ground() -> np.ndarray:
    """A slope from light to dark, tinted."""
    light = np.linspace(230, 170, SIDE)[:, None]
    return np.repeat(np.stack([light, light * 0.95, light * 0.85], axis=-1), SIDE, axis=1)


def disc(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.hypot(rows - row, columns - column) < radius


def as_picture(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def shade(plate: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The plate under a soft shadow of the mask, moved down to the right, and the share of light
    that it takes.
    """
    taken = 0.4 * ndimage.gaussian_filter(np.roll(mask, (4, 3), (0, 1)).astype(float), 2.0)
    return plate * (1 - taken[..., None]), taken


def test_the_shadow_is_in_the_hole_and_the_fill_is_the_ground() -> None:
    mask = disc(48, 48, 18)
    plate, taken = shade(ground(), mask)
    picture = as_picture(np.where(mask[..., None], (200, 40, 40), plate))
    hole, light = hole_with_shade(picture, mask)
    assert (hole >= hole_of(mask)).all()
    assert hole[taken > 0.08].mean() > 0.95
    assert hole.sum() < 1.5 * hole_of(mask).sum()
    off = np.abs(fill(picture, hole).astype(float) - ground())
    plain = np.abs(fill(picture, hole_of(mask)).astype(float) - ground())
    assert off[mask].mean() < 6 < plain[mask].mean()
    ring = ndimage.binary_dilation(mask, iterations=4) & ~ndimage.binary_dilation(
        mask, iterations=2
    )
    assert np.abs(light.mean(-1) - (1 - taken))[ring].mean() < 0.04
    assert (light[~hole] == 1).all()


def test_without_a_shadow_the_hole_is_the_object_with_its_margin() -> None:
    mask = disc(48, 48, 18)
    picture = as_picture(np.where(mask[..., None], (200, 40, 40), ground()))
    hole, light = hole_with_shade(picture, mask)
    assert np.array_equal(hole, hole_of(mask))
    assert (light == 1).all()


def test_a_dark_neighbour_stays() -> None:
    """A grey stone with an outline, two pixels from the hole's margin, is no shadow."""
    mask, stone = disc(48, 34, 16), disc(48, 66, 10)
    plate = np.where(stone[..., None], (110, 108, 104), ground())
    plate = np.where((stone & ~ndimage.binary_erosion(stone))[..., None], (30, 30, 30), plate)
    picture = as_picture(np.where(mask[..., None], (200, 40, 40), plate))
    assert hole_with_shade(picture, mask)[0][stone].mean() < 0.02


def test_an_empty_mask_has_no_hole() -> None:
    hole, light = hole_with_shade(as_picture(ground()), np.zeros((SIDE, SIDE), bool))
    assert not hole.any()
    assert (light == 1).all()
