"""Move and heal: an object of a finished picture is put elsewhere, and what it leaves is filled
from its surroundings.

An edit in the spirit of Collage Diffusion's iterative one (section 4.5). Two runs of the loop: the
hole is drawn again with the place's words, beginning from a classical fill; then the object is laid
down at its new place and a narrow rim around its outline is drawn again with the whole prompt.
Beyond the two feathered regions no byte changes.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from backend.controls.layer_noise import LayerNoise, build_start_steps, build_strength_map
from backend.engine.healing import SOFT_PX, Redraw, fill, hole_with_shade, redraw_region
from backend.engine.loop_types import Run, Step
from backend.engine.sampling import Batch, split_into_batches
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.move import MoveOptions
from backend.models.bundle import ModelBundle
from backend.models.sam import sam_of
from backend.plan.events import Image, Images
from backend.plan.notes import explain_no_step, takes_no_step
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import raster
from backend.scene.imaging.arrays import Floats, Mask, Picture
from backend.scene.imaging.mask import blur
from backend.scene.imaging.paste import count_changes, paste, paste_weights
from backend.scene.scene import Pixels

Scalar = TypeVar("Scalar", bound=np.generic)
RIM_SHARE = 1 / 64
"""How far the rim that is drawn again reaches outwards, over the picture's shorter side: 2 px at
128, 8 at 512. Inwards it ends there too, and most of it within a pixel: more blurs small objects
until they are no longer known.
"""


@dataclass(frozen=True, eq=False)
class Cutting:
    """What a move takes away from a picture and puts down.

    Attributes:
        hole: the object with margin and shadow at the old place, bool (h, w).
        rim: a band along its outline at the new one, bool (h, w).
        composited: the object's pixels at the new place, uint8 (h, w, 3).
        alpha: their share, float32 (h, w) in 0..1.
        core: those that no rim reaches, bool (h, w).
        light: what its shadow leaves of the ground there, float32 (h, w, 3) in 0..1 (see
            ``hole_with_shade``).
    """

    hole: Mask
    rim: Mask
    composited: Picture
    alpha: Floats
    core: Mask
    light: Floats


@dataclass(frozen=True)
class _MoveInputs:
    """What all chunks of a run share. ``start_steps`` are each cell's first free step in the two
    runs of the loop.
    """

    plan: Plan
    target: OneLayer
    source: Picture = field(repr=False)
    cutting: Cutting = field(repr=False)
    start_steps: tuple[NDArray[np.int64], NDArray[np.int64]] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def lengths(self) -> tuple[int, int]:
        """How many steps each of the two runs takes."""
        hole, rim = (self.plan.steps - int(one.min()) for one in self.start_steps)
        return hole, rim


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, then Images, for each batch of candidates; they differ in the hole and the rim.

    Args:
        plan: with one layer as its target, and where that is moved among its options.
        bundle: the model.
        pixels: of the plan.

    Raises:
        RequestError: no candidate is picked, nothing would move, or nothing would be seen.
    """
    move = _prepare(plan, bundle, pixels)
    cutting, feather_px = move.cutting, move.target.feather_px
    at_hole = paste_weights(cutting.hole.astype(np.float32), feather_px)
    at_rim = np.where(
        cutting.core, 0, paste_weights(cutting.rim.astype(np.float32), feather_px // 2)
    )
    touched = np.maximum.reduce([at_hole, at_rim, cutting.alpha, 1 - cutting.light.min(-1)])
    plate = fill(move.source, cutting.hole)
    for offset, seeds in split_into_batches(plan, bundle.run.images):
        healed = yield from _redraw(move, bundle, (plate,) * len(seeds), seeds, 0)
        placed = tuple(
            composite_object(paste(move.source, picture, at_hole), cutting) for picture in healed
        )
        blended = yield from _redraw(move, bundle, placed, seeds, 1)
        whole = tuple(
            paste(under, picture, at_rim) for under, picture in zip(placed, blended, strict=True)
        )
        yield Images(
            tuple(
                Image(
                    index,
                    picture,
                    changed_outside=count_changes(move.source, picture, touched > 0),
                )
                for index, picture in enumerate(whole, offset)
            ),
            move.notes,
        )


def cut(source: Picture, mask: Mask, dx_px: int, dy_px: int) -> Cutting:
    """Take the object of a mask from a picture.

    Args:
        source: uint8 (h, w, 3).
        mask: the object, bool (h, w).
        dx_px: how far it goes to the right.
        dy_px: how far it goes down.

    Raises:
        RequestError: nothing of it, or of its surroundings, is left.
    """
    side_px = min(mask.shape)
    rim_px = max(1, round(side_px * RIM_SHARE))
    there = shift(mask, dx_px, dy_px)
    hole, light = hole_with_shade(source, mask)
    if not mask.any() or hole.all():
        raise RequestError(
            f"There is no object to move: its outline holds {mask.mean():.0%} of the picture.",
            remedy="Point at an object with something around it.",
        )
    if not there.any():
        raise RequestError(
            f"Moved by {dx_px}, {dy_px} px nothing of the object would be seen.",
            limit=f"The picture is {mask.shape[1]} × {mask.shape[0]} px.",
            remedy="Move it less far.",
        )
    wide = ndimage.binary_dilation(there, iterations=rim_px)
    rim = wide & ~ndimage.binary_erosion(there, border_value=1)
    core = ndimage.binary_erosion(there, iterations=rim_px, border_value=1)
    alpha = blur(there.astype(np.float32), SOFT_PX) * wide
    under = 1 - shift(1 - light, dx_px, dy_px)
    return Cutting(hole, rim, shift(source, dx_px, dy_px), alpha.astype(np.float32), core, under)


def composite_object(under: Picture, cutting: Cutting) -> Picture:
    """The object put down at its new place, over its shadow.

    Args:
        under: uint8 (h, w, 3).
        cutting: what is put down.

    Returns:
        uint8 (h, w, 3).
    """
    below = under.astype(np.float32) * cutting.light
    mixed: NDArray[np.float32] = below + cutting.alpha[..., None] * (
        cutting.composited.astype(np.float32) - below
    )
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def shift(values: NDArray[Scalar], dx_px: int, dy_px: int) -> NDArray[Scalar]:
    """An array moved right and down; zeros come in from the other side.

    Args:
        values: (h, w, …).
        dx_px: to the right.
        dy_px: down.
    """
    high, wide = values.shape[:2]
    moved = np.zeros_like(values)
    if abs(dx_px) < wide and abs(dy_px) < high:
        to = slice(max(0, dy_px), high + min(0, dy_px)), slice(max(0, dx_px), wide + min(0, dx_px))
        of = (
            slice(max(0, -dy_px), high + min(0, -dy_px)),
            slice(max(0, -dx_px), wide + min(0, -dx_px)),
        )
        moved[to] = values[of]
    return moved


def _prepare(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> _MoveInputs:
    """Find the object, cut it out, and decide which cells are free from which step on."""
    options = parse_options(MoveOptions, plan.options)
    target = plan.target
    if not isinstance(target, OneLayer):
        raise RequestError(
            "Moving an object needs a finished picture.", remedy="Pick a candidate first."
        )
    if not options.dx_px and not options.dy_px:
        raise RequestError("The object would stay where it is.", remedy="Drag it to another place.")
    source = pixels.picture(target.source)[..., :3]
    mask = _object(plan, bundle, pixels, source, options)
    cutting = cut(source, mask, options.dx_px, options.dy_px)
    notes = tuple(
        f"{title}: {' '.join(explain_no_step(strength, plan.steps))}"
        for title, strength in (("The hole", options.healing), ("The rim", options.blending))
        if takes_no_step(strength, plan.steps)
    )
    start_steps = (
        _start_steps(cutting.hole, options.healing, plan, bundle),
        _start_steps(cutting.rim, options.blending, plan, bundle),
    )
    return _MoveInputs(plan, target, source, cutting, start_steps, notes)


def _object(
    plan: Plan, bundle: ModelBundle, pixels: Pixels, source: Picture, options: MoveOptions
) -> Mask:
    """What SAM cuts out at the point, or in the box of the layer's region; that region itself
    where there is no SAM.
    """
    pointed = options.x_px >= 0 and options.y_px >= 0
    region: Mask = raster(plan, pixels).alphas[0] > 0.5
    if not pointed and ("sam" not in bundle.members or not region.any()):
        return region
    sam = sam_of(bundle)
    sam.set_picture(source)
    if pointed:
        return sam.at_point(options.x_px, options.y_px).mask
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    return sam.in_box(
        float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    ).mask


def _start_steps(region: Mask, level: float, plan: Plan, bundle: ModelBundle) -> NDArray[np.int64]:
    """The first free step of each latent cell that the region touches; the others are held to
    the end.
    """
    strength = build_strength_map(region.astype(np.int64), (0.0, level), 0.0)
    return build_start_steps(strength, plan.steps, bundle.card.cell_px, "filled")


def _redraw(
    move: _MoveInputs,
    bundle: ModelBundle,
    pictures: tuple[Picture, ...],
    seeds: tuple[int, ...],
    number: int,
) -> Generator[Step, None, tuple[Picture, ...]]:
    """One of the two runs (0 the hole, 1 the rim); its steps are counted as parts of both."""
    plan, lengths = move.plan, move.lengths
    words = (move.target.background, plan.prompt)[number]
    redraw = Redraw(
        pictures,
        seeds,
        words,
        _negative_words(move, number),
        lengths[number],
        sum(lengths[:number]),
        sum(lengths),
    )

    def hold(batch: Batch) -> LayerNoise:
        start_steps = torch.from_numpy(move.start_steps[number]).to(bundle.device)
        return LayerNoise(batch.source, start_steps, batch.schedule, batch.stream)

    return (yield from redraw_region(bundle, plan, redraw, hold))


def _negative_words(move: _MoveInputs, number: int) -> str:
    """The negative words; in the hole the object's own are among them."""
    asked = (move.plan.negative, move.plan.layers[0].phrase if number == 0 else "")
    return ", ".join(words for words in asked if words.strip())
