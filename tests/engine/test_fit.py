"""A subject fitted to its place: boxes on boxes, nearest cells, every part the whole subject."""

from __future__ import annotations

import numpy as np
import torch

from backend.engine.fit import Fit, fitted_cells


def box(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    inside = np.zeros((6, 6), np.bool_)
    inside[y0:y1, x0:x1] = True
    return inside


def test_a_subject_is_moved_to_its_place() -> None:
    index, taken = fitted_cells(box(0, 2, 0, 2), box(3, 5, 4, 6))
    assert index[taken].tolist() == [0, 1, 6, 7]
    assert taken.view(6, 6).numpy().tolist() == box(3, 5, 4, 6).tolist()


def test_a_larger_place_repeats_cells_and_a_smaller_one_leaves_some_out() -> None:
    index, taken = fitted_cells(box(0, 1, 0, 2), box(2, 3, 0, 4))
    assert index[taken].tolist() == [0, 0, 1, 1]
    index, taken = fitted_cells(box(0, 1, 0, 4), box(2, 3, 0, 2))
    assert index[taken].tolist() == [1, 3]


def test_every_part_of_the_place_takes_the_whole_subject() -> None:
    index, taken = fitted_cells(box(5, 6, 0, 2), box(0, 1, 0, 2) | box(2, 3, 3, 5))
    assert index[taken].tolist() == [30, 31, 30, 31]


def test_a_hole_in_the_subject_is_filled_with_the_nearest_cell() -> None:
    ring = box(0, 3, 0, 3)
    ring[1, 1] = False
    index, taken = fitted_cells(ring, box(3, 6, 3, 6))
    assert set(index[taken].tolist()) == set(np.flatnonzero(ring).tolist())


def test_where_a_grid_shows_nothing_all_cells_are_their_own() -> None:
    for fit in (Fit(box(0, 0, 0, 0), box(0, 2, 0, 2)), Fit(box(0, 2, 0, 2), box(0, 0, 0, 0))):
        index, taken = fit.cells((3, 3))
        assert index.tolist() == list(range(9))
        assert bool(taken.all())
    coarse = Fit(box(0, 6, 0, 6), box(0, 1, 0, 1)).cells((3, 3))[1]
    assert coarse.tolist() == [True] + [False] * 8
    fit = Fit(box(0, 6, 0, 6), box(0, 3, 0, 6))
    index, taken = fit.cells((2, 2))
    assert taken.tolist() == [True, True, False, False]
    assert fit.cells((2, 2))[1] is taken
    assert index.dtype == torch.int64
