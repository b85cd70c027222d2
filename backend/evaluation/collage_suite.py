"""Collage Diffusion's methods side by side on scenes: does each object come out, and where it was put?"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.asking import HELD_OUT_WORLD, run_plan, scene_of_drawing, settings_for
from backend.evaluation.likeness import layer_likeness
from backend.evaluation.report import Metric, Row, build_metric
from backend.evaluation.sheet import Tile
from backend.engine.look_learning import Rules
from backend.methods.textual_inversion import finished, learn_looks, lessons_of
from backend.metrics.recognition import colour_mask, colour_right, mask_iou
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import Compose, OptionValue
from backend.pocket.judge import Judge, load_judge
from backend.pocket.sprites import PALETTE
from backend.pocket.words import CLASSES, COLOURS
from backend.pocket.world import draw_scene
from backend.scene.layer import Layer, Placement
from backend.scene.look import look_picture
from backend.scene.openraster import read_ora
from backend.scene.pixels import MemoryPixels
from backend.scene.scene import Scene

METHODS: dict[str, dict[str, OptionValue]] = {
    "GH": {"attention": False, "layer_noise": False, "looks": False, "strength": 0.8},
    "GH+CA": {"attention": True, "layer_noise": False, "looks": False, "strength": 0.8},
    "GH+CA+LN": {"attention": True, "layer_noise": True, "looks": False},
    "GH+CA+TI": {"attention": True, "layer_noise": False, "looks": True, "strength": 0.8},
    "GH+CA+TI+LN": {"attention": True, "layer_noise": True, "looks": True},
}
"""The paper's ladder (table 1; its strengths are .7 to .8), and LN without the looks, which need no learning."""
ORDERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("image_similarity", ("GH", "GH+CA", "GH+CA+TI", "GH+CA+TI+LN")),
    ("text_similarity", ("GH", "GH+CA")),
)
"""What the paper finds to rise: .846 .867 .877 .893 by image, .215 .236 by text."""
LEARNING = Rules(steps=60, samples=3, check_every=10, rate_share=0.1)
"""Shorter and faster than the default: small latents settle soon, and seven scenes must be learned in minutes."""

CUTOUT = Layer(
    id="t",
    mask="0" * 64,
    placement=Placement(centre_x_px=0, centre_y_px=0),
    noise=0.7,
    attention_positive=1.0,
    attention_negative=1.0,
)


@dataclass(frozen=True)
class Case:
    """A scene to be made."""

    name: str
    scene: Scene
    pixels: MemoryPixels
    plate: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8), repr=False)
    """The place without its objects, uint8 (h, w, 3) at generation size; empty where nobody knows it."""


@dataclass
class CollageSuite:
    """Scenes × methods × seeds."""

    bundle: ModelBundle
    judges: tuple[Judge, ...]
    """The judge, where the family has one; without it only the colours are scored."""
    cases: tuple[Case, ...]
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    tiles: list[list[Tile]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """One row per method; the first seed of every scene goes to the sheet."""
        found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in self.methods}
        for case in self.cases:
            case, line = self.taught(case), []
            for name in self.methods:
                pictures = self.run_case(case, name, found[name])
                line.append(Tile(pictures[0], f"{name} {case.name}"))
            plan = self.plan(case, self.methods[0])
            self.tiles.append([Tile(raster(plan, case.pixels).picture, "collage"), *line])
        for name in self.methods:
            metrics: dict[str, Metric | float] = {key: build_metric(v) for key, v in found[name].items() if v}
            yield Row(name, metrics, len(self.cases) * len(self.seeds))
        self.remarks.extend(broken_orders(found))

    def taught(self, case: Case) -> Case:
        """The case with a look for every layer that has words and a picture, where any method uses looks."""
        if not any(METHODS[name]["looks"] for name in self.methods):
            return case
        plan = self.plan(case, self.methods[0])
        able = [layer.layer_id for layer in plan.layers if layer.phrase and layer.picture]
        start = time.perf_counter()
        looks = finished(learn_looks(self.bundle, lessons_of(plan, case.pixels, able), LEARNING))
        self.remarks.append(f"looks of {case.name}: {time.perf_counter() - start:.0f} s for {len(looks)} layers")
        digests = {name: case.pixels.add_picture(look_picture(look)) for name, look in looks.items()}
        layers = tuple(
            layer.model_copy(update={"look": digests.get(layer.id, layer.look)}) for layer in case.scene.layers
        )
        return replace(case, scene=case.scene.model_copy(update={"layers": layers}))

    def plan(self, case: Case, method: str) -> Plan:
        """The plan of a case: all seeds in one, batches as usual."""
        settings = settings_for(self.bundle.card.id, self.seeds[0], METHODS[method])
        settings = settings.model_copy(update={"count": len(self.seeds)})
        plan = build_plan(case.scene, Compose(settings=settings), self.bundle.card, case.pixels)
        return plan.model_copy(update={"seeds": self.seeds})

    def run_case(self, case: Case, method: str, found: dict[str, list[float]]) -> list[NDArray[np.uint8]]:
        """Make a case's pictures and add their figures to ``found``."""
        plan = self.plan(case, method)
        start = time.perf_counter()
        pictures = list(run_plan(self.bundle, plan, case.pixels))
        found["seconds"].append((time.perf_counter() - start) / len(pictures))
        if "clip" in self.bundle.members:
            for name, values in layer_likeness(clip_of(self.bundle), plan, case.pixels, case.plate, pictures):
                found[name].extend(values)
        topmost = raster(plan, case.pixels).topmost
        seen = [judge.look(np.stack(pictures)) for judge in self.judges]
        for number, layer in enumerate(plan.layers, start=1):
            label, colour = label_of(layer.phrase, CLASSES), label_of(layer.phrase, COLOURS)
            region = topmost == number
            if not label or not region.any():
                continue
            if colour and case.plate.size:
                masks = [colour_mask(made, case.plate, COLOURS[colour - 1], PALETTE) for made in pictures]
                found["colour_iou"].extend(mask_iou(mask, region) for mask in masks)
                found["colour_in_region"].extend(float(mask[region].mean()) for mask in masks)
            for classes, colours in seen:
                found["mask_iou"].extend(mask_iou(class_map == label, region) for class_map in classes)
                pairs = zip(classes, colours, strict=True)
                found["class_and_colour"].extend(float(colour_right(a, b, label, colour)) for a, b in pairs)
        return pictures


def broken_orders(found: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[str]:
    """A sentence for each step of the paper's orders that does not hold here."""
    for metric, order in ORDERS:
        present = [name for name in order if found.get(name, {}).get(metric)]
        for lower, higher in pairwise(present):
            means = [float(np.nanmean(found[name][metric])) for name in (lower, higher)]
            if means[1] <= means[0]:
                yield f"{metric} does not rise from {lower} to {higher}: {means[0]:.3f} and {means[1]:.3f}"


def label_of(phrase: str, words: Sequence[str]) -> int:
    """1 + the index of the first of ``words`` that stands in the phrase; 0 when none does."""
    spoken = phrase.lower().split()
    return next((index for index, word in enumerate(words, start=1) if word in spoken), 0)


def drawn_cases(world_seed: int, count: int, side_px: int) -> tuple[Case, ...]:
    """Fresh worlds with two objects each, as cut-outs over their empty place, never seen in training."""
    cases = []
    for number in range(count):
        drawing = draw_scene(HELD_OUT_WORLD + 50_000 + world_seed * 1000 + number, side_px, (2, 3))
        scene, pixels = scene_of_drawing(drawing, list(drawing.cutouts), CUTOUT)
        cases.append(Case(f"world {number}", scene, pixels, drawing.plate))
    return tuple(cases)


def opened_cases(folder: Path) -> tuple[Case, ...]:
    """Every ``.ora`` of a folder, by name."""
    opened = [(path.stem, read_ora(path.read_bytes())) for path in sorted(folder.glob("*.ora"))]
    return tuple(Case(name, found.scene, found.pixels) for name, found in opened)


def build_collage_suite(
    bundle: ModelBundle, judge_folder: Path, cases: tuple[Case, ...], seeds: tuple[int, ...], methods: tuple[str, ...]
) -> CollageSuite:
    """The suite over a leased bundle."""
    judges = (load_judge(judge_folder),) if judge_folder.is_dir() else ()
    return CollageSuite(bundle, judges, cases, seeds, methods)
