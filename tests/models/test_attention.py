"""Sites, grids, and processors that come and go."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import generator_for
from backend.errors import EngineError
from backend.models.attention import SiteProcessor, cross_sites, grid, replace_processors
from backend.models.bundle import ModelBundle


def stock(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return functional.scaled_dot_product_attention(query, key, value)


def predict(bundle: ModelBundle, height_lat: int, width_lat: int) -> Tensor:
    latents = torch.randn(2, 4, height_lat, width_lat, generator=generator_for(1))
    words = torch.randn(2, 7, bundle.unet.config.cross_attention_dim, generator=generator_for(2))
    with torch.no_grad():
        result: Tensor = bundle.unet(latents, 500, encoder_hidden_states=words, return_dict=False)[
            0
        ]
    return result


def test_every_cross_site_is_found(bundle: ModelBundle) -> None:
    names = [site.name for site in cross_sites(bundle.unet)]
    assert names == [name for name in bundle.unet.attn_processors if "attn2" in name]
    assert names


@pytest.mark.parametrize("sides", [(16, 16), (17, 11), (9, 24)])
def test_grids_are_those_of_the_network(bundle: ModelBundle, sides: tuple[int, int]) -> None:
    """Every site really has as many queries as its level's grid says, also for odd and unequal
    sides.
    """
    seen: dict[str, int] = {}

    def watch(name: str) -> object:
        def attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
            seen[name] = query.shape[2]
            return stock(query, key, value, scale)

        return attend

    sites = cross_sites(bundle.unet)
    with replace_processors(bundle.unet, {site.name: watch(site.name) for site in sites}):
        predict(bundle, *sides)
    for site in sites:
        rows, columns = grid(*sides, site.level)
        assert seen[site.name] == rows * columns


def test_levels_of_a_full_sized_layout() -> None:
    """SD 1.x's block layout: three cross-attending levels down and up, and a middle at the
    fourth.
    """
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            block_out_channels=(32, 32, 32, 32), cross_attention_dim=8, attention_head_dim=4
        )
    levels = [site.level for site in cross_sites(unet)]
    assert sorted(levels) == [0] * 5 + [1] * 5 + [2] * 5 + [3]
    assert grid(65, 64, 3) == (9, 8)


def test_our_processor_with_stock_attention_is_bit_equal(bundle: ModelBundle) -> None:
    before = predict(bundle, 16, 16)
    with replace_processors(bundle.unet, {site.name: stock for site in cross_sites(bundle.unet)}):
        assert any(isinstance(one, SiteProcessor) for one in bundle.unet.attn_processors.values())
        assert torch.equal(predict(bundle, 16, 16), before)


def test_the_same_objects_are_put_back(tiny1: ModelBundle) -> None:
    before = dict(tiny1.unet.attn_processors)
    site = cross_sites(tiny1.unet)[0].name
    with pytest.raises(KeyError), replace_processors(tiny1.unet, {site: stock}):
        raise KeyError
    after = tiny1.unet.attn_processors
    assert all(after[name] is before[name] for name in before)


def test_two_controls_cannot_own_one_site(tiny1: ModelBundle) -> None:
    site = cross_sites(tiny1.unet)[0].name
    before = dict(tiny1.unet.attn_processors)
    with (
        replace_processors(tiny1.unet, {site: stock}),
        pytest.raises(EngineError, match="already taken"),
        replace_processors(tiny1.unet, {site: stock}),
    ):
        pass
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)
