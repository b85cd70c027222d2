"""Interleaved timing: candidate and baseline take turns in one process, so that the machine's moods
hit both; and what is timed so of TCIG's first stage and of Layout-and-Retouch's caches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import torch

from backend.evaluation.asking import GUIDANCE, STEPS, run_plan
from backend.evaluation.report import Metric, ReportRow, build_metric, build_ratio
from backend.evaluation.subjects import draw_subjects
from backend.evaluation.tcig_suite import build_cases
from backend.models.adapter import Adapter, adapter_to_bytes, model_fingerprint
from backend.models.bundle import FeatureCache, ModelBundle
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, RunSettings, SubjectRef, TrainingMethod
from backend.scene.blobs import MemoryPixels
from backend.scene.scene import Scene
from backend.training.subjects import build_weights


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


def next_candidate(bundle: ModelBundle) -> Duel:
    """A candidate of a new seed, when one of the same subject and reference was made before,
    against that first one.

    Both are whole: layout, retouch, masks, decoder. The first walks back from the reference, and
    along it.
    """
    session = _Session(bundle)
    return Duel("retouch_next", "the first candidate", session.following, session.first, "E0")


@dataclass
class _Session:
    """A subject whose memory is emptied for every first candidate. How well it is learned has no
    part in speed.
    """

    bundle: ModelBundle
    seeds: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.bundle = replace(self.bundle, recorded=FeatureCache())
        self.pixels = MemoryPixels()
        self.plan = self._plan()

    def first(self) -> int:
        """With nothing remembered."""
        self.bundle = replace(self.bundle, recorded=FeatureCache())
        return self.following()

    def following(self) -> int:
        """With what the candidates before it left behind."""
        plan = self.plan.model_copy(update={"seeds": (next(self.seeds),), "batch": 1})
        return len(run_plan(self.bundle, plan, self.pixels))

    def _plan(self) -> Plan:
        bundle, card = self.bundle, self.bundle.card
        case = draw_subjects(1, 1, card.native_px, 0)[0]
        generator = torch.Generator().manual_seed(0)
        weights = build_weights(bundle.unet, TrainingMethod.CUSTOM_DIFFUSION, 1, generator)
        table = bundle.text_encoder.get_input_embeddings().weight.detach().float().cpu()
        vectors = table.std() * torch.randn(1, table.shape[1], generator=generator)
        subject = Adapter(
            TrainingMethod.CUSTOM_DIFFUSION,
            case.class_word,
            card.title,
            model_fingerprint(bundle),
            vectors,
            weights,
        )
        opaque = np.dstack(
            [case.references[0], np.full(case.references[0].shape[:2], 255, np.uint8)]
        )
        named = SubjectRef(
            subject=self.pixels.add_blob(adapter_to_bytes(subject)),
            reference=self.pixels.add_picture(opaque),
        )
        settings = RunSettings(
            model=card.id, method="layout_retouch", steps=STEPS, guidance_scale=GUIDANCE, count=1
        )
        scene = Scene(width_px=card.native_px, height_px=card.native_px, prompt=case.prompts[0])
        return build_plan(scene, Compose(settings=settings, subject=named), card, self.pixels)
