"""Layout-and-Retouch on subjects nobody trained on: backbones with and without it, its parts,
and its rivals.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.asking import GUIDANCE, STEPS
from backend.evaluation.forms import true_outlines
from backend.evaluation.report import Metric, ReportRow, Tile, build_metric
from backend.evaluation.retouch_verdict import gains, verdicts
from backend.evaluation.subjects import SubjectCase
from backend.methods.baselines import BASELINES
from backend.methods.catalog import METHODS
from backend.metrics.distribution import centre_variance, inception_score
from backend.metrics.outline import find_largest_piece, find_nearest_outline, outline_iou
from backend.metrics.recognition import class_present
from backend.metrics.similarity import Encoder, box_of, crop_around, text_similarity, vectors
from backend.models.adapter import (
    Adapter,
    adapter_to_bytes,
    load_adapter,
    model_fingerprint,
    save_adapter,
)
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.image_encoder import as_published, image_encoder_of
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES
from backend.plan.build import build_plan
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, RunSettings, SubjectRef, TrainingMethod
from backend.scene.blobs import MemoryPixels
from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import Scene
from backend.training.adapters import SubjectExamples, SubjectRules
from backend.training.prompts import plain_prompt
from backend.training.subject_run import digest
from backend.training.subjects import RULES, SubjectTrainer
from backend.training.trainer import train

BACKBONES: Mapping[str, TrainingMethod] = MappingProxyType(
    {
        "TI": TrainingMethod.TEXTUAL_INVERSION,
        "DreamBooth": TrainingMethod.DREAMBOOTH,
        "CustomDiffusion": TrainingMethod.CUSTOM_DIFFUSION,
    }
)
ABLATED = "DreamBooth"
"""The backbone of the ablation and of the plug-ins, as in the paper's tables 1 (challenging
prompts) and 4.
"""

Question = tuple[str, Mapping[str, OptionValue]]
"""A method and its options."""
ALONE: Question = ("plug_ins", {"plug_in": "none"})
RETOUCHED: Question = ("layout_retouch", {})
PLUG_INS: Mapping[str, Question] = MappingProxyType(
    {
        "FreeU": ("plug_ins", {"plug_in": "free_u"}),
        "MagicFusion": ("plug_ins", {"plug_in": "magic_fusion"}),
        "MasaCtrl": ("plug_ins", {"plug_in": "masa_ctrl"}),
        "DreamMatcher": ("plug_ins", {"plug_in": "dream_matcher"}),
    }
)
NAIVE: Mapping[str, OptionValue] = {"copy_share": 0.04, "mask": "none", "reference_part": "whole"}
"""The reference's keys and values from the moment on at which the personalised model takes over."""
PRINTED: Mapping[str, OptionValue] = {
    "plain_share": 0.1,
    "around_share": 0.0,
    "hold_around": False,
    "target_words": "neutral",
    "blend_share": 0.6,
    "reference_part": "whole",
    "competing_tokens": False,
}
"""The paper's own choices, where the method's defaults differ from them."""
ABLATION: Mapping[str, Question] = MappingProxyType(
    {
        "I": ALONE,
        "II": ("layout_retouch", {"stage": "layouts"}),
        "III": ("layout_retouch", NAIVE),
        "IV": ("layout_retouch", {"mask": "none"}),
        "V": RETOUCHED,
        "printed": ("layout_retouch", PRINTED),
    }
)
"""The backbone; + step blend; + naive reference keys and values; two stages with the swap; +
adaptive mask; and the method as it is printed."""
ROWS: tuple[str, ...] = (
    *(name + end for name in BACKBONES for end in ("", "+L&R")),
    *PLUG_INS,
    *ABLATION,
)
UNFILLED = "{}"
QUICK_STEPS = 40
"""Updates of a subject in a quick run: enough to see that a suite works, not to judge a method
by.
"""

Values = dict[str, list[float]]


def question_of(row: str) -> Question:
    """What a row asks for."""
    return {**PLUG_INS, **ABLATION}.get(row) or (RETOUCHED if row.endswith("+L&R") else ALONE)


def kind_of(row: str) -> TrainingMethod:
    """The kind of subject that a row draws."""
    return BACKBONES[ABLATED if row in ABLATION or row in PLUG_INS else row.removesuffix("+L&R")]


@dataclass
class RetouchSuite:
    """Subjects × prompts × seeds, for the asked rows. ``kept`` is a folder with subjects trained
    before.
    """

    bundle: ModelBundle
    cases: tuple[SubjectCase, ...]
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    quick: bool
    kept: Path | None = None
    compat: bool = False
    """With the quirks of the published script: the literal "{}" in the prompts, and DINO fed as
    there.
    """
    tiles: list[list[Tile]] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[ReportRow]:
        """One row per method; every subject's first and last prompt go to the sheet, with the
        first seed.
        """
        found: dict[str, Values] = {name: defaultdict(list) for name in self.methods}
        for case in self.cases:
            self._case(case, found)
        sentences = (
            (f"quick: subjects learned for {QUICK_STEPS} updates only",) if self.quick else ()
        )
        self.notes = (*sentences, *verdicts(found, tuple(BACKBONES), ABLATED))
        for name in self.methods:
            base = name.removesuffix("+L&R")
            paired = gains(found, name, base) if name != base and base in found else {}
            yield ReportRow(name, _metrics({**found[name], **paired}), self._require_encoder())

    def _require_encoder(self) -> int:
        return sum(len(case.prompts) for case in self.cases) * len(self.seeds)

    def _case(self, case: SubjectCase, found: dict[str, Values]) -> None:
        """All rows of one subject. Rows that ask for the same pictures share them."""
        lines = {
            prompt: [Tile(case.references[0], case.name)]
            for prompt in {case.prompts[0], case.prompts[-1]}
        }
        shared: dict[str, tuple[Values, list[list[Picture]]]] = {}
        subjects: dict[TrainingMethod, Adapter] = {}
        for name in self.methods:
            kind, question = kind_of(name), question_of(name)
            key = digest([kind, question[0], dict(question[1])])
            if kind not in subjects:
                subjects[kind] = self._subject(case, kind, found[name])
            if key not in shared:
                shared[key] = self.run_case(case, subjects[kind], name)
            values, made = shared[key]
            for metric, known in values.items():
                found[name][metric].extend(known)
            for prompt, line in lines.items():
                line.append(Tile(made[case.prompts.index(prompt)][0], name))
        self.tiles.extend(lines[prompt] for prompt in case.prompts if prompt in lines)

    def _subject(self, case: SubjectCase, kind: TrainingMethod, found: Values) -> Adapter:
        rules: SubjectRules = RULES[kind]
        if self.quick:
            rules = replace(rules, steps=QUICK_STEPS, prior_count=min(4, rules.prior_count))
        examples = SubjectExamples(case.references, case.class_word, kind)
        name = digest([examples.key, repr(rules), model_fingerprint(self.bundle)])[:16]
        path = None if self.kept is None else self.kept / f"{name}.safetensors"
        if path is not None and path.exists():
            return load_adapter(path)
        start = time.perf_counter()
        subject = train(SubjectTrainer(self.bundle, examples, rules))
        found["training_seconds"].append(time.perf_counter() - start)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_adapter(subject, path)
        return subject

    def run_case(
        self, case: SubjectCase, subject: Adapter, row: str
    ) -> tuple[Values, list[list[Picture]]]:
        """A row's figures for one subject, and its pictures by prompt."""
        values: Values = defaultdict(list)
        made: list[list[Picture]] = []
        for prompt in case.prompts:
            plan, pixels = self.plan(case, subject, prompt, row)
            start = time.perf_counter()
            made.append(self._draw(plan, pixels))
            values["seconds"].append((time.perf_counter() - start) / len(plan.seeds))
        every = [picture for pictures in made for picture in pictures]
        if "clip" in self.bundle.members:
            word = UNFILLED if self.compat else case.class_word
            sentences = [plain_prompt(prompt, word) for prompt in case.prompts for _ in self.seeds]
            values["t_clip"] = text_similarity(clip_of(self.bundle), every, sentences)
        for name, encoder in self._encoders():
            values[f"i_{name}"] = identities(encoder, every, case.references)
        if "judge" in self.bundle.members:
            self._judge(case, every, values)
        return values, made

    def _encoders(self) -> Iterator[tuple[str, Encoder]]:
        """Who compares pictures, by the metric's ending."""
        if "clip" in self.bundle.members:
            yield "clip", clip_of(self.bundle)
        if "image_encoder" in self.bundle.members:
            encoder = image_encoder_of(self.bundle)
            yield "dino", as_published(encoder) if self.compat else encoder

    def _draw(self, plan: Plan, pixels: MemoryPixels) -> list[Picture]:
        run = {**METHODS, **BASELINES}[plan.method].run(plan, self.bundle, pixels)
        return [picture for one in run if isinstance(one, Images) for picture in one.pictures]

    def plan(
        self, case: SubjectCase, subject: Adapter, prompt: str, row: str
    ) -> tuple[Plan, MemoryPixels]:
        """All seeds of a prompt in one plan, and its pixels."""
        method, options = question_of(row)
        pixels = MemoryPixels()
        reference = case.references[0]
        opaque = np.full((*reference.shape[:2], 1), 255, np.uint8)
        named = SubjectRef(
            subject=pixels.add_blob(adapter_to_bytes(subject)),
            reference=pixels.add_picture(np.concatenate([reference, opaque], axis=2)),
        )
        card = self.bundle.card
        settings = RunSettings(
            model=card.id, method="layout_retouch", steps=STEPS, guidance_scale=GUIDANCE
        )
        scene = Scene(width_px=card.native_px, height_px=card.native_px, prompt=prompt)
        plan = build_plan(scene, Compose(settings=settings, subject=named), card, pixels)
        changed: dict[str, Any] = {"seeds": self.seeds, "method": method, "options": dict(options)}
        return plan.model_copy(update=changed), pixels

    def _judge(self, case: SubjectCase, pictures: list[Picture], values: Values) -> None:
        judge: Judge = self.bundle.members.get("judge")
        maps = judge.classes(np.stack(pictures))
        values["inception_score"].append(inception_score(class_shares(maps)))
        if case.class_word not in CLASSES:
            return
        label = 1 + CLASSES.index(case.class_word)
        present = [class_present(one, label) for one in maps]
        boxes: list[PixelBox[int]] = [
            box_of(one == label) for one, there in zip(maps, present, strict=True) if there
        ]
        height, width = maps.shape[1:]
        values["class_present"] = [float(there) for there in present]
        outlines = true_outlines()
        pieces = [find_largest_piece(one == label) for one in maps]
        values["outline_iou"] = [outline_iou(piece, outlines[case.class_word]) for piece in pieces]
        values["nearest_outline"] = [
            float(find_nearest_outline(piece, outlines) == case.class_word) for piece in pieces
        ]
        values["centre_variance"].append(centre_variance(boxes, (width, height)))
        shown = tuple(
            crop_around(picture, box_of(one == label))
            for picture, one in zip(
                case.references, judge.classes(np.stack(case.references)), strict=True
            )
            if class_present(one, label)
        )
        cut = [
            crop_around(picture, box_of(one == label)) if there else None
            for picture, one, there in zip(pictures, maps, present, strict=True)
        ]
        for name, encoder in self._encoders():
            values[f"subject_{name}"] = compare_crops(encoder, cut, shown)


def identities(
    encoder: Encoder, made: list[Picture], references: tuple[Picture, ...]
) -> list[float]:
    """Of each picture its mean cosine with all references: their mean is I_CLIP or I_DINO."""
    return [
        float(value) for value in (vectors(encoder, made) @ vectors(encoder, references).T).mean(1)
    ]


def compare_crops(
    encoder: Encoder, cut: Sequence[Picture | None], references: tuple[Picture, ...]
) -> list[float]:
    """The same of squares around the subject; NaN where a picture (None) or all references do not
    show it.

    Whole pictures are less alike the better they follow a prompt to other places and companions;
    these are not.
    """
    known = [one for one in cut if one is not None]
    if not known or not references:
        return [float("nan")] * len(cut)
    found = iter(identities(encoder, known, references))
    return [float("nan") if one is None else next(found) for one in cut]


def class_shares(maps: NDArray[np.int64]) -> NDArray[np.float64]:
    """p(y|x) of each picture (n, h, w): how much of it each class covers, the background
    included: (n, classes + 1).
    """
    return np.stack(
        [np.bincount(one.ravel(), minlength=len(CLASSES) + 1) / one.size for one in maps]
    )


def _metrics(found: Mapping[str, list[float]]) -> dict[str, Metric | float]:
    known = {
        key: [value for value in values if not np.isnan(value)] for key, values in found.items()
    }
    return {key: build_metric(values) for key, values in known.items() if values}
