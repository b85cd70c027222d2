"""Canny's detector, and which lines of a layer are its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.scene.imaging.edges import canny, continue_values, layer_edges


def disc(side: int, radius: float) -> NDArray[np.float32]:
    y, x = np.mgrid[0:side, 0:side] + 0.5 - side / 2
    return np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)


def test_a_step_is_one_thin_line() -> None:
    picture = np.zeros((16, 20), np.uint8)
    picture[:, 9:] = 200
    edges = canny(picture)
    assert (edges.sum(axis=1) == 1).all()
    assert set(np.nonzero(edges)[1]) <= {8, 9}


def test_a_flat_picture_and_a_faint_step_have_no_edges() -> None:
    picture = np.full((12, 12, 3), 90, np.uint8)
    picture[:, 6:] += 30
    assert not canny(picture).any()


def test_a_weak_line_counts_only_where_it_is_joined_to_a_strong_one() -> None:
    step = np.zeros((40, 24), np.float32)
    step[:20, 12:] = 40  # weak alone
    assert not canny(step[:18]).any()
    step[20:, 12:] = 120  # the same line goes on strongly
    assert canny(step)[4:36, 10:14].any(axis=1).all()


def test_any_channel_may_show_the_edge() -> None:
    picture = np.full((16, 16, 3), 128, np.uint8)
    picture[:, :8, 2], picture[:, 8:, 2] = 40, 216
    assert canny(picture).any(axis=1).all()


def test_turning_the_picture_turns_its_edges() -> None:
    shape = disc(33, 10) * 255
    edges = canny(shape)
    assert np.array_equal(canny(np.rot90(shape, 2)).sum(), edges.sum())
    ring = np.hypot(*(np.mgrid[0:33, 0:33] - 16.0))
    assert np.abs(ring[edges] - 10).max() < 1.6
    angles = np.arctan2(*(np.argwhere(edges) - 16.0).T)
    assert np.diff(np.sort(angles)).max() < 0.3  # closed all round


def test_unknown_pixels_take_the_nearest_value() -> None:
    values = np.arange(12, dtype=np.float32).reshape(1, 12, 1)
    known = np.zeros((1, 12), bool)
    known[0, 3:6] = True
    assert continue_values(values, known)[0, :, 0].tolist() == [3, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 5]


def test_a_silhouette_is_an_edge_and_a_frame_is_not() -> None:
    """A disc cut out of its picture keeps its outline; a photograph's rectangle leaves none on the
    canvas.
    """
    colour = np.full((48, 48, 3), 0.9, np.float32)
    cutout = layer_edges(colour, disc(48, 15), np.ones((48, 48), np.float32))
    assert cutout.sum() > 60
    rectangle = np.zeros((48, 48), np.float32)
    rectangle[10:40, 8:30] = 1
    assert not layer_edges(colour, rectangle, rectangle).any()


def test_inner_lines_of_a_photograph_stay() -> None:
    colour = np.full((48, 48, 3), 0.9, np.float32)
    colour[:, 20:] = 0.2
    rectangle = np.zeros((48, 48), np.float32)
    rectangle[10:40, 8:30] = 1
    edges = layer_edges(colour, rectangle, rectangle)
    assert set(np.nonzero(edges)[1]) <= {19, 20}
    assert edges[11:39].any(axis=1).all()


def test_an_empty_layer_has_none() -> None:
    empty = np.zeros((8, 8), np.float32)
    assert not layer_edges(np.zeros((8, 8, 3), np.float32), empty, empty).any()
