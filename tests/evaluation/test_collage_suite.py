"""The collage suite's own arithmetic: phrases cut down, orders told, moves chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from backend import POCKET_FOLDER
from backend.evaluation.asking import HELD_OUT_WORLD, settings_for
from backend.evaluation.collage_methods import LADDER, METHODS, orders, set_dials
from backend.evaluation.collage_scenes import SCENES, random_cases, seven_cases
from backend.evaluation.collage_suite import CollageSuite
from backend.evaluation.edit_suite import EditSuite, choose_move, draw_moved, places_of, stroke
from backend.evaluation.likeness import GREY, layer_likeness
from backend.evaluation.report import Metric, ResultCache
from backend.methods.baselines import BASELINES
from backend.methods.catalog import RUNNABLE, method_of
from backend.methods.move import shift
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.models.catalog import find_models
from backend.models.judge import load_judge
from backend.models.judge_classes import CLASSES
from backend.plan.build import build_plan
from backend.plan.raster import raster
from backend.plan.request import Compose
from backend.pocket.world.world import draw_scene
from tests.evaluation.test_likeness import Thumbnail


@pytest.fixture(autouse=True)
def small_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is asked here depends on how finely toys are drawn, and most of the time would
    go there.
    """
    monkeypatch.setattr("backend.pocket.examples.CUTOUT_PX", 96)


def test_every_row_is_a_method_with_options_that_it_knows() -> None:
    assert set(LADDER) < set(METHODS)
    for recipe in METHODS.values():
        method = BASELINES.get(recipe.method) or method_of(recipe.method)
        parse_options(method.Options, recipe.options)
    assert METHODS["SA"].method not in RUNNABLE


@pytest.mark.slow
def test_layers_are_named_by_what_they_are() -> None:
    for case in (*seven_cases(7, 64), *random_cases(1, 2, 64)):
        objects = [layer for layer in case.scene.layers if layer.id in case.embeddings]
        assert objects
        for layer in objects:
            assert layer.phrase in CLASSES
            assert case.embeddings[layer.id].split()[-1] == layer.phrase
            assert layer.phrase in case.scene.prompt
        assert not any(colour in case.scene.prompt for colour in ("red", "green", "blue", "yellow"))
    toys = seven_cases(1, 64)[0]
    assert toys.scene.prompt == "a rocket, a car and a ball in a room"
    assert len(toys.embeddings) == len(SCENES[0].toys)
    assert toys.scene.layers[0].phrase == "in a room"


def test_orders_are_told_with_their_rise() -> None:
    better, worse = [0.5, 0.7, 0.9] * 5, [0.4, 0.6, 0.8] * 5
    lines = list(orders({"GH": {"image_similarity": worse}, "GH+CA": {"image_similarity": better}}))
    assert lines == ["image_similarity rises from GH to GH+CA: +0.100 [+0.100, +0.100]"]
    (other,) = orders({"GH": {"text_similarity": better}, "GH+CA": {"text_similarity": worse}})
    assert "does NOT rise" in other
    (unsure,) = orders(
        {"GH": {"text_similarity": [0.0] * 4}, "GH+CA": {"text_similarity": [1.0, -0.9, 1.0, -0.9]}}
    )
    assert unsure.endswith("(not certain)")


@pytest.mark.parametrize("seed", range(8))
def test_moves_stay_inside_and_leave_their_place(seed: int) -> None:
    drawing = draw_scene(HELD_OUT_WORLD + seed, 128, (2, 3))
    move = choose_move(drawing, np.random.default_rng(seed))
    mask = drawing.whole[move.index]
    assert (move.dx_px, move.dy_px) != (0, 0)
    assert shift(mask, move.dx_px, move.dy_px).sum() == mask.sum()
    label = CLASSES.index(drawing.placements[move.index].class_) + 1
    old, new = places_of(drawing, move, label)
    assert not (old & new).any()
    assert (drawing.class_map[old] == label).all()
    assert new.sum() == mask.sum()
    drawn = draw_moved(drawing, move, HELD_OUT_WORLD + seed)
    far = ~ndimage.binary_dilation(mask | new, iterations=16)
    assert (drawn == drawing.picture).all(axis=-1)[far].mean() > 0.95
    inner = ndimage.binary_erosion(new, iterations=2)
    assert (drawn[inner] == shift(drawing.picture, move.dx_px, move.dy_px)[inner]).mean() > 0.9


def test_masked_likeness_sees_the_layer_alone() -> None:
    """Two pictures that differ beyond a layer only have the same masked likeness to it."""
    card = find_models([]).card("pocket")
    case = random_cases(3, 1, card.native_px)[0]
    objects = case.scene.model_copy(update={"layers": case.scene.layers[1:]})
    plan = build_plan(objects, Compose(settings=settings_for("pocket", 0, {})), card, case.pixels)
    flat = raster(plan, case.pixels)
    other = np.where((flat.topmost == 0)[..., None], GREY // 2, flat.picture)
    found = list(layer_likeness(Thumbnail(), plan, case.pixels, case.plate, [flat.picture, other]))  # type: ignore[arg-type]
    masked = [values for name, values in found if name == "image_similarity_masked"]
    assert len(masked) == len(plan.layers)
    assert all(one == other_one for one, other_one in masked)
    assert any(
        one != other
        for name, values in found
        if name == "image_similarity"
        for one, other in [values]
    )


@pytest.mark.slow
def test_edits_of_one_scene(pocket: ModelBundle) -> None:
    suite = EditSuite(pocket, load_judge(POCKET_FOLDER / "judge"), 1, 0)
    rows = {row.method: row.metrics for row in suite.rows()}
    assert list(rows) == ["reroll", "move", "mix", "structure"]
    for name in ("reroll", "move", "mix"):
        outside = rows[name]["changed_outside"]
        assert isinstance(outside, Metric)
        assert outside.mean == 0
    assert {"class_gone", "class_present", "edge_f1_gain"} <= {*rows["move"], *rows["structure"]}
    assert [tile.label for tile in suite.tiles[0]] == [
        "scene 0",
        "reroll",
        "move",
        "mix",
        "structure",
    ]


def test_what_was_made_is_not_made_again(tmp_path: Path) -> None:
    """One file a key; another key is made, and without a folder everything is made each time."""
    made: list[int] = []

    def make() -> dict[str, np.ndarray]:
        made.append(len(made))
        return {"a": np.arange(3) + made[-1]}

    for kept, keys, calls in (
        (ResultCache(tmp_path), "aab", 2),
        (ResultCache(tmp_path), "ab", 0),
        (ResultCache(), "aa", 2),
    ):
        made.clear()
        found = [kept.arrays(key, make)["a"][0] for key in keys]
        assert len(made) == calls
        assert len(found) == len(keys)
    assert len(list(tmp_path.iterdir())) == 2


def test_dials_are_set_by_whom_the_row_says() -> None:
    case = random_cases(3, 1, 64)[0]
    card = find_models([]).card("pocket")
    assert set_dials(case.scene, "scene", card, case.pixels) == case.scene
    fixed = set_dials(case.scene, "fixed", card, case.pixels)
    assert {
        (one.strength, one.attention_positive, one.attention_negative) for one in fixed.layers
    } == {(0.5, 0.5, 0.5)}
    ours, theirs = (
        set_dials(case.scene, rule, card, case.pixels) for rule in ("lamina", "published")
    )
    assert ours != theirs


@pytest.mark.slow
def test_random_collages_are_like_the_seven() -> None:
    """Both kinds of toys over a place, none twice the same, the same every time."""
    cases = random_cases(2, 6, 64)
    assert len({case.scene.prompt for case in cases}) == 6
    assert [case.scene for case in random_cases(2, 2, 64)] == [case.scene for case in cases[:2]]
    for case in cases:
        assert case.scene.layers[0].id == "background"
        assert 3 <= len(case.scene.layers) <= 5
        assert len(case.embeddings) == len(case.scene.layers) - 1


def test_a_stroke_is_full_in_the_middle_and_ends() -> None:
    for seed in range(20):
        mask = stroke((64, 96), np.random.default_rng(seed))
        assert (mask.min(), mask.max()) == (0, 255)
        assert len(np.unique(mask)) > 20


@pytest.mark.slow
def test_a_table_that_goes_on_is_the_same_table(pocket: ModelBundle, tmp_path: Path) -> None:
    """One scene, two rows, two seeds: the second time nothing is made, and every figure is the
    same.
    """

    def rows() -> dict[str, dict[str, object]]:
        suite = CollageSuite(
            pocket,
            (),
            random_cases(4, 1, pocket.card.native_px),
            (0, 1),
            ("GH+CA", "Adjusted"),
            ResultCache(tmp_path),
        )
        return {row.method: {**row.metrics} for row in suite.rows()}

    first = rows()
    files = sorted(tmp_path.iterdir())
    assert rows() == first
    assert sorted(tmp_path.iterdir()) == files
    assert set(first) == {"GH+CA", "Adjusted", "(layers as given)"}
    similarity = first["GH+CA"]["text_similarity"]
    assert isinstance(similarity, Metric)
    assert similarity.n == 2
    assert set(first["(layers as given)"]) >= {"text_similarity", "full_text_similarity"}
