"""Edges that the ControlNet learns from."""

from __future__ import annotations

import numpy as np

from backend.pocket.train.edge_maps import assign_edges, hints
from backend.pocket.world.world import draw_scene


def test_every_edge_belongs_to_the_layer_that_draws_it() -> None:
    drawing = draw_scene(6, 128, (3,))
    instances = (drawing.visible * np.arange(1, 4)[:, None, None]).sum(0).astype(np.uint8)
    owners = assign_edges(drawing.picture, instances)
    assert set(np.unique(owners)) >= {0, 2, 3, 4}
    for number in range(1, 4):
        ys, xs = np.nonzero(owners == number + 1)
        near = [
            (instances[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] == number).any()
            for y, x in zip(ys, xs, strict=True)
        ]
        assert all(near)


def test_half_of_the_hints_leave_layers_out() -> None:
    owners = np.zeros((400, 4, 4), np.uint8)
    owners[:, 0], owners[:, 1] = 1, 2
    shown = hints(owners, np.random.default_rng(1))
    assert shown.shape == (400, 3, 4, 4)
    assert not shown[:, :, 2:].any()
    first, second = shown[:, 0, 0, 0] > 0, shown[:, 0, 1, 0] > 0
    assert (
        0.55 < float((first & second).float().mean()) < 0.7
    )  # .5 whole, and a quarter of the rest
    assert 0.2 < float((first != second).float().mean()) < 0.3
