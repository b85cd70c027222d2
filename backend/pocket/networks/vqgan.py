"""A fresh pocket VQGAN, near resize-down and resize-up, and its export."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from backend.models.vqgan import CONFIG, WEIGHTS, Vqgan, VqganConfig
from backend.pocket.networks.configs import VQGAN

BRANCH_START = 0.1
"""Residual branches begin at a tenth of their strength, as the autoencoder's do."""


def pocket_config() -> VqganConfig:
    """The sizes of the family's VQGAN."""
    return VqganConfig(VQGAN["ddconfig"], VQGAN["n_embed"], VQGAN["embed_dim"])


def build_vqgan() -> Vqgan:
    """A VQGAN near the identity: down = average, up = nearest, weak residual branches."""
    network = Vqgan(pocket_config())
    with torch.no_grad():
        for name, module in network.named_modules():
            if not isinstance(module, nn.Conv2d):
                continue
            if name.endswith(("conv2", "proj_out")):
                module.weight.mul_(BRANCH_START)
            elif "downsample" in name:
                _keep(module, slice(0, 2), 0.25)
            elif "upsample" in name:
                _keep(module, slice(1, 2), 1.0)
    return network


def _keep(conv: nn.Conv2d, window: slice, share: float) -> None:
    """Let each channel pass by ``share`` of every pixel of the kernel's window."""
    conv.weight.mul_(BRANCH_START)
    for channel in range(conv.out_channels):
        conv.weight[channel, channel, window, window] += share


def save_vqgan(network: Vqgan, folder: Path) -> None:
    """Write weights in half precision and the description."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)
    config = network.config
    record = {
        "ddconfig": dict(config.ddconfig),
        "n_embed": config.n_embed,
        "embed_dim": config.embed_dim,
    }
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
