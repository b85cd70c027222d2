"""Seven collages in the spirit of Collage Diffusion's (section 5.1), drawn in the pocket world.

Like the paper's they are crude: flat paper cut-outs stand beside finished toys, some are turned, some overlap, and
nothing shares light or shadow with its ground. Small objects may change less than large ones, as the paper's users set.

A layer's words say what it is, not how it looks: in the paper "ginger" stands for pickled, sliced ginger, and learned
looks are there because "layer text often fails to adequately capture the intended appearance" (section 4.3). So the
phrases here are classes ("car"); colour and texture are in the pictures alone.
"""

from __future__ import annotations

import numpy as np

from backend.evaluation.collage_suite import Case, named_by_class
from backend.pocket.examples import ExampleScene, Toy, build_example
from backend.pocket.world import draw_background

SCENES: tuple[ExampleScene, ...] = (
    ExampleScene("Toys", "room", (
        Toy(("rocket", "white", "plain"), (0.27, 0.45), 0.42, 0.65, rotation_deg=-14),
        Toy(("car", "red", "plain"), (0.66, 0.56), 0.42, 0.65),
        Toy(("ball", "yellow", "striped"), (0.46, 0.82), 0.26, 0.55, paper=True),
    ), 501),
    ExampleScene("Bento box", "room", (
        Toy(("fish", "orange", "plain"), (0.30, 0.34), 0.40, 0.6),
        Toy(("star", "green", "plain"), (0.72, 0.33), 0.34, 0.6, paper=True),
        Toy(("flower", "pink", "plain"), (0.29, 0.76), 0.34, 0.6),
        Toy(("heart", "red", "plain"), (0.71, 0.74), 0.34, 0.6, paper=True),
    ), 502),
    ExampleScene("Cake table", "room", (
        Toy(("tree", "green", "plain"), (0.75, 0.40), 0.44, 0.65, rotation_deg=6),
        Toy(("cube", "pink", "dotted"), (0.34, 0.62), 0.44, 0.65),
        Toy(("mug", "blue", "plain"), (0.72, 0.80), 0.30, 0.55, paper=True),
    ), 503),
    ExampleScene("Vegetable face", "meadow", (
        Toy(("ball", "green", "plain"), (0.30, 0.30), 0.28, 0.6, paper=True),
        Toy(("ball", "purple", "plain"), (0.70, 0.30), 0.28, 0.6, paper=True),
        Toy(("mushroom", "red", "dotted"), (0.50, 0.55), 0.30, 0.6),
        Toy(("moon", "yellow", "plain"), (0.50, 0.83), 0.34, 0.6, rotation_deg=90),
    ), 504),
    ExampleScene("Striped sweater", "snow", (
        Toy(("cat", "orange", "plain"), (0.36, 0.50), 0.52, 0.65),
        Toy(("heart", "blue", "striped"), (0.72, 0.66), 0.40, 0.55),
    ), 505),
    ExampleScene("Ceramic bowl", "beach", (
        Toy(("mug", "white", "plain"), (0.50, 0.66), 0.52, 0.65),
        Toy(("ball", "red", "plain"), (0.22, 0.36), 0.28, 0.55, paper=True),
        Toy(("ball", "orange", "plain"), (0.76, 0.34), 0.28, 0.55),
    ), 506),
    ExampleScene("Red skirt", "night", (
        Toy(("star", "yellow", "plain"), (0.72, 0.28), 0.36, 0.6),
        Toy(("house", "red", "checked"), (0.38, 0.62), 0.54, 0.65, paper=True),
    ), 507),
)  # fmt: skip


def seven_cases(count: int, side_px: int) -> tuple[Case, ...]:
    """The first ``count`` of the seven, with the empty place at ``side_px``."""
    cases = []
    for example in SCENES[:count]:
        scene, pixels, _ = build_example(example)
        layers = tuple(
            layer.model_copy(update={"attention_positive": 1.0, "attention_negative": 1.0})
            if layer.id != "background"
            else layer
            for layer in scene.layers
        )
        plate = np.asarray(draw_background(example.background, side_px, example.seed))
        case = Case(example.name, scene.model_copy(update={"layers": layers}), pixels, plate)
        cases.append(named_by_class(case, example.background))
    return tuple(cases)
