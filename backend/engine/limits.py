"""Running out of memory, said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from backend.errors import EngineError

_CPU_WORDS = ("not enough memory", "can't allocate memory", "cannot allocate memory")


@contextmanager
def explain_memory() -> Iterator[None]:
    """Turn an allocation that failed, on any device, into an EngineError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _memory_error() from error
    except RuntimeError as error:
        if any(words in str(error).lower() for words in _CPU_WORDS):
            raise _memory_error() from error
        raise


def _memory_error() -> EngineError:
    return EngineError(
        "The memory of this device is used up.",
        remedy="Make fewer candidates at a time, or a smaller picture.",
    )
