"""Is it the thing that was asked for? Outlines, places, colours and sharpness, by rulers that know
the truth.

A segmenter that goes by texture calls a checked sausage a fish. An outline cannot be talked into
that: the silhouette of what stands in the picture is laid over the true silhouettes of all classes
in a common box, and the nearest one says what it is. Nothing here asks a network; whoever finds the
foreground hands it in as a mask.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from backend.scene.imaging.arrays import Labels, Mask, Picture
from backend.scene.imaging.edges import canny

BOX_PX = 48
"""Side of the common box: a leg or an ear is still several cells wide in it."""
PIECE_FRAC = 0.01
"""A piece of foreground counts from this share of the picture on: a disc of radius 7 px of 128."""
COVERED_SHARE = 0.5
"""A class stands in a place if it is half of the foreground there, as a person would name it."""
EDGE_TOLERANCE_PX = 1.5
"""A line drawn beside the asked one, diagonal neighbours included, counts as hit."""
LUMA = np.array((0.299, 0.587, 0.114))


def fit_to_box(mask: Mask) -> Mask:
    """A silhouette (h, w) in the common box: cut to its bounds, centred in a square, resampled by
    area.

    Returns:
        bool (48, 48); all false for an empty mask.
    """
    if not mask.any():
        return np.zeros((BOX_PX, BOX_PX), np.bool_)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    piece = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = piece.shape
    side: int = max(height, width)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = piece * np.uint8(255)
    resized = Image.fromarray(square).resize((BOX_PX, BOX_PX), Image.Resampling.BOX)
    return np.asarray(resized) >= 128


def outline_iou(found: Mask, outline: Mask) -> float:
    """Overlap 0..1 of two silhouettes in the common box, the better of as it is and mirrored.

    Args:
        found: bool (h, w), what stands in the picture.
        outline: bool (h, w), any size, the true silhouette.

    Returns:
        |A ∩ B| / |A ∪ B|; 0 where either is empty.
    """
    asked = fit_to_box(outline)
    here = fit_to_box(found)
    return max(_overlap(here, asked), _overlap(here[:, ::-1], asked))


def _overlap(first: Mask, second: Mask) -> float:
    union = int(np.count_nonzero(first | second))
    return float(np.count_nonzero(first & second) / union) if union else 0.0


def find_nearest_outline(found: Mask, outlines: Mapping[str, Mask]) -> str:
    """The name of the outline that lies nearest to what was found; empty where nothing was."""
    if not found.any():
        return ""
    return max(outlines, key=lambda name: outline_iou(found, outlines[name]))


def find_pieces(foreground: Mask) -> tuple[Mask, ...]:
    """The connected pieces (8 neighbours) of a foreground (h, w), the largest first.

    Pieces under ``PIECE_FRAC`` of the picture are crumbs and left out.
    """
    labels, count = ndimage.label(foreground, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    return tuple(labels == k + 1 for k in order if sizes[k] >= PIECE_FRAC * foreground.size)


def find_largest_piece(foreground: Mask) -> Mask:
    """The largest connected piece of a foreground (h, w); all false where there are only crumbs."""
    pieces = find_pieces(foreground)
    return pieces[0] if pieces else np.zeros_like(foreground)


def find_piece_at(foreground: Mask, region: Mask) -> Mask:
    """The piece of a foreground (h, w) that stands where a region was asked for.

    Looked for is within an eighth of the region's larger side around it, so that an object that
    reaches over its region keeps its outline, and its neighbours do not join it.

    Returns:
        bool (h, w): the piece that shares most with the region; all false where none does.
    """
    if not region.any():
        return np.zeros_like(foreground)
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    reach: float = max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) / 8
    near: Mask = ndimage.distance_transform_edt(~region) <= reach
    pieces = find_pieces(foreground & near)
    shared = [int(np.count_nonzero(piece & region)) for piece in pieces]
    best = int(np.argmax(shared)) if shared else -1
    return pieces[best] if shared and shared[best] else np.zeros_like(foreground)


def count_extra_pieces(foreground: Mask, asked: int) -> int:
    """How many pieces stand in a picture beyond the objects that were asked for; touching ones
    count as one.
    """
    return max(0, len(find_pieces(foreground)) - asked)


def is_class_in_place(class_map: Labels, label: int, place: Mask) -> bool:
    """Whether a class is at least half of what stands in a place.

    Args:
        class_map: int64 (h, w), 0 = background.
        label: the asked class, from 1.
        place: bool (h, w), where it was asked for.
    """
    standing = (class_map > 0) & place
    if standing.sum() < PIECE_FRAC * place.size:
        return False
    return bool((class_map[standing] == label).mean() >= COVERED_SHARE)


def is_colour_in_place(
    picture: Picture,
    standing: Mask,
    asked: str,
    palette: Mapping[str, tuple[int, int, int]],
) -> bool:
    """Whether the asked colour is the commonest of a palette where something stands.

    Compared are hue and saturation, since light and shade change the brightness alone; pixels too
    dark to have a hue (ink, shade) are not asked.

    Args:
        picture: uint8 (h, w, 3), sRGB.
        standing: bool (h, w).
        asked: a name of the palette.
        palette: sRGB by name.
    """
    seen = picture[standing].astype(np.float64)
    seen = seen[seen.max(axis=-1) > 70]
    if not len(seen):
        return False
    names = list(palette)
    known = _chroma(np.array([palette[name] for name in names], np.float64))
    distance: NDArray[np.float64] = np.linalg.norm(_chroma(seen)[:, None] - known[None], axis=-1)
    votes = np.bincount(distance.argmin(axis=1), minlength=len(names))
    return names[int(votes.argmax())] == asked


def _chroma(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 3) of sRGB (n, 3): the hue circle times saturation, and a little brightness."""
    top: NDArray[np.float64] = colours.max(axis=1)
    low: NDArray[np.float64] = colours.min(axis=1)
    spread: NDArray[np.float64] = np.maximum(top - low, 1e-9)
    red, green, blue = colours[:, 0], colours[:, 1], colours[:, 2]
    sector: NDArray[np.float64] = np.where(
        top == red,
        ((green - blue) / spread) % 6,
        np.where(top == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    angle, saturation = sector * np.pi / 3, (top - low) / np.maximum(top, 1e-9)
    return np.stack(
        [saturation * np.cos(angle), saturation * np.sin(angle), 0.3 * top / 255], axis=1
    )


def edge_energy(picture: Picture, within: Mask) -> float:
    """Mean absolute difference of neighbours' luma on a mask, in grey levels 0..255.

    Both pixels of a pair lie within. Of two pictures of one size the ratio says how sharp one is
    against the other.

    Args:
        picture: uint8 (h, w, 3).
        within: bool (h, w).

    Returns:
        NaN where no pair lies within.
    """
    luma = picture.astype(np.float64) @ LUMA
    total = count = 0.0
    for axis in (0, 1):
        step = np.abs(np.diff(luma, axis=axis))
        head, tail = np.delete(within, -1, axis), np.delete(within, 0, axis)
        both = head & tail
        total += float(step[both].sum())
        count += float(both.sum())
    return total / count if count else float("nan")


def psnr_within(made: Picture, truth: Picture, within: Mask) -> float:
    """Peak signal-to-noise ratio in dB of the pixels of a mask (h, w) alone; infinite if equal."""
    error = np.mean((made[within].astype(np.float64) - truth[within].astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def edge_f1(picture: Picture, asked: Mask, within: Mask) -> float:
    """F1 in 0..1 of the edges of a picture (h, w, 3) against ``asked`` (h, w), both only where
    ``within`` is true.

    Precision is the share of found edges near an asked one, recall the share of asked ones near a
    found one; NaN when nothing was asked there.
    """
    found, wanted = canny(picture), asked & within
    if not wanted.any():
        return float("nan")
    recall = float(_near(found)[wanted].mean())
    seen = found & within
    precision = float(_near(asked)[seen].mean()) if seen.any() else 0.0
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _near(edges: Mask) -> Mask:
    if not edges.any():
        return np.zeros_like(edges)
    near: Mask = ndimage.distance_transform_edt(~edges) <= EDGE_TOLERANCE_PX
    return near
