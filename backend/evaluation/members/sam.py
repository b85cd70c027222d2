"""SAM on drawings that no training saw: one click deep inside each visible object, or its box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.pocket_suite import PocketSuite
from backend.evaluation.report import ReportRow, build_metric
from backend.metrics.recognition import mask_iou
from backend.models.sam import sam_of
from backend.scene.geometry import PixelPoint

LEAST_PX = 65
"""Smallest rest of an object that is clicked on, 0.4 % of 128 × 128 px; of smaller ones nothing can
be recognised.
"""


def deepest_point(mask: NDArray[np.bool_]) -> PixelPoint[int]:
    """The pixel (x, y) farthest from the border of a mask that is not empty, found by wearing it
    away.

    Steps alternate between the diamond and the square, so that the worn-off rim is about round. The
    picture's edge is no border of the object: what is outside counts as inside.
    """
    left, last, step = mask, mask, 0
    while left.any():
        last, step = left, step + 1
        padded = np.pad(left, 1, mode="edge")
        rows = padded[:-2, 1:-1] & padded[2:, 1:-1]
        columns = padded[1:-1, :-2] & padded[1:-1, 2:]
        left = left & rows & columns
        if step % 2:
            left = left & padded[:-2, :-2] & padded[:-2, 2:] & padded[2:, :-2] & padded[2:, 2:]
        if left.all():
            break
    y, x = np.nonzero(last)
    middle = int(np.argmin((x - x.mean()) ** 2 + (y - y.mean()) ** 2))
    return PixelPoint(int(x[middle]), int(y[middle]))


def sam_row(suite: PocketSuite) -> ReportRow:
    """Overlap with the visible mask after one click and after a box, and how far the expected
    overlap is off.
    """
    sam = sam_of(suite.bundle)
    clicks: list[float] = []
    boxes: list[float] = []
    errors: list[float] = []
    for drawing in suite.drawings(0, (1, 2, 3)):
        sam.set_picture(drawing.picture)
        for mask in drawing.visible:
            if mask.sum() < LEAST_PX:
                continue
            cut = sam.at_point(*deepest_point(mask))
            clicks.append(mask_iou(cut.mask, mask))
            errors.append(abs(cut.expected_iou - clicks[-1]))
            y, x = np.nonzero(mask)
            boxed = sam.in_box(
                float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)
            )
            boxes.append(mask_iou(boxed.mask, mask))
    metrics = {
        "click_iou": build_metric(clicks),
        "box_iou": build_metric(boxes),
        "expected_iou_error": build_metric(errors),
    }
    return ReportRow("sam", metrics, len(clicks))
