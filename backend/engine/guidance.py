"""Classifier-free guidance."""

from __future__ import annotations

from torch import Tensor

from backend.engine.loop_types import BatchRows


def guide(predicted: Tensor, rows: BatchRows, scale: float) -> Tensor:
    """uncond + scale · (cond - uncond) of a batch [uncond…, cond…]; the batch itself when it has no
    such half.
    """
    if not rows.guided:
        return predicted
    uncond, cond = predicted[rows.uncond], predicted[rows.cond]
    return uncond + scale * (cond - uncond)
