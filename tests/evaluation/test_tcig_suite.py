"""TCIG's table on a tiny model with toy members: rows, metrics, and what is said when the order
fails.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.errors import ModelError, RequestError
from backend.evaluation.__main__ import choose_methods, read_arguments
from backend.evaluation.observers import Observer, centre_inside
from backend.evaluation.report import Metric, ReportRow, build_metric
from backend.evaluation.tcig_rough import ROUGH
from backend.evaluation.tcig_suite import (
    ROWS,
    SMALLEST_FRAC,
    build_cases,
    build_masks,
    build_tcig_suite,
    features_of,
    frechet_change,
    order_notes,
)
from backend.metrics.distribution import frechet_distance, mean_pairwise_distance
from backend.models.bundle import ModelBundle
from backend.models.experts import experts_of
from backend.models.judge import Judge, JudgeSegmenter
from backend.models.judge_classes import CLASSES
from tests.methods.painted import toy_bundle, with_members
from tests.models.fixtures import model_base, tiny1

__all__ = ["model_base", "tiny1"]

FIGURES = {
    "iou_guide",
    "iou_judge",
    "centre_guide",
    "centre_judge",
    "nearest_outline",
    "outline_iou",
    "outline_kept",
    "colour_in_place",
    "certainty",
    "frechet",
    "diversity",
    "seconds",
}


class Greys:
    """Names every class of the world by a shade of grey."""

    vocabulary = ("background", *CLASSES)

    def logits(self, pictures: Tensor) -> Tensor:
        shades = torch.linspace(0, 1, len(self.vocabulary)).view(1, -1, 1, 1)
        return -50 * (pictures.mean(1, keepdim=True) - shades).square()


@pytest.fixture(autouse=True)
def few_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distance of distributions is tested by its own; here their pictures would only take
    seconds to draw.
    """
    monkeypatch.setattr("backend.evaluation.tcig_suite.REFERENCES", 4)


@pytest.fixture
def family(tiny1: ModelBundle) -> ModelBundle:
    torch.manual_seed(0)
    return toy_bundle(tiny1, guide=Greys(), judge=Judge(JudgeSegmenter()))


def test_worlds_keep_the_papers_rule() -> None:
    cases = build_cases(0, 4, 64)
    assert [case.name for case in cases] == [case.name for case in build_cases(0, 4, 64)]
    for case in cases:
        assert 2 <= len(case.scene.layers) <= 4
        for layer in case.scene.layers:
            assert (case.pixels.mask(layer.mask) > 0).mean() >= SMALLEST_FRAC
            assert layer.class_label in CLASSES
            assert layer.phrase in case.scene.prompt


@pytest.mark.slow
def test_every_row_has_every_figure(family: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.evaluation.asking.STEPS", 4)
    short = {
        name: (method, {**o, "iterations": 10} if method == "tcig" else o)
        for name, (method, o) in ROWS.items()
    }
    monkeypatch.setattr("backend.evaluation.tcig_suite.ROWS", short)
    suite = build_tcig_suite(family, build_cases(0, 2, 64), (0, 1), tuple(ROWS))
    rows = {row.method: row for row in suite.rows()}
    assert list(rows) == list(ROWS)
    for row in rows.values():
        assert row.n == 4
        assert set(row.metrics) == FIGURES
        assert row.metrics["diversity"].mean > 0
        assert row.metrics["frechet"] >= 0
    assert rows["TCIG"].metrics["seconds"].mean > rows["TCIG-1"].metrics["seconds"].mean
    assert [len(line) for line in suite.tiles] == [9, 9]
    assert any("of 4 other drawings" in note for note in suite.notes)
    assert any("stage 2 changes" in note for note in suite.notes)


def test_the_asked_masks_are_what_is_seen(family: ModelBundle) -> None:
    (case,) = build_cases(0, 1, 64)
    suite = build_tcig_suite(family, (case,), (0,), ("TCIG",))
    asked = build_masks(suite.plan(case, "TCIG"), case, experts_of(family))
    for layer in case.scene.layers:
        painted = case.pixels.mask(layer.mask) > 127
        assert asked[layer.class_label][painted].all()


def test_the_middle_of_what_was_found() -> None:
    ring, dot = np.ones((9, 9), np.bool_), np.zeros((9, 9), np.bool_)
    ring[2:7, 2:7], dot[4, 4] = False, True
    assert centre_inside(ring, dot) == 1.0
    assert centre_inside(dot, ~dot) == 0.0
    assert centre_inside(np.zeros((9, 9), np.bool_), ring) == 0.0


def test_rough_rows_are_judged_by_the_true_masks(
    family: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = build_cases(0, 1, 64)
    name = next(iter(ROUGH))
    suite = build_tcig_suite(family, (case,), (0,), (name,))
    seen: list[dict[str, np.ndarray]] = []
    monkeypatch.setattr(
        "backend.evaluation.tcig_suite.pictures_of",
        lambda plan, bundle, pixels: [suite.reference[0].copy()],
    )
    monkeypatch.setattr(Observer, "ious", lambda self, pictures, asked: seen.append(asked) or [0.0])
    list(suite.rows())
    true = build_masks(suite.plan(case, name), case, suite.experts)
    assert seen
    assert all(np.array_equal(asked[key], true[key]) for asked in seen for key in true)


def test_without_a_judge_only_the_guide_looks(family: ModelBundle) -> None:
    members = {name: member for name, member in family.members.loaded.items() if name != "judge"}
    suite = build_tcig_suite(with_members(family, **members), build_cases(0, 1, 64), (0,), ("SI",))
    assert [observer.name for observer in suite.observers] == ["guide"]
    (row,) = suite.rows()
    assert set(row.metrics) == {"iou_guide", "centre_guide", "seconds"}


def test_no_scenes_are_told(family: ModelBundle) -> None:
    with pytest.raises(ModelError, match="no scene"):
        build_tcig_suite(family, (), (0,), ("SI",))


def test_a_broken_order_is_said() -> None:
    def row(name: str, mean: float) -> ReportRow:
        return ReportRow(name, {"iou_judge": build_metric([mean])}, 1)

    assert (
        order_notes([row("SI", 0.1), row("BLD", 0.2), row("MultiDiffusion", 0.3), row("TCIG", 0.4)])
        == []
    )
    assert order_notes([row("SI", 0.2), row("BLD", 0.1)]) == [
        "by the judge SI (0.200) is above BLD (0.100)"
    ]
    assert order_notes([ReportRow("SI", {"iou_guide": 0.1}, 1)]) == []
    assert isinstance(row("SI", 0.1).metrics["iou_judge"], Metric)


def test_methods_are_chosen_by_suite() -> None:
    asked = read_arguments(["tcig", "--methods", "TCIG,SI", "--coco", "x"])
    assert choose_methods(asked, tuple(ROWS)) == ("TCIG", "SI")
    assert choose_methods(read_arguments(["tcig"]), tuple(ROWS)) == tuple(ROWS)
    with pytest.raises(RequestError, match="GH"):
        choose_methods(read_arguments(["tcig", "--methods", "GH"]), tuple(ROWS))


def test_pictures_of_several_sizes_have_features() -> None:
    judge = Judge(JudgeSegmenter())
    wide, tall = (
        np.random.default_rng(side).integers(0, 255, (side, 160 - side, 3), np.uint8)
        for side in (64, 96)
    )
    features = features_of(judge, [wide, wide, tall, wide])
    assert features.shape[0] == 4
    assert np.allclose(features[0], features[3], atol=1e-4)
    assert np.abs(features[0] - features[2]).max() > 1e-3


def test_a_change_of_the_frechet_distance_is_seen_in_pairs() -> None:
    random = np.random.default_rng(1)
    truth, before = random.normal(size=(60, 3)), random.normal(size=(30, 3)) + 1.0
    assert frechet_change(before, before, truth) == (0.0, 0.0)
    low, high = frechet_change(before, before - 0.9, truth)
    assert -4 < low < high < -1
    low, high = frechet_change(before, before + np.array([0.9, -0.9, 0.0]), truth)
    assert 0 < low < 1.62 < high  # 1.9² + .1² - 2


def test_the_frechet_distance_of_known_gaussians() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(4000, 3))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
    shifted, stretched = one + np.array([3.0, 0, 0]), one * 2
    assert frechet_distance(one, shifted) == pytest.approx(9.0, rel=1e-6)
    assert frechet_distance(one, stretched - stretched.mean(0) + one.mean(0)) == pytest.approx(
        3.0, rel=0.1
    )
    assert frechet_distance(one, shifted) == pytest.approx(frechet_distance(shifted, one))


def test_pairwise_distance() -> None:
    assert mean_pairwise_distance(np.array([[0.0, 0], [3, 4], [0, 0]])) == pytest.approx(10 / 3)
    assert np.isnan(mean_pairwise_distance(np.zeros((1, 4))))
