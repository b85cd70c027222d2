"""The VQGAN on drawings that no training saw."""

from __future__ import annotations

import numpy as np
import torch

from backend.engine.decode import as_bytes
from backend.engine.optimise import picture_of
from backend.evaluation.pocket_suite import PocketSuite
from backend.evaluation.report import Metric, ReportRow, build_metric
from backend.evaluation.sheet import Tile
from backend.metrics.recognition import psnr
from backend.models.vqgan import vqgan_of


def vqgan_row(suite: PocketSuite) -> ReportRow:
    """Drawings through the codes: PSNR, what the judge still recognises, and the share of codes in
    use.
    """
    network = vqgan_of(suite.bundle)
    drawings = suite.drawings(0, (1, 2, 3))
    passed, used = [], set()
    with torch.inference_mode():
        for drawing in drawings:
            given = (
                torch.from_numpy(drawing.picture.copy())
                .to(suite.bundle.device)
                .permute(2, 0, 1)[None]
                .float()
            )
            z = network.encode(given / 127.5 - 1)
            used |= set(network.codes(z).unique().tolist())
            passed.append(as_bytes(picture_of(network, z))[0].cpu().numpy())
    suite.tiles.append([Tile(picture, "through codes") for picture in passed[:8]])
    values = [
        psnr(drawing.picture, np.asarray(picture))
        for drawing, picture in zip(drawings, passed, strict=True)
    ]
    metrics: dict[str, Metric | float] = {
        "psnr": build_metric(values),
        "codes_used": len(used) / len(network.codebook),
        **suite.recognise(drawings, passed),
    }
    return ReportRow("vqgan", metrics, len(drawings))
