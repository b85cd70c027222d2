"""Picture sheets: a number that nobody can see is not evidence."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from backend.evaluation.report import Report, table

GAP_PX = 6
LABEL_PX = 14
PAPER = (250, 249, 246)
INK = (40, 42, 48)


@dataclass(frozen=True)
class Tile:
    """One picture, uint8 (h, w, 3), with a word or two under it."""

    picture: NDArray[np.uint8] = field(repr=False)
    label: str = ""


def build_sheet(rows: Sequence[Sequence[Tile]], side_px: int = 128) -> Image.Image:
    """Rows of tiles, each scaled to ``side_px``, labels beneath."""
    columns = max((len(row) for row in rows), default=1)
    cell_w, cell_h = side_px + GAP_PX, side_px + LABEL_PX + GAP_PX
    sheet = Image.new("RGB", (columns * cell_w + GAP_PX, len(rows) * cell_h + GAP_PX), PAPER)
    pen = ImageDraw.Draw(sheet)
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            corner = (GAP_PX + x * cell_w, GAP_PX + y * cell_h)
            picture = Image.fromarray(tile.picture).resize(
                (side_px, side_px), Image.Resampling.LANCZOS
            )
            sheet.paste(picture, corner)
            pen.text((corner[0] + 1, corner[1] + side_px + 1), tile.label[: side_px // 6], fill=INK)
    return sheet


def save_html(report: Report, sheet_name: str, path: Path) -> None:
    """The table and the sheet on one plain page; ``sheet_name`` stands beside the page."""
    body = html.escape(table(report))
    style = (
        "body{font:14px system-ui;margin:2rem;background:#faf9f6;color:#282a30}"
        "pre{white-space:pre-wrap}img{max-width:100%}"
    )
    title = html.escape(report.suite)
    path.write_text(
        f"<!doctype html><meta charset='utf-8'><title>Lamina: {title}</title><style>{style}</style>"
        f"<h1>{title}</h1><pre>{body}</pre><img src='{html.escape(sheet_name)}' alt='pictures'>",
        encoding="utf-8",
    )
