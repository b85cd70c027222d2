"""A cheap measure of what the words do, without sampling: the loss with wrong words over the loss
with right ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from backend.pocket.train.captions import swap_classes, swap_colours

if TYPE_CHECKING:
    from backend.pocket.train.batches import StoredBatches, TrainingScenes

    Predict = Callable[[TrainingScenes, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]

TIMESTEP = 500


@torch.no_grad()
def measure_words(maker: StoredBatches, predict: Predict, scenes: range, small: bool) -> str:
    """A line: the loss at ``TIMESTEP`` on these scenes, and its rise in percent with wrong
    words.
    """
    totals = np.zeros(3)
    generator = torch.Generator().manual_seed(0)
    for start in scenes[::16]:
        rows = np.arange(start, min(start + 16, scenes.stop))
        batch = maker.gather(rows, None, small)
        noise = torch.randn(batch.latents.shape, generator=generator)
        steps = torch.full((len(rows),), TIMESTEP)
        words = [maker.scenes.words[k] for k in rows]
        for k, change in enumerate((lambda w: w, swap_classes, swap_colours)):
            captions = maker.captions.build([change(w) for w in words], None)
            error, _, weight = predict(
                replace(batch, ids=captions.ids, owners=captions.owners), noise, steps
            )
            totals[k] += float((error * weight).sum() / weight.sum()) * len(rows)
    loss = totals / len(scenes)
    rises = [100 * (value / loss[0] - 1) for value in loss[1:]]
    return (
        f"check loss {loss[0]:.4f}, classes exchanged {rises[0]:+.1f} %, colours {rises[1]:+.1f} %"
    )
