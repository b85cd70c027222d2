"""What a batch is worth to TCIG's stage 1: restarts together against one after the other."""

from __future__ import annotations

from backend.evaluation.asking import run_plan
from backend.evaluation.tcig_suite import painted_cases
from backend.evaluation.timing import Duel
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, Settings

RESTARTS = 4
ITERATIONS = 20
"""A fifth of the usual: the ratio is the same."""


def batched_restarts(bundle: ModelBundle) -> Duel:
    """Four drafts of a painted scene in a batch, against four runs. Each has a new seed, for drafts are remembered."""
    (case,) = painted_cases(0, 1, bundle.card.native_px)
    options: dict[str, OptionValue] = {"refine": False, "iterations": ITERATIONS}
    settings = Settings(model=bundle.card.id, method="tcig", seed=0, count=RESTARTS, options=options)
    plan = build_plan(case.scene, Compose(settings=settings), bundle.card, case.pixels)
    fresh = iter(range(0, 10**9, RESTARTS))

    def plans() -> list[Plan]:
        first = next(fresh)
        return [plan.model_copy(update={"seeds": (first + n,), "batch": 1}) for n in range(RESTARTS)]

    def together() -> int:
        seeds = tuple(one.seeds[0] for one in plans())
        return len(run_plan(bundle, plan.model_copy(update={"seeds": seeds, "batch": RESTARTS}), case.pixels))

    def apart() -> int:
        return sum(len(run_plan(bundle, one, case.pixels)) for one in plans())

    return Duel("tcig_restarts", "four single runs", together, apart, "E1")
