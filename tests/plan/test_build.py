"""Plans: what they hold, what they leave out and say so, what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import RequestError, SceneError
from backend.plan.build import build_plan, scene_notes
from backend.plan.plan import OneLayer, Plan, WholePicture
from backend.plan.survey import survey
from backend.scene.blobs import MemoryPixels
from backend.scene.layer import Layer
from backend.scene.scene import Scene
from tests.plan.scenes import CARD, SceneSetup, compose, reroll, source, stage
from tests.plan.word_card import WordCard
from tests.scene.drawings import at, plain

GOLDEN = "406187732eef652f5b28204a99767619360a83cfa12dfdcd37f8effffcf07a78"


def build(on: SceneSetup, card: WordCard = CARD, **settings: Any) -> Plan:
    return build_plan(on.scene, compose(**settings), card, on.pixels)


def codes(plan: Plan) -> list[tuple[str, str]]:
    return [(note.code, note.layer_id) for note in plan.notes]


def test_a_clean_scene_is_planned_whole_and_without_a_note() -> None:
    plan = build(stage(), seed=40, count=3, steps=12, sampler="euler", options={"blur_px": 4})
    assert plan.notes == ()
    assert (plan.width_px, plan.height_px, plan.steps, plan.sampler) == (64, 64, 12, "euler")
    assert plan.seeds == (40, 41, 42)
    assert plan.batch == 3
    assert plan.options == {"blur_px": 4}
    assert plan.target == WholePicture(uncovered_strength=1.0)
    # begin a meadow with an apple , an apple and a red fox
    tokens = {layer.id: layer.tokens for layer in plan.layers}
    assert tokens == {"meadow": (1, 2), "apple-1": (5,), "apple-2": (8,), "fox": (11, 12)}
    assert [layer.strength for layer in plan.layers] == [0.6, 0.6, 0.3, 0.6]
    assert plan.layers[3].seed == 7


def test_seeds_wrap_below_two_to_the_53_and_batches_are_capped() -> None:
    plan = build(stage(), seed=2**53 - 2, count=4)
    assert plan.seeds == (2**53 - 2, 2**53 - 1, 0, 1)
    assert build(stage(), count=16).batch == 8
    assert len(build(stage(), count=16).seeds) == 16


def test_the_digest_is_stable_and_knows_what_decides_pixels() -> None:
    base = build(stage())
    assert base.digest() == GOLDEN
    assert Plan.model_validate_json(base.model_dump_json()) == base
    changed = [
        build(stage().with_scene(prompt="a meadow with an apple, an apple and a red fox!")),
        build(stage().with_layer("fox", strength=0.61)),
        build(stage().with_layer("fox", picture=stage().scene.layers[0].picture)),
        build(stage().with_layer("fox", placement=at(32, 43))),
        build(stage().with_scene(layers=stage().scene.layers[::-1])),
        build(stage(), seed=1),
        build(stage(), steps=31),
        build(stage(), options={"blur_px": 1}),
    ]
    assert len({plan.digest() for plan in (base, *changed)}) == 9
    renamed = stage().with_layer("fox", name="Reynard", locked=True).with_scene(name="Another")
    assert build(renamed).digest() == base.digest()
    with_notes = base.model_copy(
        update={"notes": build(stage().with_layer("fox", visible=False)).notes}
    )
    assert with_notes.notes
    assert with_notes.digest() == base.digest()


def test_placements_and_sizes_are_scaled_to_generation_pixels() -> None:
    on = stage().with_scene(width_px=128, height_px=128)
    plan = build(on)
    assert codes(plan) == [("resized", "")]
    fox = plan.layers[3].placement
    assert (fox.centre_x_px, fox.centre_y_px, fox.scale_x) == (16.0, 22.0, 0.5)


@pytest.mark.parametrize(
    ("update", "code", "word"),
    [
        ({"visible": False}, "hidden", "hidden"),
        ({"opacity": 0.0}, "empty", "shows nothing"),
        ({"placement": at(500, 500)}, "off_canvas", "outside"),
        ({"placement": at(20, 20, scale_x=0.1, scale_y=0.1)}, "too_small", "latent cell"),
        ({"placement": at(65.5, 32, scale_x=0.25)}, "too_small", "latent cell"),
    ],
)
def test_layers_that_take_no_part_are_left_out_and_named(
    update: dict[str, Any], code: str, word: str
) -> None:
    plan = build(stage().with_layer("fox", **update))
    assert codes(plan) == [(code, "fox")]
    assert word in plan.notes[0].text
    assert "red fox" in plan.notes[0].text
    assert [layer.id for layer in plan.layers] == ["meadow", "apple-1", "apple-2"]


def test_empty_pictures_and_masks_are_named() -> None:
    on = stage()
    clear = on.pixels.add_picture(plain(9, 9, 9, 0))
    black = on.pixels.add_mask(np.zeros((64, 64), np.uint8))
    at_the_edge = np.zeros((64, 64), np.uint8)
    at_the_edge[:, :8] = 255
    assert codes(build(on.with_layer("fox", picture=clear))) == [("empty", "fox")]
    assert codes(build(on.with_layer("fox", mask=black))) == [("empty", "fox")]
    assert codes(build(on.with_layer("fox", mask=on.pixels.add_mask(at_the_edge)))) == [
        ("empty", "fox")
    ]


def test_a_covered_layer_is_named_and_one_covered_by_a_hidden_layer_is_not() -> None:
    on = stage().with_layer("apple-2", placement=at(12, 12))
    assert codes(build(on)) == [("covered", "apple-1")]
    on = on.with_layer("apple-2", visible=False)
    assert codes(build(on)) == [("hidden", "apple-2")]


def test_the_words_of_a_layer_that_takes_no_part_are_free() -> None:
    plan = build(stage().with_layer("apple-1", visible=False))
    assert {layer.id: layer.tokens for layer in plan.layers}["apple-2"] == (5,)


def test_word_notes() -> None:
    assert codes(build(stage().with_layer("fox", phrase=" "))) == [("no_phrase", "fox")]
    missing = build(stage().with_layer("fox", phrase="red foxes", name="Reynard"))
    assert codes(missing) == [("phrase_missing", "fox")]
    assert missing.notes[0].text == (
        "Layer “Reynard”: “red foxes” does not stand in the prompt, so no words are bound to it. "
        "The nearest there is “red fox”."
    )
    assert missing.layers[3].tokens == ()
    shared = build(stage().with_layer("fox", phrase="apple"))
    assert codes(shared) == [("phrase_shared", "fox")]
    inside = build(stage().with_layer("apple-1", phrase="fox"))
    assert codes(inside) == [("phrase_missing", "apple-1")]
    assert "inside “red fox”" in inside.notes[0].text


def test_truncation_is_told_for_the_prompt_and_for_each_layer() -> None:
    plan = build(stage(), WordCard(text_length=10))
    assert codes(plan) == [("prompt_truncated", ""), ("phrase_truncated", "fox")]
    assert "“and a red fox”" in plan.notes[0].text
    assert "“red fox”" in plan.notes[1].text
    assert plan.layers[3].tokens == ()
    long = build(stage().with_scene(negative="very " * 80))
    assert codes(long) == [("prompt_truncated", "")]
    assert "negative prompt" in long.notes[0].text


def test_an_empty_prompt_is_drawn_from_the_phrases_alone_and_that_is_said() -> None:
    on = stage().with_scene(prompt=" ")
    plan = build(on)
    assert codes(plan) == [("no_prompt", "")]
    assert plan.notes[0].text.endswith("layers' phrases alone: “a meadow, apple, apple, red fox”.")
    assert plan.prompt == "a meadow, apple, apple, red fox"
    assert all(layer.tokens for layer in plan.layers)
    hidden = build(on.with_layer("fox", visible=False))
    assert hidden.prompt == "a meadow, apple, apple"


def test_no_words_at_all_are_refused_and_told_before() -> None:
    on = stage().with_scene(prompt="")
    for layer in on.scene.layers:
        on = on.with_layer(layer.id, phrase=" ")
    with pytest.raises(RequestError, match=r"no words to draw from.*Write a prompt, or a phrase"):
        build(on)
    notes = scene_notes(survey(on.scene, WordCard(), on.pixels))
    assert [note.code for note in notes] == ["no_prompt"]
    assert "no layer has a phrase" in notes[0].text


def test_words_without_layers_are_a_plan_and_nothing_at_all_is_refused() -> None:
    bare = stage().with_scene(layers=())
    assert build(bare).layers == ()
    assert build(bare).notes == ()
    with pytest.raises(RequestError, match=r"prompt is empty.*Write a prompt"):
        build(bare.with_scene(prompt=""))
    with pytest.raises(RequestError, match="no words to draw"):
        build(
            SceneSetup(
                stage().scene.model_copy(update={"prompt": "", "layers": stage().scene.layers[:1]}),
                stage().pixels,
            ).with_layer("meadow", visible=False)
        )


def test_decomposed_prompts_are_planned_composed() -> None:
    on = stage().with_scene(prompt="a cafe\u0301").with_layer("fox", phrase="caf\u00e9")
    plan = build(on)
    assert plan.prompt == "a caf\u00e9"
    assert plan.layers[3].tokens == (2,)


def test_a_reroll_plans_the_chosen_layer_alone() -> None:
    on = stage().with_layer("fox", placement=at(16, 16))
    digest = source(on.pixels)
    plan = build_plan(on.scene, reroll("apple-1", digest, seed=5, count=2), CARD, on.pixels)
    assert [layer.id for layer in plan.layers] == ["apple-1"]
    assert plan.layers[0].tokens == (5,)
    assert plan.prompt == on.scene.prompt
    assert plan.seeds == (5, 6)
    assert isinstance(plan.target, OneLayer)
    assert (plan.target.layer_id, plan.target.source, plan.target.feather_px) == (
        "apple-1",
        digest,
        5,
    )
    assert [cover.placement for cover in plan.target.above] == [at(52, 12), at(16, 16)]
    assert "meadow" in plan.target.background  # it fills the picture, so it is no object
    assert "apple" not in plan.target.background
    assert "fox" not in plan.target.background
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_reroll_tells_only_of_its_layer() -> None:
    on = stage().with_layer("meadow", phrase="").with_layer("fox", phrase="wolf")
    plan = build_plan(on.scene, reroll("fox", source(on.pixels)), CARD, on.pixels)
    assert codes(plan) == [("phrase_missing", "fox")]
    # the second apple keeps the second word, although the first one is not planned
    second = build_plan(on.scene, reroll("apple-2", source(on.pixels)), CARD, on.pixels)
    assert second.layers[0].tokens == (8,)


@pytest.mark.parametrize(
    ("layer_id", "update", "words"),
    [
        ("wolf", {}, "no layer 'wolf'.*meadow, apple-1, apple-2, fox"),
        ("fox", {"visible": False}, "hidden"),
        ("fox", {"placement": at(500, 500)}, "outside the canvas"),
        ("fox", {"strength": 0.0}, "strength of 0"),
    ],
)
def test_rerolls_that_cannot_be_are_refused(
    layer_id: str, update: dict[str, Any], words: str
) -> None:
    on = stage().with_layer("fox", **update)
    with pytest.raises(RequestError, match=words):
        build_plan(on.scene, reroll(layer_id, source(on.pixels)), CARD, on.pixels)


def test_the_source_must_be_there_and_have_the_size_that_is_made() -> None:
    on = stage()
    with pytest.raises(RequestError, match=r"32 × 64 px.*64 × 64 px"):
        build_plan(on.scene, reroll("fox", source(on.pixels, 32, 64)), CARD, on.pixels)
    with pytest.raises(SceneError, match="is not here"):
        build_plan(on.scene, reroll("fox", "0" * 64), CARD, on.pixels)


def test_a_scene_refers_to_pixels_that_must_be_there() -> None:
    with pytest.raises(SceneError, match="is not here"):
        build_plan(stage().scene, compose(), CARD, MemoryPixels())


def test_coverage_counts_what_is_seen() -> None:
    on = (
        stage()
        .with_layer("apple-2", placement=at(16, 12), opacity=0.5)
        .with_layer("fox", visible=False)
    )
    layers = survey(on.scene, CARD, on.pixels).layers
    seen = {one.layer.id: (one.visible_frac, one.visible_cells) for one in layers}
    half_seen = 16 * 4 + 12 * 16 * 0.5
    assert seen["apple-1"] == pytest.approx((half_seen / 4096, half_seen / 64))
    assert seen["apple-2"] == pytest.approx((128 / 4096, 2.0))
    assert seen["fox"] == (0.0, 0.0)
    assert seen["meadow"][0] == pytest.approx(1 - (half_seen + 128) / 4096)
    assert [one.layer.id for one in layers] == ["meadow", "apple-1", "apple-2", "fox"]


def test_notes_of_a_scene_are_those_of_its_plan() -> None:
    on = (
        stage()
        .with_layer("fox", phrase="wolf")
        .with_layer("apple-1", visible=False)
        .with_scene(width_px=80)
    )
    assert scene_notes(survey(on.scene, CARD, on.pixels)) == build(on).notes


@given(
    st.lists(
        st.tuples(st.floats(-20, 84), st.floats(-20, 84), st.floats(0.05, 4), st.floats(0, 1)),
        max_size=4,
    ),
    st.integers(16, 200),
    st.integers(16, 200),
)
def test_every_layer_is_planned_or_named(
    places: list[tuple[float, float, float, float]], width: int, height: int
) -> None:
    pixels = MemoryPixels()
    digest = pixels.add_picture(plain(1, 2, 3, 255, 12))
    layers = tuple(
        Layer(id=f"l{number}", picture=digest, placement=at(x, y, scale_x=scale), opacity=opacity)
        for number, (x, y, scale, opacity) in enumerate(places)
    )
    scene = Scene(width_px=width, height_px=height, prompt="words", layers=layers)
    plan = build_plan(scene, compose(), CARD, pixels)
    left_out = {
        note.layer_id
        for note in plan.notes
        if note.code in ("empty", "off_canvas", "too_small", "covered")
    }
    assert left_out | {layer.id for layer in plan.layers} == {layer.id for layer in layers}
    assert not left_out & {layer.id for layer in plan.layers}
    assert Plan.model_validate_json(plan.model_dump_json()).digest() == plan.digest()
