"""Noise depends on seeds only."""

from __future__ import annotations

import pytest
import torch

from backend.engine.loop_types import generator_for
from backend.engine.noise import FreshNoise, SharedNoise, draw, draw_by_owner, seed_of

LIKE = torch.empty(3, 4, 5, 6)


def test_rows_do_not_depend_on_their_batch() -> None:
    together = draw(LIKE, [generator_for(seed) for seed in (1, 2, 3)])
    alone = [draw(LIKE[:1], [generator_for(seed)]) for seed in (1, 2, 3)]
    assert torch.equal(together, torch.cat(alone))
    assert not torch.equal(alone[0], alone[1])


def test_one_generator_for_each_row() -> None:
    with pytest.raises(ValueError, match="2 generators for 3 rows"):
        draw(LIKE, [generator_for(1), generator_for(2)])


def test_fresh_noise_is_a_function_of_seed_and_step() -> None:
    stream = FreshNoise((7, 8, 9))
    assert torch.equal(stream.at(4, LIKE), stream.at(4, LIKE))
    assert not torch.equal(stream.at(4, LIKE), stream.at(5, LIKE))
    assert torch.equal(stream.at(4, LIKE)[1:2], FreshNoise((8,)).at(4, LIKE[:1]))


def test_fresh_noise_is_not_the_main_stream() -> None:
    main = draw(LIKE[:1], [generator_for(7)])
    assert not any(torch.equal(FreshNoise((7,)).at(k, LIKE[:1]), main) for k in range(50))


def test_shared_noise_is_one_tensor() -> None:
    noise = torch.ones(2)
    assert SharedNoise(noise).at(3, LIKE) is noise


def test_seeds_of_purposes_are_apart() -> None:
    seeds = {
        seed_of(seed, purpose, number)
        for seed in range(5)
        for purpose in "ab"
        for number in range(5)
    }
    assert len(seeds) == 50
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_layer_with_a_seed_owns_the_noise_of_its_cells() -> None:
    """Equal in every row and run where the layer lies, the run's own elsewhere, whatever its number
    in the stack.
    """
    owners = torch.tensor([[0, 1], [2, 2]])
    runs = [torch.randn(2, 4, 2, 2, generator=generator_for(seed)) for seed in (1, 2)]
    first, second = (draw_by_owner(noise, owners, [None, 7]) for noise in runs)
    assert torch.equal(first[:, :, 1], second[:, :, 1])
    assert torch.equal(first[0, :, 1], first[1, :, 1])
    assert torch.equal(first[:, :, 0], runs[0][:, :, 0])
    moved = draw_by_owner(runs[0], torch.tensor([[0, 0], [1, 1]]), [7])
    assert torch.equal(moved[:, :, 1], first[:, :, 1])
    assert draw_by_owner(runs[0], owners, [None, None]) is runs[0]
