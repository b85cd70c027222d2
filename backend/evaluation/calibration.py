"""``python -m backend.evaluation.calibration``: figures of drawings as asked and of wrong ones, for
the thresholds.

Every picture goes once through the model's VAE: better than that the model cannot draw it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from backend.engine.decode import decode, encode
from backend.engine.loop_types import generator_for
from backend.evaluation.asking import HELD_OUT_WORLD, scene_of_drawing, settings_for
from backend.evaluation.collage_suite import CUTOUT
from backend.metrics.scores import Scorer
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.catalog import find_models
from backend.models.judge_classes import CLASSES, COLOURS
from backend.plan.build import build_plan
from backend.plan.raster import raster
from backend.plan.request import Compose
from backend.pocket.world.world import ObjectPlacement, build_layout, draw_layout
from backend.scene.imaging.arrays import Picture

KINDS = ("as asked", "missing", "other class", "other colour", "elsewhere")
WORLDS = HELD_OUT_WORLD + 700_000
"""Apart from the worlds of the suites: what sets a threshold must not be what it is judged by."""


def wrong(
    kind: str, placements: Sequence[ObjectPlacement], index: int, random: np.random.Generator
) -> list[ObjectPlacement]:
    """The layout with one object drawn as ``kind`` says."""
    one = placements[index]
    others = [name for name in CLASSES if name not in {each.class_ for each in placements}]
    colours = [name for name in COLOURS if name != one.colour]
    changed: dict[str, list[ObjectPlacement]] = {
        "as asked": [replace(one, rotation_deg=one.rotation_deg + float(random.normal(0, 4)))],
        "missing": [],
        "other class": [replace(one, class_=str(random.choice(others)))],
        "other colour": [replace(one, colour=str(random.choice(colours)))],
        "elsewhere": [replace(one, centre=(1 - one.centre[0], 1 - one.centre[1]))],
    }
    return [*placements[:index], *changed[kind], *placements[index + 1 :]]


def figures(bundle: ModelBundle, number: int) -> Iterator[tuple[str, float, float]]:
    """(kind, overlap, drop of the text similarity) for the pictures of one layout."""
    seed, side = WORLDS + number, bundle.card.native_px
    random = np.random.default_rng(seed)
    background, placements = build_layout(seed, (2, 3))
    index = int(random.integers(len(placements)))
    asked = draw_layout(background, placements, side, seed)
    scene, pixels = scene_of_drawing(asked, list(asked.cutouts), CUTOUT)
    plan = build_plan(
        scene, Compose(settings=settings_for(bundle.card.id, 0, {})), bundle.card, pixels
    )
    made = [
        draw_layout(background, wrong(kind, placements, index, random), side, seed + 1).picture
        for kind in KINDS
    ]
    shown = [*(_find_objects(bundle, picture) for picture in made), raster(plan, pixels).picture]
    scores = [
        {each.layer_id: each for each in one}.get(f"object-{index}")
        for one in Scorer(bundle, plan, pixels).score(shown)
    ]
    own = scores[-1]
    for kind, score in zip(KINDS, scores, strict=False):
        if own is not None and score is not None:
            yield kind, _number(score.iou), _number(own.text) - _number(score.text)


def report(rows: Sequence[tuple[str, float, float]]) -> Iterator[str]:
    """Quantiles of both figures per kind."""
    for name, column in (("overlap", 1), ("text drop", 2)):
        yield f"{name:14}{'5 %':>8}{'25 %':>8}{'50 %':>8}{'75 %':>8}{'95 %':>8}"
        for kind in KINDS:
            values = [float(row[column]) for row in rows if row[0] == kind]
            yield f"{kind:14}" + "".join(
                f"{value:8.3f}" for value in np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
            )


def _find_objects(bundle: ModelBundle, picture: Picture) -> Picture:
    return decode(bundle, encode(bundle, picture, [generator_for(0)]))[0]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def main() -> None:
    """Draw, score and print."""
    parser = argparse.ArgumentParser(prog="python -m backend.evaluation.calibration")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--count", type=int, default=100, help="layouts")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with ModelCache(2**33).lease(find_models(()).card(asked.model), "cpu") as bundle:
        rows = [row for number in range(asked.count) for row in figures(bundle, number)]
    print("\n".join(report(rows)))


if __name__ == "__main__":
    main()
