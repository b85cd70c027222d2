"""How well a picture fits a text, by CLIP: the squared great-circle distance of cutouts to the
words (Crowson 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from backend.engine.optimise import FitStep, Objective
from backend.engine.region_start import StartMatches
from backend.engine.views import WHOLE, ViewRange, draw_views, see_through, with_noise
from backend.models.clip import Clip

CUTOUTS = ViewRange(scale=(0.75, 1.0), noise=0.1)
"""Noise as in VQGAN+CLIP's popular form; views from three quarters of the side on, for a smaller
one that shows a single object would be asked for all that the prompt names, and colours pass from
one object to another.
"""
CROPS = ViewRange(scale=(0.95, 1.4), noise=0.1)
"""Views around one object, from close to it to some of its surroundings: the mask's frame is a view
of scale 1.
"""
START_VIEWS = 4
"""Views of a tried start: one alone says too much about the view."""
SMALLEST_FRAME = 0.125
"""Half a frame's side is at least this share of half the picture's, or a dot would fill a view."""
SMALL = 1e-3  # below this squared chord the series is exact in single precision
LARGEST = 4.0 - 1e-5  # the slope is infinite where the vectors are opposite


class SeesPictures(Protocol):
    """What is needed of a CLIP."""

    def encode_image(self, pictures: Tensor) -> Tensor:
        """Unit vectors (n, d) of pictures (n, 3, h, w) in 0..1."""
        ...


@dataclass(frozen=True)
class TextMatch(Objective):
    """L_clip: the mean of 2·asin(‖e - u‖/2)² over random views e of a picture and their words u.

    Attributes:
        clip: whose vectors are compared.
        texts: unit vectors, (k, d).
        cutouts: views of each frame.
        side_px: of a view, as the network sees it.
        frames: parts of the picture, one a text, (k, 4) as in ``draw_views``; all of it by default.
        allowed: how views vary.
        purpose: names the random numbers; terms that are used together have one each.
    """

    clip: SeesPictures = field(repr=False)
    texts: Tensor = field(repr=False, compare=False)
    cutouts: int
    side_px: int
    frames: Tensor = field(default=WHOLE, repr=False, compare=False)
    allowed: ViewRange = CUTOUTS
    purpose: str = "cutouts"
    """Names the random numbers; terms that are used together have one each."""

    def losses(self, pictures: Tensor, moment: FitStep) -> Tensor:
        """The mean distance over all frames.

        Args:
            pictures: (n, 3, h, w) in 0..1.
            moment: the step and the rows' seeds, from which the views follow.

        Returns:
            (n,), 0 or more, with gradients.
        """
        return self.distances(pictures, moment).mean(dim=1)

    def distances(self, pictures: Tensor, moment: FitStep) -> Tensor:
        """How far each frame's views are from its words, in the mean.

        Args:
            pictures: (n, 3, h, w) in 0..1.
            moment: the step and the rows' seeds.

        Returns:
            (n, k), 0 or more.
        """
        generators = moment.generators(self.purpose)
        views = draw_views(generators, self.cutouts, self.allowed, self.frames)
        seen = with_noise(
            see_through(pictures, views, (self.side_px, self.side_px)), views, generators
        )
        wanted = (
            self.texts.to(pictures).repeat_interleave(self.cutouts, dim=0).repeat(len(pictures), 1)
        )
        distances = spherical_distance(self.clip.encode_image(seen), wanted)
        return distances.view(len(pictures), len(self.frames), self.cutouts).mean(dim=2)


@dataclass(frozen=True, eq=False)
class PaintedWords:
    """The words of a painted picture as CLIP's vectors.

    Attributes:
        clip: whose.
        texts: unit vectors of the prompt, its background and each layer's words, (2 + n, d).
        frames: around the layers' masks, (n, 4).
        side_px: of a view, as the network sees it.
    """

    clip: SeesPictures
    texts: Tensor
    frames: Tensor
    side_px: int

    def match_prompt(self, cutouts: int) -> TextMatch:
        """The prompt over the whole picture.

        Args:
            cutouts: random views a step.
        """
        return TextMatch(self.clip, self.texts[:1], cutouts, self.side_px)

    def match_layers(self, cutouts: int, purpose: str) -> TextMatch:
        """Each layer's words around its mask.

        Args:
            cutouts: random views a layer and step.
            purpose: names the random numbers.
        """
        own, side_px = self.texts[2:], self.side_px
        return TextMatch(self.clip, own, cutouts, side_px, self.frames, CROPS, purpose)

    def match_start(self) -> StartMatches:
        """What the colours of a start are chosen by."""
        place = TextMatch(self.clip, self.texts[1:2], 1, self.side_px, purpose="place")
        return StartMatches(place, self.match_layers(START_VIEWS, "tried"))


@torch.no_grad()
def encode_painted_words(clip: Clip, words: Sequence[str], masks: Tensor) -> PaintedWords:
    """The words of a painted picture as CLIP's vectors.

    Args:
        clip: the family's.
        words: of the prompt, its background, and each mask.
        masks: (n, h, w) in 0..1.
    """
    return PaintedWords(clip, clip.encode_text(list(words)), frames_of(masks), clip.seeing.side_px)


def frames_of(masks: Tensor) -> Tensor:
    """Square frames around masks, as for ``draw_views``.

    Args:
        masks: (n, h, w) in 0..1; half is inside.

    Returns:
        (n, 4): centre and half the sides, where the picture reaches from -1 to 1; the whole picture
        for an empty mask.
    """
    height, width = masks.shape[-2:]
    frames = []
    for mask in masks > 0.5:
        rows: list[int] = torch.nonzero(mask.any(1))[:, 0].tolist()
        columns: list[int] = torch.nonzero(mask.any(0))[:, 0].tolist()
        if not rows:
            frames.append(WHOLE[0])
            continue
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        half = max(bottom - top, right - left, SMALLEST_FRAME * min(height, width))
        centre = ((left + right) / width - 1, (top + bottom) / height - 1)
        frames.append(torch.tensor([*centre, half / width, half / height]))
    return torch.stack(frames)


def spherical_distance(one: Tensor, other: Tensor) -> Tensor:
    """2·asin(‖a - b‖/2)²: half the squared angle between two directions.

    Args:
        one: vectors of any length, (…, d).
        other: of that shape.

    Returns:
        (…); 0 where they are parallel, with a finite slope there (half of the squared chord's) and
        everywhere.
    """
    a, b = (torch.nn.functional.normalize(v.float(), dim=-1) for v in (one, other))
    chord = (a - b).square().sum(-1).clamp_max(LARGEST)
    near = chord < SMALL
    far = torch.where(near, torch.ones_like(chord), chord)
    return torch.where(
        near, chord / 2 + chord.square() / 24, 2 * torch.asin(far.sqrt() / 2).square()
    )
