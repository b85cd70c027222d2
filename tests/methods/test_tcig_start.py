"""How a fit begins: in the colours that the words name, in others where they name none, or as in
the paper.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.engine.optimise import FitStep
from backend.engine.region_start import fill_regions, find_colour, fit_size
from backend.methods.tcig import build_fit, prepare_inputs
from backend.models.bundle import ModelBundle
from tests.engine.toy_codes import ToyCodes
from tests.methods.painted import PaintedScene, cat_and_house, disc, toy_bundle

SEEDS = (3, 4, 5)


@pytest.fixture
def painter(tiny1: ModelBundle) -> ModelBundle:
    return toy_bundle(tiny1)


def test_codes_lie_no_closer_than_latent_cells() -> None:
    """A family of 16 px a cell and codes of 4 px fits at a quarter; one of 8 px as it is."""
    codes = ToyCodes()
    assert fit_size(codes, (512, 384), 4 * codes.reduction) == (128, 96)
    assert fit_size(codes, (64, 48), codes.reduction) == (64, 48)
    assert fit_size(codes, (64, 48), 1) == (64, 48)


def test_words_that_name_a_colour() -> None:
    assert find_colour("a dotted Red cat").tolist() == [1, 0, 0]  # type: ignore[union-attr]
    assert find_colour("a dotted cat") is None
    assert find_colour("") is None


def test_layers_begin_in_shades_of_their_colours_and_each_seed_in_others(
    painter: ModelBundle,
) -> None:
    painting = cat_and_house(painter)
    inputs = prepare_inputs(painting.plan(), painter, painting.pixels)
    colours = inputs.start.choose_colours(ToyCodes(), SEEDS)
    assert colours.shape == (3, 3, 3)
    red, blue = colours[:, 1], colours[:, 2]
    assert (red[:, 0] > red[:, 1:].amax(1) + 0.2).all()
    assert (blue[:, 2] > blue[:, :2].amax(1) + 0.2).all()
    assert len(torch.unique(colours[:, 0], dim=0)) == 3


def test_without_a_named_colour_the_words_choose(painter: ModelBundle) -> None:
    side = painter.card.native_px
    painting = PaintedScene(painter, (("cat", "", disc(side, 0.5, 0.5, 0.3)),), "a cat")
    start = prepare_inputs(painting.plan({"draws": 40}), painter, painting.pixels).start
    assert start.matches is not None
    chosen = start.choose_colours(ToyCodes(), SEEDS)
    first = replace(start, matches=None).choose_colours(ToyCodes(), SEEDS)
    look = torch.stack(
        [fill_regions(one[None], start.regions, (64, 64))[0] for one in (*chosen, *first)]
    )
    fits = start.matches.layers.distances(look, FitStep(0, SEEDS * 2))[:, 0]
    assert fits[:3].mean() < fits[3:].mean()


def test_the_papers_start_is_one_grid_at_full_size(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    sizes = {}
    for start in ("random", "regions"):
        plan = painting.plan({"start": start, "iterations": 20})
        inputs = prepare_inputs(plan, painter, painting.pixels)
        fit = build_fit(inputs, ToyCodes(), SEEDS, None)
        assert fit.steps == 20
        sizes[start] = [stage.size for stage in fit.stages if stage.steps]
        assert len(fit.parts) == (1 if start == "random" else 6)
    assert sizes == {"random": [(16, 16)], "regions": [(8, 8), (8, 8), (16, 16)]}


def test_regions_are_filled_with_their_colours() -> None:
    regions = torch.zeros(2, 8, 8)
    regions[0, :, :4], regions[1, :, 4:] = 1, 1
    picture = fill_regions(torch.tensor([[[1.0, 0, 0], [0, 0, 1.0]]]), regions, (4, 4))
    assert picture[0, :, :, 0].T.tolist() == [[1, 0, 0]] * 4
    assert picture[0, :, :, 3].T.tolist() == [[0, 0, 1]] * 4
