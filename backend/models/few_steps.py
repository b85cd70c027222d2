"""The UNet of a family that was distilled to few steps, beside its own: what the samplers of such
models (``lcm``, ``tcd``) run.

It foresees with guidance in one call, so that a guidance scale of 1 is its own, and takes the same
words, controls and adapters as the family's UNet.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from backend.models.bundle import ModelBundle, check_same_shape
from backend.models.folder import check_complete, check_finite
from backend.models.members import MemberName
from backend.plan.request import DISTILLED

MEMBER: MemberName = "unet_lcm"
STEPS, GUIDANCE_SCALE = 4, 1.0
"""What such a UNet is asked with."""
_ALIKE = ("in_channels", "out_channels", "block_out_channels", "cross_attention_dim")


def load_few_steps(folder: Path, device: torch.device, dtype: torch.dtype) -> UNet2DConditionModel:
    """The distilled UNet of a diffusers folder.

    Args:
        folder: with weights as safetensors.
        device: where it shall be.
        dtype: its precision.

    Raises:
        ModelError: a weight is missing or no number.
    """
    network, found = UNet2DConditionModel.from_pretrained(
        str(folder),
        use_safetensors=True,
        local_files_only=True,
        dtype=dtype,
        output_loading_info=True,
    )
    check_complete(folder.name, found["missing_keys"])
    check_finite(folder.name, network)
    return network.to(device).eval().requires_grad_(False)


def choose_unet(bundle: ModelBundle, sampler: str) -> ModelBundle:
    """The bundle with the UNet that a sampler is for.

    Args:
        bundle: the model.
        sampler: of the run.

    Returns:
        The bundle itself, or one that shares all but the UNet with it.

    Raises:
        ModelError: the distilled UNet was made for another family.
    """
    if sampler not in DISTILLED or MEMBER not in bundle.members:
        return bundle
    unet: UNet2DConditionModel = bundle.members.get(MEMBER)
    check_same_shape(MEMBER, unet, bundle, _ALIKE)
    return replace(bundle, unet=unet)
