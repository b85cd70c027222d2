"""``python -m backend.evaluation calibration``: what fails, held against pictures whose truth is
known, and the limits below which it does.

Limits are set on the worlds of one split and reported on those of another. ``--write`` puts them
into the family's ``verdict`` folder, the one place where they stand; ``--forms`` draws the
silhouettes of the classes again too (after a new segmenter). After new weights of the UNet or the
autoencoder one command is enough: ``python -m backend.evaluation calibration --write``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import NDArray

from backend.errors import ModelError
from backend.evaluation.asking import HELD_OUT_WORLD
from backend.evaluation.report import RESAMPLES, Metric, ReportRow, build_metric
from backend.evaluation.verdict_cases import (
    FIRST_WORLD,
    MADE,
    WRONG_KINDS,
    Sample,
    draw_samples,
)
from backend.metrics.silhouette import build_form, find_standing
from backend.models.bundle import ModelBundle
from backend.models.experts import CLOSED, experts_of
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.models.members import MemberCard
from backend.models.verdict_rule import ScoreLimits, VerdictRule, save_verdict_rule
from backend.pocket.world.words import BACKGROUNDS, TEXTURES
from backend.pocket.world.world import ObjectPlacement, draw_layout
from backend.scene.imaging.arrays import Floats

COUNT, QUICK_COUNT = 16, 4
"""Layouts a split: 16 hold about 24 objects, each in two made pictures; with as many layouts more
there are about a hundred true drawings of objects.
"""
FORMS_WORLD = HELD_OUT_WORLD + 790_000
EXAMPLES = 16
"""Silhouettes a class: turned, mirrored, of several sizes, colours, textures and places."""
EXAMPLE_PX = 128
SPARED_SHARE = 0.01
"""Share of the true drawings of the first split that a score may fail: all together may not fail
more than 2 % of the second.
"""
CAUGHT_SHARE = 0.95
LOW_SHARE = 0.25
"""Where nineteen in twenty of what is wrong lie below that already, the limit lies nearer to them,
a quarter of the way up: a good object that is half lost to the segmenter shall not fail.
"""
Values = Sequence[float] | NDArray[np.float64]
ROC_DRAWS = RESAMPLES // 4
SCORES: dict[str, Callable[[Sample], float | None]] = {
    "form": lambda sample: sample.verdict.form,
    "place": lambda sample: sample.verdict.place,
    "colour": lambda sample: sample.verdict.colour,
}
"""All that is shown beside a candidate."""
TRUTHS: dict[str, Callable[[Sample], bool]] = {
    "form": lambda sample: sample.has_form,
    "place": lambda sample: sample.is_there,
    "colour": lambda sample: sample.has_colour,
}


def roc_area(right: Values, wrong: Values) -> float:
    """How often a right one scores above a wrong one, ties half: the area under the ROC curve."""
    above = np.asarray(right)[:, None] - np.asarray(wrong)[None]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def build_area(right: Values, wrong: Values, seed: int = 0) -> Metric:
    """The area with its bootstrap interval over the samples of either side."""
    random = np.random.default_rng(seed)
    first, second = np.asarray(right, np.float64), np.asarray(wrong, np.float64)
    draws = [
        roc_area(random.choice(first, first.size), random.choice(second, second.size))
        for _ in range(ROC_DRAWS)
    ]
    low, high = (float(end) for end in np.percentile(draws, [2.5, 97.5]))
    return Metric(roc_area(first, second), float(np.std(draws)), (low, high), len(wrong))


def is_failed(sample: Sample, limits: ScoreLimits) -> bool:
    """Whether a sample fails by these limits; one that was left unjudged does not."""
    form, place = sample.verdict.form, sample.verdict.place
    if form is None or place is None:
        return False
    return bool(limits.first_below(form, place, sample.verdict.colour))


def set_limits(samples: Sequence[Sample], source: str) -> ScoreLimits:
    """Limits that spare drawings as they were asked, and stay as low as what is wrong allows.

    The outline ruler's word on made pictures counts, the palette's does not: textures mislead it.
    """
    found = {}
    for name, read in SCORES.items():
        right = [value for one in samples if one.is_true and (value := read(one)) is not None]
        wrong = [
            value
            for one in samples
            if not TRUTHS[name](one)
            and (one.kind != MADE or name == "form")
            and (value := read(one)) is not None
        ]
        spared = float(np.quantile(right, SPARED_SHARE))
        highest = float(np.quantile(wrong, CAUGHT_SHARE)) if wrong else 0.0
        low = spared if highest >= spared else highest + LOW_SHARE * (spared - highest)
        found[name] = round(low, 4)
    return ScoreLimits(**found, source=source)


def fail_row(name: str, samples: Sequence[Sample], limits: ScoreLimits) -> ReportRow:
    """Shares that fail: of true drawings, of made pictures by their nearest outline, of wrong
    drawings; and what is left unjudged.
    """
    groups = {kind: [one for one in samples if one.kind == kind] for kind in WRONG_KINDS}
    made = [one for one in samples if one.kind == MADE]
    groups = {
        "true drawings": [one for one in samples if one.is_true],
        "wrong outline": [one for one in made if one.is_there and not one.has_form],
        "right outline": [one for one in made if one.has_form],
        **groups,
    }
    metrics: dict[str, Metric | float] = {
        kind: build_metric([float(is_failed(one, limits)) for one in found])
        for kind, found in groups.items()
        if found
    }
    metrics["unjudged"] = float(np.mean([bool(one.verdict.unjudged) for one in samples]))
    return ReportRow(f"{name}: failed", metrics, len(samples))


def area_row(name: str, samples: Sequence[Sample]) -> ReportRow:
    """The ROC area of each score over everything, and of the form over made pictures alone."""
    metrics: dict[str, Metric | float] = {}
    for score in SCORES:
        metrics |= _area(score, score, samples)
    metrics |= _area("form, made alone", "form", [one for one in samples if one.kind == MADE])
    return ReportRow(f"{name}: ROC area", metrics, len(samples))


def _area(name: str, score: str, samples: Sequence[Sample]) -> dict[str, Metric | float]:
    values: dict[bool, list[float]] = {True: [], False: []}
    for sample in samples:
        value = SCORES[score](sample)
        if value is not None and (sample.is_there or score == "place"):
            values[TRUTHS[score](sample)].append(value)
    return {name: build_area(values[True], values[False])} if all(values.values()) else {}


@dataclass
class CalibrationSuite:
    """Rows of both splits; ``rule`` is what it ends with.

    Attributes:
        bundle: the family; it needs a closed segmenter.
        judge: who finds the foreground for the outline ruler.
        count: layouts a split.
        is_redrawn: whether the silhouettes are drawn again.
        is_written: whether the rule is kept in the family's folder.
    """

    bundle: ModelBundle
    judge: Judge
    count: int = COUNT
    is_redrawn: bool = False
    is_written: bool = False
    notes: tuple[str, ...] = field(default=())

    def rows(self) -> Iterator[ReportRow]:
        """Set the limits, then report them on worlds that had no part in it."""
        bundle = self._with_forms()
        rule: VerdictRule = bundle.members.get("verdict")
        setting = list(draw_samples(bundle, self.judge, "set", self.count))
        limits = set_limits(setting, self._source())
        yield fail_row("set", setting, limits)
        yield area_row("set", setting)
        held = list(draw_samples(bundle, self.judge, "report", self.count))
        yield fail_row("report", held, limits)
        yield area_row("report", held)
        names = ", ".join(f"{name} {getattr(limits, name)}" for name in SCORES)
        self.notes = (*self.notes, f"limits: {names}", limits.source)
        if self.is_written:
            save_verdict_rule(replace(rule, limits=limits), self.bundle.card.folder / "verdict")

    def _with_forms(self) -> ModelBundle:
        if "verdict" in self.bundle.members and not self.is_redrawn:
            return self.bundle
        forms = draw_forms(self.bundle)
        return with_rule(self.bundle, VerdictRule(CLASSES, COLOURS, forms, ScoreLimits(0, 0, 0)))

    def _source(self) -> str:
        day = datetime.now(UTC).date().isoformat()
        last = 2 * self.count - 1
        splits = ", ".join(
            f"{name} on worlds {first} to {first + last}" for name, first in FIRST_WORLD.items()
        )
        command = f"python -m backend.evaluation calibration --count {self.count} --write"
        return f"{command}, {day}: {splits}"


def with_rule(bundle: ModelBundle, rule: VerdictRule) -> ModelBundle:
    """The bundle with this rule as its own."""
    members = bundle.members
    card = MemberCard("verdict", bundle.card.folder / "verdict", rule.forms.size)
    return replace(
        bundle,
        members=replace(
            members,
            cards={**members.cards, "verdict": card},
            loaded={**members.loaded, "verdict": rule},
        ),
    )


@torch.no_grad()
def draw_forms(bundle: ModelBundle) -> Floats:
    """Silhouettes of drawings as the family's segmenter sees them.

    Returns:
        float32 (classes, EXAMPLES, side, side); see ``backend.metrics.silhouette``.

    Raises:
        ModelError: the family has no closed segmenter, or it never sees one of the classes.
    """
    if not any(name in bundle.members for name in CLOSED):
        raise ModelError(
            "This family has no segmenter with a fixed vocabulary.",
            remedy="Put one into its folder, named guide or deeplab.",
        )
    expert = replace(experts_of(bundle), open=()).closed[0]
    random = np.random.default_rng(FORMS_WORLD)

    def look(placement: ObjectPlacement) -> Floats | None:
        place = str(random.choice(BACKGROUNDS))
        drawing = draw_layout(place, [placement], EXAMPLE_PX, int(random.integers(1 << 30)))
        shown = torch.tensor(drawing.picture).permute(2, 0, 1)[None].float() / 255
        labels: NDArray[np.int64] = (
            expert.segmenter.logits(shown.to(bundle.device)).argmax(1)[0].cpu().numpy()
        )
        nobody = np.zeros_like(drawing.whole[0])
        return build_form(find_standing(labels != expert.background, drawing.whole[0], nobody))

    return np.stack([_draw_class(name, look, random) for name in CLASSES])


def _draw_class(
    name: str,
    look: Callable[[ObjectPlacement], Floats | None],
    random: np.random.Generator,
) -> Floats:
    found: list[Floats] = []
    for _ in range(2 * EXAMPLES):
        form = look(_place_one(name, random))
        if form is not None and len(found) < EXAMPLES:
            found.append(form)
        if len(found) == EXAMPLES:
            return np.stack(found)
    raise ModelError(
        f"The family’s segmenter does not see a {name}.",
        limit=f"{len(found)} of {2 * EXAMPLES} drawings were seen.",
        remedy="Train it again.",
    )


def _place_one(name: str, random: np.random.Generator) -> ObjectPlacement:
    radius = float(random.uniform(0.18, 0.4))
    edge = 0.95 * radius
    return ObjectPlacement(
        name,
        str(random.choice(COLOURS)),
        str(random.choice(TEXTURES)),
        (float(random.uniform(edge, 1 - edge)), float(random.uniform(edge, 1 - edge))),
        radius,
        float(np.clip(random.normal(0, 5), -12, 12)),
        bool(random.random() < 0.5),
    )
