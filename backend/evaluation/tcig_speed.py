"""TCIG's stage 1: restarts together against one after the other, and how long the usual draft
takes.
"""

from __future__ import annotations

import time

from backend.evaluation.asking import run_plan
from backend.evaluation.report import ReportRow, build_metric
from backend.evaluation.tcig_suite import build_cases
from backend.evaluation.timing import Duel
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, RunSettings
from backend.scene.pixels import MemoryPixels

RESTARTS = 4
LIMIT_S = 30.0
"""What stage 1 may take with 100 iterations and 4 restarts, on 2 cores."""


def whole_stage(bundle: ModelBundle, repeats: int) -> ReportRow:
    """Stage 1 as it is by default, four restarts from words to drafts: seconds, and their share of
    the limit.
    """
    plan, pixels = _paint_plan(bundle)
    seconds = []
    for number in range(repeats):
        first = plan.seeds[0] + number * RESTARTS  # drafts are remembered
        start = time.perf_counter()
        run_plan(bundle, _with_seeds(plan, tuple(range(first, first + RESTARTS))), pixels)
        seconds.append(time.perf_counter() - start)
    share = sorted(seconds)[repeats // 2] / LIMIT_S
    return ReportRow(
        "tcig_stage1", {"seconds": build_metric(seconds), "share_of_limit": share}, repeats
    )


def time_restarts(bundle: ModelBundle) -> Duel:
    """Four drafts of a painted scene in a batch, against four runs. Each has a new seed, for drafts
    are remembered.
    """
    plan, pixels = _paint_plan(bundle)
    fresh = iter(range(0, 10**9, RESTARTS))

    def seeds() -> tuple[int, ...]:
        first = next(fresh)
        return tuple(range(first, first + RESTARTS))

    def together() -> int:
        return len(run_plan(bundle, _with_seeds(plan, seeds()), pixels))

    def draw_singly() -> int:
        return sum(len(run_plan(bundle, _with_seeds(plan, (seed,)), pixels)) for seed in seeds())

    return Duel("tcig_restarts", "four single runs", together, draw_singly, "E1")


def _paint_plan(bundle: ModelBundle) -> tuple[Plan, MemoryPixels]:
    """A painted scene, to be drafted and not refined."""
    options: dict[str, OptionValue] = {"refine": False}
    (case,) = build_cases(0, 1, bundle.card.native_px)
    settings = RunSettings(
        model=bundle.card.id, method="tcig", seed=0, count=RESTARTS, options=options
    )
    return build_plan(case.scene, Compose(settings=settings), bundle.card, case.pixels), case.pixels


def _with_seeds(plan: Plan, seeds: tuple[int, ...]) -> Plan:
    return plan.model_copy(update={"seeds": seeds, "batch": len(seeds)})
