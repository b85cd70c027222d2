"""Who looks on when painted masks are scored: the guide, which also steered, and the judge, which
never does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.metrics.recognition import PRESENT_FRAC, mask_iou
from backend.models.experts import Expert
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES
from backend.plan.painted import spellings
from backend.scene.imaging.arrays import Labels, Picture

Masks = NDArray[np.bool_]
CHUNK = 8
"""Pictures that are looked at together; bounds memory."""


@dataclass(frozen=True)
class Observer:
    """Names what is where: ``label`` gives the number of a class in ``look``'s maps (n, h, w), None
    when unknown.
    """

    name: str
    label: Callable[[str], int | None] = field(repr=False)
    look: Callable[[Sequence[Picture]], Labels] = field(repr=False)

    def ious(self, pictures: Sequence[Picture], asked: Mapping[str, Masks]) -> list[float]:
        """For each picture the mean over the asked classes (mask (h, w) each) that this observer
        knows.
        """
        return self._means(pictures, asked, mask_iou)

    def measure_centres(
        self, pictures: Sequence[Picture], asked: Mapping[str, Masks]
    ) -> list[float]:
        """For each picture the share of those classes whose middle, as it is seen, lies in the
        asked mask.
        """
        return self._means(pictures, asked, centre_inside)

    def _means(
        self,
        pictures: Sequence[Picture],
        asked: Mapping[str, Masks],
        score: Callable[[Masks, Masks], float],
    ) -> list[float]:
        known = [
            (label, mask) for name, mask in asked.items() if (label := self.label(name)) is not None
        ]
        scores = [
            [score(seen == label, mask) for label, mask in known] for seen in self.look(pictures)
        ]
        return [float(np.nanmean(row)) for row in scores if row]


def centre_inside(found: Masks, asked: Masks) -> float:
    """1 where the middle of what was found (h, w) lies in the asked mask; 0 where not, or where
    next to nothing was.
    """
    if found.mean() < PRESENT_FRAC:
        return 0.0
    row, column = np.argwhere(found).mean(0).round().astype(int)
    return float(asked[row, column])


def guide_observer(expert: Expert, device: torch.device) -> Observer:
    """A segmenter that guides."""

    def look(pictures: Sequence[Picture]) -> Labels:
        found = []
        for start in range(0, len(pictures), CHUNK):
            given = (
                torch.from_numpy(np.stack(pictures[start : start + CHUNK]))
                .to(device)
                .permute(0, 3, 1, 2)
            )
            with torch.inference_mode():
                found.append(expert.segmenter.logits(given.float() / 255).argmax(1).cpu().numpy())
        return np.concatenate(found)

    return Observer("guide", expert.channel, look)


def judge_observer(judge: Judge) -> Observer:
    """The judge of the drawn world."""

    def label(name: str) -> int | None:
        return next(
            (i for i, known in enumerate(CLASSES, start=1) if known in spellings(name)), None
        )

    return Observer("judge", label, lambda pictures: judge.classes(np.stack(pictures)))


@torch.inference_mode()
def certainty(judge: Judge, pictures: Sequence[Picture], asked: Mapping[str, Masks]) -> list[float]:
    """How sure the judge is of whatever it sees under the asked masks, 0..1, for each picture: a
    figure of quality.
    """
    inside, found = np.any(list(asked.values()), axis=0), []
    for picture in pictures:
        given = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
        sure: Tensor = judge.segmenter(given)[0].softmax(1).amax(1, keepdim=True)
        whole = torch.nn.functional.interpolate(
            sure, size=inside.shape, mode="bilinear", align_corners=False
        )
        found.append(float(whole[0, 0].numpy()[inside].mean()))
    return found


@torch.inference_mode()
def deep_features(judge: Judge, pictures: Sequence[Picture]) -> NDArray[np.float64]:
    """What the judge sees at its coarsest, averaged over the picture: (n, d)."""
    network, found = judge.segmenter, []
    for start in range(0, len(pictures), CHUNK):
        given = torch.from_numpy(np.stack(pictures[start : start + CHUNK])).permute(0, 3, 1, 2)
        coarse: Tensor = network.sixteenth(
            network.eighth(network.quarter(given.float() / 127.5 - 1))
        )
        found.append(coarse.mean((2, 3)).double().numpy())
    return np.concatenate(found)
