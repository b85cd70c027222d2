"""Rows of paper silhouettes that a whole picture draws: in the whole alone, and close up after it.

Scenes of toys and silhouettes that nobody chose, at their default dials. Each silhouette is held
against the true drawing of the same toy in the same place, which the run has never seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from backend.evaluation.asking import run_plan
from backend.evaluation.collage_scenes import build_random_scene
from backend.evaluation.report import ReportRow, Tile, build_metric
from backend.metrics.outline import edge_energy, psnr_within
from backend.metrics.similarity import box_of, crop_around, image_similarity
from backend.models.bundle import ModelBundle
from backend.models.image_encoder import image_encoder_of
from backend.plan.build import build_plan
from backend.plan.raster import raster
from backend.plan.request import Compose, RunSettings
from backend.pocket.examples import ExampleScene, build_example
from backend.scene.composite import flatten_scene
from backend.scene.imaging.arrays import Mask, Picture
from backend.scene.scene import Scene


@dataclass(frozen=True, eq=False)
class ToyScene:
    """A scene with silhouettes.

    Attributes:
        example: its toys.
        truth: the scene with every silhouette as the toy that it is cut from, uint8 (h, w, 3).
    """

    example: ExampleScene
    truth: Picture = field(repr=False)


def build_toy_scenes(count: int, seed: int) -> tuple[ToyScene, ...]:
    """``count`` scenes with at least one silhouette each, by the seed of a world."""
    found: list[ToyScene] = []
    number = 0
    while len(found) < count:
        example = build_random_scene(1000 * seed + number)
        number += 1
        if any(toy.paper for toy in example.toys):
            drawn = tuple(replace(toy, paper=False) for toy in example.toys)
            scene, pixels, _ = build_example(replace(example, toys=drawn))
            found.append(ToyScene(example, flatten_scene(scene, pixels)))
    return tuple(found)


@dataclass
class Silhouettes:
    """The rows of both ways; what was drawn is kept for the sheet."""

    bundle: ModelBundle
    scenes: tuple[ToyScene, ...]
    tiles: list[list[Tile]] = field(default_factory=list)

    def rows(self) -> Iterator[ReportRow]:
        """Likeness to the true toys by the image encoder, PSNR (dB) and edge energy within them."""
        for name, close_ups in (("paper_in_whole", False), ("paper_close_up", True)):
            found: dict[str, list[float]] = {"likeness": [], "object_psnr": [], "edge_energy": []}
            tiles = []
            for number, one in enumerate(self.scenes):
                picture = self._draw(one, number, close_ups, found)
                tiles.append(Tile(picture, name))
            self.tiles.append(tiles[:8])
            metrics = {metric: build_metric(values) for metric, values in found.items()}
            yield ReportRow(name, metrics, len(found["likeness"]))

    def _draw(
        self, one: ToyScene, seed: int, close_ups: bool, found: dict[str, list[float]]
    ) -> Picture:
        scene, pixels, _ = build_example(one.example)
        settings = RunSettings(model=self.bundle.card.id, seed=seed, count=1)
        asked = Compose(settings=settings, close_ups=close_ups)
        plan = build_plan(scene, asked, self.bundle.card, pixels)
        topmost = raster(plan, pixels).topmost
        picture = run_plan(self.bundle, plan, pixels)[0]
        for number in _number_silhouettes(one.example, scene):
            seen: Mask = topmost == number
            if seen.any():
                self._measure(picture, one.truth, seen, found)
        return picture

    def _measure(
        self, picture: Picture, truth: Picture, seen: Mask, found: dict[str, list[float]]
    ) -> None:
        pair = [[crop_around(whole, box_of(seen))] for whole in (picture, truth)]
        found["likeness"] += image_similarity(image_encoder_of(self.bundle), *pair)
        found["object_psnr"].append(psnr_within(picture, truth, seen))
        found["edge_energy"].append(edge_energy(picture, seen) / edge_energy(truth, seen))


def _number_silhouettes(example: ExampleScene, scene: Scene) -> list[int]:
    """The places of silhouettes among a scene's layers, counted from 1; the first is the place."""
    first = len(scene.layers) - len(example.toys)
    return [first + number for number, toy in enumerate(example.toys, start=1) if toy.paper]
