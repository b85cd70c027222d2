"""Windows around small layers: where they lie, what is read in them, and what is seen in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.plan.build import build_plan
from backend.plan.card import Size
from backend.plan.crop import choose_window, enlarge_window, fit, plan_close_up
from backend.plan.plan import OneLayer, Plan, WholePicture
from backend.plan.raster import raster
from backend.plan.request import Reroll
from backend.scene.layer import Layer
from backend.scene.scene import Scene
from tests.plan.scenes import CARD, SceneSetup, compose, reroll, source, stage
from tests.scene.drawings import at, noise, plain

SIZE = Size(100, 80)


def close_up(layer_id: str, on: SceneSetup, **settings: object) -> Plan:
    request = reroll(layer_id, source(on.pixels), **settings)
    return build_plan(on.scene, request.model_copy(update={"crop": True}), CARD, on.pixels)


def box(left: int, top: int, width: int, height: int) -> np.ndarray:
    alpha = np.zeros((SIZE.height_px, SIZE.width_px), np.float32)
    alpha[top : top + height, left : left + width] = 0.5
    return alpha


def test_a_window_lies_around_its_layer() -> None:
    window = choose_window(box(40, 30, 20, 12), 2, SIZE)
    assert window is not None
    assert window.side_px == 34
    assert (window.left_px, window.top_px) == (33, 19)


@pytest.mark.parametrize(("left", "top"), [(0, 0), (88, 70), (0, 70), (88, 0)])
def test_at_the_rim_it_stays_within_the_picture(left: int, top: int) -> None:
    window = choose_window(box(left, top, 12, 10), 1, SIZE)
    assert window is not None
    assert 0 <= window.left_px <= left
    assert left + 12 <= window.left_px + window.side_px <= SIZE.width_px
    assert 0 <= window.top_px <= top
    assert top + 10 <= window.top_px + window.side_px <= SIZE.height_px


def test_a_large_layer_and_nothing_at_all_have_none() -> None:
    assert choose_window(box(10, 10, 60, 20), 0, SIZE) is None
    assert choose_window(box(0, 0, 0, 0), 4, SIZE) is None


def test_in_a_window_stand_its_own_words_and_those_of_the_place() -> None:
    on = stage().with_scene(prompt="an apple, an apple and a red fox on a meadow at night")
    plan = close_up("fox", on)
    assert isinstance(plan.target, OneLayer)
    assert plan.target.crop is not None
    assert plan.prompt == "a red fox on a meadow at night"
    assert plan.layers[0].tokens == (2, 3)
    note = plan.notes[-1]
    assert (note.code, note.layer_id) == ("close_up", "")
    assert f"{plan.target.crop.side_px} px around it, enlarged to 64 px" in note.text


def test_a_phrase_that_the_prompt_does_not_say_comes_without_an_article() -> None:
    plan = close_up("fox", stage().with_scene(prompt="an apple, an apple on a meadow"))
    assert plan.prompt == "red fox on a meadow"


def test_only_a_collage_that_asks_for_it_gets_a_window() -> None:
    on = stage()
    request = reroll("fox", source(on.pixels))
    for changed in (
        request,
        reroll("fox", source(on.pixels), method="move").model_copy(update={"crop": True}),
    ):
        target = build_plan(on.scene, changed, CARD, on.pixels).target
        assert isinstance(target, OneLayer)
        assert target.crop is None
    assert Reroll.model_validate(request.model_dump(exclude={"crop"})).crop is False


def test_a_layer_without_words_is_drawn_in_the_whole_picture() -> None:
    on = stage().with_layer("fox", phrase="")
    target = close_up("fox", on).target
    assert isinstance(target, OneLayer)
    assert target.crop is None


def test_a_window_is_in_the_digest_and_none_is_not() -> None:
    on = stage()
    whole = build_plan(on.scene, reroll("fox", source(on.pixels)), CARD, on.pixels)
    assert "crop" not in whole.model_dump(mode="json", exclude_defaults=True)["target"]
    assert close_up("fox", on).digest() != whole.digest()


@pytest.mark.parametrize(
    "turn",
    [
        {},
        {"rotation_deg": 30.0, "flip_x": True},
        {"scale_x": 0.95, "scale_y": 0.95, "rotation_deg": -75.0, "flip_y": True},
    ],
)
def test_a_window_shows_what_the_whole_shows_there(turn: dict[str, float]) -> None:
    on = build_covered_stage(turn)
    plan = close_up("fox", on)
    assert isinstance(plan.target, OneLayer)
    window = plan.target.crop
    assert window is not None
    inner = enlarge_window(plan, on.pixels, 8 * window.side_px)
    assert inner.plan.target.crop is None
    assert (inner.plan.width_px, inner.plan.height_px) == (8 * window.side_px,) * 2
    large = raster(inner.plan, inner.pixels)
    whole = raster(plan, on.pixels)
    seen = np.asarray(large.alphas[0]).reshape(window.side_px, 8, window.side_px, 8).mean((1, 3))
    there = whole.alphas[0][window.rows, window.columns]
    assert there.max() > 0.9
    assert np.abs(seen - there).mean() < 0.02


def test_a_strength_map_is_cut_and_the_feather_grows_with_the_window() -> None:
    on = stage()
    painted = np.zeros((64, 64), np.uint8)
    painted[:, 32:] = 200
    on = on.with_layer("fox", strength_map=on.pixels.add_mask(painted))
    plan = close_up("fox", on)
    assert isinstance(plan.target, OneLayer)
    window = plan.target.crop
    assert window is not None
    inner = enlarge_window(plan, on.pixels, 4 * window.side_px)
    assert isinstance(inner.plan.target, OneLayer)
    assert inner.plan.target.feather_px == 4 * plan.target.feather_px
    own = inner.plan.layers[0].strength_map
    assert own is not None
    cut = inner.pixels.mask(own)
    assert np.array_equal(cut, painted[window.rows, window.columns])


def compose_close(on: SceneSetup, light_only: float = 0.45, **settings: object) -> Plan:
    card = replace(CARD, light_only=light_only)
    request = compose(**settings).model_copy(update={"close_ups": True})
    return build_plan(on.scene, request, card, on.pixels)


def test_a_whole_picture_has_windows_of_the_small_layers_that_are_drawn() -> None:
    on = stage().with_layer("fox", strength=0.7)
    plan = compose_close(on)
    assert isinstance(plan.target, WholePicture)
    assert [one.layer.id for one in plan.target.close_ups] == ["apple-1", "fox"]
    fox = plan.target.close_ups[1]
    alone = close_up("fox", on)
    assert isinstance(alone.target, OneLayer)
    assert fox.prompt == alone.prompt
    assert fox.layer == alone.layers[0]
    assert fox.background == alone.target.background
    notes = [note.text for note in plan.notes if note.code == "close_up"]
    assert len(notes) == 2


def test_a_window_of_a_whole_picture_is_a_reroll_in_the_candidate() -> None:
    on = stage()
    plan = compose_close(on)
    assert isinstance(plan.target, WholePicture)
    digest = source(on.pixels)
    drawn = plan_close_up(plan, plan.target.close_ups[-1], digest, 5)
    again = close_up("fox", on)
    assert isinstance(again.target, OneLayer)
    assert isinstance(drawn.target, OneLayer)
    feather = {"feather_px": again.target.feather_px}
    window = choose_window(
        raster(again, on.pixels).alphas[0], drawn.target.feather_px, Size(64, 64)
    )
    assert drawn.target.crop == window
    same = drawn.target.model_copy(update={**feather, "crop": again.target.crop})
    assert same == again.target
    assert drawn.prompt == again.prompt
    assert drawn.layers == again.layers
    assert drawn.seeds == (5,)
    assert (plan.steps, drawn.steps) == (30, 10)


def test_no_windows_where_the_model_draws_small_things_well_or_nobody_asks() -> None:
    on = stage()
    plain_plan = build_plan(on.scene, compose(), CARD, on.pixels)
    assert compose_close(on, light_only=0.0).digest() == plain_plan.digest()
    card = replace(CARD, light_only=0.45)
    unasked = build_plan(on.scene, compose(), card, on.pixels)
    assert unasked.digest() == plain_plan.digest()
    alike = compose_close(on, options={"layer_noise": False})
    assert isinstance(alike.target, WholePicture)
    assert alike.target.close_ups == ()
    assert compose_close(on).digest() != plain_plan.digest()


def test_fitting_to_the_same_size_changes_nothing() -> None:
    picture = noise(5, 9, 9, 3)
    assert np.array_equal(fit(picture, 9), picture)


def build_covered_stage(turn: dict[str, float]) -> SceneSetup:
    """A picture with a mask, half of it under another layer with a mask of its own."""
    on = stage()
    pixels = on.pixels
    masked = np.full((64, 64), 255, np.uint8)
    masked[:38] = 0
    above = np.zeros((64, 64), np.uint8)
    above[:, :30] = 255
    layers = (
        Layer(
            id="fox",
            picture=pixels.add_picture(plain(9, 200, 40, 255, 12)),
            mask=pixels.add_mask(masked),
            placement=at(34, 40, **turn),
            phrase="red fox",
        ),
        Layer(id="veil", mask=pixels.add_mask(above), placement=at(32, 32), phrase="apple"),
    )
    return SceneSetup(
        Scene(width_px=64, height_px=64, prompt="an apple and a red fox", layers=layers), pixels
    )
