"""What single layers do not want, and their looks, in the plan."""

from __future__ import annotations

from backend.plan.build import build_plan
from backend.plan.plan import Plan
from tests.plan.scenes import CARD, SceneSetup, compose, stage


def build(set_up: SceneSetup) -> Plan:
    return build_plan(set_up.scene, compose(), CARD, set_up.pixels)


def words_at(plan: Plan, tokens: tuple[int, ...]) -> list[str]:
    spans = {span.position: span for span in CARD.token_spans(plan.negative)}
    return [plan.negative[spans[token].start : spans[token].end] for token in tokens]


def test_negative_words_of_layers_follow_the_scene_s() -> None:
    first, *_, last = stage().scene.layers
    set_up = stage().with_scene(negative="blurry").with_layer(first.id, negative="fog")
    plan = build(set_up.with_layer(last.id, negative="green fur"))
    assert plan.negative == "blurry, fog, green fur"
    layers = {layer.id: layer for layer in plan.layers}
    assert words_at(plan, layers[first.id].negative_tokens) == ["fog"]
    assert words_at(plan, layers[last.id].negative_tokens) == ["green", "fur"]


def test_without_them_the_negative_prompt_is_the_scene_s() -> None:
    plan = build(stage().with_scene(negative="blurry"))
    assert plan.negative == "blurry"
    assert not any(layer.negative_tokens for layer in plan.layers)


def test_a_look_changes_the_plan() -> None:
    last = stage().scene.layers[-1]
    with_look = build(stage().with_layer(last.id, embedding="a" * 64))
    assert with_look.layers[-1].embedding == "a" * 64
    assert with_look.digest() != build(stage()).digest()
