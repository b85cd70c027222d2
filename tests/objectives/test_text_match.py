"""The spherical distance and CLIP's term (algorithms 2.4, 3)."""

from __future__ import annotations

import itertools
import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.engine.optimise import FitStep
from backend.objectives.text_match import CROPS, TextMatch, frames_of, spherical_distance
from tests.engine.toy_codes import ToyClip


def at_angle(angle: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([1.0, 0.0]), torch.tensor([math.cos(angle), math.sin(angle)])


@given(st.floats(0.05, 3.0))
def test_it_is_half_the_squared_angle(angle: float) -> None:
    assert math.isclose(
        float(spherical_distance(*at_angle(angle))), angle**2 / 2, rel_tol=2e-3, abs_tol=1e-5
    )


def test_known_values_of_the_original() -> None:
    for cosine, known in ((0.2, 0.94), (0.35, 0.74)):
        assert abs(float(spherical_distance(*at_angle(math.acos(cosine)))) - known) < 0.005


def test_zero_only_where_parallel_and_growing_with_the_angle() -> None:
    values = [float(spherical_distance(*at_angle(k * math.pi / 200))) for k in range(201)]
    assert values[0] == 0.0
    assert all(a < b for a, b in itertools.pairwise(values[:-1]))


def test_lengths_do_not_matter() -> None:
    one, other = torch.randn(3, 5), torch.randn(3, 5)
    assert torch.allclose(
        spherical_distance(one, other), spherical_distance(one * 7, other * 0.01), atol=1e-6
    )


def test_the_slope_is_finite_everywhere() -> None:
    for angle in (0.0, 1e-6, 0.0316, math.pi / 2, math.pi):
        one, other = at_angle(angle)
        one.requires_grad_()
        (slope,) = torch.autograd.grad(spherical_distance(one, other), one)
        assert bool(torch.isfinite(slope).all())


def test_the_series_meets_the_formula() -> None:
    below, above = (float(spherical_distance(*at_angle(a))) / a**2 for a in (0.0315, 0.0318))
    assert abs(below - above) < 1e-4


def test_rows_and_cutouts() -> None:
    clip = ToyClip()
    term = TextMatch(clip, clip.encode_text(["a red cat"]), 5, 16)
    pictures = torch.rand(3, 3, 16, 16, requires_grad=True)
    losses = term.losses(pictures, FitStep(2, (7, 8, 9)))
    assert losses.shape == (3,)
    (gradient,) = torch.autograd.grad(losses[1], pictures, retain_graph=True)
    assert gradient[1].abs().sum() > 0
    assert gradient[0].abs().sum() == gradient[2].abs().sum() == 0
    assert torch.allclose(losses[1:2], term.losses(pictures[1:2], FitStep(2, (8,))), atol=1e-6)
    assert not torch.equal(losses, term.losses(pictures, FitStep(3, (7, 8, 9))))


def test_each_frame_is_compared_with_its_own_words() -> None:
    """What lies in one frame alone moves that frame's distance and no other's."""
    clip = ToyClip()
    masks = torch.zeros(2, 64, 64)
    masks[0, 4:16, 4:16], masks[1, 44:60, 44:60] = 1, 1
    texts = clip.encode_text(["a red cat", "a blue house"])
    term = TextMatch(clip, texts, 4, 16, frames_of(masks), CROPS, "crops")
    picture = torch.rand(1, 3, 64, 64, requires_grad=True)
    distances = term.distances(picture, FitStep(0, (7,)))
    assert distances.shape == (1, 2)
    assert torch.allclose(term.losses(picture, FitStep(0, (7,))), distances.mean(1))
    (gradient,) = torch.autograd.grad(distances[0, 1], picture)
    assert gradient[..., 40:, 40:].abs().sum() > 0
    assert gradient[..., :32, :32].abs().sum() == 0
    swapped = TextMatch(clip, texts.flip(0), 4, 16, frames_of(masks).flip(0), CROPS, "crops")
    assert swapped.distances(picture, FitStep(0, (7,))).shape == (1, 2)


def test_frames_stand_around_masks() -> None:
    masks = torch.zeros(4, 32, 64)
    masks[0, 8:16, 16:40] = 1  # wide: the square frame has its width
    masks[1] = 1
    masks[3, 5, 5] = 1
    frames = frames_of(masks)
    assert frames[0].tolist() == [28 / 32 - 1, 12 / 16 - 1, 24 / 64, 24 / 32]
    assert frames[1].tolist() == [0, 0, 1, 2]
    assert frames[2].tolist() == [0, 0, 1, 1]  # nothing is painted: all of the picture
    assert frames[3, 2:].tolist() == [4 / 64, 4 / 32]  # a dot does not fill a view
