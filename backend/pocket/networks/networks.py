"""Fresh pocket networks, made of stock diffusers and transformers classes."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from backend.pocket.networks.configs import AUTOENCODER, SCHEDULER, TEXT_ENCODER, UNET

BRANCH_START = 0.1
"""Residual branches begin at a tenth of their strength: the fresh autoencoder is close to
resize-down, resize-up.
"""


def build_autoencoder() -> AutoencoderKL:
    """An autoencoder near the identity (down = average, up = nearest, weak branches): several dB in
    a short run.
    """
    network = AutoencoderKL(**AUTOENCODER)
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
