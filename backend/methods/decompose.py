"""Decompose: a finished picture becomes layers again, one for each layer of the scene whose words
are found in it.

The way back of Collage Diffusion's composition (section 4.1). The objects are found by
``metrics/layer_search``; what lies behind them is filled from around and drawn again with the
place's words, as where an object was moved away.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from backend.controls.layer_noise import LayerNoise, build_start_steps, build_strength_map
from backend.engine.healing import SOFT_PX, Redraw, fill, hole_of, redraw_region
from backend.engine.loop_types import Run, Step
from backend.engine.sampling import Batch
from backend.errors import RequestError
from backend.metrics.layer_search import LARGEST_SHARE, SearchedLayer, search_masks
from backend.models.bundle import ModelBundle
from backend.plan.events import LayersFound
from backend.plan.phrases import background_words
from backend.plan.plan import DecomposeTask, Plan
from backend.plan.raster import Raster, raster
from backend.scene.imaging.arrays import Mask, Picture
from backend.scene.imaging.mask import blur
from backend.scene.imaging.paste import paste, paste_weights
from backend.scene.scene import Pixels

HEALING = 0.6
"""How far what lies behind may change from the plain fill: at .3 its smears stay, at .7 the
pocket model invents.
"""
FEATHER_PX = 4
"""How far what is drawn behind blends into what was seen: as in a re-roll."""


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps that draw what lies behind, then the layers.

    Args:
        plan: whose task names the picture; its layers are looked for.
        bundle: the model.
        pixels: of the plan.

    Raises:
        RequestError: there is no picture to decompose, or nothing of the scene is found in it.
    """
    if not isinstance(plan.task, DecomposeTask):
        raise RequestError(
            "Only a finished picture can be decomposed.", remedy="Pick a candidate first."
        )
    picture = np.ascontiguousarray(pixels.picture(plan.task.source)[..., :3])
    flat = raster(plan, pixels)
    numbers = _objects(plan, flat)
    masks = search_masks(
        bundle, picture, plan.prompt, [_search_layer(plan, flat, number) for number in numbers]
    )
    ids = [plan.layers[number].id for number in numbers]
    found = {layer_id: mask for layer_id, mask in zip(ids, masks, strict=True) if mask is not None}
    if not found:
        raise RequestError(
            "None of the scene's objects was found in the picture.",
            limit="What is looked for are the layers with words.",
            remedy=(
                "Give the layers the words of what is to be seen, or cut objects out with "
                "the select tool."
            ),
        )
    phrases = [plan.layers[number].phrase for number in numbers]
    together = np.any(list(found.values()), axis=0)
    plate = yield from _plate(plan, bundle, picture, together, phrases)
    missing = tuple(layer_id for layer_id in ids if layer_id not in found)
    yield LayersFound(
        {layer_id: cut_out(picture, mask) for layer_id, mask in found.items()}, plate, missing
    )


def cut_out(picture: Picture, mask: Mask) -> Picture:
    """The object alone: its pixels, and its mask with a soft edge as alpha.

    Beyond the mask the colours are the object's own, so that its edge brings nothing of what was
    around it.

    Args:
        picture: uint8 (h, w, 3).
        mask: the object, bool (h, w), not empty.

    Returns:
        uint8 (h, w, 4).
    """
    alpha = blur(mask.astype(np.float32), SOFT_PX)
    rows, columns = ndimage.distance_transform_edt(
        ~mask, return_distances=False, return_indices=True
    )
    return np.dstack([picture[rows, columns], np.rint(alpha * 255).astype(np.uint8)])


def _objects(plan: Plan, flat: Raster) -> list[int]:
    """The layers that are looked for: those with words that do not fill the canvas."""
    return [
        number
        for number, layer in enumerate(plan.layers)
        if layer.phrase.strip() and (flat.alphas[number] > 0.5).mean() <= LARGEST_SHARE
    ]


def _search_layer(plan: Plan, flat: Raster, number: int) -> SearchedLayer:
    layer = plan.layers[number]
    return SearchedLayer(layer.phrase, layer.tokens, layer.class_label, flat.visibility[number + 1])


def _plate(
    plan: Plan, bundle: ModelBundle, picture: Picture, mask: Mask, phrases: Sequence[str]
) -> Generator[Step, None, Picture]:
    """The picture without its objects; beyond their margin and its feather every pixel is as it
    was.

    ``mask`` is all of them, ``phrases`` their words, which are left out of the prompt. They do
    not become unwanted ones: guidance away from "orange cat" draws things in blue (seen on 8
    drawings).
    """
    hole = hole_of(mask)
    if hole.all():
        return np.broadcast_to(np.rint(picture.mean((0, 1))).astype(np.uint8), picture.shape).copy()
    plain = fill(picture, hole)
    start_steps = _start_steps(hole, plan, bundle)
    steps = plan.steps - int(start_steps.min())
    redraw = Redraw(
        (plain,),
        plan.seeds[:1],
        background_words(plan.prompt, phrases),
        plan.negative,
        steps,
        0,
        steps,
    )

    def hold(batch: Batch) -> LayerNoise:
        cells = torch.from_numpy(start_steps).to(bundle.device)
        return LayerNoise(batch.source, cells, batch.schedule, batch.stream)

    (drawn,) = yield from redraw_region(bundle, plan, redraw, hold)
    return paste(plain, drawn, paste_weights(hole.astype(np.float32), FEATHER_PX))


def _start_steps(hole: Mask, plan: Plan, bundle: ModelBundle) -> NDArray[np.int64]:
    strength = build_strength_map(hole.astype(np.int64), (0.0, HEALING), 0.0)
    return build_start_steps(strength, plan.steps, bundle.card.cell_px, "filled")
