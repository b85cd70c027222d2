"""A subject in the middle of its training, as a safetensors file: its tensors and what its
optimiser remembers.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import safetensors.torch
from torch import Tensor

from backend.errors import ModelError

VECTORS, WEIGHTS, MEMORY = "vectors", "weights.", "optimiser."


def half_learned_bytes(state: Mapping[str, Any]) -> bytes:
    """A pupil's ``state()`` (``engine/pupil.py``) as a file; numbers are kept exactly."""
    memory: Mapping[int, Mapping[str, Tensor]] = state["optimiser"]["state"]
    tensors = {VECTORS: state["vectors"]}
    tensors |= {f"{WEIGHTS}{name}": value for name, value in state["weights"].items()}
    tensors |= {
        f"{MEMORY}{at}.{name}": value for at, kept in memory.items() for name, value in kept.items()
    }
    groups = json.dumps(state["optimiser"]["param_groups"])
    header = {"lamina_half_learned": "1", "step": str(state["step"]), "groups": groups}
    return safetensors.torch.save(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, header
    )


def read_half_learned(content: bytes) -> dict[str, Any]:
    """The state of such a file; a ModelError when it is damaged or something else."""
    try:
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])["__metadata__"]
        if header["lamina_half_learned"] != "1":
            raise ValueError("another version")
        memory: dict[int, dict[str, Tensor]] = {}
        weights: dict[str, Tensor] = {}
        tensors = safetensors.torch.load(content)
        for name, value in tensors.items():
            if name.startswith(WEIGHTS):
                weights[name.removeprefix(WEIGHTS)] = value
            elif name.startswith(MEMORY):
                at, kept = name.removeprefix(MEMORY).split(".", 1)
                memory.setdefault(int(at), {})[kept] = value
        optimiser = {"state": memory, "param_groups": json.loads(header["groups"])}
        return {
            "step": int(header["step"]),
            "vectors": tensors[VECTORS],
            "weights": weights,
            "optimiser": optimiser,
        }
    except Exception as error:
        raise ModelError(
            f"What was half learned of the subject cannot be read ({type(error).__name__}).",
            remedy="Train the subject again from the beginning.",
        ) from error
