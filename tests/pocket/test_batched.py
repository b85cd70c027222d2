"""The world drawn in tensors: close to the world itself, and with its facts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.networks.networks import build_small_autoencoder
from backend.pocket.train.batches import DrawnBatches
from backend.pocket.world.backgrounds import paint_background
from backend.pocket.world.batched import BatchedWorld, Layouts, look_number
from backend.pocket.world.words import BACKGROUNDS, TEXTURES, is_held_out
from backend.pocket.world.world import ObjectPlacement, build_layout, draw_layout

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world() -> BatchedWorld:
    return BatchedWorld(torch.device("cpu"), plates_each=1)


def as_layouts(placements: tuple[ObjectPlacement, ...]) -> Layouts:
    return Layouts(
        torch.tensor([[look_number(p.class_, p.colour, p.texture) for p in placements]]),
        torch.tensor([[p.centre for p in placements]]),
        torch.tensor([[p.radius for p in placements]]),
        torch.tensor([[p.rotation_deg for p in placements]]),
        torch.tensor([[p.flip for p in placements]]),
    )


@pytest.mark.parametrize("seed", range(5))
def test_it_draws_nearly_what_the_world_draws(world: BatchedWorld, seed: int) -> None:
    place, placements = build_layout(seed, (1, 2, 3))
    truth = draw_layout(place, placements, 128, 0)
    number = BACKGROUNDS.index(place)
    plate = np.asarray(paint_background(place, 128, np.random.default_rng((0, 1))))
    world.plates[number] = torch.from_numpy(plate.copy()).permute(2, 0, 1)
    batch = world.render(torch.tensor([number]), as_layouts(placements))
    mine = batch.pictures[0].permute(1, 2, 0).numpy() * 255
    error = np.mean((mine - truth.picture.astype(np.float64)) ** 2)
    assert 10 * np.log10(255**2 / error) > 24
    shown = (truth.visible * np.arange(1, len(placements) + 1)[:, None, None]).sum(0)
    assert np.mean(shown == batch.instances[0].numpy()) > 0.985


def test_a_seed_gives_one_batch_without_held_out_looks(world: BatchedWorld) -> None:
    first, second = (world.draw(12, 3, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first.pictures, second.pictures)
    assert torch.equal(first.instances, second.instances)
    for number in first.layouts.look.flatten().tolist():
        class_, rest = divmod(number, len(COLOURS) * len(TEXTURES))
        colour, texture = divmod(rest, len(TEXTURES))
        assert not is_held_out(CLASSES[class_], COLOURS[colour], TEXTURES[texture])


def test_a_missing_object_leaves_the_place_alone(world: BatchedWorld) -> None:
    _, placements = build_layout(3, (2,))
    layouts = as_layouts(placements)
    nothing = Layouts(
        torch.full_like(layouts.look, -1),
        layouts.centre,
        layouts.radius,
        layouts.turn,
        layouts.flip,
    )
    batch = world.render(torch.tensor([2]), nothing)
    assert torch.equal(batch.pictures[0], world.plates[2].float() / 255)
    assert not batch.instances.any()


@pytest.mark.parametrize("small", [False, True])
def test_training_batches_say_what_is_where(world: BatchedWorld, small: bool) -> None:
    maker = DrawnBatches(world, build_small_autoencoder(), seed=1, count=6)
    batch = maker.draw(small, True, np.random.default_rng(0))
    side = 16 if small else 32
    assert batch.latents.shape == (6, 4, side, side)
    assert batch.looks.shape == (6, 3, side, side)
    assert torch.equal((batch.regions.sum(1) > 0)[:, None].expand(-1, 3, -1, -1), batch.looks > 0)
    for ids, owners, regions in zip(batch.ids, batch.owners, batch.regions, strict=True):
        assert ids.shape == owners.shape
        if (owners >= 0).any():
            assert regions[owners.max()].any()
