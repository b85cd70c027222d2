"""The rows of the collage table: Collage Diffusion's ladder (its table 1), relatives, and ways to
set the dials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import numpy as np

from backend.evaluation.report import build_metric
from backend.plan.autotune import apply, autotune
from backend.plan.card import Card
from backend.plan.request import OptionValue
from backend.scene.blobs import MemoryPixels
from backend.scene.scene import Scene

Dials = Literal["scene", "fixed", "published", "lamina"]
"""Who sets noise and attention of the layers: whoever made the scene, nobody (all .5), the
published rule, or ours.
"""
MIDDLE = 0.5


@dataclass(frozen=True)
class Recipe:
    """A row of the table: the method's id and options, whether looks are learned for it, who sets
    the dials.
    """

    method: str
    options: Mapping[str, OptionValue]
    embeddings: bool = False
    seeded: bool = True
    """False for a method that makes one picture whatever the seed."""
    dials: Dials = "scene"


def _ladder(attention: bool, embeddings: bool, layer_noise: bool) -> Recipe:
    strength: dict[str, OptionValue] = {} if layer_noise else {"strength": 0.8}
    options = {
        "attention": attention,
        "layer_noise": layer_noise,
        "embeddings": embeddings,
        "canvas_detail": 0.0,
        **strength,
    }
    return Recipe("collage", MappingProxyType(options), embeddings)


def _set_dials(dials: Dials) -> Recipe:
    options = {"embeddings": False, "canvas_detail": 0.0}
    return Recipe("collage", MappingProxyType(options), dials=dials)


METHODS: Mapping[str, Recipe] = MappingProxyType(
    {
        "SA": Recipe("plug-and-play", MappingProxyType({}), seeded=False),
        "GH": _ladder(attention=False, embeddings=False, layer_noise=False),
        "GH+CA": _ladder(attention=True, embeddings=False, layer_noise=False),
        "GH+CA+TI": _ladder(attention=True, embeddings=True, layer_noise=False),
        "GH+CA+LN": _ladder(attention=True, embeddings=False, layer_noise=True),
        "GH+CA+TI+LN": _ladder(attention=True, embeddings=True, layer_noise=True),
        "DifferentialDiffusion": Recipe("differential", MappingProxyType({})),
        "PaintWithWords": Recipe("painted-words", MappingProxyType({})),
        "Fixed.5": _set_dials("fixed"),
        "Published": _set_dials("published"),
        "Adjusted": _set_dials("lamina"),
        "Detail": Recipe("collage", MappingProxyType({"embeddings": False})),
    }
)
"""The paper's table 1 (its strengths are .7 to .8), LN without the looks, which need no learning,
relatives, and auto-adjust beside what it must beat."""
LADDER = ("SA", "GH", "GH+CA", "GH+CA+TI", "GH+CA+LN", "GH+CA+TI+LN")
"""What is run when no methods are named."""
ORDERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("image_similarity", ("GH", "GH+CA", "GH+CA+TI", "GH+CA+TI+LN")),
    ("text_similarity", ("GH", "GH+CA")),
    ("text_similarity", ("GH+CA", "GH+CA+TI+LN")),
    ("text_similarity", ("GH+CA+TI", "GH+CA+TI+LN")),
    ("full_text_similarity", ("GH", "GH+CA", "GH+CA+TI", "GH+CA+TI+LN")),
    ("image_similarity", ("Fixed.5", "Published", "Adjusted")),
    ("text_similarity", ("Fixed.5", "Published", "Adjusted")),
)
"""What the paper finds to rise (.846 .867 .877 .893 by image; .215 .236 by text, and LN's .238
above all), the same by words that say all of a layer, and what auto-adjust should gain."""


def set_dials(scene: Scene, dials: Dials, card: Card, pixels: MemoryPixels) -> Scene:
    """The scene with its layers' noise and attention set as ``dials`` says."""
    if dials == "scene":
        return scene
    if dials != "fixed":
        return apply(scene, autotune(scene, card, pixels, dials))
    middle = {"strength": MIDDLE, "attention_positive": MIDDLE, "attention_negative": MIDDLE}
    return scene.model_copy(
        update={"layers": tuple(layer.model_copy(update=middle) for layer in scene.layers)}
    )


def orders(found: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[str]:
    """A sentence for each step of the orders: the mean rise from picture to picture, and its
    interval.
    """
    for metric, order in ORDERS:
        present = [name for name in order if found.get(name, {}).get(metric)]
        for lower, higher in pairwise(present):
            rise = build_metric(np.subtract(found[higher][metric], found[lower][metric]).tolist())
            verdict = "rises" if rise.mean > 0 else "does NOT rise"
            low, high = rise.ci95
            sure = "" if low > 0 or high < 0 else " (not certain)"
            yield (
                f"{metric} {verdict} from {lower} to {higher}: {rise.mean:+.3f} "
                f"[{low:+.3f}, {high:+.3f}]{sure}"
            )
