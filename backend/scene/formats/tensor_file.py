"""Named tensors and a few facts as the bytes of a safetensors file: learned embeddings, adapters
and checkpoints.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from backend.errors import LaminaError
from backend.scene.scene import canonical_json

FACTS = "lamina"
"""The only entry of the file's metadata: of several the library writes the order anew each time."""
CHECKPOINT, PARAMETERS, MOMENTS, TOKEN = "checkpoint", "parameters.", "moments.", "token"
"""The format of a checkpoint, and what the names of its tensors begin with; the trained vectors."""
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, eq=False)
class TensorFile:
    """What such a file holds; ``facts`` are plain JSON values."""

    tensors: Mapping[str, NDArray[Any]] = field(repr=False)
    facts: Mapping[str, Any]


def pack_tensors(tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> bytes:
    """The file; equal tensors and facts give equal bytes, for blobs are named by their content."""
    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    return safetensors.numpy.save(arrays, {FACTS: canonical_json(dict(facts))})


@contextmanager
def explain_damage(refuse: Callable[[str], LaminaError]) -> Iterator[None]:
    """What a damaged or another file leads its readers to, as the error that ``refuse`` makes of
    the reason.
    """
    try:
        yield
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise refuse(type(error).__name__) from error


def unpack_tensors(content: bytes) -> TensorFile:
    """What ``pack_tensors`` wrote; a ValueError for anything else.

    Files of Lamina 0.1.0 have their facts as entries of the metadata: those are returned as texts.
    """
    try:
        (length,) = _LENGTH.unpack(content[: _LENGTH.size])
        metadata = json.loads(content[_LENGTH.size : _LENGTH.size + length])["__metadata__"]
        facts = json.loads(metadata[FACTS]) if FACTS in metadata else dict(metadata)
        tensors = safetensors.numpy.load(content)
    except Exception as error:
        raise ValueError(f"not a tensor file ({type(error).__name__})") from error
    return TensorFile(tensors, facts)
