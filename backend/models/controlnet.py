"""The ControlNets of a family: what they add to a UNet's activations, given a picture of edges or
of depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from diffusers import ControlNetModel
from torch import Tensor
from torch.nn import functional

from backend.models.bundle import ModelBundle, check_same_shape
from backend.models.members import MemberName
from backend.scene.layer import StructureKind

CONTROLNETS: Mapping[StructureKind, MemberName] = MappingProxyType(
    {"edges": "controlnet", "soft_edges": "controlnet_soft_edges", "depth": "controlnet_depth"}
)
"""The member that reads each kind of structure."""
_ALIKE = ("block_out_channels", "cross_attention_dim", "layers_per_block")


@dataclass(frozen=True)
class Residuals:
    """What is added to the UNet.

    Attributes:
        down: one tensor (b, c, h, w) for each skip.
        middle: one for the middle.
    """

    down: tuple[Tensor, ...] = field(repr=False)
    middle: Tensor = field(repr=False)


@dataclass(frozen=True)
class ControlNet:
    """A ControlNet in evaluation mode. Its own attention is never patched."""

    network: ControlNetModel = field(repr=False)

    def residuals(
        self,
        latents: Tensor,
        timestep: Tensor,
        words: Tensor,
        hint: Tensor,
        added: Mapping[str, Tensor] | None = None,
    ) -> Residuals:
        """Residuals at strength 1 for the UNet's own input.

        Args:
            latents: as the network sees them, (b, c, h, w).
            timestep: of the step.
            words: (b, tokens, width).
            hint: (1 or b, 3, height, width) in 0..1 at the picture's size. A network that reads
                fewer pixels a latent cell sees the brightest of each square: a line stays a line.
            added: what SDXL is told besides.
        """
        fitted = self._fit_hint(hint, latents.shape[-2:])
        seen = fitted.to(latents.dtype).expand(len(latents), -1, -1, -1)
        down, middle = self.network(
            latents,
            timestep,
            encoder_hidden_states=words,
            controlnet_cond=seen,
            added_cond_kwargs=added,
            return_dict=False,
        )
        return Residuals(tuple(down), middle)

    def _fit_hint(self, hint: Tensor, cells: Sequence[int]) -> Tensor:
        widths = self.network.config.conditioning_embedding_out_channels
        factor = 2 ** (len(widths) - 1)  # every width but the first halves the hint
        high, wide = cells[0] * factor, cells[1] * factor
        if hint.shape[-2] <= high and hint.shape[-1] <= wide:
            return hint
        return functional.adaptive_max_pool2d(hint, (high, wide))


def load_controlnet(folder: Path, device: torch.device, dtype: torch.dtype) -> ControlNet:
    """The ControlNet of a diffusers folder.

    Args:
        folder: with weights as safetensors.
        device: where it shall be.
        dtype: its precision.
    """
    network = ControlNetModel.from_pretrained(
        str(folder), use_safetensors=True, local_files_only=True, dtype=dtype
    )
    return ControlNet(network.to(device).eval().requires_grad_(False))


def controlnet_of(bundle: ModelBundle, kind: StructureKind = "edges") -> ControlNet:
    """The bundle's ControlNet for a kind of structure.

    Args:
        bundle: the model.
        kind: of structure.

    Raises:
        ModelError: it has none, or one that was made for another UNet.
    """
    member: ControlNet = bundle.members.get(CONTROLNETS[kind])
    check_same_shape("ControlNet", member.network, bundle, _ALIKE)
    return member
