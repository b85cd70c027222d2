"""In which precision a training computes: bfloat16 only where the processor has it.

torch 2.14 computes bfloat16 convolutions on a processor with AVX2 alone by a reference kernel: the
UNet's training step took 16 times as long there as in single precision (0.5 and 8.4 samples a
second, one thread). With AMX it is the other way round (32.6 and 17.4).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

import torch

FEATURES = ("amx_bf16", "avx512_bf16")


@lru_cache(maxsize=1)
def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(feature, False) for feature in FEATURES)


def use_mixed_precision(device: str = "cpu") -> AbstractContextManager[object]:
    """Autocast to bfloat16 on a GPU and on processors that have it, else single precision.

    Args:
        device: ``cpu`` or ``cuda``.
    """
    if device == "cpu" and not has_fast_bfloat16():
        return nullcontext()
    return torch.autocast(device, torch.bfloat16)
