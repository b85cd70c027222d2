"""Seven collages in the spirit of Collage Diffusion's (section 5.1), drawn in the pocket world.

Like the paper's they are crude: flat paper cut-outs stand beside finished toys, some are turned,
some overlap, and nothing shares light or shadow with its ground. How much each layer may change and
how its words act is auto-adjust's to say, which was tuned on other scenes (``plan/autotune``); the
paper's users set it by hand.

A layer's words say what it is, not how it looks: in the paper "ginger" stands for pickled, sliced
ginger, and learned looks are there because "layer text often fails to adequately capture the
intended appearance" (section 4.3). So the phrases here are classes ("car"); colour and texture are
in the pictures alone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.evaluation.asking import HELD_OUT_WORLD
from backend.evaluation.collage_suite import CollageCase, label_of
from backend.models.judge_classes import CLASSES
from backend.pocket.examples import ExampleScene, Toy, build_example
from backend.pocket.world.words import build_caption
from backend.pocket.world.world import build_layout, draw_background
from backend.scene.formats.openraster import read_ora

SCENES: tuple[ExampleScene, ...] = (
    ExampleScene("Toys", "room", (
        Toy(("rocket", "white", "plain"), (0.27, 0.45), 0.42, rotation_deg=-14),
        Toy(("car", "red", "plain"), (0.66, 0.56), 0.42),
        Toy(("ball", "yellow", "striped"), (0.46, 0.82), 0.26, paper=True),
    ), 501),
    ExampleScene("Bento box", "room", (
        Toy(("fish", "orange", "plain"), (0.30, 0.34), 0.40),
        Toy(("star", "green", "plain"), (0.72, 0.33), 0.34, paper=True),
        Toy(("flower", "pink", "plain"), (0.29, 0.76), 0.34),
        Toy(("heart", "red", "plain"), (0.71, 0.74), 0.34, paper=True),
    ), 502),
    ExampleScene("Cake table", "room", (
        Toy(("tree", "green", "plain"), (0.75, 0.40), 0.44, rotation_deg=6),
        Toy(("cube", "pink", "dotted"), (0.34, 0.62), 0.44),
        Toy(("mug", "blue", "plain"), (0.72, 0.80), 0.30, paper=True),
    ), 503),
    ExampleScene("Vegetable face", "meadow", (
        Toy(("ball", "green", "plain"), (0.30, 0.30), 0.28, paper=True),
        Toy(("ball", "purple", "plain"), (0.70, 0.30), 0.28, paper=True),
        Toy(("mushroom", "red", "dotted"), (0.50, 0.55), 0.30),
        Toy(("moon", "yellow", "plain"), (0.50, 0.83), 0.34, rotation_deg=90),
    ), 504),
    ExampleScene("Striped sweater", "snow", (
        Toy(("cat", "orange", "plain"), (0.36, 0.50), 0.52),
        Toy(("heart", "blue", "striped"), (0.72, 0.66), 0.40),
    ), 505),
    ExampleScene("Ceramic bowl", "beach", (
        Toy(("mug", "white", "plain"), (0.50, 0.66), 0.52),
        Toy(("ball", "red", "plain"), (0.22, 0.36), 0.28, paper=True),
        Toy(("ball", "orange", "plain"), (0.76, 0.34), 0.28),
    ), 506),
    ExampleScene("Red skirt", "night", (
        Toy(("star", "yellow", "plain"), (0.72, 0.28), 0.36),
        Toy(("house", "red", "checked"), (0.38, 0.62), 0.54, paper=True),
    ), 507),
)  # fmt: skip


PAPER_SHARE, TURNED_SHARE = 0.4, 0.3
"""As among the toys of the seven: eight of twenty-one are cut from paper, and some are turned."""


def seven_cases(count: int, side_px: int) -> tuple[CollageCase, ...]:
    """The first ``count`` of the seven, with the empty place at ``side_px``."""
    return tuple(_case(example, side_px) for example in SCENES[:count])


def _case(example: ExampleScene, side_px: int) -> CollageCase:
    scene, pixels, _ = build_example(example)
    plate = np.asarray(draw_background(example.background, side_px, example.seed))
    case = CollageCase(example.name, scene, pixels, plate, "lamina")
    return name_by_class(case, example.background)


def random_cases(world_seed: int, count: int, side_px: int) -> tuple[CollageCase, ...]:
    """Collages like the seven that nobody chose: toys and paper cut-outs at random over random
    places.
    """
    return tuple(
        _case(build_random_scene(1000 * world_seed + number), side_px) for number in range(count)
    )


def build_random_scene(seed: int) -> ExampleScene:
    """Toys and paper cut-outs at random over a random place."""
    random = np.random.default_rng((seed, 77))
    background, placements = build_layout(HELD_OUT_WORLD + 50_000 + seed, (2, 3, 4))
    toys = []
    for one in placements:
        paper, turned = random.random() < PAPER_SHARE, random.random() < TURNED_SHARE
        turn = float(random.uniform(-20, 20)) if turned else 0.0
        look = (one.class_, one.colour, one.texture)
        toys.append(Toy(look, one.centre, 2 * one.radius, rotation_deg=turn, paper=bool(paper)))
    return ExampleScene(f"world {seed}", background, tuple(toys), seed)


def name_by_class(case: CollageCase, background: str) -> CollageCase:
    """The case with every object's phrase cut down to its class ("red striped ball" to "ball"),
    prompt included.
    """
    looks = {
        layer.id: layer.phrase for layer in case.scene.layers if label_of(layer.phrase, CLASSES)
    }
    short = {name: CLASSES[label_of(phrase, CLASSES) - 1] for name, phrase in looks.items()}
    layers = tuple(
        layer.model_copy(update={"phrase": short.get(layer.id, layer.phrase)})
        for layer in case.scene.layers
    )
    prompt = build_caption(list(short.values()), background)
    return replace(
        case,
        scene=case.scene.model_copy(update={"layers": layers, "prompt": prompt}),
        embeddings=looks,
    )


def load_cases(folder: Path) -> tuple[CollageCase, ...]:
    """Every ``.ora`` of a folder, by name."""
    opened = [(path.stem, read_ora(path.read_bytes())) for path in sorted(folder.glob("*.ora"))]
    return tuple(CollageCase(name, found.scene, found.pixels) for name, found in opened)
