"""Rows of small objects that are drawn again: in the whole picture, and close up.

Into a drawing of one object a second, small one is drawn under a painted ellipse at strength 1; the
outline is looked at in the window around it, enlarged to the judge's size, the same for both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.evaluation.asking import run_plan, settings_for
from backend.evaluation.forms import true_outlines
from backend.evaluation.report import ReportRow, Tile, build_metric
from backend.metrics.outline import find_largest_piece, find_nearest_outline, outline_iou
from backend.models.bundle import ModelBundle
from backend.models.judge import TRAINED_PX, Judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.plan.build import build_plan
from backend.plan.card import Size
from backend.plan.crop import choose_window
from backend.plan.plan import CropWindow
from backend.plan.request import Reroll
from backend.pocket.world.words import BACKGROUNDS, build_caption, build_phrase, is_held_out
from backend.pocket.world.world import ObjectPlacement, draw_layout
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.arrays import Mask, Picture
from backend.scene.imaging.paste import may_change
from backend.scene.layer import Layer, Placement
from backend.scene.records import PictureDigest
from backend.scene.scene import Scene

RADII = (0.09, 0.17)
"""Of the small object, as shares of the side."""
NEIGHBOUR_RADIUS, NEIGHBOUR_COLOUR = 0.12, "red"
GROWN, GROWN_PX = 1.12, 3
"""A painted ellipse is a little larger than what it is painted around."""
FEATHER_PX = 4
ATTENTION = (1.5, 1.0)


@dataclass(frozen=True, eq=False)
class SmallObject:
    """A scene in which one small object is asked for.

    Attributes:
        name: its class.
        scene: with its layer "small" and a neighbour's.
        pixels: of the scene.
        source: digest of the picture to draw in.
        ellipse: where it may be drawn, bool (h, w).
        window: around it.
    """

    name: str
    scene: Scene
    pixels: MemoryPixels = field(repr=False)
    source: PictureDigest
    ellipse: Mask = field(repr=False)
    window: CropWindow


def build_small_objects(count: int, side_px: int, seed: int) -> tuple[SmallObject, ...]:
    """``count`` of them; every class occurs equally often, the rest by the seed."""
    random = np.random.default_rng((seed, 93))
    return tuple(_build_small_object(number, side_px, random) for number in range(count))


def _build_small_object(number: int, side_px: int, random: np.random.Generator) -> SmallObject:
    name, other = CLASSES[number % len(CLASSES)], CLASSES[(number + 5) % len(CLASSES)]
    colours = [colour for colour in COLOURS if not is_held_out(name, colour, "plain")]
    colour = colours[int(random.integers(len(colours)))]
    centre = (float(random.uniform(0.25, 0.75)), float(random.uniform(0.45, 0.75)))
    small = ObjectPlacement(name, colour, "plain", centre, float(random.uniform(*RADII)))
    spot = (0.15 if centre[0] > 0.5 else 0.85, 0.5)
    neighbour = ObjectPlacement(other, NEIGHBOUR_COLOUR, "plain", spot, NEIGHBOUR_RADIUS)
    place = BACKGROUNDS[int(random.integers(len(BACKGROUNDS)))]
    drawn_seed = int(random.integers(1 << 30))
    both = draw_layout(place, (neighbour, small), side_px, drawn_seed)
    alone = draw_layout(place, (neighbour,), side_px, drawn_seed)
    ellipse, pixels = _paint_around(both.whole[1]), MemoryPixels()
    opaque = np.full((side_px, side_px), 255, np.uint8)
    phrases = [build_phrase(one.class_, one.colour, one.texture) for one in (neighbour, small)]
    masks = (both.whole[0], ellipse)
    layers = tuple(
        Layer(
            id=layer_id,
            mask=pixels.add_mask(mask.astype(np.uint8) * np.uint8(255)),
            placement=Placement(centre_x_px=side_px / 2, centre_y_px=side_px / 2),
            strength=1.0,
            phrase=phrase,
            attention_positive=ATTENTION[0],
            attention_negative=ATTENTION[1],
        )
        for layer_id, mask, phrase in zip(("neighbour", "small"), masks, phrases, strict=True)
    )
    caption = build_caption(phrases, place)
    window = choose_window(ellipse.astype(np.float32), FEATHER_PX, Size(side_px, side_px))
    assert window is not None
    return SmallObject(
        name,
        Scene(width_px=side_px, height_px=side_px, prompt=caption, layers=layers),
        pixels,
        pixels.add_picture(np.dstack([alone.picture, opaque])),
        ellipse,
        window,
    )


def _paint_around(silhouette: NDArray[np.bool_]) -> Mask:
    """The ellipse around a silhouette, as a person paints it: bool (h, w)."""
    distance = np.zeros(silhouette.shape)
    for axis, line in enumerate(np.indices(silhouette.shape)):
        seen = np.flatnonzero(silhouette.any(1 - axis))
        middle, half = (seen[0] + seen[-1]) / 2, (seen[-1] - seen[0]) / 2 * GROWN + GROWN_PX
        distance += ((line - middle) / half) ** 2
    painted: Mask = distance <= 1
    return painted


@dataclass
class SmallObjectRows:
    """The rows of both ways; what was drawn is kept for the sheet."""

    bundle: ModelBundle
    judge: Judge
    objects: tuple[SmallObject, ...]
    tiles: list[list[Tile]] = field(default_factory=list)

    def rows(self) -> Iterator[ReportRow]:
        """Nearest outline and outline IoU, and how many pixels changed outside."""
        for name, crop in (("small_in_whole", False), ("small_close_up", True)):
            right, alike, outside = [], [], []
            tiles = []
            for number, one in enumerate(self.objects):
                picture, source = self._draw(one, number, crop)
                piece = self._find_piece(one, picture)
                right.append(float(find_nearest_outline(piece, true_outlines()) == one.name))
                alike.append(outline_iou(piece, true_outlines()[one.name]))
                outside.append(float(_count_outside(one, picture, source)))
                tiles.append(Tile(picture, f"{name}: {one.name}"))
            self.tiles.append(tiles[:8])
            metrics = {
                "nearest_outline": build_metric(right),
                "outline_iou": build_metric(alike),
                "changed_outside": build_metric(outside),
            }
            yield ReportRow(name, metrics, len(self.objects))

    def _draw(self, one: SmallObject, seed: int, crop: bool) -> tuple[Picture, Picture]:
        asked = Reroll(
            settings=settings_for(self.bundle.card.id, seed, {}),
            layer_id="small",
            source=one.source,
            feather_px=FEATHER_PX,
            crop=crop,
        )
        plan = build_plan(one.scene, asked, self.bundle.card, one.pixels)
        return run_plan(self.bundle, plan, one.pixels)[0], one.pixels.picture(one.source)[..., :3]

    def _find_piece(self, one: SmallObject, picture: Picture) -> Mask:
        """What stands under the ellipse, seen in the window at the judge's size."""
        rows, columns = one.window.rows, one.window.columns
        size = (TRAINED_PX, TRAINED_PX)
        near = Image.fromarray(np.ascontiguousarray(picture[rows, columns]))
        seen = np.array(near.resize(size, Image.Resampling.LANCZOS))
        allowed = Image.fromarray(one.ellipse[rows, columns]).resize(size)
        standing = self.judge.classes(seen[None])[0] > 0
        return find_largest_piece(standing & np.asarray(allowed))


def _count_outside(one: SmallObject, picture: Picture, source: Picture) -> int:
    """Pixels beyond the ellipse and its feather that are not the source's."""
    allowed = may_change(one.ellipse.astype(np.float32), FEATHER_PX)
    return int(((picture != source).any(-1) & ~allowed).sum())
