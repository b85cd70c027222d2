"""Custom Diffusion (Kumari et al., 2023): only keys and values of cross-attention learn a subject.

The papers keep the class by real pictures of it; here, as in ``dreambooth.py``, by pictures that
the plain model drew.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.training.adapters import SubjectRules

CUSTOM_DIFFUSION = SubjectRules(steps=160, vector_rate=0.1, weight_rate=0.004, prior_count=8)
TRAINED = (".attn2.to_k.weight", ".attn2.to_v.weight")
"""W_k and W_v of the paper's section 3.1, in diffusers' names."""


def build_key_value_weights(
    unet: nn.Module, rank: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """A whole change of each of these matrices."""
    parameters = dict(unet.named_parameters())
    return {
        name: torch.zeros_like(value, dtype=torch.float32)
        for name, value in parameters.items()
        if name.endswith(TRAINED)
    }
