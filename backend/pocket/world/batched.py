"""The drawn world on the training device: thousands of scenes a second on a GPU, from sprites and
places kept there.

Sprites and places are the world's own pictures (``sprites``, ``backgrounds``); only placing,
shadows and covering are done again in tensors. The pictures are close to ``world.draw_layout``'s
and not equal: sampling is bilinear from the nearest larger size, and a pool of shade is an ellipse
with an analytic edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
from torch import Tensor

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.world.backgrounds import paint_background
from backend.pocket.world.sprites import paint_sprite, place_sprite, side_for
from backend.pocket.world.words import BACKGROUNDS, TEXTURES
from backend.pocket.world.world import (
    AIRBORNE_SHARE,
    FLOATING,
    GROUND,
    OPAQUE,
    PLAIN_SHARE,
    RADII,
    list_looks,
)

LEVELS_PX = (128, 64, 32)
SHADOW_FRAME = 1.5
"""A shadow's texture reaches this far beyond the sprite's box, so that its blur is not cut off."""
SHADOW_PX = 64
POOL_HEIGHT, POOL_EDGE = 0.14, 0.175
"""Half the height of a pool of shade and the width of its soft edge, in radii of the object."""
TRIES = 12
"""Layouts drawn for each scene; the one whose objects stand clearest of one another is taken."""


@dataclass(frozen=True)
class Layouts:
    """Where things stand. look int64 (b, n), -1 = none: (class · 8 + colour) · 4 + texture; centre
    (b, n, 2) and radius (b, n) in shares of the side; turn (b, n) in degrees, counter-clockwise;
    flip bool (b, n); from back to front.
    """

    look: Tensor
    centre: Tensor
    radius: Tensor
    turn: Tensor
    flip: Tensor


@dataclass(frozen=True)
class SceneBatch:
    """pictures float (b, 3, h, w) in 0..1; instances int64 (b, h, w), 0 = place, k + 1 = k-th
    object; layouts and places int64 (b,), an index of ``BACKGROUNDS``."""

    pictures: Tensor
    instances: Tensor
    layouts: Layouts
    places: Tensor


def look_number(class_: str, colour: str, texture: str) -> int:
    """The number of a combination in ``Layouts.look``."""
    return (CLASSES.index(class_) * len(COLOURS) + COLOURS.index(colour)) * len(
        TEXTURES
    ) + TEXTURES.index(texture)


class BatchedWorld:
    """Sprites and places on a device. About 40 MB at 128 px with 32 places of each kind."""

    def __init__(
        self, device: torch.device, size_px: int = 128, plates_each: int = 32, seed: int = 0
    ) -> None:
        self.device, self.size_px, self.plates_each = device, size_px, plates_each
        looks = [(c, k, t) for c in CLASSES for k in COLOURS for t in TEXTURES]
        self.levels = tuple(
            torch.stack([_sprite(*look, side_px) for look in looks]).to(device)
            for side_px in LEVELS_PX
        )
        shapes = [_sprite(name, "white", "plain", LEVELS_PX[0])[3] for name in CLASSES]
        self.feet = torch.stack([_foot(shape) for shape in shapes]).to(device)
        self.shades = torch.stack([_shade(shape) for shape in shapes]).to(device)
        self.floating = torch.tensor([name in FLOATING for name in CLASSES], device=device)
        self.plates = torch.stack(
            [
                _tensor(
                    paint_background(name, size_px, np.random.default_rng((seed, place, number)))
                )
                for place, name in enumerate(BACKGROUNDS)
                for number in range(plates_each)
            ]
        ).to(device)
        self.allowed = torch.tensor([look_number(*look) for look in list_looks()], device=device)

    def draw(self, count: int, objects: int, generator: torch.Generator) -> SceneBatch:
        """``count`` scenes of ``objects`` things each (1 to 4), none a held-out combination."""
        plates = torch.randint(len(self.plates), (count,), generator=generator, device=self.device)
        return self.render(plates, self._layouts(count, objects, generator))

    def render(self, plates: Tensor, layouts: Layouts) -> SceneBatch:
        """Draw layouts over the places of these numbers, int64 (b,)."""
        picture = self.plates[plates].float() / 255
        covers = [self._object(layouts, n) for n in range(layouts.look.shape[1])]
        for n in range(len(covers)):
            picture = self._shade(picture, layouts, n)
        instances = torch.zeros(
            picture.shape[0], *picture.shape[2:], dtype=torch.long, device=self.device
        )
        for n, cover in enumerate(covers):
            alpha = cover[:, 3:]
            picture = picture * (1 - alpha) + cover[:, :3]
            instances = torch.where(alpha[:, 0] >= OPAQUE / 255, n + 1, instances)
        return SceneBatch(picture.clamp(0, 1), instances, layouts, plates // self.plates_each)

    def _layouts(self, count: int, objects: int, generator: torch.Generator) -> Layouts:
        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, device=self.device)

        look = self._looks(count * objects, generator).view(count, objects)
        low, high = RADII[objects]
        radius = low + (high - low) * uniform(count, objects)
        hangs = self.floating[look // 32] | (uniform(count, objects) < AIRBORNE_SHARE)
        edge = radius * 0.92
        top = torch.where(
            hangs, edge, torch.maximum(edge, torch.minimum(GROUND - radius, 1 - edge))
        )
        spots = torch.stack([edge.expand(TRIES, -1, -1), top.expand(TRIES, -1, -1)], -1)
        spots = spots + (1 - edge[..., None] - spots) * uniform(TRIES, count, objects, 2)
        centre = spots[_clearest(spots, radius), torch.arange(count, device=self.device)]
        order = (centre[..., 1] + radius).argsort(1)
        turn = (uniform(count, objects) + uniform(count, objects) - 1) * 12
        return Layouts(
            look.gather(1, order),
            centre.gather(1, order[..., None].expand(-1, -1, 2)),
            radius.gather(1, order),
            turn,
            uniform(count, objects) < 0.5,
        )

    def _looks(self, count: int, generator: torch.Generator) -> Tensor:
        """Combinations that training may see, plain ones in ``PLAIN_SHARE`` of the cases."""
        plain = self.allowed[self.allowed % len(TEXTURES) == 0]
        patterned = self.allowed[self.allowed % len(TEXTURES) != 0]
        numbers = torch.rand(2, count, generator=generator, device=self.device)
        some = [
            kind[(row * len(kind)).long()]
            for kind, row in zip((plain, patterned), numbers, strict=True)
        ]
        chosen = torch.rand(count, generator=generator, device=self.device) < PLAIN_SHARE
        return torch.where(chosen, some[0], some[1])

    def _object(self, layouts: Layouts, n: int) -> Tensor:
        """The n-th objects alone, premultiplied (b, 4, h, w), each from the smallest sprite that is
        large enough.
        """
        look, wanted_px = layouts.look[:, n], 2 * layouts.radius[:, n] * self.size_px
        out = torch.zeros(len(look), 4, self.size_px, self.size_px, device=self.device)
        larger = torch.full_like(wanted_px, math.inf)
        for level, side_px in zip(self.levels, LEVELS_PX, strict=True):
            smaller_px = side_px / 2 if side_px != LEVELS_PX[-1] else 0.0
            rows = ((wanted_px > smaller_px) & (larger > 0) & (look >= 0)).nonzero()[:, 0]
            larger[rows] = 0
            if len(rows):
                grid = self._grid(layouts, n, rows, (0.0, 0.0), 1.0)
                sprites = level[look[rows]].float() / 255
                out[rows] = F.grid_sample(sprites, grid, align_corners=False)
        return out

    def _grid(
        self, layouts: Layouts, n: int, rows: Tensor, offset: tuple[float, float], reach: float
    ) -> Tensor:
        """Where each pixel lies in the object's box: (len(rows), h, w, 2), -1..1 inside a box of
        ``reach`` radii.

        ``offset`` moves the object by shares of its radius.
        """
        line = (torch.arange(self.size_px, device=self.device) + 0.5) / self.size_px
        radius, centre = layouts.radius[rows, n], layouts.centre[rows, n]
        x = (line[None, None, :] - centre[:, None, None, 0]) / radius[:, None, None] - offset[0]
        y = (line[None, :, None] - centre[:, None, None, 1]) / radius[:, None, None] - offset[1]
        turn = torch.deg2rad(layouts.turn[rows, n])[:, None, None]
        u, v = x * turn.cos() - y * turn.sin(), x * turn.sin() + y * turn.cos()
        u = torch.where(layouts.flip[rows, n][:, None, None], -u, u)
        return torch.stack([u, v], -1) / reach

    def _shade(self, picture: Tensor, layouts: Layouts, n: int) -> Tensor:
        """The picture under the shadows of the n-th objects; see ``world`` for the two kinds."""
        look = layouts.look[:, n]
        there = look >= 0
        kind = (look.clamp(min=0)) // 32
        rows = torch.arange(len(look), device=self.device)
        grid = self._grid(layouts, n, rows, (0.1, 0.14), SHADOW_FRAME)
        soft = (
            F.grid_sample(self.shades[kind].float()[:, None] / 255, grid, align_corners=False)
            * 0.55
        )
        pool = self._pool(layouts, n, self.feet[kind])[:, None] * 0.75
        floats = self.floating[kind][:, None, None, None]
        amount = torch.where(floats, soft, pool) * there[:, None, None, None]
        tints = torch.tensor([[120, 108, 150], [104, 92, 138]], device=self.device) / 255
        tint = torch.where(floats, tints[0][None, :, None, None], tints[1][None, :, None, None])
        return picture * (1 - amount * (1 - tint))

    def _pool(self, layouts: Layouts, n: int, foot: Tensor) -> Tensor:
        """A soft ellipse (b, h, w) under things that stand; ``foot`` (b, 3) is left, right and
        bottom of the shape.
        """
        left = torch.where(layouts.flip[:, n], -foot[:, 1], foot[:, 0])
        right = torch.where(layouts.flip[:, n], -foot[:, 0], foot[:, 1])
        upright = replace(
            layouts, turn=torch.zeros_like(layouts.turn), flip=torch.zeros_like(layouts.flip)
        )
        rows = torch.arange(len(foot), device=self.device)
        x, y = self._grid(upright, n, rows, (0.0, 0.0), 1.0).unbind(-1)
        middle, half, low = (
            v[:, None, None]
            for v in ((left + right) / 2 + 0.1, (right - left) / 2, foot[:, 2] - 0.06)
        )
        reach = (((x - middle) / half).square() + ((y - low) / POOL_HEIGHT).square()).sqrt()
        return ((1 - reach) * POOL_HEIGHT / POOL_EDGE + 0.5).clamp(0, 1)


def _clearest(spots: Tensor, radius: Tensor) -> Tensor:
    """For each scene the number of the try (tries, b, n, 2) whose nearest pair stands furthest
    apart: int64 (b,).
    """
    distances: Tensor = (spots[:, :, :, None] - spots[:, :, None]).norm(dim=-1)
    ratio: Tensor = distances / (radius[:, :, None] + radius[:, None])
    count = spots.shape[2]
    ratio = ratio + torch.eye(count, device=spots.device) * 1e3
    best: Tensor = ratio.flatten(2).amin(-1).argmax(0)
    return best


def _tensor(picture: Image.Image) -> Tensor:
    """A picture as uint8 (c, h, w)."""
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).contiguous()


def _sprite(class_: str, colour: str, texture: str, side_px: int) -> Tensor:
    """Premultiplied uint8 (4, side, side)."""
    sprite = paint_sprite(class_, colour, texture, False, side_for(2 * side_px))
    return _tensor(place_sprite(sprite, side_px, 0.0).convert("RGBa"))


def _foot(shape: Tensor) -> Tensor:
    """Left, right and bottom of a shape (side, side) in its box of -1..1."""
    columns, rows = (torch.nonzero((shape >= OPAQUE).any(axis))[:, 0] for axis in (0, 1))
    side = shape.shape[0]
    return torch.stack([columns[0], columns[-1] + 1, rows[-1] + 1]) * 2.0 / side - 1


def _shade(shape: Tensor) -> Tensor:
    """The blurred silhouette uint8 (SHADOW_PX, SHADOW_PX) in a frame of ``SHADOW_FRAME`` boxes."""
    inner = round(SHADOW_PX / SHADOW_FRAME)
    small = Image.fromarray(shape.numpy()).resize((inner, inner), Image.Resampling.BOX)
    frame = Image.new("L", (SHADOW_PX, SHADOW_PX), 0)
    frame.paste(small, ((SHADOW_PX - inner) // 2,) * 2)
    return torch.from_numpy(
        np.asarray(frame.filter(ImageFilter.GaussianBlur(0.12 * inner / 2))).copy()
    )
