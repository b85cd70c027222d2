"""A layer's freedom as a painted map, and its words in some of the steps: on whole plans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from backend.controls.layer_noise import build_start_steps, build_strength_map
from backend.engine.decode import encode
from backend.engine.loop_types import generator_for
from backend.models.bundle import ModelBundle
from backend.plan.raster import raster, read_strength_maps
from backend.scene.formats.openraster import read_ora, write_ora
from backend.scene.imaging.mask import is_painted
from tests.methods.collages import Collage, first_name


def collage_with(
    bundle: ModelBundle, levels: tuple[float, ...] = (0.4, 0.8, 0.6), **update: Any
) -> Collage:
    """The usual collage with other values of its first disc."""
    collage = Collage(bundle, seed=3, noise=levels)
    layers = tuple(
        one.model_copy(update=update) if one.id == "disc1" else one for one in collage.scene.layers
    )
    collage.scene = collage.scene.model_copy(update={"layers": layers})
    return collage


def build_painted(
    bundle: ModelBundle, grey: np.ndarray, levels: tuple[float, ...] = (0.4, 0.8, 0.6)
) -> Collage:
    """The usual collage with a painted freedom of its first disc."""
    store = Collage(bundle).pixels
    digest = store.add_mask(grey.astype(np.uint8))
    collage = collage_with(bundle, levels, strength_map=digest)
    collage.pixels.add_mask(grey.astype(np.uint8))
    return collage


@pytest.mark.parametrize("side", [64, 200, 48])
@pytest.mark.parametrize("grey", [255, 204, 153, 51, 85])
def test_a_uniform_map_is_its_number_bit_for_bit(tiny1: ModelBundle, side: int, grey: int) -> None:
    number = collage_with(tiny1, strength=grey / 255)
    map_ = build_painted(tiny1, np.full((side, side), grey))
    one, other = (collage.run(collage.compose())[0][-1].latents for collage in (number, map_))
    assert torch.equal(one, other)


@pytest.mark.slow
def test_every_grey_is_its_number_at_every_size(tiny1: ModelBundle) -> None:
    for grey in range(256):
        map_ = build_painted(tiny1, np.full((150, 90), grey))
        found = read_strength_maps(map_.compose(), map_.pixels)[1]
        assert found is not None
        assert found.dtype == np.float64
        assert (found == np.float64(grey / 255)).all()


def test_cells_are_free_as_they_are_painted(tiny1: ModelBundle) -> None:
    """4 × 4 cells of a layer that fills the picture, painted in steps from held to free."""
    topmost = np.ones((8, 8), np.int64)
    levels = (
        np.array([[0, 64, 128, 191], [255, 255, 0, 0], [51, 102, 153, 204], [0, 0, 0, 255]]) / 255
    )
    strength = build_strength_map(topmost, (1.0, levels.repeat(2, axis=0).repeat(2, axis=1)), 0.0)
    expected = 10 - np.floor(10 * levels).astype(int)
    assert np.array_equal(build_start_steps(strength, 10, 2, "filled"), expected)
    assert np.array_equal(build_start_steps(strength, 10, 2, "touched"), expected)


def test_what_is_painted_black_stays(tiny1: ModelBundle) -> None:
    """Half of the disc is painted free; with all else held, the cells that change are those, and no
    others.
    """
    plain = collage_with(tiny1)
    columns = np.flatnonzero((raster(plain.compose(), plain.pixels).topmost == 2).any(axis=0))
    middle_cell = int(columns.mean()) // tiny1.card.cell_px
    grey = np.zeros((64, 64))
    grey[:, : middle_cell * tiny1.card.cell_px] = 255
    collage = build_painted(tiny1, grey, (0.0, 0.8, 0.0))
    plan = collage.compose()
    steps, _ = collage.run(plan)
    flat, cell = raster(plan, collage.pixels), tiny1.card.cell_px
    source = encode(tiny1, flat.picture, [generator_for(plan.seeds[0])])
    whole = (flat.topmost == 2).reshape(16, cell, 16, cell).all(axis=(1, 3))
    free = whole & (np.arange(16) < middle_cell)
    assert free.any()
    assert (whole & ~free).any()
    assert np.array_equal((steps[-1].latents != source).any(dim=1)[0].numpy(), free)


def test_a_reroll_keeps_what_is_painted_black(tiny1: ModelBundle) -> None:
    grey = np.zeros((64, 64))
    source = np.random.default_rng(9).integers(0, 256, (64, 64, 3), np.uint8)
    collage = build_painted(tiny1, grey, (0.0, 0.0, 0.0))
    plan = collage.reroll("disc1", source, {})
    steps, (made,) = collage.run(plan)
    assert steps == []
    flat = raster(plan, collage.pixels)
    painted = is_painted(flat.alphas[0])
    assert painted.any()
    assert np.array_equal(made.pictures[0][painted], flat.picture[painted])
    beyond = flat.alphas[0] == 0
    assert np.array_equal(made.pictures[0][beyond], source[beyond])


def test_the_map_travels_with_the_file(tiny1: ModelBundle) -> None:
    collage = build_painted(tiny1, np.arange(64 * 64).reshape(64, 64) % 256)
    opened = read_ora(write_ora(collage.scene, collage.pixels, {}))
    digest = opened.scene.layers[1].strength_map
    assert digest == collage.scene.layers[1].strength_map
    assert digest is not None
    assert np.array_equal(opened.pixels.mask(digest), collage.pixels.mask(digest))


def test_plans_without_the_new_fields_keep_their_name(tiny1: ModelBundle) -> None:
    plan = collage_with(tiny1).compose()
    assert plan.digest() == first_name(plan)
    assert plan.digest() != build_painted(tiny1, np.full((64, 64), 204)).compose().digest()


@pytest.mark.parametrize(
    ("active", "parts_at"), [((0.0, 0.5), 3), ((0.5, 1.0), 0), ((0.0, 1.0), 9)]
)
def test_words_are_heard_in_their_share_of_the_steps(
    tiny1: ModelBundle, active: tuple[float, float], parts_at: int
) -> None:
    """Of 6 steps; the runs part in the first step in which the words are heard in one of them
    only.
    """
    usual, _ = (made := collage_with(tiny1, (1.0, 0.8, 0.6))).run(made.compose())
    limited = collage_with(tiny1, (1.0, 0.8, 0.6), prompt_start=active[0], prompt_end=active[1])
    steps, _ = limited.run(limited.compose())
    for one, other in zip(usual, steps, strict=True):
        assert torch.equal(one.latents, other.latents) == (one.k < parts_at), f"step {one.k}"
