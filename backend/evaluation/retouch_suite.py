"""Layout-and-Retouch on subjects nobody trained on: backbones with and without it, and its parts one by one."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from backend.engine.personalise import RULES, SubjectLesson, SubjectRules, learn_subject
from backend.engine.subject_words import MARK
from backend.evaluation.asking import GUIDANCE, STEPS, run_plan
from backend.evaluation.report import Metric, Row, build_metric
from backend.evaluation.sheet import Tile
from backend.evaluation.subjects import Case, Picture
from backend.metrics.diversity import Box, centre_variance, inception_score
from backend.metrics.recognition import class_present
from backend.metrics.similarity import box_of, prompt_similarity, subject_similarity
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.image_encoder import image_encoder_of
from backend.models.personal import Subject, SubjectKind, subject_picture
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, Settings, SubjectRef
from backend.pocket.judge import Judge
from backend.pocket.words import CLASSES
from backend.scene.pixels import MemoryPixels
from backend.scene.scene import Scene

BACKBONES: Mapping[str, SubjectKind] = MappingProxyType(
    {"TI": "textual_inversion", "DreamBooth": "dreambooth", "CustomDiffusion": "custom_diffusion"}
)
ALONE: Mapping[str, OptionValue] = {"stage": "layouts", "plain_share": 0.0}
"""The personalised model by itself."""
NAIVE: Mapping[str, OptionValue] = {"plain_share": 0.1, "target_words": "prompt", "mask": "none"}
ABLATION: Mapping[str, Mapping[str, OptionValue]] = MappingProxyType(
    {
        "I": ALONE,
        "II": {"stage": "layouts"},
        "III": NAIVE,
        "IV": {"mask": "none"},
        "V": {},
    }
)
"""The backbone; + step blend; + the reference's keys and values under the prompt's own words; two stages with the swap;
+ adaptive mask. On textual inversion, as the paper's table."""
ABLATED = "TI"
ROWS: tuple[str, ...] = (*(name + end for name in BACKBONES for end in ("", "+L&R")), *ABLATION)
QUICK_STEPS = 40
"""Updates of a subject in a quick run: enough to see that a suite works, not to judge a method by."""


@dataclass
class RetouchSuite:
    """Subjects × prompts × seeds, for the asked rows."""

    bundle: ModelBundle
    cases: tuple[Case, ...]
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    quick: bool
    tiles: list[list[Tile]] = field(default_factory=list)
    remarks: tuple[str, ...] = ()

    def rows(self) -> Iterator[Row]:
        """One row per method; every subject's first prompt and seed go to the sheet."""
        found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in self.methods}
        for case in self.cases:
            line = [Tile(case.references[0], case.name)]
            for kind, names in self._by_kind().items():
                subject = self._subject(case, kind, found[names[0]])
                for name in names:
                    line.append(Tile(self.run_case(case, subject, name, found[name]), name))
            self.tiles.append(line)
        if self.quick:
            self.remarks = (f"quick: subjects learned for {QUICK_STEPS} updates only",)
        for name in self.methods:
            known = {key: [value for value in values if not np.isnan(value)] for key, values in found[name].items()}
            metrics: dict[str, Metric | float] = {key: build_metric(values) for key, values in known.items() if values}
            yield Row(name, metrics, sum(len(case.prompts) for case in self.cases) * len(self.seeds))

    def _by_kind(self) -> dict[SubjectKind, list[str]]:
        kinds: dict[SubjectKind, list[str]] = {}
        for name in self.methods:
            kinds.setdefault(BACKBONES[ABLATED if name in ABLATION else name.removesuffix("+L&R")], []).append(name)
        return kinds

    def _subject(self, case: Case, kind: SubjectKind, found: dict[str, list[float]]) -> Subject:
        rules: SubjectRules = RULES[kind]
        if self.quick:
            rules = replace(rules, steps=QUICK_STEPS, prior_count=min(4, rules.prior_count))
        start = time.perf_counter()
        learning = learn_subject(self.bundle, SubjectLesson(case.references, case.class_word, kind), rules)
        while True:
            try:
                next(learning)
            except StopIteration as stop:
                found["training_seconds"].append(time.perf_counter() - start)
                subject: Subject = stop.value
                return subject

    def run_case(self, case: Case, subject: Subject, method: str, found: dict[str, list[float]]) -> Picture:
        """Make a subject's pictures, add their figures to ``found``; the first picture."""
        made: list[list[Picture]] = []
        for prompt in case.prompts:
            plan, pixels = self.plan(case, subject, prompt, method)
            start = time.perf_counter()
            made.append(list(run_plan(self.bundle, plan, pixels)))
            found["seconds"].append((time.perf_counter() - start) / len(plan.seeds))
        every = [picture for pictures in made for picture in pictures]
        if "clip" in self.bundle.members:
            clip = clip_of(self.bundle)
            found["i_clip"].append(subject_similarity(clip, every, case.references))
            for prompt, pictures in zip(case.prompts, made, strict=True):
                found["t_clip"].append(prompt_similarity(clip, pictures, prompt.replace(MARK, case.class_word)))
        if "image_encoder" in self.bundle.members:
            found["i_dino"].append(subject_similarity(image_encoder_of(self.bundle), every, case.references))
        if "judge" in self.bundle.members:
            self._judged(case, every, found)
        return every[0]

    def plan(self, case: Case, subject: Subject, prompt: str, method: str) -> tuple[Plan, MemoryPixels]:
        """All seeds of a prompt in one plan, and its pixels."""
        options = ABLATION.get(method, {} if method.endswith("+L&R") else ALONE)
        pixels = MemoryPixels()
        reference = case.references[0]
        opaque = np.full((*reference.shape[:2], 1), 255, np.uint8)
        named = SubjectRef(
            subject=pixels.add_picture(subject_picture(subject)),
            reference=pixels.add_picture(np.concatenate([reference, opaque], axis=2)),
        )
        card = self.bundle.card
        settings = Settings(
            model=card.id, method="layout_retouch", steps=STEPS, guidance_scale=GUIDANCE, options=dict(options)
        )
        scene = Scene(width_px=card.native_px, height_px=card.native_px, prompt=prompt)
        plan = build_plan(scene, Compose(settings=settings, subject=named), card, pixels)
        return plan.model_copy(update={"seeds": self.seeds}), pixels

    def _judged(self, case: Case, pictures: list[Picture], found: dict[str, list[float]]) -> None:
        judge: Judge = self.bundle.members.get("judge")
        maps = judge.classes(np.stack(pictures))
        found["inception_score"].append(inception_score(class_shares(maps)))
        if case.class_word not in CLASSES:
            return
        label = 1 + CLASSES.index(case.class_word)
        boxes: list[Box] = [box_of(one == label) for one in maps if class_present(one, label)]
        height, width = maps.shape[1:]
        found["class_present"].append(len(boxes) / len(maps))
        found["centre_variance"].append(centre_variance(boxes, (width, height)))


def class_shares(maps: NDArray[np.int64]) -> NDArray[np.float64]:
    """p(y|x) of each picture (n, h, w): how much of it each class covers, the background included: (n, classes + 1)."""
    return np.stack([np.bincount(one.ravel(), minlength=len(CLASSES) + 1) / one.size for one in maps])
