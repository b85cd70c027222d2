"""Painted toys: parts become light and shade once, colours and textures are laid over them.

The light falls from the upper left. A sprite is a square RGBA picture (straight alpha, uint8) whose
unit box -1..1 fills ``1 - 2 * MARGIN`` of its side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from backend.pocket.world.toys import CREAM, INK, TOYS, Rgb, ToyPart, mirror
from backend.scene.imaging.arrays import Floats, Mask

MARGIN = 0.05
"""Free border on each side of a sprite, as a share of its side: room for the outline."""
OVERSAMPLE = 2
SPRITE_SIDES_PX: tuple[int, ...] = (256, 512, 1024)

PALETTE: dict[str, Rgb] = {
    "red": (224, 58, 56),
    "orange": (247, 140, 40),
    "yellow": (252, 209, 62),
    "green": (84, 178, 84),
    "blue": (54, 122, 218),
    "purple": (140, 84, 198),
    "pink": (248, 144, 188),
    "white": (247, 246, 243),
}
ACCENT: dict[str, Rgb] = {
    "red": CREAM,
    "orange": CREAM,
    "yellow": (226, 150, 34),
    "green": (226, 244, 190),
    "blue": (206, 230, 255),
    "purple": (226, 204, 250),
    "pink": (255, 236, 240),
    "white": (150, 164, 196),
}
"""The second colour of stripes, dots and checks: lighter than the first, or darker where that is
light already.
"""


@dataclass(frozen=True)
class Relief:
    """One part without its colour: how much of each pixel it covers, and the light on it (1 = as
    painted).
    """

    part: ToyPart
    cover: Floats
    light: Floats
    shine: Floats


def side_for(size_px: int) -> int:
    """The smallest kept sprite side that is at least ``size_px`` (the largest one beyond that)."""
    return next((side for side in SPRITE_SIDES_PX if side >= size_px), SPRITE_SIDES_PX[-1])


def _cover(part: ToyPart, side_px: int) -> Image.Image:
    """The part's mask as an L picture at ``OVERSAMPLE`` times the side."""
    big = side_px * OVERSAMPLE
    mask = Image.new("L", (big, big), 0)
    pen = ImageDraw.Draw(mask)
    for value, outlines in ((255, part.outlines), (0, part.cuts)):
        for outline in outlines:
            points = ((outline * (1 - 2 * MARGIN) + 1) / 2) * big
            pen.polygon([(float(x), float(y)) for x, y in points], fill=value)
    return mask.reduce(OVERSAMPLE)


def _as_float(picture: Image.Image) -> Floats:
    return (np.asarray(picture, dtype=np.float32) / 255).astype(np.float32, copy=False)


def _light(mask: Image.Image, part: ToyPart) -> tuple[Floats, Floats]:
    """Diffuse light (around 1) and shine (0..1) of a part puffed up like a cushion."""
    side = mask.width
    light = np.ones((side, side), np.float32)
    shine = np.zeros((side, side), np.float32)
    if part.relief == 0:
        return light, shine
    for blur, gain in ((0.03, 0.5), (0.09, 1.0)):
        height = _as_float(mask.filter(ImageFilter.GaussianBlur(blur * side)))
        down, right = np.gradient(height)
        slope = (0.62 * right + 0.78 * down) * (blur * side) * 2.5
        light += part.relief * gain * np.where(slope > 0, 0.22, 0.36).astype(np.float32) * slope
        shine += part.relief * gain * np.clip(slope - 0.55, 0, 1)
    light += part.relief * np.linspace(0.05, -0.07, side, dtype=np.float32)[:, None]
    return light, np.clip(shine, 0, 1)


@lru_cache(maxsize=64)
def _reliefs(class_: str, flip: bool, side_px: int) -> tuple[Relief, ...]:
    reliefs = []
    for part in TOYS[class_]():
        turned = mirror(part) if flip else part
        mask = _cover(turned, side_px)
        reliefs.append(Relief(turned, _as_float(mask), *_light(mask, turned)))
    return tuple(reliefs)


@lru_cache(maxsize=16)
def _pattern(texture: str, side_px: int) -> Floats:
    """Share of the accent colour, float32 (side, side) in 0..1, drawn large and reduced."""
    big = side_px * OVERSAMPLE
    cells: Floats = np.mgrid[0:big, 0:big].astype(np.float32)
    grid = cells / big * 2 - 1
    y, x = grid[0], grid[1]
    share: Mask
    if texture == "striped":
        share = ((x * 0.5 + y + 4) % 0.36) < 0.14
    elif texture == "dotted":
        row = np.floor((y + 4) / 0.31)
        u = (x + 4 + 0.18 * (row % 2)) % 0.36 - 0.18
        v = (y + 4) % 0.31 - 0.155
        share = u * u + v * v < 0.098**2
    elif texture == "checked":
        share = (np.floor((x + 4) / 0.24) + np.floor((y + 4) / 0.24)) % 2 == 0
    else:
        return np.zeros((side_px, side_px), np.float32)
    return _as_float(Image.fromarray((share * 255).astype(np.uint8)).reduce(OVERSAMPLE))


def _body_paint(colour: str, texture: str, side_px: int) -> Floats:
    base, accent = (np.array(rgb, np.float32) / 255 for rgb in (PALETTE[colour], ACCENT[colour]))
    weight = 0.62 if texture == "checked" else 0.92
    share = _pattern(texture, side_px)[..., None] * weight
    return base * (1 - share) + accent * share


def _flat_paint(rgb: Rgb, side_px: int) -> Floats:
    return np.broadcast_to(np.array(rgb, np.float32) / np.float32(255), (side_px, side_px, 3))


def _tone(paint: Floats, light: Floats) -> Floats:
    """Paint under light: brighter goes towards warm white, darker towards violet shade (never
    grey).
    """
    over = np.clip(light - 1, 0, 1)[..., None]
    under = np.clip(1 - light, 0, 0.8)[..., None]
    shade = paint * np.array([0.42, 0.36, 0.56], np.float32)
    lit: Floats = paint + (1 - paint) * over * np.array([1.0, 0.97, 0.86], np.float32)
    return lit * (1 - under) + shade * under


def _blur(cover: Floats, radius_px: float) -> Floats:
    picture = Image.fromarray((cover * 255).astype(np.uint8))
    return _as_float(picture.filter(ImageFilter.GaussianBlur(radius_px)))


def _outline(colour: Floats, cover: Floats, rgb: Rgb) -> NDArray[np.uint8]:
    """Add the ink line around the silhouette and pack into RGBA; the line is what shows white
    things on snow.
    """
    side = cover.shape[0]
    width = max(3, round(0.022 * side) | 1)
    mask = Image.fromarray((cover * 255).astype(np.uint8))
    grown = _as_float(
        mask.filter(ImageFilter.MaxFilter(width)).filter(ImageFilter.GaussianBlur(side / 300))
    )
    ink = np.array(INK, np.float32) / 255 * 0.62 + np.array(rgb, np.float32) / 255 * 0.30
    alpha = np.maximum(grown, cover)
    rgba: NDArray[np.float32] = np.concatenate(
        [ink * (1 - cover[..., None]) + colour, alpha[..., None]], axis=2
    )
    return (np.clip(rgba, 0, 1) * 255 + 0.5).astype(np.uint8)


@lru_cache(maxsize=1100)
def paint_sprite(class_: str, colour: str, texture: str, flip: bool, side_px: int) -> Image.Image:
    """One toy as an RGBA picture of the given side (kept; do not draw on it)."""
    canvas = np.zeros((side_px, side_px, 3), np.float32)
    cover = np.zeros((side_px, side_px), np.float32)
    body = _body_paint(colour, texture, side_px)
    tint = _flat_paint(PALETTE[colour], side_px)
    for relief in _reliefs(class_, flip, side_px):
        part, alpha = relief.part, relief.cover[..., None]
        if isinstance(part.paint, str):
            paint = body if part.paint == "body" else tint
        else:
            paint = _flat_paint(part.paint, side_px)
        if part.relief > 0:
            fringe = _blur(relief.cover, 0.02 * side_px)
            canvas = canvas * (1 - 0.38 * fringe[..., None])
        lit = _tone(paint, relief.light + (part.tone - 1))
        lit = lit + (1 - lit) * relief.shine[..., None] * 0.5
        canvas = canvas * (1 - alpha) + lit * alpha
        cover = np.maximum(cover, relief.cover)
    return Image.fromarray(_outline(canvas, cover, PALETTE[colour]), "RGBA")


def draw_object(class_: str, colour: str, texture: str, size_px: int) -> NDArray[np.uint8]:
    """One toy alone on a transparent square: uint8 (size, size, 4), straight alpha."""
    sprite = paint_sprite(class_, colour, texture, False, side_for(size_px))
    return np.asarray(place_sprite(sprite, size_px, 0.0))


def place_sprite(sprite: Image.Image, size_px: int, rotation_deg: float) -> Image.Image:
    """The sprite at a size and rotation (counter-clockwise, degrees), resampled with premultiplied
    alpha.
    """
    soft = sprite.convert("RGBa")
    if rotation_deg:
        twice = min(2 * size_px, soft.width)
        soft = soft.resize(
            (twice, twice), Image.Resampling.BOX if twice < soft.width else Image.Resampling.BICUBIC
        )
        soft = soft.rotate(rotation_deg, Image.Resampling.BICUBIC)
    return soft.resize((size_px, size_px), Image.Resampling.HAMMING).convert("RGBA")


def darken(plate: Image.Image, mask: Image.Image, rgb: Rgb, strength: float) -> Image.Image:
    """The plate with a shadow: ``mask`` (L) mixes ``rgb`` in by ``strength`` 0..1, as a
    multiplication.
    """
    shade = ImageChops.multiply(plate, Image.new("RGB", plate.size, rgb))
    return Image.composite(shade, plate, mask.point(lambda v: int(v * strength)))
