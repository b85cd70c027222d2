"""Fresh pocket networks, made of stock diffusers and transformers classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    SegformerConfig,
    SegformerForSemanticSegmentation,
)

from backend.models.judge_classes import CLASSES
from backend.models.segmenter import IMAGENET_MEAN, IMAGENET_STD
from backend.pocket.networks.configs import (
    AUTOENCODER,
    SCHEDULER,
    SMALL_AUTOENCODER,
    TEXT_ENCODER,
    UNET,
)

GUIDE_SEED = 4001
"""Far from the judge's seeds: the two never see the scenes in one order."""
LABELS = ("background", *CLASSES)
"""What the guide tells apart."""
COPY_NOISE = 0.02
"""Noise on doubled channels, in deviations of the weights."""
OUTER_LEVELS = len(AUTOENCODER["block_out_channels"]) - len(SMALL_AUTOENCODER["block_out_channels"])
LEVEL = re.compile(r"^(encoder\.down_blocks\.)(\d+)\.")
FIRST_INNER = f"encoder.down_blocks.{OUTER_LEVELS}.resnets.0.conv_shortcut"
FIRST_OUTER = "decoder.up_blocks.3.resnets.0.conv_shortcut"
"""The 1×1 convolutions between the outer levels and the inner ones: each channel to its two copies,
and copies to their mean.
"""
BRANCH_START = 0.1
"""Residual branches begin at a tenth of their strength: the fresh autoencoder is close to
resize-down, resize-up.
"""


def build_autoencoder() -> AutoencoderKL:
    """The family's autoencoder, near the identity."""
    return _build_near_identity(AUTOENCODER)


def build_small_autoencoder() -> AutoencoderKL:
    """The autoencoder of small drawings, near the identity."""
    return _build_near_identity(SMALL_AUTOENCODER)


def _build_near_identity(config: Mapping[str, Any]) -> AutoencoderKL:
    """Down = average, up = nearest, weak branches: several dB in a short run."""
    network = AutoencoderKL(**config)
    with torch.no_grad():
        for name, module in network.named_modules():
            if not isinstance(module, nn.Conv2d):
                continue
            if name.endswith("conv2"):
                module.weight.mul_(BRANCH_START)
            elif "downsamplers" in name:
                _make_average(module)
            elif "upsamplers" in name:
                _make_identity(module)
    return network


@torch.no_grad()
def widen_autoencoder(small: AutoencoderKL) -> AutoencoderKL:
    """The family's autoencoder, begun from the small one: its three inner levels do what the small
    one's do, each channel twice (function-preserving widening); the two outer ones are near the
    identity, so that it begins by drawing what the small one draws, enlarged.

    Groups of a normalisation hold a channel and its copy, so means and variances are the small
    one's. A little noise tells the copies apart.
    """
    network = build_autoencoder()
    weights = dict(network.state_dict())
    for name, value in small.state_dict().items():
        own = _find_inner_name(name)
        if own is not None:
            weights[own] = _double(value, weights[own].shape)
    width = SMALL_AUTOENCODER["block_out_channels"][0]
    copies = torch.eye(width).repeat_interleave(2, 0)[..., None, None]
    weights[f"{FIRST_INNER}.weight"] = copies
    weights[f"{FIRST_OUTER}.weight"] = copies.transpose(0, 1) / 2
    for shortcut in (FIRST_INNER, FIRST_OUTER):
        weights[f"{shortcut}.bias"] = torch.zeros_like(weights[f"{shortcut}.bias"])
    network.load_state_dict(weights)
    return network


def _find_inner_name(name: str) -> str | None:
    """What a weight of the small autoencoder is called in the large one; None for what has no
    place there.
    """
    if name.startswith("encoder.conv_in."):
        return None
    return LEVEL.sub(lambda found: f"{found[1]}{int(found[2]) + OUTER_LEVELS}.", name)


def _double(value: Tensor, shape: torch.Size) -> Tensor:
    """A weight with every channel twice where the shape has twice as many; what comes in from
    copies is halved.
    """
    doubled = value
    for axis in range(min(2, value.ndim)):
        if shape[axis] == 2 * value.shape[axis]:
            doubled = doubled.repeat_interleave(2, axis) / (1 + axis)
    if doubled.shape == value.shape or value.ndim < 2:
        return doubled
    return doubled + COPY_NOISE * doubled.std() * torch.randn_like(doubled)


def _make_average(conv: nn.Conv2d) -> None:
    """A stride-2 convolution whose input is padded right and below: keep the 2×2 mean of each
    channel.
    """
    conv.weight.mul_(BRANCH_START)
    for channel in range(conv.out_channels):
        conv.weight[channel, channel, :2, :2] += 0.25


def _make_identity(conv: nn.Conv2d) -> None:
    conv.weight.mul_(BRANCH_START)
    for channel in range(conv.out_channels):
        conv.weight[channel, channel, 1, 1] += 1.0


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A fresh CLIP text encoder for the tokenizer's vocabulary."""
    config = CLIPTextConfig(
        **TEXT_ENCODER,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def build_unet() -> UNet2DConditionModel:
    """A fresh UNet."""
    return UNet2DConditionModel(**UNET)


def build_scheduler() -> DDIMScheduler:
    """The noise schedule of Stable Diffusion with v-prediction."""
    return DDIMScheduler(**SCHEDULER)


def build_guide() -> SegformerForSemanticSegmentation:
    """A fresh guide: three stages at a quarter, an eighth and a sixteenth of the size; 17
    labels.
    """
    return SegformerForSemanticSegmentation(
        SegformerConfig(
            num_encoder_blocks=3,
            depths=[2, 2, 2],
            sr_ratios=[4, 2, 1],
            hidden_sizes=[32, 64, 128],
            patch_sizes=[7, 3, 3],
            strides=[4, 2, 2],
            num_attention_heads=[1, 2, 4],
            mlp_ratios=[2, 2, 2],
            decoder_hidden_size=96,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            classifier_dropout_prob=0.0,
            drop_path_rate=0.0,
            id2label=dict(enumerate(LABELS)),
            label2id={name: number for number, name in enumerate(LABELS)},
        )
    )


def normalise(pictures: Tensor) -> Tensor:
    """Pictures (n, 3, h, w) in 0..1 as the guide wants them."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (pictures - mean) / std
