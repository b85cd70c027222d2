"""Where words look, when other words look there, too."""

from __future__ import annotations

import torch

from backend.engine.attention_maps import suppress_competing


def test_a_place_is_the_words_own_where_no_other_looks_more_for_its_measure() -> None:
    own = torch.tensor([[[0.4, 0.3], [0.1, 0.0]]])
    other = torch.tensor(
        [[[0.01, 0.06], [0.001, 0.0]]]
    )  # looks a tenth as much, but at the second place
    won = suppress_competing(torch.stack([own, other]))
    assert torch.equal(won, torch.tensor([[[0.4, 0.0], [0.1, 0.0]]]))


def test_without_rivals_and_where_nothing_is_left_the_map_is_as_it_was() -> None:
    own = torch.rand(1, 2, 4, 4)
    assert torch.equal(suppress_competing(own), own[0])
    flat = torch.ones(1, 1, 2, 2)
    left, right = torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.tensor([[0.0, 2.0], [0.0, 2.0]])
    assert torch.equal(
        suppress_competing(torch.cat([flat, left[None, None], right[None, None]])), flat[0]
    )
