"""MagicFusion (Zhao et al., 2023): two models draw one picture, each where its words move it most.

The saliency of a model is how far its words pull its prediction: |s · (ε_c - ε_u)|, smoothed (4 × 4
means), averaged over channels, and made a distribution over the picture by a softmax. Each cell
follows the model that is more salient there. After the first steps one model draws on alone (the
authors' example fuses while t > 600 of 1000).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.denoise import Pull
from backend.engine.loop_types import Control, Predict
from backend.engine.reference_branch import AdapterScope

WINDOW = 4
"""Side of the mean over neighbouring cells, as in the authors' code."""


@dataclass(frozen=True)
class MagicFusion(Control):
    """Each cell follows the model whose words move it most, for k < ``until``.

    Afterwards the run's own prediction, with the subject's weights on, goes on alone.

    Attributes:
        plain: the plain model's prediction and its pull.
        personal: that of the personalised model; asked with the subject's weights on.
        adapter: opens a block in which the network has the subject's weights.
        until: the first step that is not fused (the authors' example: t ≤ 600 of 1000).
    """

    plain: Pull = field(repr=False, compare=False)
    personal: Pull = field(repr=False, compare=False)
    adapter: AdapterScope = field(repr=False, compare=False)
    until: int

    def wrap(self, predict: Predict) -> Predict:
        """The fused prediction, then the personalised one.

        Args:
            predict: the run's own prediction, under the words of the subject.
        """

        def fuse(latents: Tensor, k: int) -> Tensor:
            if k >= self.until:
                with self.adapter():
                    return predict(latents, k)
            plain, plainly = self.plain(latents, k)
            with self.adapter():
                personal, personally = self.personal(latents, k)
            return torch.where(saliency(personally) >= saliency(plainly), personal, plain)

        return fuse


def saliency(pull: Tensor) -> Tensor:
    """How much each cell is moved by the words: softmax of the smoothed |s · (ε_c - ε_u)|.

    Args:
        pull: s · (ε_c - ε_u), (b, c, h, w).

    Returns:
        (b, 1, h, w), not negative, with the sum 1 in each picture.
    """
    before, after = (WINDOW - 1) // 2, WINDOW // 2
    framed = functional.pad(pull.float().abs(), (before, after, before, after), mode="replicate")
    smooth = functional.avg_pool2d(framed, WINDOW, stride=1).mean(1, keepdim=True)
    return torch.softmax(smooth.flatten(1), dim=1).view_as(smooth)
