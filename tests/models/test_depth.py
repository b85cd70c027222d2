"""A depth network of the transformers layout, and the ControlNets of other kinds of structure."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DPTConfig, DPTForDepthEstimation

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.controlnet import controlnet_of
from backend.models.depth import Depth, depth_of
from backend.models.members import MemberName, Members, find_members
from tests.models.controlled import build_controlnet


def build_depth(folder: Path) -> None:
    """A tiny random DPT with its preprocessor, as a download lies in its folder."""
    torch.manual_seed(3)
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": 4,
    }
    config = DPTConfig(
        **sizes,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        reassemble_factors=[4, 2, 1, 0.5],
        use_auxiliary_head=False,
    )
    network = DPTForDepthEstimation(config)
    for parameter in network.head.parameters():
        torch.nn.init.uniform_(
            parameter, 0.0, 0.5
        )  # its last word is a ReLU, which must not silence everything
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"size": {"height": 64, "width": 64}})
    )


def add_weights(bundle: ModelBundle, folder: Path) -> ModelBundle:
    """The bundle with what lies in a folder."""
    return dataclasses.replace(
        bundle, members=Members(find_members(folder), bundle.device, bundle.dtype)
    )


def test_depth_runs_from_farthest_to_nearest(tiny1: ModelBundle, tmp_path: Path) -> None:
    build_depth(tmp_path / "depth")
    bundle = add_weights(tiny1, tmp_path)
    picture = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    near = depth_of(bundle).nearness(picture)
    assert near.shape == (64, 96)
    assert near.dtype == np.float32
    assert (near.min(), near.max()) == (0.0, 1.0)
    turned = dataclasses.replace(depth_of(bundle), metric=True).nearness(picture)
    assert np.allclose(turned, 1 - near, atol=1e-4)


def test_a_flat_depth_is_nothing(tiny1: ModelBundle) -> None:
    class Flat(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, shown: torch.Tensor) -> object:
            class Found:
                predicted_depth = torch.full((1, *shown.shape[-2:]), 7.0)

            return Found()

    depth = Depth(Flat(), (0.5,) * 3, (0.5,) * 3, 64, False)
    assert not depth.nearness(np.zeros((32, 48, 3), np.uint8)).any()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("soft_edges", "controlnet_soft_edges"),
        ("depth", "controlnet_depth"),
        ("edges", "controlnet"),
    ],
)
def test_each_kind_has_its_own_folder(
    tiny1: ModelBundle, tmp_path: Path, kind: str, name: MemberName
) -> None:
    with pytest.raises(ModelError, match="holds"):
        controlnet_of(add_weights(tiny1, tmp_path), kind)  # type: ignore[arg-type]
    build_controlnet(tiny1).save_pretrained(tmp_path / name)
    assert controlnet_of(add_weights(tiny1, tmp_path), kind).network.config.cross_attention_dim  # type: ignore[arg-type]
