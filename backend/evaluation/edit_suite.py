"""Edits of finished pictures, and structure per layer, on many drawn scenes: what must hold always
or nearly so.

``python -m backend.evaluation collage --edits``. Drawn pictures stand for finished ones, so that
nothing need be made before it is edited, and so that it is known what is where. The judge looks at
what came out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.evaluation.asking import GUIDANCE, HELD_OUT_WORLD, scene_of_drawing
from backend.evaluation.collage_suite import CUTOUT
from backend.evaluation.report import Metric, ReportRow, Tile, build_metric
from backend.methods.catalog import RUNNABLE
from backend.methods.move import shift
from backend.metrics.outline import edge_f1
from backend.models.bundle import ModelBundle
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES
from backend.plan.build import build_plan
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import Compose, OptionValue, Reroll, RunSettings
from backend.plan.structure import structure_of
from backend.pocket.world.world import Drawing, draw_layout, draw_scene
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.arrays import Mask, Picture
from backend.scene.imaging.mask import is_painted
from backend.scene.imaging.paste import mix
from backend.scene.layer import Structure
from backend.scene.records import PictureDigest
from backend.scene.scene import Scene

WORLDS = HELD_OUT_WORLD + 80_000
STEPS = 16
"""Enough for a hole and a rim; what is counted here does not hang on fine detail."""
FEATHER_PX = 4
GONE, PRESENT = 0.1, 0.5
"""An object is gone where the judge sees its class on less than a tenth of its old place, and
there where on half.
"""
REACH = np.ones((7, 7), np.bool_)
"""Edges count up to 3 px beyond a layer: the outline itself lies on its border."""
SHOWN = 8
"""Scenes on the picture sheet."""


@dataclass(frozen=True, eq=False)
class _World:
    """A drawn scene as layers; its picture lies in ``pixels`` as ``source``."""

    number: int
    drawing: Drawing
    scene: Scene
    pixels: MemoryPixels
    source: PictureDigest


@dataclass(frozen=True)
class MoveCase:
    """An object of a drawing and by how much it is moved, in pixels."""

    index: int
    dx_px: int
    dy_px: int


@dataclass
class EditSuite:
    """``count`` scenes: one object of each re-rolled, one moved, a stroke painted in, and the
    edges of one held.
    """

    bundle: ModelBundle
    judge: Judge
    count: int
    world_seed: int
    tiles: list[list[Tile]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[ReportRow]:
        """A row for every kind of edit."""
        edits = {
            "reroll": self._measure_reroll,
            "move": self._measure_moved,
            "mix": self._measure_mixed,
            "structure": self._measure_held,
        }
        found: dict[str, dict[str, list[float]]] = {name: {} for name in edits}
        for number in range(self.count):
            world, line = self._world(number), []
            for name, edit in edits.items():
                start = time.perf_counter()
                picture, figures = edit(world)
                figures["seconds"] = time.perf_counter() - start
                line.append(Tile(picture, name))
                for metric, value in figures.items():
                    found[name].setdefault(metric, []).append(value)
            if number < SHOWN:
                self.tiles.append([Tile(world.drawing.picture, f"scene {number}"), *line])
        for name, figures_of in found.items():
            metrics: dict[str, Metric | float] = {
                key: build_metric(values) for key, values in figures_of.items()
            }
            yield ReportRow(name, metrics, len(figures_of["seconds"]))

    def _world(self, number: int) -> _World:
        drawing = draw_scene(
            WORLDS + 1000 * self.world_seed + number, self.bundle.card.native_px, (2, 3)
        )
        scene, pixels = scene_of_drawing(drawing, list(drawing.cutouts), CUTOUT)
        opaque = np.dstack([drawing.picture, np.full(drawing.picture.shape[:2], 255, np.uint8)])
        return _World(number, drawing, scene, pixels, pixels.add_picture(opaque))

    def _measure_reroll(self, world: _World) -> tuple[Picture, dict[str, float]]:
        """One object again; all beyond its feather must be the source, byte for byte."""
        index = world.number % len(world.scene.layers)
        plan = self._reroll_plan(world, index, "collage", {})
        picture = self._make(plan, world).pictures[0]
        within = is_painted(raster(plan, world.pixels).alphas[0])
        far = (
            ndimage.distance_transform_edt(~within) > FEATHER_PX
        )  # counted apart from the method's own count
        return picture, {
            "changed_outside": float((picture != world.drawing.picture).any(axis=-1)[far].sum())
        }

    def _measure_mixed(self, world: _World) -> tuple[Picture, dict[str, float]]:
        """A soft stroke of another picture painted in: all that the brush did not touch is the
        source.
        """
        other = draw_scene(WORLDS - 1 - world.number, self.bundle.card.native_px, (2, 3)).picture
        mask = stroke(world.drawing.picture.shape[:2], np.random.default_rng((world.number, 5)))
        picture, _ = mix(world.drawing.picture, other, mask)
        differs: Mask = (picture != world.drawing.picture).any(axis=-1)
        there: Mask = (picture == other).all(axis=-1)[mask == 255]
        figures = {
            "changed_outside": float(differs[mask == 0].sum()),
            "painted": float(there.mean()),
        }
        return picture, figures

    def _measure_moved(self, world: _World) -> tuple[Picture, dict[str, float]]:
        """One object moved: gone there, present here, all else the same; and whether the judge
        knows it when the world itself draws it there, which no method can be asked to better."""
        move = choose_move(world.drawing, np.random.default_rng(world.number))
        options: dict[str, OptionValue] = {"dx_px": move.dx_px, "dy_px": move.dy_px}
        made = self._make(self._reroll_plan(world, move.index, "move", options), world)
        label = CLASSES.index(world.drawing.placements[move.index].class_) + 1
        drawn = draw_moved(world.drawing, move, WORLDS + 1000 * self.world_seed + world.number)
        present: Mask = self.judge.classes(np.stack([made.pictures[0], drawn])) == label
        seen, ideal = present[0], present[1]
        old, new = places_of(world.drawing, move, label)
        return made.pictures[0], {
            "changed_outside": float(made.images[0].changed_outside or 0),
            "class_gone": float(not old.any() or seen[old].mean() < GONE),
            "class_present": float(seen[new].mean() >= PRESENT),
            "present_if_drawn": float(ideal[new].mean() >= PRESENT),
        }

    def _measure_held(self, world: _World) -> tuple[Picture, dict[str, float]]:
        """Two pictures from noise: the edges of one object held and of the others free, then the
        other way round.

        So every object is measured both ways, and a toy of few lines counts on both sides.
        """
        count, one = len(world.scene.layers), world.number % len(world.scene.layers)
        asked = self._measure_structure(world, [1.0] * count)
        flat = raster(asked, world.pixels)
        edges = structure_of(asked, flat, world.pixels).edges
        near = [
            ndimage.binary_dilation(flat.topmost == number, REACH) for number in range(1, count + 1)
        ]
        pictures: list[Picture] = []
        held: list[float] = []
        free: list[float] = []
        for weights in (
            [float(index == one) for index in range(count)],
            [float(index != one) for index in range(count)],
        ):
            picture = self._make(self._measure_structure(world, weights), world).pictures[0]
            pictures.append(picture)
            for weight, place in zip(weights, near, strict=True):
                (held if weight else free).append(edge_f1(picture, edges, place))
        figures = {"edge_f1_held": float(np.nanmean(held)), "edge_f1_free": float(np.nanmean(free))}
        return pictures[0], figures | {
            "edge_f1_gain": figures["edge_f1_held"] - figures["edge_f1_free"]
        }

    def _measure_structure(self, world: _World, weights: list[float]) -> Plan:
        layers = tuple(
            layer.model_copy(
                update={"strength": 1.0, "structure": Structure(kind="edges", weight=weight)}
            )
            for layer, weight in zip(world.scene.layers, weights, strict=True)
        )
        scene = world.scene.model_copy(update={"layers": layers})
        request = Compose(settings=self._settings(world, "collage", {"attention": False}))
        return build_plan(scene, request, self.bundle.card, world.pixels)

    def _reroll_plan(
        self, world: _World, index: int, method: str, options: dict[str, OptionValue]
    ) -> Plan:
        request = Reroll(
            settings=self._settings(world, method, options),
            layer_id=f"object-{index}",
            source=world.source,
            feather_px=FEATHER_PX,
        )
        return build_plan(world.scene, request, self.bundle.card, world.pixels)

    def _settings(self, world: _World, method: str, options: dict[str, OptionValue]) -> RunSettings:
        return RunSettings(
            model=self.bundle.card.id,
            method=method,
            steps=STEPS,
            guidance_scale=GUIDANCE,
            seed=world.number,
            count=1,
            options=options,
        )

    def _make(self, plan: Plan, world: _World) -> Images:
        run = RUNNABLE[plan.method].run(plan, self.bundle, world.pixels)
        return next(event for event in run if isinstance(event, Images))


def stroke(shape: tuple[int, int], random: np.random.Generator) -> NDArray[np.uint8]:
    """A brush drawn along a straight line, uint8 (h, w): 255 along its middle, soft at its edge,
    0 beyond.
    """
    (y0, x0), (y1, x1) = (map(float, random.uniform(0.1, 0.9, 2) * shape) for _ in range(2))
    grid: NDArray[np.int64] = np.mgrid[: shape[0], : shape[1]]
    rows, columns = grid[0], grid[1]
    along: NDArray[np.float64] = np.clip(
        ((rows - y0) * (y1 - y0) + (columns - x0) * (x1 - x0)) / ((y1 - y0) ** 2 + (x1 - x0) ** 2),
        0,
        1,
    )
    across, down = columns - x0 - along * (x1 - x0), rows - y0 - along * (y1 - y0)
    distance: NDArray[np.float64] = np.hypot(down, across)
    radius = random.uniform(0.05, 0.15) * min(shape)
    inked: NDArray[np.float64] = np.clip(2 - distance / radius, 0, 1)
    return (inked * 255).astype(np.uint8)


def choose_move(drawing: Drawing, random: np.random.Generator, tries: int = 60) -> MoveCase:
    """An object that nothing covers, and a place for it inside the picture, clear of its old one
    and the others.
    """
    whole = [
        index
        for index in range(len(drawing.placements))
        if (drawing.whole[index] == drawing.visible[index]).all()
    ]
    high, wide = drawing.picture.shape[:2]
    best, least = MoveCase(whole[-1], 1, 0), np.inf
    for _ in range(tries):
        index = int(random.choice(whole))
        x0, y0, x1, y1 = (int(edge) for edge in drawing.boxes_px[index])
        dx, dy = int(random.integers(-x0, wide - x1 + 1)), int(random.integers(-y0, high - y1 + 1))
        mask: Mask = drawing.whole[index]
        there = shift(mask, dx, dy)
        others = np.asarray(np.delete(drawing.visible, index, axis=0).any(axis=0), np.bool_)
        wide_mask: Mask = ndimage.binary_dilation(mask, iterations=6)
        overlap = int(np.count_nonzero(there & wide_mask)) + int(np.count_nonzero(there & others))
        if overlap < least and (dx or dy):
            best, least = MoveCase(index, dx, dy), overlap
    return best


def draw_moved(drawing: Drawing, move: MoveCase, seed: int) -> Picture:
    """The drawing as it would be with the object at its new place."""
    side = drawing.picture.shape[0]
    placements = list(drawing.placements)
    x, y = placements[move.index].centre
    there = (x + move.dx_px / side, y + move.dy_px / side)
    placements[move.index] = replace(placements[move.index], centre=there)
    return draw_layout(drawing.background, placements, side, seed).picture


def places_of(drawing: Drawing, move: MoveCase, label: int) -> tuple[Mask, Mask]:
    """The old place, without what is of the same class there by right, and the new one: bool (h,
    w).
    """
    mask: Mask = drawing.whole[move.index]
    new = shift(mask, move.dx_px, move.dy_px)
    same = [
        drawing.visible[index]
        for index, placement in enumerate(drawing.placements)
        if index != move.index and CLASSES.index(placement.class_) + 1 == label
    ]
    kept: Mask = ndimage.binary_dilation(np.any([new, *same], axis=0), iterations=2)
    return mask & ~kept, new
