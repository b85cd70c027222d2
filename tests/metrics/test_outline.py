"""Outlines, places, colours and sharpness against drawings whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.evaluation.forms import true_outlines
from backend.metrics.outline import (
    BOX_PX,
    count_extra_pieces,
    edge_energy,
    find_nearest_outline,
    find_pieces,
    fit_to_box,
    is_class_in_place,
    is_colour_in_place,
    outline_iou,
    psnr_within,
)
from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.world.sprites import PALETTE, draw_object


def disc(side: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("side", [40, 90])
def test_a_drawing_is_nearest_to_its_own_class_at_any_size_and_mirrored(
    name: str, side: int
) -> None:
    found = draw_object(name, "blue", "dotted", side)[..., 3] >= 128
    for seen in (found, found[:, ::-1]):
        assert find_nearest_outline(seen, true_outlines()) == name
        assert outline_iou(seen, true_outlines()[name]) > 0.9


def test_a_sausage_is_no_fish() -> None:
    rows, columns = np.mgrid[0:100, 0:100]
    sausage = (np.abs(rows - 50) < 15) & (np.abs(columns - 50) < 45)
    assert find_nearest_outline(sausage, true_outlines()) != "fish"
    assert outline_iou(sausage, true_outlines()["fish"]) < 0.75


def test_the_box_keeps_the_shape_and_nothing_is_nothing() -> None:
    wide = np.zeros((30, 60), bool)
    wide[10:20, 5:45] = True
    boxed = fit_to_box(wide)
    assert boxed.shape == (BOX_PX, BOX_PX)
    assert boxed.mean() == pytest.approx(0.25, abs=0.02)
    empty = np.zeros((30, 60), bool)
    assert not fit_to_box(empty).any()
    assert find_nearest_outline(empty, true_outlines()) == ""
    assert outline_iou(empty, true_outlines()["cat"]) == 0


def test_pieces_are_sorted_crumbs_are_left_out_and_extra_ones_counted() -> None:
    ground = disc(128, 30, 30, 20) | disc(128, 90, 90, 30) | disc(128, 120, 5, 2)
    pieces = find_pieces(ground)
    assert [piece[90, 90] for piece in pieces] == [True, False]
    assert count_extra_pieces(ground, 1) == 1
    assert count_extra_pieces(ground, 2) == 0
    assert count_extra_pieces(np.zeros((9, 9), bool), 1) == 0


def test_a_class_counts_where_it_is_half_of_what_stands_there() -> None:
    classes = np.zeros((64, 64), np.int64)
    classes[20:40, 5:25] = 3
    classes[20:40, 40:60] = 7
    left = np.broadcast_to(np.arange(64) < 32, (64, 64))
    assert is_class_in_place(classes, 3, left)
    assert not is_class_in_place(classes, 7, left)
    assert not is_class_in_place(classes, 3, ~left)
    classes[20:40, 5:18] = 7
    assert not is_class_in_place(classes, 3, left)
    assert not is_class_in_place(np.zeros_like(classes), 3, left)


@pytest.mark.parametrize("colour", COLOURS)
def test_the_colour_of_every_drawing_is_named_without_a_network(colour: str) -> None:
    for name in CLASSES:
        drawn = draw_object(name, colour, "plain", 64)
        standing = drawn[..., 3] >= 128
        others = [c for c in COLOURS if c != colour]
        assert is_colour_in_place(drawn[..., :3], standing, colour, PALETTE), name
        assert not any(
            is_colour_in_place(drawn[..., :3], standing, other, PALETTE) for other in others
        )


def test_edge_energy_is_the_mean_step_within_and_halves_with_contrast() -> None:
    ramp = np.repeat((np.arange(20) * 4).astype(np.uint8)[None, :, None], 20, 0).repeat(3, 2)
    within = np.ones((20, 20), bool)
    assert edge_energy(ramp, within) == pytest.approx(2.0)  # 4 across, 0 down
    assert edge_energy(ramp // 2, within) == pytest.approx(1.0)
    one = np.zeros((20, 20), bool)
    one[3, 3] = True
    assert math.isnan(edge_energy(ramp, one))


def test_masked_psnr_sees_the_mask_alone() -> None:
    truth = np.zeros((8, 8, 3), np.uint8)
    made = truth.copy()
    made[:4] = 255
    below = np.zeros((8, 8), bool)
    below[4:] = True
    assert psnr_within(made, truth, below) == float("inf")
    assert psnr_within(made, truth, ~below) == pytest.approx(0.0)
