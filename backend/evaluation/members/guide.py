"""The guide on drawings that no training saw."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from backend.evaluation.pocket_suite import PocketSuite
from backend.evaluation.report import ReportRow, build_metric
from backend.metrics.recognition import mask_iou
from backend.models.segmenter import segmenter_of

CHUNK = 16
"""Pictures that are looked at together; bounds memory."""


def mean_ious(found: NDArray[np.int64], truth: NDArray[np.int64], labels: int) -> list[float]:
    """Intersection over union of each label that occurs, over all pictures (n, h, w) together."""
    scores = [mask_iou(found == label, truth == label) for label in range(labels)]
    return [score for score in scores if not np.isnan(score)]


def guide_row(suite: PocketSuite) -> ReportRow:
    """``miou`` on fresh drawings of one to three objects (as the judge's), ``held_out_miou`` on
    kept-out looks.
    """
    segmenter = segmenter_of(suite.bundle)
    metrics = {}
    for name, offset, held_out in (("miou", 0, False), ("held_out_miou", 20_000, True)):
        drawings = suite.drawings(offset, (1, 2, 3), held_out)
        pictures = np.stack([drawing.picture for drawing in drawings])
        truth = np.stack([drawing.class_map for drawing in drawings])
        found = []
        for start in range(0, len(pictures), CHUNK):
            given = torch.from_numpy(pictures[start : start + CHUNK]).to(suite.bundle.device)
            with torch.inference_mode():
                found.append(
                    segmenter.logits(given.permute(0, 3, 1, 2).float() / 255)
                    .argmax(1)
                    .cpu()
                    .numpy()
                )
        metrics[name] = build_metric(
            mean_ious(np.concatenate(found), truth, len(segmenter.vocabulary))[1:]
        )
    return ReportRow("guide", metrics, suite.count)
