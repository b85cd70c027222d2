"""Preview decoders in the layout of AutoencoderTiny."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

from backend.models.bundle import ModelBundle
from backend.models.members import Members, read_member
from backend.models.preview import preview_of
from backend.pocket.networks.configs import PREVIEW


def test_a_folder_loads_and_decodes_at_the_family_s_scale(
    tiny1: ModelBundle, tmp_path: Path
) -> None:
    AutoencoderTiny(**PREVIEW).half().save_pretrained(tmp_path / "preview")
    card = read_member(tmp_path / "preview", "preview")
    bundle = dataclasses.replace(
        tiny1, members=Members({"preview": card}, tiny1.device, tiny1.dtype)
    )
    made = preview_of(bundle).decode(torch.zeros(2, 4, 6, 8))
    assert made.shape == (2, 3, 24, 32)
    assert made.dtype == torch.float32
