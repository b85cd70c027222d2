"""The drawn world: scenes of toys in painted places, with every fact about them.

A scene is decided first (a background and placements in shares of the picture's side) and drawn
second, so the same layout can be drawn at any size. The same arguments always give the same pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.world.backgrounds import paint_background
from backend.pocket.world.sprites import darken, draw_object, paint_sprite, place_sprite, side_for
from backend.pocket.world.words import (
    BACKGROUNDS,
    TEXTURES,
    build_caption,
    build_phrase,
    is_held_out,
)
from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Labels, Picture
from backend.scene.imaging.edges import layer_edges

__all__ = [
    "Drawing",
    "ObjectPlacement",
    "draw_background",
    "draw_layout",
    "draw_object",
    "draw_scene",
]


FLOATING: frozenset[str] = frozenset({"star", "heart", "moon", "cloud", "rocket"})
"""Classes that hang in the air: they throw a soft shadow on what is behind them, the others one on
the ground.
"""
PLAIN_SHARE = 0.55
RADII: dict[int, tuple[float, float]] = {
    1: (0.27, 0.42),
    2: (0.20, 0.29),
    3: (0.16, 0.22),
    4: (0.14, 0.19),
    5: (0.12, 0.17),
}
"""Smallest and largest radius by the number of objects, as shares of the side."""
GROUND = 0.66
"""Height (share of the side, from the top) below which the feet of standing things usually are."""
AIRBORNE_SHARE = 0.25
"""Standing things that may be anywhere all the same: people will place them so, too."""
OPAQUE = 128
"""Alpha (of 255) from which a pixel belongs to an object's mask."""


@dataclass(frozen=True)
class ObjectPlacement:
    """One object of a layout. ``centre`` (x, y) and ``radius`` are shares of the side; rotation
    counter-clockwise.
    """

    class_: str
    colour: str
    texture: str
    centre: tuple[float, float]
    radius: float
    rotation_deg: float = 0.0
    flip: bool = False

    @property
    def phrase(self) -> str:
        """``orange dotted cat``; ``orange cat`` where the texture is plain."""
        return build_phrase(self.class_, self.colour, self.texture)


@dataclass(frozen=True)
class Drawing:
    """A drawn scene. Objects are in the order of the layout, from back to front.

    picture: uint8 (h, w, 3). plate: the same without the objects, with their shadows.
    cutouts: uint8 (n, h, w, 4), each object alone, straight alpha, uncovered.
    whole, visible: bool (n, h, w), an object's own area and what the later ones leave of it.
    class_map, colour_map: int64 (h, w), 0 = background, k + 1 = ``CLASSES[k]`` / ``COLOURS[k]``.
    boxes_px: int64 (n, 4) x0, y0, x1, y1 of the whole masks, upper bound excluded.
    """

    background: str
    placements: tuple[ObjectPlacement, ...]
    caption: str
    picture: Picture
    plate: Picture
    cutouts: Picture
    whole: NDArray[np.bool_]
    visible: NDArray[np.bool_]
    class_map: Labels
    colour_map: Labels
    boxes_px: Labels

    @property
    def phrases(self) -> tuple[str, ...]:
        """The objects' phrases as they stand in the caption."""
        return tuple(placement.phrase for placement in self.placements)

    @property
    def edges(self) -> NDArray[np.bool_]:
        """Edge map bool (h, w): each object's outline and inner lines where nothing hides them; not
        the place's.
        """
        edges = np.zeros(self.picture.shape[:2], np.bool_)
        for number, rgba in enumerate(self.cutouts):
            alpha = rgba[..., 3].astype(np.float32) / 255
            own = layer_edges(rgba[..., :3].astype(np.float32) / 255, alpha, np.ones_like(alpha))
            edges |= own & ~self.whole[number + 1 :].any(axis=0)
        return edges


def draw_background(name: str, size_px: int, seed: int) -> Picture:
    """An empty place: uint8 (size, size, 3)."""
    return np.asarray(paint_background(name, size_px, np.random.default_rng((seed, 1))))


def _cutout(placement: ObjectPlacement, size_px: int) -> Image.Image:
    """One object on a transparent canvas of the whole picture's size."""
    side = max(2, round(2 * placement.radius * size_px))
    sprite = paint_sprite(
        placement.class_, placement.colour, placement.texture, placement.flip, side_for(side)
    )
    canvas = Image.new("RGBA", (size_px, size_px), (0, 0, 0, 0))
    x, y = (round(c * size_px - side / 2) for c in placement.centre)
    canvas.paste(place_sprite(sprite, side, placement.rotation_deg), (x, y))
    return canvas


def _with_shadow(
    plate: Image.Image, cutout: Image.Image, placement: ObjectPlacement
) -> Image.Image:
    """The plate under one object: a pool of shade on the ground, or a soft silhouette behind
    floating things.
    """
    size, radius = plate.width, placement.radius * plate.width
    mask = Image.new("L", plate.size, 0)
    if placement.class_ in FLOATING:
        mask.paste(cutout.getchannel("A"), (round(radius * 0.1), round(radius * 0.14)))
        soft = mask.filter(ImageFilter.GaussianBlur(radius * 0.12))
        return darken(plate, soft, (120, 108, 150), 0.55)
    box = cutout.getchannel("A").point(lambda v: 255 if v >= OPAQUE else 0).getbbox() or (
        0,
        0,
        size,
        size,
    )
    middle, half, foot = (
        (box[0] + box[2]) / 2 + radius * 0.1,
        (box[2] - box[0]) * 0.5,
        box[3] - radius * 0.07,
    )
    ImageDraw.Draw(mask).ellipse(
        (middle - half, foot - radius * 0.13, middle + half, foot + radius * 0.15), fill=255
    )
    return darken(plate, mask.filter(ImageFilter.GaussianBlur(radius * 0.07)), (104, 92, 138), 0.75)


def _maps(
    placements: Sequence[ObjectPlacement], visible: NDArray[np.bool_], size_px: int
) -> tuple[Labels, Labels]:
    class_map = np.zeros((size_px, size_px), np.int64)
    colour_map = np.zeros((size_px, size_px), np.int64)
    for placement, mask in zip(placements, visible, strict=True):
        class_map[mask] = CLASSES.index(placement.class_) + 1
        colour_map[mask] = COLOURS.index(placement.colour) + 1
    return class_map, colour_map


def _box(mask: NDArray[np.bool_]) -> PixelBox[int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return PixelBox(0, 0, 0, 0)
    return PixelBox(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def draw_layout(
    background: str, placements: Sequence[ObjectPlacement], size_px: int, seed: int
) -> Drawing:
    """Draw an explicit layout, from back to front; ``seed`` decides only the background's
    details.
    """
    plate = paint_background(background, size_px, np.random.default_rng((seed, 1)))
    cutouts = [_cutout(placement, size_px) for placement in placements]
    for cutout, placement in zip(cutouts, placements, strict=True):
        plate = _with_shadow(plate, cutout, placement)
    picture = plate.copy()
    for cutout in cutouts:
        picture.paste(cutout, (0, 0), cutout)
    layers = (
        np.stack([np.asarray(c) for c in cutouts])
        if cutouts
        else np.zeros((0, size_px, size_px, 4), np.uint8)
    )
    whole = layers[..., 3] >= OPAQUE
    visible = whole.copy()
    for k in range(len(placements)):
        visible[k] &= ~whole[k + 1 :].any(axis=0)
    boxes = np.array([_box(mask) for mask in whole], np.int64).reshape(-1, 4)
    caption = build_caption([p.phrase for p in placements], background)
    class_map, colour_map = _maps(placements, visible, size_px)
    return Drawing(
        background,
        tuple(placements),
        caption,
        np.asarray(picture),
        np.asarray(plate),
        layers,
        whole,
        visible,
        class_map,
        colour_map,
        boxes,
    )


def _look(random: np.random.Generator, held_out: bool) -> tuple[str, str, str]:
    """A class, colour and texture; drawn again until it is on the asked side of the held-out
    line.
    """
    while True:
        texture = (
            "plain"
            if random.random() < PLAIN_SHARE
            else TEXTURES[int(random.integers(1, len(TEXTURES)))]
        )
        look = (
            CLASSES[int(random.integers(len(CLASSES)))],
            COLOURS[int(random.integers(len(COLOURS)))],
            texture,
        )
        if is_held_out(*look) == held_out:
            return look


def list_looks() -> tuple[tuple[str, str, str], ...]:
    """Every combination that training may see."""
    every = itertools.product(CLASSES, COLOURS, TEXTURES)
    return tuple(look for look in every if not is_held_out(*look))


def _clear(
    centre: tuple[float, float], radius: float, others: Sequence[ObjectPlacement], touch: float
) -> bool:
    return all(
        np.hypot(centre[0] - o.centre[0], centre[1] - o.centre[1]) > touch * (radius + o.radius)
        for o in others
    )


def build_layout(
    seed: int, objects: tuple[int, ...] = (1, 2), held_out: bool = False, scale: float = 1.0
) -> tuple[str, tuple[ObjectPlacement, ...]]:
    """A random background and placements, sorted so that what stands lower stands in front.

    ``objects``: numbers of objects to choose from, each 1..5. ``scale`` multiplies the radii
    (0.5..1). ``held_out``: every object is a combination that training never sees (else none is).
    """
    random = np.random.default_rng((seed, 0))
    background = BACKGROUNDS[int(random.integers(len(BACKGROUNDS)))]
    count = objects[int(random.integers(len(objects)))]
    found: list[ObjectPlacement] = []
    for _ in range(count):
        class_, colour, texture = _look(random, held_out)
        airborne = bool(random.random() < AIRBORNE_SHARE)
        for attempt in range(60):
            radius = float(random.uniform(*RADII[count])) * scale
            edge = radius * 0.92
            top = (
                edge
                if class_ in FLOATING or attempt > 40 or airborne
                else max(edge, min(GROUND - radius, 1 - edge))
            )
            centre = (float(random.uniform(edge, 1 - edge)), float(random.uniform(top, 1 - edge)))
            if _clear(centre, radius, found, 0.9 - 0.006 * attempt):
                break
        turn = float(np.clip(random.normal(0, 5), -12, 12))
        found.append(
            ObjectPlacement(
                class_, colour, texture, centre, radius, turn, bool(random.random() < 0.5)
            )
        )
    found.sort(key=lambda p: p.centre[1] + p.radius)
    return background, tuple(found)


def draw_scene(
    seed: int,
    size_px: int = 128,
    objects: tuple[int, ...] = (1, 2),
    held_out: bool = False,
    scale: float = 1.0,
) -> Drawing:
    """A random scene; see ``build_layout`` for the arguments."""
    background, placements = build_layout(seed, objects, held_out, scale)
    return draw_layout(background, placements, size_px, seed)
