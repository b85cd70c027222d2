"""The preview decoder against the drawings themselves, and its time against the whole decoder's."""

from __future__ import annotations

import time

import torch

from backend.engine.decode import decode, encode, preview
from backend.engine.loop_types import Step, generator_for
from backend.evaluation.pocket_suite import PocketSuite
from backend.evaluation.report import ReportRow, build_metric
from backend.evaluation.sheet import Tile
from backend.metrics.recognition import psnr


def preview_row(suite: PocketSuite) -> ReportRow:
    """PSNR of previews of clean latents; ``share_of_decode`` is their time over that of decoding
    (this machine).
    """
    drawings = suite.drawings(0, (1, 2, 3))
    values, shares = [], []
    for number, drawing in enumerate(drawings):
        latents = encode(suite.bundle, drawing.picture, [generator_for(0)])
        start = time.perf_counter()
        shown = preview(suite.bundle, Step(0, 1, 0, latents, latents))[0]
        between = time.perf_counter()
        _decode(suite, latents)
        shares.append((between - start) / (time.perf_counter() - between))
        values.append(psnr(drawing.picture, shown))
        if number == 0:
            suite.tiles.append([Tile(drawing.picture, "drawing"), Tile(shown, "preview")])
    return ReportRow(
        "preview",
        {"psnr": build_metric(values), "share_of_decode": build_metric(shares[1:])},
        len(drawings),
    )


def _decode(suite: PocketSuite, latents: torch.Tensor) -> None:
    decode(suite.bundle, latents)
