"""A tiny decoder for previews: an ``AutoencoderTiny`` folder beside the family's own networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from backend.models.bundle import ModelBundle


@dataclass(frozen=True)
class PreviewDecoder:
    """Pictures from the latents that the UNet works on (scaled ones), coarse and cheap.

    Attributes:
        network: taesd or its like.
    """

    network: AutoencoderTiny = field(repr=False)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Pictures of latents that need not be clean.

        Args:
            latents: (n, c, h, w).

        Returns:
            (n, 3, f·h, f·w) in about -1..1, f the pixels per cell.
        """
        scaled = latents.to(self.network.dtype) / self.network.config.scaling_factor
        made: Tensor = self.network.decode(scaled, return_dict=False)[0]
        return made


def load_preview(folder: Path, device: torch.device, dtype: torch.dtype) -> PreviewDecoder:
    """The decoder of an ``AutoencoderTiny`` folder (taesd's layout).

    Args:
        folder: with weights as safetensors.
        device: where it shall be.
        dtype: its precision.
    """
    network = AutoencoderTiny.from_pretrained(
        str(folder), use_safetensors=True, local_files_only=True, dtype=dtype
    )
    return PreviewDecoder(network.to(device).eval().requires_grad_(False))


def preview_of(bundle: ModelBundle) -> PreviewDecoder:
    """The bundle's preview decoder, loaded once.

    Args:
        bundle: the model.

    Raises:
        ModelError: it has none, or it cannot be loaded.
    """
    member: PreviewDecoder = bundle.members.get("preview")
    return member
