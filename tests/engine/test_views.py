"""Random views: of their own rows, inside the picture, and alike for picture and mask."""

from __future__ import annotations

import torch

from backend.engine.loop_types import generator_for
from backend.engine.views import ViewRange, draw_views, see_through, with_noise

ALLOWED = ViewRange((0.5, 1.0), 0.1)


def test_the_whole_view_is_the_picture() -> None:
    picture = torch.rand(2, 3, 8, 6)
    views = draw_views(
        [generator_for(1), generator_for(2)], 1, ViewRange((1.0, 1.0), 0.0, flipped=False)
    )
    assert torch.allclose(see_through(picture, views, (8, 6)), picture, atol=1e-6)


def test_views_lie_inside() -> None:
    views = draw_views([generator_for(seed) for seed in range(50)], 4, ALLOWED)
    reach = views.theta[:, :, 2].abs() + views.theta[:, :, :2].diagonal(dim1=1, dim2=2).abs()
    assert float(reach.max()) <= 1 + 1e-6
    assert (views.theta[:, 0, 0] < 0).any()
    assert (views.theta[:, 0, 0] > 0).any()


def test_a_row_does_not_depend_on_the_others() -> None:
    both = draw_views([generator_for(1), generator_for(2)], 3, ALLOWED)
    alone = draw_views([generator_for(2)], 3, ALLOWED)
    assert torch.equal(both.theta[3:], alone.theta)
    pictures = torch.rand(2, 3, 8, 8)
    seen = see_through(pictures, both, (8, 8))
    assert torch.equal(seen[3:], see_through(pictures[1:], alone, (8, 8)))
    noisy = with_noise(seen, both, [generator_for(5), generator_for(6)])
    assert torch.equal(noisy[3:], with_noise(seen[3:], alone, [generator_for(6)]))
    assert not torch.equal(noisy, seen)


def test_views_of_frames_lie_in_their_frames() -> None:
    frames = torch.tensor([[-0.5, -0.5, 0.25, 0.4], [0.3, 0.2, 0.5, 0.1]])
    views = draw_views([generator_for(1), generator_for(2)], 6, ALLOWED, frames)
    assert views.per_row == 12
    placed = views.theta.view(2, 2, 6, 2, 3)
    reach = placed[..., :2].diagonal(dim1=-2, dim2=-1).abs()
    for number, frame in enumerate(frames):
        off = (placed[:, number, :, :, 2] - frame[:2]).abs() + reach[:, number]
        assert bool((off <= frame[2:] + 1e-6).all())
        assert bool((reach[:, number] >= 0.5 * frame[2:] - 1e-6).all())
