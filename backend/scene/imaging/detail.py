"""What an autoencoder loses of a picture, given back where little has changed, and where only light
and colour may change (ours).

With x the canvas, p what the autoencoder makes of it, and y what was drawn: y + a·m·(x - p), where
m = exp(-(c/τ)²) and c is how far y differs from p around the place. Where nothing has changed, y
is p, m is 1, and at a = 1 the canvas's own bytes come back; where something else was drawn, m is 0
and nothing of the canvas shines through.

Where forms are to stay: x · Σ_i v_i·g_i, with g_i = B(h_i·Y(y)) / B(h_i·Y(p)), Y the luminance,
v_i what is seen of layer i, h_i its inside, and B a blur as wide as shadows are. All fine detail
and every hue is then the canvas's own; what the model made darker or brighter comes through, and
nothing crosses from a layer to its neighbour.

Where a silhouette is drawn: what was made, inside of the silhouette's own outline, and moved to its
own colour where the words name none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.mask import blur

TOLERATED_CHANGE = 0.06
"""τ: the mean difference of colours (of 1) at which the share has fallen to 1/e. Twice that lets
the outline of an object that has moved show as a ghost.
"""

RIM_FRAC = 0.2
"""Of the blur's width: so far from its border the inside of a layer begins, for across the border
the model's edges lie beside the canvas's.
"""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
DARKEST, GAINS = 8.0, (0.6, 1.5)
"""Levels under which a luminance counts as that much, and how far light may go."""
LEAST_DIFFERENCE, LEAST_MADE = 24.0, 0.35
"""So many levels from what is under it something was drawn; so much of a silhouette must be."""
LEAST_INSIDE = 1e-3
"""What a layer's rim counts against its inside, so that thin layers have an average, too."""

SOLID_ALPHA = 127
PLAIN_LEVELS, PLAIN_SHARE = 12, 0.95
"""So near to the middle colour, in levels, so much of a silhouette is."""


def restore_detail(
    made: Picture, canvas: Picture, passed: Picture, amount: float, cell_px: int
) -> Picture:
    """The picture with the canvas's own detail where it stayed what it was.

    Args:
        made: what was drawn, uint8 (h, w, 3).
        canvas: what it was drawn from, uint8 (h, w, 3).
        passed: the canvas after the autoencoder alone, uint8 (h, w, 3).
        amount: 0 (nothing) to 1.
        cell_px: side of a latent cell; both sides of the pictures are multiples of it.

    Returns:
        uint8 (h, w, 3).
    """
    share = amount * measure_sameness(made, passed, cell_px)
    lost = canvas.astype(np.float32) - passed.astype(np.float32)
    restored = np.rint(made.astype(np.float32) + share[..., None] * lost)
    return np.clip(restored, 0, 255).astype(np.uint8)


def measure_sameness(made: Picture, passed: Picture, cell_px: int) -> Floats:
    """How much a picture is still the other one, by cells: float32 (h, w) in 0..1.

    The largest difference of a cell and its eight neighbours counts, so that detail does not end
    in the middle of what has changed; between cells the share is bilinear.
    """
    differs = np.abs(made.astype(np.float32) - passed.astype(np.float32)).mean(axis=-1) / 255
    rows, columns = differs.shape[0] // cell_px, differs.shape[1] // cell_px
    cells = differs.reshape(rows, cell_px, columns, cell_px).mean(axis=(1, 3))
    largest: NDArray[np.float32] = ndimage.maximum_filter(cells, 3, mode="nearest")
    share = np.exp(-np.square(largest / TOLERATED_CHANGE)).astype(np.float32)
    wide = Image.fromarray(share).resize(differs.shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(wide, dtype=np.float32)


def take_light(
    made: Picture, canvas: Picture, passed: Picture, visibility: Floats, width_px: float
) -> Floats:
    """The canvas in the light of what was made: each layer's own detail and hues, brighter or
    darker by what is coarser than a width.

    Args:
        made: what was drawn, uint8 (h, w, 3).
        canvas: what it was drawn from, uint8 (h, w, 3).
        passed: the canvas after the autoencoder alone, uint8 (h, w, 3).
        visibility: a partition of the picture into layers, float32 (n, h, w) in 0..1.
        width_px: standard deviation of the blur.

    Returns:
        float32 (h, w, 3), not clipped.
    """
    brighter, before = luminance(made), luminance(passed)
    gain = np.zeros(before.shape, np.float32)
    rim = 1 + 2 * round(RIM_FRAC * width_px)
    for seen in visibility:
        owned = seen > 0.5
        if not owned.any():
            gain += seen
            continue
        inside = ndimage.binary_erosion(owned, np.ones((rim, rim), np.bool_), border_value=1)
        counts = (np.where(inside, 1.0, LEAST_INSIDE) * owned).astype(np.float32)
        light = blur(brighter * counts, width_px), blur(before * counts, width_px)
        floor = DARKEST * np.maximum(blur(counts, width_px), 1e-9)
        gain += seen * np.clip((light[0] + floor) / (light[1] + floor), *GAINS)
    return canvas.astype(np.float32) * gain[..., None]


def luminance(picture: Picture) -> Floats:
    """Rec. 601 luma, float32 (h, w) in 0..255, of uint8 (h, w, 3)."""
    luma: NDArray[np.float32] = picture.astype(np.float32) @ LUMA
    return luma


def fill_outline(
    made: Picture, canvas: Picture, under: Picture, seen: Floats, rim_px: float, hues: float | None
) -> Floats | None:
    """What was made of a silhouette, brought to the silhouette's own outline.

    What looks like the ground under the silhouette and is not surrounded by what does not, and all
    within ``rim_px`` of that or of the outline, is no part of what was made of it: the nearest part
    takes its place.

    Args:
        made: what was drawn, uint8 (h, w, 3).
        canvas: what it was drawn from, uint8 (h, w, 3).
        under: the canvas without the silhouette, uint8 (h, w, 3).
        seen: how much of each pixel shows the silhouette, float32 (h, w) in 0..1.
        rim_px: how far inwards a decoder's smear reaches.
        hues: how much of the differences in hue stays, 0..1, where the mean colour becomes the
            canvas's; None leaves all colours as they were made.

    Returns:
        float32 (h, w, 3), of use where the silhouette is seen; None where nothing was made of it:
        less than ``LEAST_MADE`` of it differs from what is under it.
    """
    owned = seen > 0.5
    difference = np.abs(made.astype(np.float32) - under.astype(np.float32)).max(axis=-1)
    differs_enough = np.minimum(difference, blur(difference, rim_px / 2)) > LEAST_DIFFERENCE
    drawn = ndimage.binary_fill_holes(owned & differs_enough)
    if not drawn.any() or drawn.sum() < LEAST_MADE * owned.sum():
        return None
    inner = ndimage.distance_transform_edt(drawn) > rim_px
    drawn = inner if inner.any() else drawn
    nearest = ndimage.distance_transform_edt(~drawn, return_distances=False, return_indices=True)
    filled = made.astype(np.float32)[tuple(nearest)]
    filled = np.where(drawn[..., None], filled, blur(filled, rim_px / 2))
    if hues is None:
        return filled
    own = np.median(canvas[owned].astype(np.float32), axis=0)
    differs = filled - filled[owned].mean(axis=0)
    grey = (differs @ LUMA)[..., None]
    kept: NDArray[np.float32] = own + grey + hues * (differs - grey)
    return kept


def is_plain(picture: NDArray[np.uint8]) -> bool:
    """Whether a picture is a silhouette: see ``find_plain_colour``."""
    return find_plain_colour(picture) is not None


def find_plain_colour(picture: NDArray[np.uint8]) -> tuple[int, int, int] | None:
    """The colour that nearly all of what is not transparent has; None where there is none.

    Args:
        picture: uint8 (h, w, 4).
    """
    solid = picture[picture[..., 3] > SOLID_ALPHA][:, :3].astype(np.int16)
    if len(solid) == 0:
        return None
    middle = np.median(solid, axis=0)
    near = np.abs(solid - middle).max(axis=1) <= PLAIN_LEVELS
    red, green, blue = (int(level) for level in middle)
    return (red, green, blue) if near.mean() >= PLAIN_SHARE else None
