"""Decompose: drawn scenes become layers again; the place behind them is filled, the rest the
same to the byte.
"""

from __future__ import annotations

import numpy as np
import pytest

from backend.engine.healing import hole_of
from backend.engine.loop_types import Step
from backend.errors import RequestError
from backend.evaluation.asking import HELD_OUT_WORLD, scene_of_drawing
from backend.methods import decompose
from backend.metrics.layer_search import SearchedLayer, search_masks, soft_iou, word_maps
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.events import LayersFound
from backend.plan.phrases import match_phrases
from backend.plan.plan import Plan
from backend.plan.request import Decompose, RunSettings
from backend.pocket.world.world import Drawing, draw_scene
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.paste import paste_weights
from backend.scene.layer import Layer, Placement

OBJECTS = (1, 2, 3)


def drawing(number: int) -> Drawing:
    return draw_scene(HELD_OUT_WORLD + 700 + number, 512, OBJECTS)


def search_in(bundle: ModelBundle, drawn: Drawing) -> list[SearchedLayer]:
    """By words alone: nothing is told of where the objects lie."""
    matches = match_phrases(drawn.caption, list(drawn.phrases), bundle.card)
    return [
        SearchedLayer(phrase, match.tokens)
        for phrase, match in zip(drawn.phrases, matches, strict=True)
    ]


def opaque(picture: np.ndarray) -> np.ndarray:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def plan_for(bundle: ModelBundle, drawn: Drawing, steps: int) -> tuple[Plan, MemoryPixels]:
    """Taking the drawing apart, asked for by a scene whose layers lie as they were drawn."""
    template = Layer(id="any", placement=Placement(centre_x_px=0, centre_y_px=0), mask="0" * 64)
    scene, pixels = scene_of_drawing(drawn, list(drawn.cutouts), template)
    source = pixels.add_picture(opaque(drawn.picture))
    request = Decompose(settings=RunSettings(steps=steps, count=1), source=source)
    return build_plan(scene, request, bundle.card, pixels), pixels


@pytest.mark.slow
def test_objects_are_found_by_their_words(pocket: ModelBundle) -> None:
    """20 held-out drawings: nine of ten masks overlap the true visible one by .7, the mean by
    .8.
    """
    found = []
    for number in range(20):
        drawn = drawing(number)
        masks = search_masks(
            pocket, np.ascontiguousarray(drawn.picture), drawn.caption, search_in(pocket, drawn)
        )
        assert not np.any(np.sum([mask for mask in masks if mask is not None], axis=0) > 1)
        found += [
            0.0 if mask is None else iou(mask, true)
            for mask, true in zip(masks, drawn.visible, strict=True)
        ]
    assert np.mean(np.array(found) >= 0.7) >= 0.9
    assert np.mean(found) >= 0.8


@pytest.mark.slow
def test_a_drawing_becomes_its_layers_and_the_place_behind_them(pocket: ModelBundle) -> None:
    drawn = draw_scene(HELD_OUT_WORLD + 702, 512, (2,))
    plan, pixels = plan_for(pocket, drawn, 6)
    happened = list(decompose.run(plan, pocket, pixels))
    parts = happened[-1]
    assert isinstance(parts, LayersFound)
    steps = [each for each in happened if isinstance(each, Step)]
    assert [(step.k, step.total) for step in steps] == [(k, len(steps)) for k in range(len(steps))]
    assert sorted(parts.objects) == [layer.id for layer in plan.layers]
    masks = [parts.objects[layer.id][..., 3] > 127 for layer in plan.layers]
    assert min(iou(mask, true) for mask, true in zip(masks, drawn.visible, strict=True)) >= 0.7
    hole = hole_of(np.any(masks, axis=0))
    outside = paste_weights(hole.astype(np.float32), decompose.FEATHER_PX) == 0
    assert outside.mean() > 0.2
    assert np.array_equal(parts.background[outside], drawn.picture[outside])


@pytest.mark.slow
def test_behind_the_objects_lies_the_place(pocket: ModelBundle) -> None:
    """12 held-out drawings, each with its true place below the objects: their fill is nearer to it
    than they are.

    The worst was .71 as far when this was written (a flower of the meadow may be hidden), all of
    them .33, where the mean colour of the rest of the drawing leaves .45.
    """
    ours, plain = [], []
    for number in range(12):
        drawn = draw_scene(HELD_OUT_WORLD + 700 + number, 512, (2,))
        plan, pixels = plan_for(pocket, drawn, 6)
        parts = list(decompose.run(plan, pocket, pixels))[-1]
        assert isinstance(parts, LayersFound)
        inner = drawn.visible.any(0)
        with_objects, filled = (
            distance(one, drawn.plate, inner) for one in (drawn.picture, parts.background)
        )
        rest = np.broadcast_to(drawn.picture[~inner].mean(0), drawn.picture.shape)
        ours.append(filled / with_objects)
        plain.append(distance(rest, drawn.plate, inner) / with_objects)
    assert max(ours) < 0.85
    assert np.mean(ours) < 0.9 * np.mean(plain)


def distance(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Mean difference inside a mask, in steps of 1/255."""
    return float(np.abs(one.astype(float) - other)[where].mean())


def test_what_is_not_in_the_picture_is_not_found(pocket: ModelBundle) -> None:
    drawn = draw_scene(HELD_OUT_WORLD + 705, 512, (1,))
    absent = "boat" if "boat" not in drawn.caption else "car"
    sought = [*search_in(pocket, drawn), SearchedLayer(f"red {absent}", (), absent)]
    masks = search_masks(pocket, np.ascontiguousarray(drawn.picture), drawn.caption, sought)
    assert masks[0] is not None
    assert masks[1] is None


def test_a_cut_out_brings_nothing_of_what_was_around() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    mask = np.zeros((16, 16), bool)
    mask[4:12, 4:12] = True
    picture[mask] = (200, 10, 10)
    alone = decompose.cut_out(picture, mask)
    assert (alone[alone[..., 3] > 0][:, :3] == (200, 10, 10)).all()
    assert alone[8, 8, 3] == 255
    assert alone[0, 0, 3] == 0


def test_the_overlap_with_shares_is_that_of_masks_where_they_are_masks() -> None:
    one = np.zeros((4, 4), bool)
    one[:2] = True
    other = np.zeros((4, 4), np.float32)
    other[1:3] = 1
    assert soft_iou(one, other) == pytest.approx(4 / 12)


def test_word_maps_are_of_the_picture_and_leave_the_network_as_it_was(tiny1: ModelBundle) -> None:
    side = tiny1.card.native_px
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    first, nothing = word_maps(tiny1, picture, "a red cat", [(2, 3), ()])
    assert first.shape == (side, side)
    assert (first.min(), first.max()) == (pytest.approx(0, abs=0.2), pytest.approx(1, abs=0.2))
    assert not nothing.any()
    assert not any(module._forward_pre_hooks for module in tiny1.unet.modules())


def test_only_a_picture_is_taken_apart(pocket: ModelBundle) -> None:
    plan, pixels = plan_for(pocket, drawing(0), 4)
    with pytest.raises(RequestError, match="finished picture"):
        list(decompose.run(plan.model_copy(update={"task": None}), pocket, pixels))
    blank = pixels.add_picture(np.full((512, 512, 4), 255, np.uint8))
    assert plan.task is not None
    empty = plan.model_copy(update={"task": plan.task.model_copy(update={"source": blank})})
    with pytest.raises(RequestError, match="None of the scene"):
        list(decompose.run(empty, pocket, pixels))
