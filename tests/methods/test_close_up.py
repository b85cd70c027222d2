"""A small object drawn close up: the window is run as a picture of its own, and around it not one
byte changes.
"""

from __future__ import annotations

import numpy as np
import pytest

from backend.engine.crop import run_window
from backend.engine.loop_types import Step
from backend.errors import RequestError
from backend.methods import collage as collage_method
from backend.models.bundle import ModelBundle
from backend.plan.crop import choose_window, enlarge_window, fit, plan_close_up, plan_window
from backend.plan.events import Images
from backend.plan.plan import CloseUp, OneLayer, Plan, WholePicture
from backend.plan.raster import raster
from backend.scene.imaging.paste import paste_weights
from tests.methods.collages import Collage


def finish(collage: Collage) -> np.ndarray:
    rng = np.random.default_rng(9)
    return rng.integers(0, 256, (collage.side_px, collage.side_px, 3), np.uint8)


def close_up(collage: Collage, source: np.ndarray) -> Plan:
    """A re-roll of a disc of a quarter of the side, in a window."""
    whole = collage.reroll("disc1", source, {})
    alpha = raster(whole, collage.pixels).alphas[0]
    window = choose_window(alpha, 2, (collage.side_px, collage.side_px))
    assert window is not None
    assert isinstance(whole.target, OneLayer)
    narrow = whole.model_copy(update={"target": whole.target.model_copy(update={"feather_px": 2})})
    return plan_window(narrow, window, "red cat", collage.bundle.card)


def small_disc(bundle: ModelBundle) -> Collage:
    collage = Collage(bundle, seed=4)
    layers = tuple(
        layer.model_copy(
            update={
                "placement": layer.placement.model_copy(update={"scale_x": 0.6, "scale_y": 0.6})
            }
        )
        if layer.id == "disc1"
        else layer
        for layer in collage.scene.layers
        if layer.id != "disc2"
    )
    collage.scene = collage.scene.model_copy(update={"layers": layers})
    return collage


def test_around_the_feather_nothing_changes(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    source = finish(collage)
    plan = close_up(collage, source)
    steps, (made,) = collage.run(plan)
    assert steps
    alpha = raster(plan, collage.pixels).alphas[0]
    outside = paste_weights(alpha, 2) == 0
    assert [image.changed_outside for image in made.images] == [0, 0]
    for picture in made.pictures:
        assert picture.shape == source.shape
        assert np.array_equal(picture[outside], source[outside])
        assert (picture[alpha == 1] != source[alpha == 1]).any()


def test_the_window_is_the_picture_of_its_own_plan(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    source = finish(collage)
    plan = close_up(collage, source)
    assert isinstance(plan.target, OneLayer)
    window = plan.target.crop
    assert window is not None
    inner = enlarge_window(plan, collage.pixels, tiny1.card.native_px)
    expected = [
        event
        for event in collage_method.run(inner.plan, tiny1, inner.pixels)
        if isinstance(event, Images)
    ]
    _, (made,) = collage.run(plan)
    solid = raster(plan, collage.pixels).alphas[0] == 1
    assert solid.any()
    for whole, alone in zip(made.images, expected[0].images, strict=True):
        framed = np.zeros_like(source)
        framed[window.rows, window.columns] = fit(alone.picture, window.side_px)
        assert np.array_equal(whole.picture[solid], framed[solid])


def test_a_plan_without_a_window_is_run_as_it_is(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    plan = collage.reroll("disc1", finish(collage), {})
    own = list(collage_method.run(plan, tiny1, collage.pixels))
    through = list(run_window(collage_method.run, plan, tiny1, collage.pixels))
    pairs = [
        (one, other)
        for one, other in zip(own, through, strict=True)
        if isinstance(one, Images) and isinstance(other, Images)
    ]
    assert sum(isinstance(one, Step) for one in own) == sum(
        isinstance(one, Step) for one in through
    )
    for one, other in pairs:
        assert all(map(np.array_equal, one.pictures, other.pictures))


def test_where_words_looked_is_shown_in_the_whole_picture(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    plan = close_up(collage, finish(collage))
    assert isinstance(plan.target, OneLayer)
    window = plan.target.crop
    assert window is not None
    _, (made,) = collage.run(plan)
    cell_px = tiny1.card.cell_px
    for image in made.images:
        seen = image.attention_maps["disc1"]
        assert seen.shape == (collage.side_px // cell_px,) * 2
        around = np.ones(seen.shape, bool)
        around[
            window.top_px // cell_px : -(-(window.top_px + window.side_px) // cell_px),
            window.left_px // cell_px : -(-(window.left_px + window.side_px) // cell_px),
        ] = False
        assert seen.any()
        assert not seen[around].any()


def test_a_source_of_another_size_is_refused(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    plan = close_up(collage, finish(collage))
    wide = plan.model_copy(update={"width_px": plan.width_px + 8})
    with pytest.raises(RequestError, match="picture to draw in"):
        collage.run(wide)


def close_up_within(collage: Collage, count: int) -> Plan:
    """A whole picture with the window of a small disc."""
    plan = collage.compose(count=count)
    alone = close_up(collage, finish(collage))
    assert isinstance(alone.target, OneLayer)
    assert alone.target.crop is not None
    window = CloseUp(
        layer=alone.layers[0],
        prompt=alone.prompt,
        window=alone.target.crop,
        feather_px=2,
        above=alone.target.above,
        background=alone.target.background,
    )
    return plan.model_copy(update={"target": WholePicture(close_ups=(window,))})


def test_small_layers_of_whole_pictures_are_drawn_again_in_each(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    plan = close_up_within(collage, 2)
    assert isinstance(plan.target, WholePicture)
    _, (once,) = collage.run(plan.model_copy(update={"target": WholePicture()}))
    steps, (made,) = collage.run(plan)
    for seed, before, after in zip(plan.seeds, once.pictures, made.pictures, strict=True):
        opaque = np.dstack([before, np.full(before.shape[:2], 255, np.uint8)])
        digest = collage.pixels.add_picture(opaque)
        again = plan_close_up(plan, plan.target.close_ups[0], digest, seed)
        _, (expected,) = collage.run(again)
        assert np.array_equal(after, expected.pictures[0])
        assert not np.array_equal(after, before)
    last = steps[-1]
    assert last.k + 1 == last.total == steps[0].total
    assert len(steps) == last.total - last.first


def test_what_may_not_change_is_held_after_the_windows_too(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    ground = collage.scene.layers[0].model_copy(update={"strength": 0.0})
    layers = (ground, *collage.scene.layers[1:])
    collage.scene = collage.scene.model_copy(update={"layers": layers})
    plan = close_up_within(collage, 1)
    plan = plan.model_copy(update={"options": {"canvas_detail": 1.0}})
    _, (made,) = collage.run(plan)
    layout = raster(plan, collage.pixels)
    held = layout.visibility[0] + layout.visibility[1] == 1
    assert held.any()
    assert np.array_equal(made.pictures[0][held], layout.picture[held])


def test_others_keep_the_first_seed_where_one_layer_varies(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    plan = close_up_within(collage, 2)
    assert isinstance(plan.target, WholePicture)
    varied = plan.target.model_copy(update={"varied": "ground"})
    bare = plan.model_copy(update={"target": WholePicture(varied="ground")})
    _, (once,) = collage.run(bare)
    _, (made,) = collage.run(plan.model_copy(update={"target": varied}))
    opaque = np.dstack([once.pictures[1], np.full(once.pictures[1].shape[:2], 255, np.uint8)])
    digest = collage.pixels.add_picture(opaque)
    again = plan_close_up(plan, plan.target.close_ups[0], digest, plan.seeds[0])
    _, (expected,) = collage.run(again)
    assert np.array_equal(made.pictures[1], expected.pictures[0])


def test_a_preview_of_a_window_is_shown_in_the_picture(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    source = finish(collage)
    plan = close_up(collage, source)
    assert isinstance(plan.target, OneLayer)
    window = plan.target.crop
    assert window is not None
    steps = [
        one
        for one in run_window(collage_method.run, plan, tiny1, collage.pixels)
        if isinstance(one, Step)
    ]
    shown = steps[0].frame(np.full((12, 12, 3), 250, np.uint8))
    inside = np.zeros(shown.shape[:2], bool)
    inside[window.rows, window.columns] = True
    assert (shown[inside] == 250).all()
    assert np.array_equal(shown[~inside], source[~inside])
    whole, _ = collage.run(collage.compose())
    picture = np.zeros((4, 4, 3), np.uint8)
    assert whole[0].frame(picture) is picture


def test_a_run_that_is_closed_in_a_window_leaves_the_network_as_it_was(tiny1: ModelBundle) -> None:
    collage = small_disc(tiny1)
    plan = close_up_within(collage, 1)
    before = dict(tiny1.unet.attn_processors)
    run = collage_method.run(plan, tiny1, collage.pixels)
    for event in run:
        if isinstance(event, Step) and event.k >= plan.steps:
            break
    assert any(one is not before[name] for name, one in tiny1.unet.attn_processors.items())
    run.close()
    assert dict(tiny1.unet.attn_processors) == before
