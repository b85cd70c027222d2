"""A plan laid out: its pixels, what each layer may change, its looks and its structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from backend.controls.layer_noise import Freedom, freedom_map, release_map
from backend.engine.paste import paste_weights
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.collage import PAPER_SIDE_PX, CollageOptions
from backend.models.bundle import ModelBundle
from backend.models.schedule import first_step
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import Raster, painted_noise, raster
from backend.plan.structure import Structure, structures_of
from backend.scene.look import Look, read_look
from backend.scene.scene import Picture, Pixels


@dataclass(frozen=True)
class Laid:
    """What all chunks of a run share. ``release`` is the first free step of each latent cell."""

    plan: Plan
    options: CollageOptions
    flat: Raster
    source: Picture = field(repr=False)
    release: torch.Tensor = field(repr=False)
    first: int
    structures: tuple[Structure, ...] = field(repr=False)
    looks: dict[int, Look] = field(default_factory=dict, repr=False)
    """Learned looks by the token of the prompt that they stand before."""


def prepared(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Laid:
    """Check the options and the source, lay out the collage, and find each cell's first free
    step.
    """
    options = parse_options(CollageOptions, plan.options)
    source = _source(plan, pixels)
    flat = raster(plan, pixels)
    if levelled(plan, options):
        blur_px = options.blur_px * bundle.card.native_px / PAPER_SIDE_PX
        freedom = freedom_map(_owners(plan, flat), _levels(plan, options, pixels), blur_px)
        held: Literal["touched", "filled"] = (
            "filled" if isinstance(plan.target, OneLayer) else "touched"
        )
        release = release_map(freedom, plan.steps, bundle.card.cell_px, held)
    else:
        release = np.array([[first_step(plan.steps, options.strength)]], np.int64)
    cells = torch.from_numpy(release).to(bundle.device)
    structures = structures_of(plan, flat, pixels) if options.structure else ()
    looks = _looks(plan, bundle, pixels) if options.looks else {}
    return Laid(plan, options, flat, source, cells, int(release.min()), structures, looks)


def _looks(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> dict[int, Look]:
    """The look of each layer that has one and whose words stand in the prompt; of layers that share
    words the first.
    """
    found: dict[int, Look] = {}
    for layer in plan.layers:
        tokens = fitting(layer.tokens, bundle)
        if layer.look is not None and tokens:
            found.setdefault(tokens[0], read_look(pixels.picture(layer.look)))
    return found


def fitting(tokens: Sequence[int], bundle: ModelBundle) -> tuple[int, ...]:
    """The token positions that stand inside the model's row."""
    return tuple(token for token in tokens if token < bundle.card.text_length)


def _owners(plan: Plan, flat: Raster) -> NDArray[np.int64]:
    """Whose freedom a pixel has, int (h, w). In a re-roll the feather is the layer's too: what is
    drawn there is mixed with what was, and a rim that could not follow the new object would stand
    around it as a pale line.
    """
    if not isinstance(plan.target, OneLayer):
        return flat.topmost
    return (paste_weights(flat.alphas[0], plan.target.feather_px) > 0).astype(np.int64)


def levelled(plan: Plan, options: CollageOptions) -> bool:
    """A re-roll always holds its background, which is noise level 0 (section 4.5)."""
    return options.layer_noise or isinstance(plan.target, OneLayer)


def _levels(plan: Plan, options: CollageOptions, pixels: Pixels) -> tuple[float | Freedom, ...]:
    """The freedom of uncovered pixels, then of each layer: a number, or its painted map."""
    if not options.layer_noise:
        return (0.0, *(options.strength for _ in plan.layers))
    uncovered = 0.0 if isinstance(plan.target, OneLayer) else plan.target.uncovered_noise
    painted = painted_noise(plan, pixels)
    return (
        uncovered,
        *(
            layer.noise if one is None else one
            for layer, one in zip(plan.layers, painted, strict=True)
        ),
    )


def _source(plan: Plan, pixels: Pixels) -> Picture:
    """The picture that is re-rolled in, uint8 (h, w, 3); an empty one for whole pictures."""
    if not isinstance(plan.target, OneLayer):
        return np.empty((0, 0, 3), np.uint8)
    source = pixels.picture(plan.target.source)[..., :3]
    height_px, width_px = source.shape[:2]
    if (width_px, height_px) != (plan.width_px, plan.height_px):
        raise RequestError(
            f"The picture to re-roll in has {width_px} × {height_px} px.",
            limit=f"The plan makes {plan.width_px} × {plan.height_px} px.",
            remedy="Pick a candidate of this size, or make the whole picture again.",
        )
    return source
