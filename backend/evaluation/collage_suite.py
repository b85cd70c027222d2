"""Collage Diffusion's methods side by side on scenes: does each object come out, and where it was put?"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from backend.engine.classroom import finished, learn_looks
from backend.engine.look_learning import Rules
from backend.evaluation.asking import HELD_OUT_WORLD, run_plan, scene_of_drawing, settings_for
from backend.evaluation.likeness import layer_likeness
from backend.evaluation.report import Metric, Row, build_metric
from backend.evaluation.sheet import Tile
from backend.methods.textual_inversion import lessons_of
from backend.metrics.recognition import colour_mask, colour_right, mask_iou
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import Compose, OptionValue
from backend.pocket.judge import Judge, load_judge
from backend.pocket.sprites import PALETTE
from backend.pocket.words import CLASSES, COLOURS, build_caption
from backend.pocket.world import draw_scene
from backend.scene.layer import Layer, Placement
from backend.scene.look import look_picture
from backend.scene.openraster import read_ora
from backend.scene.pixels import MemoryPixels
from backend.scene.scene import Scene


@dataclass(frozen=True)
class Recipe:
    """A row of the table: the method's id and options, and whether looks are learned for it."""

    method: str
    options: Mapping[str, OptionValue]
    looks: bool = False
    seeded: bool = True
    """False for a method that makes one picture whatever the seed."""


def _ladder(attention: bool, looks: bool, layer_noise: bool) -> Recipe:
    strength: dict[str, OptionValue] = {} if layer_noise else {"strength": 0.8}
    options = {"attention": attention, "layer_noise": layer_noise, "looks": looks, **strength}
    return Recipe("collage", MappingProxyType(options), looks)


METHODS: Mapping[str, Recipe] = MappingProxyType(
    {
        "SA": Recipe("plug-and-play", MappingProxyType({}), seeded=False),
        "GH": _ladder(attention=False, looks=False, layer_noise=False),
        "GH+CA": _ladder(attention=True, looks=False, layer_noise=False),
        "GH+CA+TI": _ladder(attention=True, looks=True, layer_noise=False),
        "GH+CA+LN": _ladder(attention=True, looks=False, layer_noise=True),
        "GH+CA+TI+LN": _ladder(attention=True, looks=True, layer_noise=True),
        "DifferentialDiffusion": Recipe("differential", MappingProxyType({})),
        "PaintWithWords": Recipe("painted-words", MappingProxyType({})),
    }
)
"""The paper's table 1 (its strengths are .7 to .8), LN without the looks, which need no learning, and relatives."""
LADDER = ("SA", "GH", "GH+CA", "GH+CA+TI", "GH+CA+LN", "GH+CA+TI+LN")
"""What is run when no methods are named."""
ORDERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("image_similarity", ("GH", "GH+CA", "GH+CA+TI", "GH+CA+TI+LN")),
    ("text_similarity", ("GH", "GH+CA")),
)
"""What the paper finds to rise: .846 .867 .877 .893 by image, .215 .236 by text."""
LEARNING = Rules(steps=60, samples=3, check_every=10, rate_share=0.15)
"""Shorter and faster than the default: small latents settle soon, and seven scenes must be learned in minutes. After 24
steps a look already tells colours; after 48 the loss still falls a little."""

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
    looks: Mapping[str, str] = field(default_factory=dict)
    """What layers show, by id, where their phrase does not say all of it: the judge looks for this."""


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
            yield Row(name, metrics, len(self.cases) * len(self._seeds(name)))
        self.remarks.extend(orders(found))

    def taught(self, case: Case) -> Case:
        """The case with a look for every object that has words and a picture, where any method uses looks.

        What covers the whole picture is a place ("in a room"), and a look before its words would be no adjective.
        """
        if not any(METHODS[name].looks for name in self.methods):
            return case
        plan = self.plan(case, self.methods[0])
        objects = [not (alpha > 0.5).all() for alpha in raster(plan, case.pixels).alphas]
        pairs = zip(plan.layers, objects, strict=True)
        able = [layer.layer_id for layer, is_object in pairs if is_object and layer.phrase and layer.picture]
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
        recipe, seeds = METHODS[method], self._seeds(method)
        settings = settings_for(self.bundle.card.id, seeds[0], recipe.options)
        settings = settings.model_copy(update={"count": len(seeds), "method": recipe.method})
        plan = build_plan(case.scene, Compose(settings=settings), self.bundle.card, case.pixels)
        return plan.model_copy(update={"seeds": seeds})

    def _seeds(self, method: str) -> tuple[int, ...]:
        return self.seeds if METHODS[method].seeded else self.seeds[:1]

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
            shown = case.looks.get(layer.layer_id, layer.phrase)
            label, colour = label_of(shown, CLASSES), label_of(shown, COLOURS)
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


def orders(found: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[str]:
    """A sentence for each step of the paper's orders: the mean rise over scenes, layers and seeds, and its interval."""
    for metric, order in ORDERS:
        present = [name for name in order if found.get(name, {}).get(metric)]
        for lower, higher in pairwise(present):
            rise = build_metric(np.subtract(found[higher][metric], found[lower][metric]).tolist())
            verdict = "rises" if rise.mean > 0 else "does NOT rise"
            low, high = rise.ci95
            sure = "" if low > 0 or high < 0 else " (not certain)"
            yield f"{metric} {verdict} from {lower} to {higher}: {rise.mean:+.3f} [{low:+.3f}, {high:+.3f}]{sure}"


def label_of(phrase: str, words: Sequence[str]) -> int:
    """1 + the index of the first of ``words`` that stands in the phrase; 0 when none does."""
    spoken = phrase.lower().split()
    return next((index for index, word in enumerate(words, start=1) if word in spoken), 0)


def drawn_cases(world_seed: int, count: int, side_px: int) -> tuple[Case, ...]:
    """Fresh worlds with two or three objects, as cut-outs over their empty place, never seen in training.

    Their layers are named by what they are, not by how they look (see ``collage_scenes``).
    """
    cases = []
    for number in range(count):
        drawing = draw_scene(HELD_OUT_WORLD + 50_000 + world_seed * 1000 + number, side_px, (2, 3))
        scene, pixels = scene_of_drawing(drawing, list(drawing.cutouts), CUTOUT)
        case = Case(f"world {number}", scene, pixels, drawing.plate)
        cases.append(named_by_class(case, drawing.background))
    return tuple(cases)


def named_by_class(case: Case, background: str) -> Case:
    """The case with every object's phrase cut down to its class ("red striped ball" to "ball"), prompt included."""
    looks = {layer.id: layer.phrase for layer in case.scene.layers if label_of(layer.phrase, CLASSES)}
    short = {name: CLASSES[label_of(phrase, CLASSES) - 1] for name, phrase in looks.items()}
    layers = tuple(
        layer.model_copy(update={"phrase": short.get(layer.id, layer.phrase)}) for layer in case.scene.layers
    )
    prompt = build_caption(list(short.values()), background)
    return replace(case, scene=case.scene.model_copy(update={"layers": layers, "prompt": prompt}), looks=looks)


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
