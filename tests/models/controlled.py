"""Small random ControlNets for the small random UNets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from diffusers import ControlNetModel

from backend.models.bundle import ModelBundle
from backend.models.controlnet import load_controlnet
from backend.models.members import Members


def build_controlnet(bundle: ModelBundle, seed: int = 5) -> ControlNetModel:
    """A ControlNet of the bundle's UNet whose last layers are random too, so that it has something
    to say.
    """
    torch.manual_seed(seed)
    halvings = bundle.card.cell_px.bit_length() - 1
    network = ControlNetModel.from_unet(
        bundle.unet, conditioning_embedding_out_channels=(8,) * (halvings + 1)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.05)
    return network


def with_controlnet(bundle: ModelBundle, folder: Path) -> ModelBundle:
    """The bundle with a random ControlNet among its members, loaded from a diffusers folder."""
    build_controlnet(bundle).save_pretrained(folder)
    member = load_controlnet(folder, bundle.device, bundle.dtype)
    return dataclasses.replace(bundle, members=Members(loaded={"controlnet": member}))
