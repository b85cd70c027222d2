"""How a fit of painted regions may begin otherwise than in random codes (ours, TCIG's stage 1).

A gradient hardly leads from one colour to another through a codebook, so colours are chosen first;
and large parts move before small ones, so that forms are found before details.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from PIL import ImageColor
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from backend.engine.codes import Size, one_grid, regions_and_grids
from backend.engine.loop_types import generator_for
from backend.engine.noise import seed_of
from backend.engine.optimise import DrawsCodes, Fit, FitStage, FitStep, picture_of

BACKGROUND = 0
StartKind = Literal["sample", "background", "regions", "random"]
"""The region that is not painted."""
SHADE = 0.3
"""How far a shade lies from its colour at most, in each channel of 0..1."""
PLAIN_PX = 32
"""Side of the plain pictures by which shades are chosen: a multiple of the pixels per code of
every known VQGAN.
"""
AT_ONCE = 24
"""Tried pictures that are compared together; bounds memory."""
REGIONS_ALONE = 0.2
"""Share of the iterations in which only whole regions move: colours are settled before forms."""
TRIAL_PX = 64
"""Shorter side of the pictures in which colours are tried; flat colours need no more."""


@dataclass(frozen=True)
class CoarseToFine:
    """How a fit goes.

    Attributes:
        iterations: steps in all.
        half_size: share of them at half size.
        learning_rate: Adam's, in deviations of the codebook.
    """

    iterations: int
    half_size: float
    learning_rate: float


class MatchesWords(Protocol):
    """How far pictures are from words."""

    def distances(self, pictures: Tensor, look: FitStep) -> Tensor:
        """(n, k) of pictures (n, 3, h, w) in 0..1 and k frames, each with its own words."""
        ...


@dataclass(frozen=True)
class StartMatches:
    """What colours are chosen by.

    Attributes:
        background: the words of the place, for the whole picture; one frame.
        layers: each painted layer's words, around its mask; a frame a layer.
    """

    background: MatchesWords
    layers: MatchesWords


@dataclass(frozen=True, eq=False)
class RegionStart:
    """Pictures of painted regions, for a fit to begin with.

    Attributes:
        regions: (r, h, w) in 0..1 that sum to 1; the first is the background.
        phrases: of the painted layers, r - 1.
        size_px: height and width of the pictures; the regions may be larger.
        draws: how many random colours are tried for a region whose words name none.
        matches: what they are chosen by; without it the first draw is taken.
    """

    regions: Tensor = field(repr=False)
    phrases: tuple[str, ...]
    size_px: tuple[int, int]
    draws: int
    matches: StartMatches | None = field(default=None, repr=False)

    def fill_named_colours(self) -> Tensor:
        """Every region in the colour that its words name, all else grey: (1, 3, h, w) in 0..1."""
        grey = torch.full((3,), 0.5)
        named = [find_colour(phrase) for phrase in self.phrases]
        colours = torch.stack([grey, *(grey if colour is None else colour for colour in named)])
        return fill_regions(colours.to(self.regions)[None], self.regions, self.size_px)

    @torch.no_grad()
    def fill_chosen_colours(
        self, network: DrawsCodes, seeds: Sequence[int], sample: Tensor | None
    ) -> Tensor:
        """Every region in a colour, (n, 3, h, w) in 0..1; a sample like it is its background."""
        plain = fill_regions(self.choose_colours(network, seeds), self.regions, self.size_px)
        if sample is None:
            return plain
        share = shrink(self.regions[None, BACKGROUND : BACKGROUND + 1], self.size_px)
        return share * sample + (1 - share) * plain

    @torch.no_grad()
    def choose_colours(self, network: DrawsCodes, seeds: Sequence[int]) -> Tensor:
        """A colour for each region and seed, (n, r, 3) in 0..1.

        A layer whose words name a colour begins in a shade of it. Else, of random colours, it is
        the one that fits the words best: for the background those of the prompt without its
        objects, then over it each layer's own.
        """
        count = len(self.regions)
        named = [find_colour(phrase) for phrase in self.phrases]
        chosen = []
        for seed in seeds:
            generator = generator_for(seed_of(seed, "colours", 0))
            colours = torch.rand(self.draws, count, 3, generator=generator)
            for region, colour in enumerate(named, start=BACKGROUND + 1):
                if colour is not None:
                    colours[:, region] = _choose_shade(network, colour, colours[:, region])
            colours = colours.to(self.regions)
            if self.matches is not None and self.draws > 1:
                everywhere = torch.ones_like(self.regions[:1])
                alone = _distances(colours[:, :1], everywhere, self.matches.background, seed)
                colours[:, BACKGROUND] = colours[alone.argmin(), BACKGROUND]
                if any(colour is None for colour in named):
                    best = _distances(colours, self.regions, self.matches.layers, seed).argmin(0)
                    colours[0, BACKGROUND + 1 :] = colours[
                        best, torch.arange(BACKGROUND + 1, count)
                    ]
            chosen.append(colours[0])
        return torch.stack(chosen)

    def build_fit(
        self,
        kind: StartKind,
        network: DrawsCodes,
        seeds: tuple[int, ...],
        sample: Tensor | None,
        pace: CoarseToFine,
    ) -> Fit:
        """What a fit begins with: random codes, as in the paper, or a picture (ours).

        Args:
            kind: the picture is the ``sample``, or its background alone under regions in colours
                that suit their words ("background"), or such regions everywhere ("regions").
            sample: (n, 3, h, w) in 0..1, one a seed; None where none was drawn.
        """
        if kind == "random":
            return fit_from_random_codes(network, self.size_px, seeds, pace)
        picture = sample
        if picture is None or kind == "background":
            picture = self.fill_chosen_colours(network, seeds, sample)
        # a sampled background stays as it is: fitted to words, it would turn into blotches
        held = self.regions[BACKGROUND] * (kind != "regions")
        return fit_from_picture(network, picture, self.regions, 1 - held, seeds, pace)


def find_colour(phrase: str) -> Tensor | None:
    """The first colour word of a phrase as red, green, blue in 0..1; None without one."""
    words = phrase.casefold().split()
    named = next((word for word in words if word in ImageColor.colormap), None)
    return None if named is None else torch.tensor(ImageColor.getrgb(named)[:3]) / 255


def fill_regions(colours: Tensor, regions: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Every region filled with its colour.

    Args:
        colours: (n, r, 3) in 0..1.
        regions: (r, h, w) in 0..1.
        size_px: height and width of the pictures.

    Returns:
        (n, 3, *size_px) in 0..1.
    """
    shares = functional.interpolate(regions[None], size=size_px, mode="area")[0]
    return torch.einsum("nrc,rhw->nchw", colours, shares / shares.sum(0).clamp_min(1e-6))


def _choose_shade(network: DrawsCodes, colour: Tensor, random: Tensor) -> Tensor:
    """Of shades of a colour, one for each row of ``random`` (m, 3) in 0..1, the one that the codes
    keep best.

    A codebook turns colours that it has not learned into others; hue counts here, brightness
    little.
    """
    shades = (colour + SHADE * (2 * random - 1)).clamp(0, 1).to(network.codebook)
    plain = shades[:, :, None, None].expand(-1, -1, PLAIN_PX, PLAIN_PX)
    seen = picture_of(network, network.encode(plain * 2 - 1)).mean((2, 3))
    error = (_hue(seen) - _hue(colour.to(seen))).square().sum(-1)
    return shades[error.argmin()].to(random)


def _hue(colour: Tensor) -> Tensor:
    """Red, green, blue (…, 3) about their mean, and a fifth of that."""
    grey = colour.mean(-1, keepdim=True)
    return torch.cat([colour - grey, 0.2 * grey], dim=-1)


def _distances(colours: Tensor, regions: Tensor, match: MatchesWords, seed: int) -> Tensor:
    """How far each of the tried rows of colours is from the words of each frame, all seen through
    one seed's views.
    """
    scale = TRIAL_PX / min(regions.shape[-2:])
    size_px = (round(regions.shape[-2] * scale), round(regions.shape[-1] * scale))
    pictures = [fill_regions(some, regions, size_px) for some in colours.split(AT_ONCE)]
    parts = [match.distances(some, FitStep(0, (seed,) * len(some))) for some in pictures]
    return torch.cat(parts)


def fit_from_picture(
    network: DrawsCodes,
    picture: Tensor,
    regions: Tensor,
    reach: Tensor,
    seeds: tuple[int, ...],
    pace: CoarseToFine,
) -> Fit:
    """A fit that begins with a picture: whole regions first, then half the size, then all of it.

    Args:
        picture: (n, 3, h, w) in 0..1, one a seed.
        regions: (r, h, w) in 0..1 that sum to 1.
        reach: how far each place may move, (h, w) in 0..1.
    """
    cells = cells_of(network, (picture.shape[-2], picture.shape[-1]))
    half = (-(-cells[0] // 2), -(-cells[1] // 2))
    coarse = round(pace.iterations * pace.half_size)
    alone = min(coarse, round(pace.iterations * REGIONS_ALONE))
    fine = pace.iterations - coarse
    stages = (FitStage(half, alone, parts=1), FitStage(half, coarse - alone), FitStage(cells, fine))
    with torch.no_grad():
        full, small = (_encode(network, picture, size) for size in (cells, half))
    parts = regions_and_grids(network.codebook, full, small, regions, reach)
    return Fit(parts, seeds, stages, pace.learning_rate)


def fit_from_random_codes(
    network: DrawsCodes, size_px: tuple[int, int], seeds: tuple[int, ...], pace: CoarseToFine
) -> Fit:
    """The paper's start: one grid of random codes, all of them free from the first step on."""
    cells = cells_of(network, size_px)
    parts = one_grid(network.codebook, seeds, cells)
    return Fit(parts, seeds, (FitStage(cells, pace.iterations),), pace.learning_rate)


def cells_of(network: DrawsCodes, size_px: tuple[int, int]) -> Size:
    """How many codes make a picture of at least this size.

    Args:
        network: a VQGAN.
        size_px: height and width in pixels.

    Returns:
        Rows and columns of codes.
    """
    return -(-size_px[0] // network.reduction), -(-size_px[1] // network.reduction)


def fit_size(network: DrawsCodes, size_px: tuple[int, int], cell_px: int) -> tuple[int, int]:
    """The size (h, w) that pictures are fitted at: the codes lie no closer than the latent cells.

    Stage 2 redraws what the fit gave, and cannot hold what is finer than its own cells.

    Args:
        size_px: of the finished picture, (h, w).
        cell_px: pixels a latent cell of the model that draws stage 2.
    """
    share = min(1.0, network.reduction / cell_px)
    return max(1, round(size_px[0] * share)), max(1, round(size_px[1] * share))


def shrink(pictures: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Pictures (n, c, h, w) at a smaller size (h, w), by the mean of what falls together."""
    if tuple(pictures.shape[-2:]) == tuple(size_px):
        return pictures
    return functional.interpolate(pictures, size=size_px, mode="area")


def feather(masks: Tensor, sigma_px: float) -> Tensor:
    """Masks softened by a Gaussian.

    Args:
        masks: (n, h, w) in 0..1.
        sigma_px: its deviation in pixels; below a third the masks stay as they are.
    """
    if sigma_px < 1 / 3 or not len(masks):
        return masks
    radius = min(int(3 * sigma_px), min(masks.shape[-2:]) - 1)
    return gaussian_blur(masks, [2 * radius + 1] * 2, [sigma_px] * 2).clamp(0, 1)


def _encode(network: DrawsCodes, picture: Tensor, cells: Size) -> Tensor:
    size = (cells[0] * network.reduction, cells[1] * network.reduction)
    return network.encode(functional.interpolate(picture, size=size, mode="area") * 2 - 1)
