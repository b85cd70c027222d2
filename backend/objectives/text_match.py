"""How well a picture fits a text, by CLIP: the squared great-circle distance of cutouts to the words (Crowson 2022)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from backend.engine.optimise import Look, Objective
from backend.engine.views import ViewRange, draw_views, seen_through, with_noise

CUTOUTS = ViewRange(scale=(0.5, 1.0), noise=0.1)
"""Noise as in VQGAN+CLIP's popular form; views from half the side on, for smaller ones cut objects to pieces."""
SMALL = 1e-3  # below this squared chord the series is exact in single precision
LARGEST = 4.0 - 1e-5  # the slope is infinite where the vectors are opposite


class SeesPictures(Protocol):
    """What is needed of a CLIP."""

    def encode_image(self, pictures: Tensor) -> Tensor:
        """Unit vectors (n, d) of pictures (n, 3, h, w) in 0..1."""
        ...


@dataclass(frozen=True)
class TextMatch(Objective):
    """The mean distance of ``cutouts`` random views of a picture to ``text`` (d,), a unit vector.

    Views are drawn at ``side_px``, the side that the network sees.
    """

    clip: SeesPictures = field(repr=False)
    text: Tensor = field(repr=False, compare=False)
    cutouts: int
    side_px: int

    def losses(self, pictures: Tensor, look: Look) -> Tensor:
        """Per row the mean of 2·asin(‖e - u‖/2)² over its cutouts."""
        generators = look.generators("cutouts")
        views = draw_views(generators, self.cutouts, CUTOUTS)
        seen = with_noise(seen_through(pictures, views, (self.side_px, self.side_px)), views, generators)
        distances = spherical_distance(self.clip.encode_image(seen), self.text.to(pictures))
        return distances.view(len(pictures), self.cutouts).mean(dim=1)


def spherical_distance(one: Tensor, other: Tensor) -> Tensor:
    """2·asin(‖a - b‖/2)² along the last dimension: half the squared angle between the two directions.

    Any lengths; 0 where they are parallel, with a finite slope there (half of the squared chord's) and everywhere.
    """
    a, b = (torch.nn.functional.normalize(v.float(), dim=-1) for v in (one, other))
    chord = (a - b).square().sum(-1).clamp_max(LARGEST)
    near = chord < SMALL
    far = torch.where(near, torch.ones_like(chord), chord)
    return torch.where(near, chord / 2 + chord.square() / 24, 2 * torch.asin(far.sqrt() / 2).square())
