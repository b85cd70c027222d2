"""Memory that runs out is said in words."""

from __future__ import annotations

import pytest
import torch

from backend.engine.loop_types import explain_memory
from backend.errors import EngineError


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: not enough memory: you "
            "tried ..."
        ),
    ],
)
def test_allocations_that_fail(error: Exception) -> None:
    with pytest.raises(EngineError, match="used up"), explain_memory():
        raise error


def test_a_real_one() -> None:
    with pytest.raises(EngineError), explain_memory():
        torch.empty(2**50, dtype=torch.float32)


def test_other_failures_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), explain_memory():
        raise RuntimeError("shapes do not match")
