"""Small objects that are drawn again: what is asked, and what is measured of known pictures."""

from __future__ import annotations

import numpy as np

from backend.evaluation.close_up import SmallObjectRows, build_small_objects
from backend.models.bundle import ModelBundle
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES


def test_every_class_is_asked_for_and_fits_its_window() -> None:
    objects = build_small_objects(16, 256, 5)
    assert {one.name for one in objects} == set(CLASSES)
    for one in objects:
        rows, columns = np.nonzero(one.ellipse)
        window = one.window
        assert window.top_px <= rows.min() <= rows.max() < window.top_px + window.side_px
        assert window.left_px <= columns.min() <= columns.max() < window.left_px + window.side_px
        small = one.scene.layers[-1]
        assert one.name in small.phrase
        assert small.phrase in one.scene.prompt
        assert one.pixels.picture(one.source).shape == (256, 256, 4)
    again = build_small_objects(16, 256, 5)
    assert [one.source for one in again] == [one.source for one in objects]
    assert [one.source for one in build_small_objects(2, 256, 6)] != [
        one.source for one in objects[:2]
    ]


def test_both_ways_are_measured_and_leave_the_rest_alone(pocket: ModelBundle) -> None:
    judge: Judge = pocket.members.get("judge")
    suite = SmallObjectRows(pocket, judge, build_small_objects(1, pocket.card.native_px, 5))
    whole, near = suite.rows()
    assert (whole.method, near.method) == ("small_in_whole", "small_close_up")
    for row in (whole, near):
        assert 0 <= row.metrics["outline_iou"].mean <= 1
        assert row.metrics["changed_outside"].mean == 0
    first, second = (row[0].picture for row in suite.tiles)
    assert not np.array_equal(first, second)
