"""Figures: intervals, ratios, the JSON shape, recognition metrics, timing in turns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backend.errors import RequestError
from backend.evaluation.__main__ import read_seeds
from backend.evaluation.collage_suite import label_of
from backend.evaluation.duels import Duel, run_duel
from backend.evaluation.report import (
    Report,
    ReportRow,
    Tile,
    build_metric,
    build_ratio,
    build_sheet,
    save_report,
)
from backend.metrics.recognition import class_present, colour_mask, colour_right, mask_iou, psnr
from backend.models.judge_classes import CLASSES


def test_interval_holds_the_mean_and_shrinks_with_more_values() -> None:
    random = np.random.default_rng(1)
    few, many = (
        build_metric(list(random.normal(5, 1, 10))),
        build_metric(list(random.normal(5, 1, 1000))),
    )
    assert few.ci95[0] < few.mean < few.ci95[1]
    assert many.ci95[1] - many.ci95[0] < (few.ci95[1] - few.ci95[0]) / 3


def test_ratio_is_of_medians_and_ignores_one_outlier() -> None:
    ratio = build_ratio([1.0] * 20 + [50.0], [2.0] * 21)
    assert ratio.mean == 0.5
    assert ratio.ci95 == (0.5, 0.5)


def test_report_is_the_agreed_json(tmp_path: Path) -> None:
    rows = (
        ReportRow("loop", {"ratio": build_metric([0.9, 1.0]), "ours_ms": 12.0}, 2, "E0 against x"),
    )
    save_report(
        Report("speed", "pocket", "cpu", (0,), True, 0.5, rows, ("a note",)),
        tmp_path / "o" / "r.json",
    )
    record = json.loads((tmp_path / "o" / "r.json").read_text())
    assert record["rows"][0]["metrics"]["ratio"]["n"] == 2
    assert record["rows"][0]["exactness"] == "E0 against x"
    assert {
        "suite",
        "lamina",
        "versions",
        "device",
        "model",
        "seeds",
        "quick",
        "minutes",
        "notes",
    } <= set(record)


def test_mask_iou() -> None:
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert np.isnan(mask_iou(a, b))
    a[:2], b[1:3] = True, True
    assert mask_iou(a, b) == mask_iou(b, a) == pytest.approx(1 / 3)
    assert mask_iou(a, a) == 1.0


def test_presence_and_colour() -> None:
    classes, colours = np.zeros((20, 20), np.int64), np.zeros((20, 20), np.int64)
    classes[:4, :4], colours[:4, :3], colours[:4, 3] = 7, 2, 5
    assert class_present(classes, 7)
    assert not class_present(classes, 8)
    assert colour_right(classes, colours, 7, 2)
    assert not colour_right(classes, colours, 7, 5)
    assert not colour_right(classes, colours, 8, 2)


def test_colour_mask_wants_the_nearest_colour_and_not_the_place() -> None:
    palette = {"red": (220, 0, 0), "blue": (0, 0, 220)}
    plate = np.full((2, 2, 3), 200, np.uint8)
    picture = np.array([[[210, 10, 10], [10, 10, 210]], [[200, 190, 200], [120, 20, 90]]], np.uint8)
    assert colour_mask(picture, plate, "red", palette).tolist() == [[True, False], [False, True]]
    assert colour_mask(picture, picture, "red", palette).sum() == 0


def test_psnr_of_a_known_error() -> None:
    black, grey = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 51, np.uint8)
    assert psnr(black, grey) == pytest.approx(20 * np.log10(5))
    assert psnr(black, black) == float("inf")


def test_duel_takes_turns() -> None:
    order: list[str] = []
    duel = Duel("d", "b", lambda: order.append("ours"), lambda: order.append("theirs"), "E0")
    row = run_duel(duel, repeats=4, warmups=1)
    assert order[2:] == ["ours", "theirs", "theirs", "ours", "ours", "theirs", "theirs", "ours"]
    assert row.n == 4


def test_labels_are_whole_words() -> None:
    assert CLASSES[label_of("yellow striped Cat", CLASSES) - 1] == "cat"
    assert label_of("a cathedral", CLASSES) == 0


def test_seeds_are_read_or_refused() -> None:
    assert read_seeds("0-2,7") == (0, 1, 2, 7)
    with pytest.raises(RequestError, match="--seeds"):
        read_seeds("one")


def test_sheet_has_a_cell_for_every_tile() -> None:
    tile = Tile(np.zeros((8, 8, 3), np.uint8), "x")
    assert build_sheet([[tile, tile], [tile]], 32).size == (2 * 38 + 6, 2 * 52 + 6)
