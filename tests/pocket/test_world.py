"""The drawn world: the same seed draws the same pixels, masks fit the picture, held-out toys stay
out of training.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.train.scenes import FOLDERS, SceneMix
from backend.pocket.world.words import BACKGROUNDS, PLACES, TEXTURES, build_caption, is_held_out
from backend.pocket.world.world import (
    Drawing,
    ObjectPlacement,
    build_layout,
    draw_background,
    draw_layout,
    draw_object,
    draw_scene,
)


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    """Three objects, some of them overlapping."""
    return draw_layout(
        "meadow",
        [
            ObjectPlacement("house", "blue", "plain", (0.35, 0.45), 0.28),
            ObjectPlacement("cat", "orange", "dotted", (0.55, 0.6), 0.25, 8.0),
            ObjectPlacement("star", "white", "plain", (0.95, 0.1), 0.15, flip=True),
        ],
        128,
        seed=3,
    )


def test_one_seed_draws_the_same_pixels() -> None:
    first, second = draw_scene(11, 96), draw_scene(11, 96)
    assert np.array_equal(first.picture, second.picture)
    assert np.array_equal(first.cutouts, second.cutouts)
    assert first.placements == second.placements
    assert not np.array_equal(first.picture, draw_scene(12, 96).picture)


def test_shapes_and_kinds(drawing: Drawing) -> None:
    assert drawing.picture.shape == (128, 128, 3)
    assert drawing.picture.dtype == np.uint8
    assert drawing.cutouts.shape == (3, 128, 128, 4)
    assert drawing.cutouts.dtype == np.uint8
    assert drawing.whole.dtype == bool
    assert drawing.visible.dtype == bool
    assert drawing.class_map.shape == drawing.colour_map.shape == (128, 128)


def test_visible_masks_partition_the_picture(drawing: Drawing) -> None:
    owners = drawing.visible.sum(axis=0)
    assert owners.max() == 1
    assert np.array_equal(owners > 0, drawing.whole.any(axis=0))
    assert np.array_equal(drawing.class_map > 0, owners > 0)
    assert np.array_equal(drawing.colour_map > 0, owners > 0)
    assert (drawing.visible <= drawing.whole).all()
    assert drawing.visible[0].sum() < drawing.whole[0].sum(), "the cat stands in front of the house"


def test_maps_name_the_classes_and_colours(drawing: Drawing) -> None:
    for mask, placement in zip(drawing.visible, drawing.placements, strict=True):
        assert set(drawing.class_map[mask]) == {CLASSES.index(placement.class_) + 1}
        assert set(drawing.colour_map[mask]) == {COLOURS.index(placement.colour) + 1}


def test_boxes_hold_the_whole_masks(drawing: Drawing) -> None:
    for mask, (x0, y0, x1, y1) in zip(drawing.whole, drawing.boxes_px, strict=True):
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert mask[y0].any()
        assert mask[y1 - 1].any()
        assert mask[:, x0].any()
        assert mask[:, x1 - 1].any()


def test_cutouts_over_the_plate_give_the_picture(drawing: Drawing) -> None:
    canvas = Image.fromarray(drawing.plate)
    for cutout in drawing.cutouts:
        layer = Image.fromarray(cutout)
        canvas.paste(layer, (0, 0), layer)
    assert np.array_equal(np.asarray(canvas), drawing.picture)


def test_a_cutout_over_the_bare_place_gives_the_picture_but_for_its_shadow() -> None:
    placement = ObjectPlacement("mug", "red", "striped", (0.5, 0.5), 0.35)
    drawing = draw_layout("room", [placement], 128, seed=5)
    bare = draw_background("room", 128, 5)
    assert np.array_equal(
        drawing.picture[drawing.cutouts[0, ..., 3] == 255],
        drawing.cutouts[0][drawing.cutouts[0, ..., 3] == 255][:, :3],
    )
    assert np.array_equal(drawing.picture[:40, :20], bare[:40, :20])


@pytest.mark.parametrize("seed", range(20))
def test_every_phrase_stands_in_the_caption(seed: int) -> None:
    drawing = draw_scene(seed, 48, objects=(1, 2, 3, 4))
    assert all(phrase in drawing.caption for phrase in drawing.phrases)
    assert drawing.caption.endswith(PLACES[drawing.background])


def test_captions_read_like_sentences() -> None:
    phrases = ["blue car", "orange striped cat", "red mushroom"]
    assert (
        build_caption(phrases, "room")
        == "a blue car, an orange striped cat and a red mushroom in a room"
    )
    assert build_caption(phrases[1:2], "sea") == "an orange striped cat in the sea"


def test_held_out_looks_are_few_and_spread() -> None:
    kept = [(c, o, t) for c in CLASSES for o in COLOURS for t in TEXTURES if is_held_out(c, o, t)]
    assert len(kept) == len(CLASSES) * len(COLOURS) * len(TEXTURES) // 16
    assert {look[0] for look in kept} == set(CLASSES)
    assert {look[1] for look in kept} == set(COLOURS)
    assert {look[2] for look in kept} == set(TEXTURES)


@pytest.mark.slow
def test_training_never_meets_a_held_out_look() -> None:
    for seed in range(3000):
        _, placements = build_layout(seed, (1, 2, 3, 4))
        assert not any(is_held_out(p.class_, p.colour, p.texture) for p in placements)
    for mix in FOLDERS.values():
        for index in first_of_kinds(mix):
            assert not any(
                is_held_out(p.class_, p.colour, p.texture) for p in mix.draw(index).placements
            )


def first_of_kinds(mix: SceneMix) -> list[int]:
    """The number of each kind's first scene, and of its second."""
    starts = np.cumsum([0, *(kind.count for kind in mix.kinds[:-1])])
    return [int(start) + step for start in starts for step in (0, 1)]


def test_training_scenes_have_as_many_objects_as_their_kind_says() -> None:
    for mix in FOLDERS.values():
        asked = [kind.objects for kind in mix.kinds for _ in range(2)]
        for index, objects in zip(first_of_kinds(mix), asked, strict=True):
            assert len(mix.draw(index).placements) <= max(objects)
    assert [len(FOLDERS["forms"].draw(index).placements) for index in range(4)] == [1] * 4
    seeds = [range(mix.first_seed, mix.first_seed + len(mix)) for mix in FOLDERS.values()]
    assert not set(seeds[0]) & set(seeds[1])


def test_held_out_scenes_hold_nothing_else() -> None:
    for seed in range(50):
        _, placements = build_layout(seed, (2,), held_out=True)
        assert all(is_held_out(p.class_, p.colour, p.texture) for p in placements)


@pytest.mark.parametrize("class_", CLASSES)
def test_every_toy_has_its_own_colour_and_a_clear_border(class_: str) -> None:
    toy = draw_object(class_, "green", "plain", 64)
    assert toy.shape == (64, 64, 4)
    assert 0.15 < (toy[..., 3] > 127).mean() < 0.85
    assert not toy[0, :, 3].any()
    assert not toy[:, 0, 3].any()
    red = draw_object(class_, "red", "plain", 64)
    assert np.abs(toy.astype(int) - red.astype(int)).max() > 60


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_places_are_repeatable_at_any_size(name: str) -> None:
    assert np.array_equal(draw_background(name, 40, 2), draw_background(name, 40, 2))
    assert draw_background(name, 100, 2).shape == (100, 100, 3)


def test_a_layout_keeps_its_shares_at_another_size(drawing: Drawing) -> None:
    large = draw_layout(drawing.background, drawing.placements, 256, seed=3)
    assert np.allclose(large.boxes_px / 256, drawing.boxes_px / 128, atol=0.03)


def test_the_world_needs_no_torch() -> None:
    code = "import backend.pocket.world.world, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_edges_follow_the_silhouettes_and_stop_where_something_hides_them() -> None:
    behind = ObjectPlacement("ball", "red", "plain", (0.4, 0.5), 0.25)
    before = ObjectPlacement("cube", "blue", "plain", (0.6, 0.55), 0.25)
    drawing = draw_layout("room", (behind, before), 128, seed=1)
    alone = draw_layout("room", (behind,), 128, seed=1)
    rim = ndimage.binary_dilation(drawing.whole[0], iterations=2) & ~ndimage.binary_erosion(
        drawing.whole[0], iterations=2
    )
    assert (alone.edges & rim).sum() > 60
    hidden = ndimage.binary_erosion(drawing.whole[1], iterations=3)
    assert not (drawing.edges & ~_edges_of(before) & hidden).any()
    assert not draw_layout("room", (), 128, seed=1).edges.any()


def _edges_of(placement: ObjectPlacement) -> NDArray[np.bool_]:
    return draw_layout("room", (placement,), 128, seed=1).edges
