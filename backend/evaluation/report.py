"""What an evaluation leaves: one JSON shape for every suite, rows of method × metric with mean,
spread and a bootstrap interval; picture sheets, since a number that nobody can see is not evidence;
and what was made so far, so that a long one can be stopped and gone on with.
"""

from __future__ import annotations

import hashlib
import html
import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from backend import __version__

RESAMPLES = 2000
"""Bootstrap draws: the interval's ends then move by under a tenth of its width between seeds."""

PACKAGES = ("torch", "diffusers", "transformers", "numpy", "pillow")


@dataclass(frozen=True)
class Metric:
    """A mean over ``n`` values with its standard deviation and 95 % bootstrap interval."""

    mean: float
    std: float
    ci95: tuple[float, float]
    n: int


@dataclass(frozen=True)
class ReportRow:
    """One method's figures. ``exactness`` is E0…E3 (performance.md) where a speed is claimed."""

    method: str
    metrics: Mapping[str, Metric | float]
    n: int
    exactness: str = ""


@dataclass(frozen=True)
class Report:
    """The outcome of a suite, with what a reader must know to repeat it."""

    suite: str
    model: str
    device: str
    seeds: tuple[int, ...]
    quick: bool
    minutes: float
    rows: tuple[ReportRow, ...]
    notes: tuple[str, ...] = field(default=())


def build_metric(values: Sequence[float], seed: int = 0) -> Metric:
    """Mean, spread and bootstrap interval of a list of numbers (at least one)."""
    sample = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).choice(sample, size=(RESAMPLES, sample.size)).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Metric(float(sample.mean()), float(sample.std()), (float(low), float(high)), sample.size)


def build_ratio(ours: Sequence[float], baseline: Sequence[float], seed: int = 0) -> Metric:
    """Ratio of medians of two interleaved series of seconds, with a bootstrap interval over the
    repeats.
    """
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, a.size, size=(RESAMPLES, a.size))
    draws = np.median(a[picks], axis=1) / np.median(b[picks], axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Metric(
        float(np.median(a) / np.median(b)), float(draws.std()), (float(low), float(high)), a.size
    )


def _json_metric(metric: Metric | float) -> Any:
    if isinstance(metric, float):
        return round(metric, 4)
    return {
        "mean": round(metric.mean, 4),
        "std": round(metric.std, 4),
        "ci95": [round(end, 4) for end in metric.ci95],
        "n": metric.n,
    }


def report_record(report: Report) -> dict[str, Any]:
    """The report as the JSON object that evaluation.md describes."""
    rows: list[dict[str, Any]] = []
    for row in report.rows:
        record: dict[str, Any] = {"method": row.method, "n": row.n}
        record["metrics"] = {name: _json_metric(metric) for name, metric in row.metrics.items()}
        if row.exactness:
            record["exactness"] = row.exactness
        rows.append(record)
    return {
        "suite": report.suite,
        "lamina": __version__,
        "versions": {name: _version(name) for name in PACKAGES},
        "device": report.device,
        "model": report.model,
        "seeds": list(report.seeds),
        "quick": report.quick,
        "minutes": round(report.minutes, 2),
        "rows": rows,
        "notes": list(report.notes),
    }


def save_report(report: Report, path: Path) -> None:
    """Write the report as JSON, indented for people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report_record(report), indent=1) + "\n", encoding="utf-8")


def table(report: Report) -> str:
    """The report as lines for a terminal."""
    lines = [f"{report.suite} · {report.model} on {report.device} · {report.minutes:.1f} min"]
    for row in report.rows:
        figures = []
        for name, metric in row.metrics.items():
            if isinstance(metric, float):
                figures.append(f"{name} {metric:.3f}")
            else:
                figures.append(
                    f"{name} {metric.mean:.3f} [{metric.ci95[0]:.3f}, {metric.ci95[1]:.3f}]"
                )
        lines.append(
            f"  {row.method:<22} n={row.n:<4} {'  '.join(figures)} {row.exactness}".rstrip()
        )
    lines.extend(f"  note: {note}" for note in report.notes)
    return "\n".join(lines)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "source"


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


Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class ResultCache:
    """Arrays by a key that tells all that decides them; with no folder nothing is kept."""

    folder: Path | None = None

    def arrays(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Those of the key, made now if they are not there. A file is whole or not there at all."""
        if self.folder is None:
            return make()
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        made = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as written:
            np.savez_compressed(written, allow_pickle=False, **made)
        unfinished.replace(path)
        return made
