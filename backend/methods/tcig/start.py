"""How stage 1 begins: the paper's random code at every place, or ours, a picture of the masks
filled with colours.
"""

from __future__ import annotations

import torch
from PIL import ImageColor
from torch import Tensor
from torch.nn import functional

from backend.engine.codes import Size, one_grid, regions_and_grids
from backend.engine.loop_types import generator_for
from backend.engine.noise import seed_of
from backend.engine.optimise import DrawsCodes, Fit, FitStage, FitStep, picture_of
from backend.methods.tcig.painting import TcigPainting
from backend.objectives.text_match import TextMatch

REGIONS_ALONE = 0.2
"""Share of the iterations in which only whole regions move: colours are settled before forms."""
BACKGROUND = 0
"""The region that is not painted."""
SHADE = 0.3
"""How far a shade lies from its colour at most, in each channel of 0..1."""
PLAIN_PX = 32
"""Side of the plain pictures by which shades are chosen: a multiple of the pixels per code of every
known VQGAN.
"""
AT_ONCE = 24
"""Tried pictures that are looked at together; bounds memory."""
TRIED_PX = 64
"""Shorter side of the pictures in which colours are tried; flat colours need no more."""


def build_fit(
    painting: TcigPainting,
    network: DrawsCodes,
    seeds: tuple[int, ...],
    cells: Size,
    picture: Tensor,
) -> Fit:
    """The codes to begin with and the stages of the fit; ``cells`` are the codes' size.

    ``picture`` float (n, 3, h, w) in 0..1 is where the seeds begin; the paper's start takes no
    notice of it. A place that was dreamed stays as it is: fitted to words, it would turn into
    blotches.
    """
    options, book = painting.options, network.codebook
    if options.start == "random":
        return Fit(
            one_grid(book, seeds, cells),
            seeds,
            (FitStage(cells, options.iterations),),
            options.learning_rate,
        )
    half = (-(-cells[0] // 2), -(-cells[1] // 2))
    coarse = round(options.iterations * options.half_size)
    alone = min(coarse, round(options.iterations * REGIONS_ALONE))
    stages = (
        FitStage(half, alone, parts=1),
        FitStage(half, coarse - alone),
        FitStage(cells, options.iterations - coarse),
    )
    held = (
        painting.regions[BACKGROUND]
        if options.start != "regions"
        else torch.zeros_like(painting.regions[BACKGROUND])
    )
    with torch.no_grad():
        full, small = (
            network.encode(
                functional.interpolate(
                    picture, size=(h * network.reduction, w * network.reduction), mode="area"
                )
                * 2
                - 1
            )
            for h, w in (cells, half)
        )
    return Fit(
        regions_and_grids(book, full, small, painting.regions, 1 - held),
        seeds,
        stages,
        options.learning_rate,
    )


@torch.no_grad()
def build_start_picture(
    painting: TcigPainting,
    network: DrawsCodes,
    seeds: tuple[int, ...],
    initial_sample: Tensor | None,
) -> Tensor:
    """Every region in its colour, float (n, 3, h, w) in 0..1; a dream like it takes the place of
    the place.
    """
    plain = _fill(painting, start_colours(painting, network, seeds))
    if initial_sample is None:
        return plain
    share = painting.regions[BACKGROUND]
    return share * initial_sample + (1 - share) * plain


def fill_named_colours(painting: TcigPainting) -> Tensor:
    """Every mask in the colour that its words name, all else grey: float (1, 3, h, w) in 0..1."""
    grey = torch.full((3,), 0.5)
    named = [find_colour(layer.phrase) for layer in painting.painted]
    colours = torch.stack([grey, *(grey if colour is None else colour for colour in named)])
    return _fill(painting, colours.to(painting.regions)[None])


def _fill(painting: TcigPainting, colours: Tensor) -> Tensor:
    return fill_regions(
        colours, painting.regions, (painting.plan.height_px, painting.plan.width_px)
    )


@torch.no_grad()
def start_colours(painting: TcigPainting, network: DrawsCodes, seeds: tuple[int, ...]) -> Tensor:
    """A colour for each region and seed, (n, r, 3) in 0..1.

    A gradient hardly leads from one colour to another through a codebook, so they are chosen first.
    A layer whose words name a colour begins in a shade of it. Else, of ``draws`` random colours, it
    is the one that fits the words best: for the place those of the prompt without its objects, then
    over it each layer's own. Without words, the first draw.
    """
    count, draws = len(painting.regions), painting.options.draws
    named = [find_colour(layer.phrase) for layer in painting.painted]
    chosen = []
    for seed in seeds:
        tried = torch.rand(draws, count, 3, generator=generator_for(seed_of(seed, "colours", 0)))
        for region, colour in enumerate(named, start=BACKGROUND + 1):
            if colour is not None:
                tried[:, region] = _choose_shade(network, colour, tried[:, region])
        tried = tried.to(painting.regions)
        if painting.start_matches is not None and draws > 1:
            everywhere = torch.ones_like(painting.regions[:1])
            alone = _distances(tried[:, :1], everywhere, painting.start_matches.background, seed)
            tried[:, BACKGROUND] = tried[alone.argmin(), BACKGROUND]
            if any(colour is None for colour in named):
                best = _distances(
                    tried, painting.regions, painting.start_matches.layers, seed
                ).argmin(0)
                tried[0, BACKGROUND + 1 :] = tried[best, torch.arange(BACKGROUND + 1, count)]
        chosen.append(tried[0])
    return torch.stack(chosen)


def find_colour(phrase: str) -> Tensor | None:
    """The first colour word of a phrase as red, green, blue in 0..1; None without one."""
    named = next((word for word in phrase.casefold().split() if word in ImageColor.colormap), None)
    return None if named is None else torch.tensor(ImageColor.getrgb(named)[:3]) / 255


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


def fill_regions(colours: Tensor, regions: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Every region (r, h, w) filled with its colour (n, r, 3): (n, 3, *size_px)."""
    shares = functional.interpolate(regions[None], size=size_px, mode="area")[0]
    return torch.einsum("nrc,rhw->nchw", colours, shares / shares.sum(0).clamp_min(1e-6))


def _distances(colours: Tensor, regions: Tensor, match: TextMatch, seed: int) -> Tensor:
    """How far each of the tried rows of colours is from the words of each frame, all seen through
    one seed's views.
    """
    scale = TRIED_PX / min(regions.shape[-2:])
    size_px = (round(regions.shape[-2] * scale), round(regions.shape[-1] * scale))
    pictures = [fill_regions(some, regions, size_px) for some in colours.split(AT_ONCE)]
    return torch.cat([match.distances(some, FitStep(0, (seed,) * len(some))) for some in pictures])
