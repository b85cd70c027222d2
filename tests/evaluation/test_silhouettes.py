"""Scenes with silhouettes, and what is measured of them."""

from __future__ import annotations

import numpy as np
import pytest

from backend.evaluation import silhouettes
from backend.evaluation.silhouettes import Silhouettes, build_toy_scenes
from backend.models.bundle import ModelBundle
from backend.plan.plan import Plan, WholePicture
from backend.pocket.examples import build_example
from backend.scene.composite import flatten_scene


def test_the_truth_differs_from_the_scene_only_where_silhouettes_lie() -> None:
    scenes = build_toy_scenes(2, 7)
    assert scenes[0].example == build_toy_scenes(1, 7)[0].example
    for one in scenes:
        flat = flatten_scene(*build_example(one.example)[:2])
        changed = (flat != one.truth).any(-1)
        assert 0 < changed.mean() < 0.5
        assert any(toy.paper for toy in one.example.toys)


@pytest.mark.slow
def test_a_picture_that_is_a_level_off_has_nearly_perfect_figures(
    pocket: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = build_toy_scenes(2, 7)
    plans: list[Plan] = []

    def draw_truth(_: ModelBundle, plan: Plan, __: object) -> tuple[np.ndarray, ...]:
        plans.append(plan)
        truth = scenes[(len(plans) - 1) % 2].truth
        return (np.clip(truth, 0, 254) + np.uint8(1),)

    monkeypatch.setattr(silhouettes, "run_plan", draw_truth)
    whole, close_up = Silhouettes(pocket, scenes).rows()
    papers = sum(toy.paper for one in scenes for toy in one.example.toys)
    for row in (whole, close_up):
        assert row.n == papers
        assert row.metrics["likeness"].mean == pytest.approx(1, abs=1e-3)
        assert row.metrics["object_psnr"].mean == pytest.approx(48.13, abs=0.1)
        assert row.metrics["edge_energy"].mean == pytest.approx(1, abs=1e-3)
    windows = [
        [layer.layer.id for layer in plan.target.close_ups]
        for plan in plans
        if isinstance(plan.target, WholePicture)
    ]
    assert windows[:2] == [[], []]
    assert all(windows[2:])
