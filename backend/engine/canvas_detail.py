"""The canvas's own pixels in what a small model makes of it: detail where nothing has changed,
forms where it is trusted with light alone, outlines where it fills silhouettes (ours, decisions
071, 081 and 094).

passed = decode(encode(canvas))
picture = restore_detail(made, canvas, passed)
picture = picture + share · (take_light(made, canvas, passed) - picture)
picture = picture + v_i · k_i · (fill_outline(made, canvas, under_i) - picture), for silhouettes i
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from scipy import ndimage

from backend.engine.decode import decode, encode_mean
from backend.engine.sampling import Strength
from backend.models.bundle import ModelBundle
from backend.models.card import ModelCard
from backend.plan.card import paper_px
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import Raster, stack_pictures
from backend.scene.composite import GREY
from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.detail import fill_outline, find_plain_colour, restore_detail, take_light
from backend.scene.imaging.mask import blur, is_painted
from backend.scene.imaging.paste import paste
from backend.scene.scene import Pixels

LIGHT_PX = 20.0
"""What is finer than that, in pixels of the papers' pictures, is detail; what is coarser, light."""
REDRAW_AFTER = 0.15
"""So far above the strength up to which forms stay the canvas's own they are the model's; and so
far below 1 an outline begins to be.
"""
RIM_PX = 4.0
"""Around what is redrawn, in pixels of the papers' pictures."""
GROUND_FROM_PX = 12
"""So far around an object that stands in a picture its outline and shadow reach."""
UNSAID_HUES = 0.45
"""Of the differences in hue, where words leave the colours to the model."""
SAME_HUE_DEG, SAME_LIGHT, GREY_SATURATION = 40.0, 0.3, 0.12
"""How near, in degrees or in lightness, a colour is to one that is named; below which saturation
it is a grey.
"""
SMEAR_PX = 5.0
"""So far inwards from an outline a decoder mixes both sides, in pixels of the papers' pictures."""


@dataclass(frozen=True, eq=False)
class Silhouette:
    """A layer of one plain colour that is to be drawn.

    Attributes:
        index: its number among the plan's layers.
        under: what would be seen without it, uint8 (h, w, 3).
        hues: how much of the differences in hue stays where its own colour does; None where its
            words say another colour.
    """

    index: int
    under: Picture = field(repr=False)
    hues: float | None


def find_hues(words: str, own: tuple[int, int, int]) -> float | None:
    """How much of the differences in hue stays of what is made of a silhouette that keeps its
    colour: ``UNSAID_HUES`` where its words name no colour, for then a model chooses them at will;
    all where they name its own; None where they name others alone.

    Colours are named as CSS does (Pillow's table). One is the silhouette's own by its hue, within
    ``SAME_HUE_DEG``, or as a grey about as light.

    Args:
        words: of the layer.
        own: the silhouette's colour, 0..255.
    """
    named = [
        ImageColor.getrgb(word)
        for word in (word.strip(".,;:!?()\"'") for word in words.lower().split())
        if word in ImageColor.colormap
    ]
    if not named:
        return UNSAID_HUES
    return 1.0 if any(_is_same_colour(one[:3], own) for one in named) else None


def _is_same_colour(named: tuple[int, ...], own: tuple[int, ...]) -> bool:
    """By hue, or by lightness where both are greys."""
    (hue, colourful, light), (other, also, as_light) = (
        colorsys.rgb_to_hsv(*(level / 255 for level in one)) for one in (named, own)
    )
    greys = [saturation < GREY_SATURATION for saturation in (colourful, also)]
    if any(greys):
        return all(greys) and abs(light - as_light) <= SAME_LIGHT
    turn = abs(hue - other) * 360
    return min(turn, 360 - turn) <= SAME_HUE_DEG


@dataclass(frozen=True, eq=False)
class CanvasDetail:
    """What of a canvas stays in the pictures that are made of it.

    Attributes:
        flat: what they are drawn from.
        strengths: of what no layer covers, then of each layer: a number in 0..1, or a map (h, w).
        silhouettes: the layers of one plain colour.
        amount: 0 (the pictures as they are) to 1.
    """

    flat: Raster = field(repr=False)
    strengths: Sequence[Strength] = field(repr=False)
    silhouettes: tuple[Silhouette, ...] = field(repr=False)
    amount: float

    def restore(self, bundle: ModelBundle, pictures: Sequence[Picture]) -> tuple[Picture, ...]:
        """Pictures with the canvas's own detail where they have stayed what it was, and where the
        model is trusted with light alone, or with the inside of outlines.

        Args:
            bundle: its card says up to which strength that is (``light_only``).
            pictures: uint8 (h, w, 3).
        """
        if self.amount == 0:
            return tuple(pictures)
        canvas, card = self.flat.picture, bundle.card
        digest = hashlib.sha256(np.ascontiguousarray(canvas).data).hexdigest()
        (passed,) = bundle.kept.get(
            ("passed", canvas.shape, digest), lambda: decode(bundle, encode_mean(bundle, canvas))
        )
        outlines = self._share_outlines(card)
        light = self.amount * find_light_share(self.flat, self.strengths, card, outlines)
        restored = []
        for made in pictures:
            picture = restore_detail(made, canvas, passed, self.amount, card.cell_px)
            if light.any():
                width_px = paper_px(LIGHT_PX, card)
                lit = take_light(made, canvas, passed, self.flat.visibility, width_px)
                picture = paste(picture, _as_picture(lit), light)
            restored.append(self._fill(picture, made, outlines, card))
        return tuple(restored)

    def _share_outlines(self, card: ModelCard) -> dict[int, Floats]:
        if card.light_only <= 0:
            return {}
        return {
            one.index: find_outline_share(self.strengths[one.index + 1], card)
            for one in self.silhouettes
        }

    def _fill(
        self, picture: Picture, made: Picture, outlines: Mapping[int, Floats], card: ModelCard
    ) -> Picture:
        """The picture with what was made of silhouettes inside of their outlines."""
        smear_px = paper_px(SMEAR_PX, card)
        for one in self.silhouettes:
            share = outlines.get(one.index)
            if share is None or not share.any():
                continue
            seen = self.flat.visibility[one.index + 1]
            inside = fill_outline(made, self.flat.picture, one.under, seen, smear_px, one.hues)
            if inside is not None:
                weights = np.asarray(self.amount * seen * share, np.float32)
                picture = paste(picture, _as_picture(inside), weights)
        return picture


def keep_canvas_detail(
    plan: Plan, pixels: Pixels, flat: Raster, strengths: Sequence[Strength], amount: float
) -> CanvasDetail:
    """What of a plan's canvas stays.

    Args:
        plan: its layers.
        pixels: their pictures.
        flat: the layers laid out.
        strengths: of what no layer covers, then of each layer.
        amount: 0 (nothing) to 1.
    """
    silhouettes = find_silhouettes(plan, pixels, flat) if amount > 0 else ()
    return CanvasDetail(flat, strengths, silhouettes, amount)


def find_silhouettes(plan: Plan, pixels: Pixels, flat: Raster) -> tuple[Silhouette, ...]:
    """The layers whose picture has one plain colour and an outline.

    Args:
        plan: its layers.
        pixels: their pictures.
        flat: the layers laid out; what covers all of it has no outline.
    """
    colours = [
        find_plain_colour(pixels.picture(layer.picture))
        if layer.picture is not None and (alpha == 0).any()
        else None
        for layer, alpha in zip(plan.layers, flat.alphas, strict=True)
    ]
    if not any(colours):
        return ()
    if isinstance(plan.target, OneLayer):  # what stood there before is no ground
        source = pixels.picture(plan.target.source)[..., :3]
        under = tuple(extend_ground(source, alpha) for alpha in flat.alphas)
    else:
        grey = np.full_like(flat.picture, GREY)  # what no layer covers
        under = (grey, *(picture for picture, _ in stack_pictures(plan, pixels)))
    return tuple(
        Silhouette(index, under[index], find_hues(layer.phrase, own))
        for index, (layer, own) in enumerate(zip(plan.layers, colours, strict=True))
        if own is not None
    )


def extend_ground(picture: Picture, alpha: Floats) -> Picture:
    """A picture whose nearest pixels around a layer go on where the layer lies.

    Args:
        picture: uint8 (h, w, 3).
        alpha: of the layer, float32 (h, w) in 0..1; what it covers and ``GROUND_FROM_PX`` around it
            is filled.

    Returns:
        uint8 (h, w, 3); the picture itself where the layer covers all of it.
    """
    near = ndimage.distance_transform_edt(~is_painted(alpha)) <= GROUND_FROM_PX
    if near.all():
        return picture
    nearest = ndimage.distance_transform_edt(near, return_distances=False, return_indices=True)
    extended: Picture = picture[tuple(nearest)]
    return extended


def find_light_share(
    flat: Raster,
    strengths: Sequence[Strength],
    card: ModelCard,
    outlines: Mapping[int, Floats] | None = None,
) -> Floats:
    """Where forms stay the canvas's own: Σ v_i·k(s_i), with k 1 up to the card's ``light_only`` and
    0 from ``REDRAW_AFTER`` more on; nowhere where that is 0.

    What is redrawn keeps ``RIM_PX`` around it, for at its border the canvas's pixels are a mixture
    with what was there before. A silhouette that keeps its outline needs none.

    Args:
        flat: the layers, laid out.
        strengths: of what no layer covers, then of each layer: a number in 0..1, or a map (h, w).
        card: of the model.
        outlines: by the number of a layer, how much it keeps of its outline, as
            ``find_outline_share`` says.

    Returns:
        float32 (h, w) in 0..1.
    """
    share = np.zeros(flat.topmost.shape, np.float32)
    if card.light_only <= 0:
        return share
    for number, (visible, strength) in enumerate(zip(flat.visibility, strengths, strict=True)):
        over = (np.asarray(strength) - card.light_only) / REDRAW_AFTER
        kept = np.clip(1 - over, 0, 1).astype(np.float32)
        share += visible * np.maximum(kept, (outlines or {}).get(number - 1, 0.0))
    rim_px = paper_px(RIM_PX, card)
    side = 1 + 2 * round(rim_px)
    least: NDArray[np.float32] = ndimage.minimum_filter(share, side, mode="nearest")
    return blur(least, rim_px / 2)


def find_outline_share(strength: Strength, card: ModelCard) -> Floats:
    """How much of its outline a silhouette keeps: 0 up to the card's ``light_only``, where it takes
    light alone; 1 from ``REDRAW_AFTER`` more on; and 0 again at a strength of 1, where all is free.

    Args:
        strength: a number in 0..1, or a map (h, w).
        card: of the model.

    Returns:
        float32, () or (h, w), in 0..1.
    """
    drawn = np.clip((np.asarray(strength) - card.light_only) / REDRAW_AFTER, 0, 1)
    held = np.clip((1 - np.asarray(strength)) / REDRAW_AFTER, 0, 1)
    return np.minimum(drawn, held).astype(np.float32)


def _as_picture(levels: Floats) -> Picture:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
