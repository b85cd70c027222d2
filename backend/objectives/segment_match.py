"""How well a segmenter finds the asked classes under their masks: L_seg = MSE(m_p, m_t) (TCIG,
equation 1).

The paper does not say how m_p is formed. Here it is the softmax over all the segmenter's classes,
of which the asked ones and the background are compared; nothing is rounded or detached, so the
gradient reaches every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.optimise import FitStep, Objective
from backend.engine.views import ViewRange, draw_views, see_through, with_noise

VIEWS = ViewRange(scale=(0.75, 1.15), noise=0.06)
"""One frozen network is easily pleased by texture; what must please it moved, scaled and noisy is
more of an object.
"""


class ScoresPixels(Protocol):
    """What is needed of a segmenter."""

    def logits(self, pictures: Tensor) -> Tensor:
        """(n, classes, h, w) of pictures (n, 3, h, w) in 0..1."""
        ...


@dataclass(frozen=True)
class Targets:
    """What one segmenter should find.

    Attributes:
        channels: its classes, k of them.
        masks: m_t, where each should be, (k, h, w) in 0..1.
        counted: which pixels are compared, of that shape (those that another segmenter answers for
            are not background).
    """

    channels: tuple[int, ...]
    masks: Tensor = field(repr=False, compare=False)
    counted: Tensor = field(repr=False, compare=False)


def join_masks(
    share: Sequence[tuple[str, int]], masks: Tensor, classes: Sequence[str]
) -> dict[int, Tensor]:
    """The masks that one segmenter answers for.

    Args:
        share: the segmenter's (class, channel) pairs.
        masks: of all painted layers, (n, h, w) in 0..1; layers of one class are one mask.
        classes: theirs.

    Returns:
        A mask (h, w) in 0..1 by channel.
    """
    joined: dict[int, Tensor] = {}
    for name, channel in share:
        own = (mask for mask, one in zip(masks, classes, strict=True) if one == name)
        mask = sum(own, torch.zeros_like(masks[0]))
        joined[channel] = (joined.get(channel, 0) + mask).clamp(0, 1)
    return joined


def build_targets(asked: dict[int, Tensor], covered: Tensor, background: int | None) -> Targets:
    """What one expert should find: its classes under their masks, background where none is.

    Under the layers of other experts its background is not counted, for it may call them what it
    likes.

    Args:
        asked: a mask (h, w) in 0..1 by channel.
        covered: where any layer is, (h, w) in 0..1.
        background: the channel of everything else; None where it has none.
    """
    masks = torch.stack(list(asked.values()))
    counted = torch.ones_like(masks)
    channels = tuple(asked)
    if background is not None:
        own = masks.sum(0).clamp(0, 1)
        masks = torch.cat([masks, (1 - covered)[None]])
        counted = torch.cat([counted, (1 - (covered - own).clamp(0, 1))[None]])
        channels = (*channels, background)
    return Targets(channels, masks, counted)


@dataclass(frozen=True)
class SegmentMatch(Objective):
    """One segmenter's term L_seg = MSE(m_p, m_t) (TCIG, equation 1).

    Attributes:
        segmenter: whose softmax is m_p.
        targets: m_t.
        views: random views of each picture; 0 for the plain picture.
        balanced: inside and outside of each mask count half each, whatever their areas.
    """

    segmenter: ScoresPixels = field(repr=False)
    targets: Targets
    views: int = 1
    balanced: bool = True

    def losses(self, pictures: Tensor, moment: FitStep) -> Tensor:
        """The mean squared error over the asked channels and the pixels that count.

        Args:
            pictures: (n, 3, h, w) in 0..1.
            moment: the step and the rows' seeds, from which the views follow.

        Returns:
            (n,), 0 or more, with gradients.
        """
        goal = torch.cat([self.targets.masks, self.targets.counted]).to(pictures)
        height_px, width_px = pictures.shape[-2:]
        goal = functional.adaptive_avg_pool2d(goal, (height_px, width_px)).expand(
            len(pictures), -1, -1, -1
        )
        if self.views:
            generators = moment.generators("segments")
            views = draw_views(generators, self.views, VIEWS)
            goal = see_through(goal, views, (height_px, width_px))
            pictures = with_noise(
                see_through(pictures, views, (height_px, width_px)), views, generators
            )
        found = self.segmenter.logits(pictures.clamp(0, 1)).softmax(1)[
            :, list(self.targets.channels)
        ]
        masks, counted = goal.chunk(2, dim=1)
        losses = segment_loss(found, masks, counted, self.balanced)
        return losses.view(-1, max(1, self.views)).mean(dim=1)


def segment_loss(found: Tensor, masks: Tensor, counted: Tensor, balanced: bool) -> Tensor:
    """Per row the squared error of probabilities ``found`` (n, c, h, w) against ``masks``; 0 for a
    perfect answer.

    ``balanced`` weighs the inside and the outside of each mask equally; a mask without an inside
    has only its outside.
    """
    error = (found - masks).square()
    if not balanced:
        return (error * counted).flatten(1).sum(1) / counted.flatten(1).sum(1).clamp_min(1e-6)
    sides = []
    for weight in (masks * counted, (1 - masks) * counted):
        area = weight.sum((2, 3))
        sides.append((error * weight).sum((2, 3)) / area.clamp_min(1e-6))
        sides.append((area > 1e-6).to(error))
    inside, has_inside, outside, has_outside = sides
    per_channel = (inside * has_inside + outside * has_outside) / (
        has_inside + has_outside
    ).clamp_min(1)
    return per_channel.mean(dim=1)
