"""A cheap measure of what the words do, without sampling: the loss with wrong words over the loss with right ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from backend.pocket.train.captions import swapped_classes, swapped_colours

if TYPE_CHECKING:
    from backend.pocket.train.unet import Batch, BatchMaker

    Predict = Callable[[Batch, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]

TIMESTEP = 500


@torch.no_grad()
def measure_words(maker: BatchMaker, predict: Predict, count: int, end: int) -> str:
    """A line with the loss at ``TIMESTEP`` on scenes ``end - count .. end`` and its rise in percent with exchanged words."""
    from dataclasses import replace

    totals = np.zeros(3)
    generator = torch.Generator().manual_seed(0)
    for start in range(end - count, end, 16):
        rows = np.arange(start, min(start + 16, end))
        batch = maker.gather(rows, None)
        noise = torch.randn(batch.latents.shape, generator=generator)
        steps = torch.full((len(rows),), TIMESTEP)
        words = [maker.scenes.words[k] for k in rows]
        for k, change in enumerate((lambda w: w, swapped_classes, swapped_colours)):
            captions = maker.captions.build([change(w) for w in words], None)
            error, _, weight = predict(replace(batch, ids=captions.ids, owners=captions.owners), noise, steps)
            totals[k] += float((error * weight).sum() / weight.sum()) * len(rows)
    loss = totals / count
    return f"check loss {loss[0]:.4f}, classes exchanged +{100 * (loss[1] / loss[0] - 1):.1f} %, colours +{100 * (loss[2] / loss[0] - 1):.1f} %"
