"""Plans of earlier versions open as the same recipe."""

from __future__ import annotations

from pathlib import Path

from backend.plan.build import build_plan
from backend.plan.upgrade import read_plan
from tests.plan.scenes import CARD, compose, stage

STORED = Path(__file__).with_name("plan_v1.json")


def test_a_stored_plan_of_version_1_is_the_same_recipe() -> None:
    on = stage().with_layer("fox", prompt_start=0.2, negative="blue", name="Reynard")
    plan = build_plan(on.scene, compose(seed=3, steps=5), CARD, on.pixels)
    plan = plan.model_copy(update={"options": {**plan.options, "canvas_detail": 0.0}})
    upgraded = read_plan(STORED.read_text(encoding="utf-8"))
    assert upgraded == plan
    assert upgraded.digest() == plan.digest()


def test_a_plan_of_this_version_is_read_as_it_was_written() -> None:
    on = stage()
    plan = build_plan(on.scene, compose(), CARD, on.pixels)
    assert read_plan(plan.model_dump_json()) == plan
