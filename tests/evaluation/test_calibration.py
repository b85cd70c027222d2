"""Limits of verdicts: where they come from, and what they do to pictures whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend import POCKET_FOLDER
from backend.evaluation.calibration import (
    area_row,
    build_area,
    fail_row,
    is_failed,
    roc_area,
    set_limits,
)
from backend.evaluation.report import Metric
from backend.evaluation.verdict_cases import (
    AS_ASKED,
    FIRST_WORLD,
    MADE,
    MISSING,
    OTHER_CLASS,
    Sample,
    change_one,
)
from backend.metrics.verdicts import Verdict
from backend.models.judge_classes import CLASSES, COLOURS
from backend.models.members import read_member
from backend.models.verdict_rule import ScoreLimits, load_verdict_rule
from backend.pocket.world.world import build_layout


def sample(kind: str, form: float, place: float = 1.0, has_form: bool = True) -> Sample:
    verdict = Verdict(form=form, place=place, colour=0.9)
    return Sample(kind, verdict, has_form, kind != MISSING, kind != MISSING)


def test_the_area_counts_pairs_in_order_and_ties_half() -> None:
    assert roc_area([3, 2], [1, 0]) == 1.0
    assert roc_area([1], [1]) == 0.5
    assert roc_area([0, 2], [1]) == 0.5
    area = build_area([0.9] * 9 + [0.1], [0.2] * 10)
    assert area.mean == pytest.approx(0.9)
    assert area.ci95[0] < 0.9 < area.ci95[1]


def test_limits_spare_true_drawings_as_far_as_what_is_wrong_reaches_up_to_them() -> None:
    drawn = [sample(AS_ASKED, value) for value in np.linspace(0.6, 0.9, 50)]
    others = [sample(OTHER_CLASS, value, has_form=False) for value in (0.2, 0.55, 0.65)]
    limits = set_limits([*drawn, *others], "a test")
    assert 0.6 < limits.form < 0.61
    assert sum(is_failed(one, limits) for one in drawn) <= 0.02 * len(drawn)
    assert sum(is_failed(one, limits) for one in others) == 2


def test_a_limit_lies_low_where_nothing_wrong_comes_near() -> None:
    """One object in fifty is half lost to the segmenter; what is missing covers nothing."""
    drawn = [sample(AS_ASKED, 0.8, place) for place in (0.24, *np.linspace(0.9, 1, 49))]
    missing = [sample(MISSING, 0.0, 0.0, has_form=False) for _ in range(10)]
    limits = set_limits([*drawn, *missing], "a test")
    assert 0 < limits.place < 0.24
    assert not any(is_failed(one, limits) for one in drawn)
    assert all(is_failed(one, limits) for one in missing)


def test_what_is_left_unjudged_has_not_failed() -> None:
    unjudged = Sample(MADE, Verdict(unjudged="why"), False, False, True)
    assert not is_failed(unjudged, ScoreLimits(1, 1, 1))
    row = fail_row("report", [unjudged], ScoreLimits(1, 1, 1))
    assert row.metrics["unjudged"] == 1.0


def test_rows_say_what_fails_by_its_truth() -> None:
    samples = [
        *(sample(AS_ASKED, 0.8) for _ in range(4)),
        *(sample(MADE, 0.8) for _ in range(3)),
        *(sample(MADE, value, has_form=False) for value in (0.3, 0.4, 0.7)),
        *(sample(MISSING, 0.0, 0.0, has_form=False) for _ in range(2)),
    ]
    failed = fail_row("report", samples, ScoreLimits(0.5, 0.5, 0.1)).metrics
    shares = {name: value.mean for name, value in failed.items() if isinstance(value, Metric)}
    assert shares == {
        "true drawings": 0.0,
        "wrong outline": pytest.approx(2 / 3),
        "right outline": 0.0,
        "missing": 1.0,
    }
    areas = area_row("report", samples).metrics
    assert isinstance(areas["form"], Metric)
    assert areas["form"].mean == 1.0
    assert areas["form"].n == 3


def test_one_object_is_changed_as_the_kind_says() -> None:
    _, placements = build_layout(FIRST_WORLD["set"] + 1)
    random = np.random.default_rng(0)
    assert len(change_one(MISSING, placements, 0, random)) == len(placements) - 1
    (other, *_) = change_one(OTHER_CLASS, placements, 0, random)
    assert other.class_ != placements[0].class_
    assert other.colour == placements[0].colour


def test_the_family_has_limits_and_says_where_they_come_from() -> None:
    card = read_member(POCKET_FOLDER / "verdict", "verdict")

    rule = load_verdict_rule(card.folder, torch.device("cpu"), torch.float32)
    assert (rule.classes, rule.colours) == (CLASSES, COLOURS)
    assert 0.5 <= rule.limits.form < 0.7
    assert 0 < rule.limits.place < 0.9
    assert 0 < rule.limits.colour < 0.9
    for part in ("python -m backend.evaluation calibration", "report on worlds", "set on worlds"):
        assert part in rule.limits.source
