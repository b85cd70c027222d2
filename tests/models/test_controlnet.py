"""ControlNet folders that load, and one that belongs to another model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.controlnet import controlnet_of
from backend.models.members import Members, read_member
from tests.models.controlled import build_controlnet


def add_controlnet(bundle: ModelBundle, owner: ModelBundle, folder: Path) -> ModelBundle:
    """The bundle with a ControlNet folder that was made for ``owner``."""
    build_controlnet(owner).half().save_pretrained(folder)
    card = read_member(folder, "controlnet")
    return dataclasses.replace(
        bundle, members=Members({"controlnet": card}, bundle.device, bundle.dtype)
    )


def test_a_diffusers_folder_loads_in_the_bundle_s_precision(
    tiny2: ModelBundle, tmp_path: Path
) -> None:
    network = controlnet_of(add_controlnet(tiny2, tiny2, tmp_path / "controlnet")).network
    assert not network.training
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    assert not any(weight.requires_grad for weight in network.parameters())


def test_residuals_have_the_shapes_of_the_skips(tiny1: ModelBundle, tmp_path: Path) -> None:
    member = controlnet_of(add_controlnet(tiny1, tiny1, tmp_path / "controlnet"))
    words = torch.zeros(2, tiny1.card.text_length, 32)
    made = member.residuals(
        torch.zeros(2, 4, 12, 16), torch.tensor(5), words, torch.ones(1, 3, 48, 64)
    )
    assert [tuple(part.shape[1:]) for part in made.down] == [
        (16, 12, 16),
        (16, 12, 16),
        (16, 6, 8),
        (32, 6, 8),
    ]
    assert tuple(made.middle.shape) == (2, 32, 6, 8)


def test_another_model_s_controlnet_is_refused(
    tiny1: ModelBundle, tiny2: ModelBundle, tmp_path: Path
) -> None:
    other = add_controlnet(tiny1, tiny1, tmp_path / "controlnet")
    other.members.get("controlnet").network.register_to_config(cross_attention_dim=99)
    with pytest.raises(ModelError) as caught:
        controlnet_of(other)
    assert "99" in caught.value.sentence


def test_a_hint_of_more_pixels_a_cell_is_seen_by_its_brightest_ones(
    tiny1: ModelBundle, tmp_path: Path
) -> None:
    """A line one pixel wide stays a line; what fits is seen as it is."""
    member = controlnet_of(add_controlnet(tiny1, tiny1, tmp_path / "controlnet"))
    words = torch.zeros(1, tiny1.card.text_length, 32)
    large, small = torch.zeros(1, 3, 192, 256), torch.zeros(1, 3, 48, 64)
    large[..., 81, :], small[..., 20, :] = 1, 1
    seen = [
        member.residuals(torch.zeros(1, 4, 12, 16), torch.tensor(5), words, hint).middle
        for hint in (large, small)
    ]
    assert torch.equal(*seen)
