"""Interleaved timing: candidate and baseline take turns in one process, so that the machine's moods
hit both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.evaluation.report import Metric, ReportRow, build_ratio


@dataclass(frozen=True)
class Duel:
    """Two ways to the same end. ``exactness`` is E0…E3 of performance.md; the baseline is named in
    ``against``.
    """

    name: str
    against: str
    ours: Callable[[], object]
    baseline: Callable[[], object]
    exactness: str


def run_duel(duel: Duel, repeats: int, warmups: int = 2) -> ReportRow:
    """Time both sides in turns, swapping who goes first; medians in milliseconds, ratio with its
    interval.
    """
    for _ in range(warmups):
        duel.ours()
        duel.baseline()
    ours: list[float] = []
    baseline: list[float] = []
    for repeat in range(repeats):
        sides = [(duel.ours, ours), (duel.baseline, baseline)]
        for action, seconds in sides if repeat % 2 == 0 else reversed(sides):
            start = time.perf_counter()
            action()
            seconds.append(time.perf_counter() - start)
    metrics: dict[str, Metric | float] = {
        "ratio": build_ratio(ours, baseline),
        "ours_ms": 1000 * sorted(ours)[repeats // 2],
        "baseline_ms": 1000 * sorted(baseline)[repeats // 2],
    }
    return ReportRow(f"{duel.name}", metrics, repeats, f"{duel.exactness} against {duel.against}")
