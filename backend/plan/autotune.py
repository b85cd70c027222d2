"""Sliders chosen from the scene itself: the published heuristic, and ours. Pure: scene → values, each with its reason.

Collage Diffusion, section 4.6, leaves its rule to a supplement that was not published with it; the released editor has
one, which is ``published`` below. Both rules look at the size r of a layer: the longer side of its visible box as a
share of the canvas (the released one takes the whole picture's size, before it is turned or covered).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from backend.plan.card import Card
from backend.plan.survey import survey
from backend.scene.composite import Floats, layer_sheet, visibility
from backend.scene.layer import Fraction, Identifier, Layer, Record, Weight
from backend.scene.scene import Pixels, Scene

Rule = Literal["published", "lamina"]


class Tuned(Record):
    """The chosen values of one layer and a sentence for each; ``structure`` is the weight of its edges."""

    layer_id: Identifier
    noise: Fraction
    attention_positive: Weight
    attention_negative: Weight
    structure: Fraction
    reasons: tuple[str, ...]


def autotune(scene: Scene, card: Card, pixels: Pixels, rule: Rule = "lamina") -> tuple[Tuned, ...]:
    """Values for every layer that takes part, from back to front. Nothing is changed; ``applied`` does that."""
    seen = [surveyed for surveyed in survey(scene, card, pixels) if not surveyed.obstacle]
    size = (scene.width_px, scene.height_px)
    alphas = [layer_sheet(surveyed.layer, pixels, size).alpha for surveyed in seen]
    visible = visibility(np.stack(alphas)) if alphas else np.zeros((0, size[1], size[0]), np.float32)
    tuned = []
    for number, surveyed in enumerate(seen):
        share = visible_share(visible[number + 1])
        top = number == len(seen) - 1
        tuned.append(RULES[rule](surveyed.layer, share, top))
    return tuple(tuned)


def applied(scene: Scene, tuned: tuple[Tuned, ...]) -> Scene:
    """The scene with these values; other layers, and the kind of a layer's structure where it has one, stay."""
    chosen = {one.layer_id: one for one in tuned}
    layers = tuple(_with_values(layer, chosen[layer.id]) if layer.id in chosen else layer for layer in scene.layers)
    return scene.model_copy(update={"layers": layers})


def visible_share(visible: Floats) -> float:
    """The longer side of the box around what is seen (h, w; at least a half), as a share of that side of the canvas."""
    inside = visible >= 0.5
    if not inside.any():
        return 0.0
    sides = []
    for axis in (0, 1):
        lines = np.flatnonzero(inside.any(axis=1 - axis))
        sides.append((lines[-1] - lines[0] + 1) / inside.shape[axis])
    return float(max(sides))


def published(layer: Layer, share: float, top: bool) -> Tuned:
    """The released editor's rule: v_pos = .2 + .4 (1 - r), v_neg = .9 - .5 r, edges .3 + .6 (1 - r), noise .5 + .2 r,
    but .4 for the top layer whatever its size."""
    noise = 0.4 if top else 0.5 + 0.2 * share
    size = _size(share)
    return Tuned(
        layer_id=layer.id,
        noise=round(noise, 3),
        attention_positive=round(0.2 + 0.4 * (1 - share), 3),
        attention_negative=round(0.9 - 0.5 * share, 3),
        structure=round(0.3 + 0.6 * (1 - share), 3),
        reasons=(
            f"Freedom {noise:.2f}: " + ("the top layer is kept closest." if top else f"it {size}."),
            f"Words drawn in by {0.2 + 0.4 * (1 - share):.2f} and kept out elsewhere by {0.9 - 0.5 * share:.2f}: "
            "the smaller a layer, the more its words need help.",
            f"Edges held by {0.3 + 0.6 * (1 - share):.2f}: small shapes are lost first.",
        ),
    )


def lamina(layer: Layer, share: float, top: bool) -> Tuned:
    """Ours: small layers may change less (their shapes vanish first under noise) but their words act more strongly;
    what covers the canvas is a setting and keeps to itself least; edges only where a layer may change much."""
    if share >= SETTING_SHARE:
        return _setting(layer)
    small = 1 - min(1.0, share / SETTING_SHARE)
    noise = 0.7 - 0.2 * small
    positive, negative = 0.6 + 0.6 * small, 1.0
    structure = 0.5 if small > 0.6 else 0.3
    return Tuned(
        layer_id=layer.id,
        noise=round(noise, 3),
        attention_positive=round(positive, 3),
        attention_negative=negative,
        structure=structure,
        reasons=(
            f"Freedom {noise:.2f}: it {_size(share)}, and the smaller a shape, the sooner noise drowns it.",
            f"Words drawn in by {positive:.2f}: a small region has few places in which they could win by themselves.",
            f"Words kept out elsewhere by {negative:.2f}, so that there is one of it and not two.",
            f"Edges held by {structure:.1f}, where the model can: outlines of small things blur first.",
        ),
    )


SETTING_SHARE = 0.85
"""What spans this much of the canvas is taken for a background."""
RULES: Mapping[Rule, Callable[[Layer, float, bool], Tuned]] = MappingProxyType(
    {"published": published, "lamina": lamina}
)


def _setting(layer: Layer) -> Tuned:
    return Tuned(
        layer_id=layer.id,
        noise=0.6,
        attention_positive=0.2,
        attention_negative=0.0,
        structure=0.0,
        reasons=(
            "Freedom 0.60: it fills the canvas, and needs room for the shadows and light of what stands in it.",
            "Words hardly drawn in, and not kept out of the objects: its light falls on them too.",
            "Edges left free, so that the ground can close behind what moves.",
        ),
    )


def _size(share: float) -> str:
    return f"spans {share:.0%} of the canvas"


def _with_values(layer: Layer, tuned: Tuned) -> Layer:
    """The layer with the values; edges are held only where the layer already holds to a structure."""
    structure = layer.structure
    if structure.kind != "none":
        structure = structure.model_copy(update={"weight": tuned.structure})
    return layer.model_copy(
        update={
            "noise": tuned.noise,
            "attention_positive": tuned.attention_positive,
            "attention_negative": tuned.attention_negative,
            "structure": structure,
        }
    )
