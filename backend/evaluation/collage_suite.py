"""Collage Diffusion's methods side by side on scenes: does each object come out, and where it was
put?
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.asking import run_plan, settings_for
from backend.evaluation.collage_methods import METHODS, Dials, orders, set_dials
from backend.evaluation.forms import score_outlines_at
from backend.evaluation.likeness import layer_likeness
from backend.evaluation.report import Metric, ReportRow, ResultCache, Tile, build_metric
from backend.methods.textual_inversion import examples_of
from backend.metrics.recognition import colour_mask, colour_right, mask_iou
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.judge import Judge, load_judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import Compose
from backend.pocket.world.sprites import PALETTE
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.embedding import Embedding, embedding_to_bytes
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer, Placement
from backend.scene.records import PictureDigest
from backend.scene.scene import Scene
from backend.training.prompts import fingerprint
from backend.training.textual_inversion import EmbeddingRules, EmbeddingTrainer
from backend.training.trainer import train

LEARNING = EmbeddingRules(steps=60, samples=2, check_every=10, rate_share=0.15)
"""Shorter and faster than the default: small latents settle soon, and seven scenes must be learned
in minutes. After 24 steps a look already tells colours; after 48 the loss still falls a little."""

CUTOUT = Layer(
    id="t",
    mask=PictureDigest("0" * 64),
    placement=Placement(centre_x_px=0, centre_y_px=0),
    strength=0.7,
    attention_positive=1.0,
    attention_negative=1.0,
)


TOGETHER = 5
"""Candidates of a batch: so a run of five seeds is half of one of ten, and what was kept of it is
used again.
"""
Figures = dict[str, list[float]]


@dataclass(frozen=True)
class CollageCase:
    """A scene to be made."""

    name: str
    scene: Scene
    pixels: MemoryPixels
    plate: NDArray[np.uint8] = field(
        default_factory=lambda: np.zeros((0, 0, 3), np.uint8), repr=False
    )
    """The place without its objects, uint8 (h, w, 3) at generation size; empty where nobody knows
    it.
    """
    dials: Dials = "scene"
    """Who sets them where the row does not say; drawn scenes come without."""
    embeddings: Mapping[str, str] = field(default_factory=dict)
    """What layers show, by id, where their phrase does not say all of it: the judge looks for this.
    """


@dataclass
class CollageSuite:
    """Scenes × methods × seeds."""

    bundle: ModelBundle
    judges: tuple[Judge, ...]
    """The judge, where the family has one; without it only the colours are scored."""
    cases: tuple[CollageCase, ...]
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    kept: ResultCache = field(default_factory=ResultCache)
    """Pictures and looks that are made already."""
    tiles: list[list[Tile]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[ReportRow]:
        """One row per method; the first seed of every scene goes to the sheet."""
        found: dict[str, Figures] = {name: defaultdict(list) for name in self.methods}
        given: Figures = defaultdict(list)
        for case in self.cases:
            case, line = self.with_embeddings(case), []
            for name in self.methods:
                pictures, figures = self.run_case(case, name)
                line.append(Tile(pictures[0], f"{name} {case.name}"))
                for metric, values in figures.items():
                    (given if metric.startswith("given_") else found[name])[metric].extend(values)
            plan = self.plan(case, self.methods[0])
            self.tiles.append([Tile(raster(plan, case.pixels).picture, "collage"), *line])
        for name in self.methods:
            metrics: dict[str, Metric | float] = {
                key: build_metric(v) for key, v in found[name].items() if v
            }
            yield ReportRow(name, metrics, len(self.cases) * len(self._seeds(name)))
        if given:
            own = {
                key.removeprefix("given_"): build_metric(values[:: len(self.methods)])
                for key, values in given.items()
            }
            yield ReportRow("(layers as given)", own, len(self.cases))
        self.notes.extend(orders(found))

    def with_embeddings(self, case: CollageCase) -> CollageCase:
        """The case with a look for every object that has words and a picture, where any method uses
        looks.

        What covers the whole picture is a place ("in a room"), and a look before its words would be
        no adjective.
        """
        if not any(METHODS[name].embeddings for name in self.methods):
            return case
        plan = self.plan(case, self.methods[0])
        objects = [not (alpha > 0.5).all() for alpha in raster(plan, case.pixels).alphas]
        pairs = zip(plan.layers, objects, strict=True)
        able = [
            layer.id for layer, is_object in pairs if is_object and layer.phrase and layer.picture
        ]
        examples = examples_of(plan, case.pixels, able)

        def learn() -> dict[str, NDArray[np.generic]]:
            embeddings = train(EmbeddingTrainer(self.bundle, examples, LEARNING))
            return {name: embedding.vector for name, embedding in embeddings.items()}

        looks = self.kept.arrays(
            " ".join((*(example.key for example in examples), repr(LEARNING))), learn
        )
        digests = {
            name: case.pixels.add_blob(
                embedding_to_bytes(Embedding(vector.astype(np.float32), fingerprint(self.bundle)))
            )
            for name, vector in looks.items()
        }
        layers = tuple(
            layer.model_copy(update={"embedding": digests.get(layer.id, layer.embedding)})
            for layer in case.scene.layers
        )
        return replace(case, scene=case.scene.model_copy(update={"layers": layers}))

    def plan(self, case: CollageCase, method: str) -> Plan:
        """The plan of a case: all seeds in one."""
        recipe, seeds = METHODS[method], self._seeds(method)
        settings = settings_for(self.bundle.card.id, seeds[0], recipe.options)
        settings = settings.model_copy(update={"count": len(seeds), "method": recipe.method})
        dials = case.dials if recipe.dials == "scene" else recipe.dials
        scene = set_dials(case.scene, dials, self.bundle.card, case.pixels)
        plan = build_plan(scene, Compose(settings=settings), self.bundle.card, case.pixels)
        return plan.model_copy(update={"seeds": seeds, "batch": TOGETHER})

    def _seeds(self, method: str) -> tuple[int, ...]:
        return self.seeds if METHODS[method].seeded else self.seeds[:1]

    def run_case(self, case: CollageCase, method: str) -> tuple[list[Picture], Figures]:
        """A case's pictures, and their figures: of every metric one value a picture, the mean over
        its layers.
        """
        plan = self.plan(case, method)
        pictures, seconds = self._make(plan, case)
        rows: dict[str, list[Sequence[float]]] = defaultdict(list)
        if "clip" in self.bundle.members:
            clip = clip_of(self.bundle)
            for name, values in layer_likeness(
                clip, plan, case.pixels, case.plate, pictures, case.embeddings
            ):
                rows[name].append(values)
        for name, values in self._recognise(plan, case, pictures):
            rows[name].append(values)
        means = {name: np.mean(values, axis=0).tolist() for name, values in rows.items()}
        return pictures, {**means, "seconds": [seconds]}

    def _make(self, plan: Plan, case: CollageCase) -> tuple[list[Picture], float]:
        """A plan's pictures, and how long each took when it was made. A batch is kept at a time."""
        pictures: list[Picture] = []
        seconds = 0.0
        for start in range(0, len(plan.seeds), plan.batch):
            part = plan.model_copy(update={"seeds": plan.seeds[start : start + plan.batch]})
            found = self.kept.arrays(part.digest(), partial(self._time, part, case))
            pictures.extend(found["pictures"].astype(np.uint8))
            seconds += float(found["seconds"])
        return pictures, seconds / len(pictures)

    def _time(self, plan: Plan, case: CollageCase) -> dict[str, NDArray[np.generic]]:
        start = time.perf_counter()
        pictures = np.stack(run_plan(self.bundle, plan, case.pixels))
        return {"pictures": pictures, "seconds": np.array(time.perf_counter() - start)}

    def _recognise(
        self, plan: Plan, case: CollageCase, pictures: Sequence[Picture]
    ) -> Iterator[tuple[str, list[float]]]:
        """What the judge and the world's colours say of every object."""
        topmost = raster(plan, case.pixels).topmost
        seen = [judge.look(np.stack(pictures)) for judge in self.judges]
        for number, layer in enumerate(plan.layers, start=1):
            shown = case.embeddings.get(layer.id, layer.phrase)
            label, colour = label_of(shown, CLASSES), label_of(shown, COLOURS)
            region = topmost == number
            if not label or not region.any():
                continue
            if colour and case.plate.size:
                masks = [
                    colour_mask(made, case.plate, COLOURS[colour - 1], PALETTE) for made in pictures
                ]
                yield "colour_iou", [mask_iou(mask, region) for mask in masks]
            for classes, colours in seen:
                yield "mask_iou", [mask_iou(class_map == label, region) for class_map in classes]
                yield from score_outlines_at(classes, region, CLASSES[label - 1])
                pairs = zip(classes, colours, strict=True)
                yield (
                    "class_and_colour",
                    [float(colour_right(a, b, label, colour)) for a, b in pairs],
                )


def label_of(phrase: str, words: Sequence[str]) -> int:
    """1 + the index of the first of ``words`` that stands in the phrase; 0 when none does."""
    phrases = phrase.lower().split()
    return next((index for index, word in enumerate(words, start=1) if word in phrases), 0)


def judges_in(folder: Path) -> tuple[Judge, ...]:
    """The judge of a folder, if it lies there."""
    return (load_judge(folder),) if folder.is_dir() else ()
