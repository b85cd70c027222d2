"""The UNet of few steps: run by the samplers that it is for, shared with nothing else, refused by
its sizes.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from backend.errors import EngineError, ModelError
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.card import ModelCard, read_card
from backend.models.few_steps import MEMBER, choose_unet
from backend.models.members import Members, judge_members
from tests.models.fixtures import tiny_folder


@pytest.fixture
def family(model_base: Path, tmp_path: Path) -> ModelCard:
    """A tiny family whose distilled UNet is its own with other weights in the middle."""
    folder = tmp_path / "family"
    shutil.copytree(tiny_folder("tiny-1", model_base), folder)
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", use_safetensors=True)
    with torch.no_grad():
        unet.time_embedding.linear_1.weight.mul_(0.5)
    unet.save_pretrained(folder / MEMBER)
    return read_card(folder, "family", "Family")


def test_samplers_of_few_steps_run_it_and_others_do_not(family: ModelCard) -> None:
    cache = ModelCache(2**30)
    with cache.lease(family, "cpu", "ddim") as usual:
        own = usual.unet
    for sampler in ("lcm", "tcd"):
        with cache.lease(family, "cpu", sampler) as few:
            assert few.unet is usual.members.get(MEMBER)
            assert few.unet is not own
            assert (few.vae, few.kept, few.run) == (usual.vae, usual.kept, usual.run)
    with cache.lease(family, "cpu") as again:
        assert again.unet is own


def test_its_attention_sites_are_put_back(family: ModelCard) -> None:
    cache = ModelCache(2**30)
    with cache.lease(family, "cpu", "lcm") as few:
        before = dict(few.unet.attn_processors)
    with (
        pytest.raises(EngineError, match="attention sites changed"),
        cache.lease(family, "cpu", "lcm"),
    ):
        few.unet.set_default_attn_processor()
    assert dict(few.unet.attn_processors) == before


def test_a_family_without_one_runs_its_own(tiny1: ModelBundle) -> None:
    assert choose_unet(tiny1, "lcm") is tiny1


def test_one_of_another_family_is_refused_by_its_sizes(
    family: ModelCard, tiny1: ModelBundle, tmp_path: Path
) -> None:
    config = dict(UNet2DConditionModel.load_config(family.folder / "unet"))
    wider = UNet2DConditionModel.from_config({**config, "cross_attention_dim": 24})
    wider.save_pretrained(tmp_path / "other" / MEMBER)
    members = judge_members(tmp_path / "other").cards
    bundle = replace(tiny1, members=Members(members, tiny1.device, tiny1.dtype))
    with pytest.raises(ModelError, match="has cross_attention_dim 24") as refused:
        choose_unet(bundle, "lcm")
    assert str(tiny1.unet.config.cross_attention_dim) in str(refused.value)
    assert choose_unet(bundle, "euler") is bundle


def test_one_with_a_weight_that_is_no_number_is_refused(family: ModelCard) -> None:
    unet = UNet2DConditionModel.from_pretrained(family.folder / MEMBER, use_safetensors=True)
    with torch.no_grad():
        unet.conv_in.bias[0] = torch.nan
    unet.save_pretrained(family.folder / MEMBER)
    cache = ModelCache(2**30)
    with pytest.raises(ModelError), cache.lease(family, "cpu", "lcm"):
        pass
    with cache.lease(family, "cpu", "ddim") as usual:
        assert usual.unet is not None
