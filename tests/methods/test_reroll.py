"""Re-rolling one object: outside its feathered mask not one byte changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.engine.decode import encode
from backend.engine.loop_types import generator_for
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.schedule import SAMPLERS
from backend.plan.plan import OneLayer
from backend.plan.raster import raster
from backend.plan.request import OptionValue
from backend.scene.imaging.mask import is_painted
from backend.scene.imaging.paste import paste_weights
from backend.scene.layer import Placement
from tests.methods.collages import PLAIN, Collage


def finish(collage: Collage) -> np.ndarray:
    """A picture that was made before: not the flat collage."""
    rng = np.random.default_rng(9)
    return rng.integers(0, 256, (collage.side_px, collage.side_px, 3), np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_outside_the_feather_nothing_changes(tiny1: ModelBundle, seed: int) -> None:
    collage = Collage(tiny1, seed=seed)
    source = finish(collage)
    plan = collage.reroll("disc1", source, {})
    _, (made,) = collage.run(plan)
    alpha = raster(plan, collage.pixels).alphas[0]
    assert isinstance(plan.target, OneLayer)
    outside = paste_weights(alpha, plan.target.feather_px) == 0
    assert outside.any()
    assert [image.changed_outside for image in made.images] == [0, 0]
    for picture in made.pictures:
        assert np.array_equal(picture[outside], source[outside])
        painted = is_painted(alpha)
        assert (picture[painted] != source[painted]).any()
    assert not np.array_equal(made.pictures[0], made.pictures[1])


@pytest.mark.parametrize("black", [1, 8])
def test_under_a_mask_with_haze_only_the_disc_and_its_feather_change(
    tiny1: ModelBundle, black: int
) -> None:
    collage = Collage(tiny1, seed=4)
    side = collage.side_px
    rows, columns = np.mgrid[0:side, 0:side]
    distance = np.hypot(rows - side / 2, columns - side / 2)
    hazy = np.where(distance < side / 8, 255, black).astype(np.uint8)
    layers = tuple(
        layer.model_copy(
            update={
                "mask": collage.pixels.add_mask(hazy),
                "picture": None,
                "placement": Placement(centre_x_px=side / 2, centre_y_px=side / 2),
            }
        )
        if layer.id == "disc1"
        else layer
        for layer in collage.scene.layers
        if layer.id != "disc2"
    )
    collage.scene = collage.scene.model_copy(update={"layers": layers})
    source = finish(collage)
    plan = collage.reroll("disc1", source, {})
    _, (made,) = collage.run(plan)
    assert isinstance(plan.target, OneLayer)
    beyond = distance > side / 8 + plan.target.feather_px + 1
    assert beyond.any()
    assert [image.changed_outside for image in made.images] == [0, 0]
    for picture in made.pictures:
        assert np.array_equal(picture[beyond], source[beyond])
        assert (picture != source).any()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_holds_the_background(bundle: ModelBundle, sampler: str) -> None:
    """Cells are free where the layer or its feather reaches, and nowhere else."""
    collage = Collage(bundle, seed=3, side_px=bundle.card.native_px)
    plan = collage.reroll("disc1", finish(collage), {}, sampler, count=1)
    steps, (made,) = collage.run(plan)
    flat = raster(plan, collage.pixels)
    source = encode(bundle, flat.picture, [generator_for(plan.seeds[0])])
    cell = bundle.card.cell_px
    assert isinstance(plan.target, OneLayer)
    outside = paste_weights(flat.alphas[0], plan.target.feather_px) == 0
    held = outside.reshape(outside.shape[0] // cell, cell, -1, cell).all(axis=(1, 3))
    assert held.any()
    kept = (steps[-1].latents == source).all(dim=1)[0].numpy()
    assert np.array_equal(kept, held)
    assert [image.changed_outside for image in made.images] == [0]
    assert steps[0].first == plan.steps - int(plan.steps * plan.layers[0].strength)


def test_without_layer_noise_the_strength_decides(tiny1: ModelBundle) -> None:
    """The background is held all the same: a re-roll is nothing else (section 4.5)."""
    collage = Collage(tiny1, seed=3)
    options: dict[str, OptionValue] = {**PLAIN, "strength": 0.5}
    steps, (made,) = collage.run(collage.reroll("disc1", finish(collage), options))
    assert steps[0].first == 3
    assert [image.changed_outside for image in made.images] == [0, 0]


def test_only_what_is_seen_of_the_layer_changes(tiny1: ModelBundle) -> None:
    """A disc that another one covers in part: the covering one's pixels stay."""
    collage = Collage(tiny1, seed=3)
    lower, upper = collage.scene.layers[1], collage.scene.layers[2]
    moved = upper.placement.model_copy(update={"centre_x_px": lower.placement.centre_x_px + 6})
    covering = upper.model_copy(update={"placement": moved, "picture": lower.picture})
    collage.scene = collage.scene.model_copy(
        update={"layers": (collage.scene.layers[0], lower, covering)}
    )
    source = finish(collage)
    plan = collage.reroll("disc1", source, {})
    flat = raster(plan, collage.pixels)
    _, (made,) = collage.run(plan)
    assert isinstance(plan.target, OneLayer)
    outside = paste_weights(flat.alphas[0], plan.target.feather_px) == 0
    assert all(np.array_equal(picture[outside], source[outside]) for picture in made.pictures)


def test_a_source_of_another_size_is_refused(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3)
    plan = collage.reroll("disc1", finish(collage), {})
    small = collage.pixels.add_picture(np.zeros((32, 64, 4), np.uint8))
    wrong = plan.model_copy(update={"target": plan.target.model_copy(update={"source": small})})
    with pytest.raises(RequestError, match="64 × 32 px"):
        collage.run(wrong)


def test_new_seeds_are_new_pixels_in_the_mask_only(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=2)
    source = finish(collage)
    plan = collage.reroll("disc2", source, {}, "euler_ancestral")
    steps, _ = collage.run(plan)
    assert not torch.equal(steps[-1].latents[0], steps[-1].latents[1])
