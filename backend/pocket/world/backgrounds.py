"""Six painted places, drawn at twice the size from a random generator and reduced; nothing in them
looks like a toy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from backend.pocket.world.toys import Rgb

OVERSAMPLE = 2
Random = np.random.Generator


def gradient(side: int, stops: tuple[tuple[float, Rgb], ...]) -> Image.Image:
    """A vertical blend through colours; stops are (height 0..1 from the top, colour)."""
    y = (np.arange(side) + 0.5) / side
    columns = [np.interp(y, [s[0] for s in stops], [s[1][c] for s in stops]) for c in range(3)]
    strip = np.stack(columns, axis=1).astype(np.uint8)[:, None, :]
    return Image.fromarray(strip, "RGB").resize((side, side))


def vary(rgb: Rgb, random: Random, amount: int = 7) -> Rgb:
    """The colour, a little off; the same shift in all channels keeps the hue."""
    shift = int(random.integers(-amount, amount + 1))
    return tuple(int(np.clip(v + shift, 0, 255)) for v in rgb)  # type: ignore[return-value]


def hill(
    picture: Image.Image, random: Random, top: float, swing: float, rgb: Rgb, waves: float = 1.2
) -> None:
    """A rolling ridge filled down to the lower edge; ``top`` and ``swing`` as shares of the
    side.
    """
    side = picture.width
    x = np.linspace(0, 1, 48)
    phase = [float(turn) for turn in random.uniform(0, 2 * np.pi, 2)]
    line: NDArray[np.float64] = top + swing * (
        0.7 * np.sin(2 * np.pi * waves * x + phase[0])
        + 0.3 * np.sin(2 * np.pi * 2.3 * waves * x + phase[1])
    )
    points = [(float(a * side), float(b * side)) for a, b in zip(x, line, strict=True)]
    ImageDraw.Draw(picture).polygon([*points, (side, side), (0, side)], fill=rgb)


def dots(
    picture: Image.Image,
    random: Random,
    count: int,
    area: tuple[float, float],
    radius: float,
    colours: tuple[Rgb, ...],
) -> None:
    """Small discs between two heights; those lower down are a little larger."""
    pen, side = ImageDraw.Draw(picture), picture.width
    across = map(float, random.random(count))
    down = map(float, random.random(count))
    for x, u, k in zip(across, down, random.integers(0, len(colours), count), strict=True):
        y = area[0] + (area[1] - area[0]) * u
        r = side * radius * (0.6 + 0.6 * y)
        pen.ellipse((x * side - r, y * side - r, x * side + r, y * side + r), fill=colours[int(k)])


def meadow(picture: Image.Image, random: Random) -> Image.Image:
    """Soft sky, three green ridges, specks of blossom."""
    side = picture.width
    picture.paste(gradient(side, ((0, (150, 205, 240)), (0.5, (222, 240, 244)))))
    horizon = float(random.uniform(0.4, 0.52))
    hill(picture, random, horizon - 0.06, 0.035, vary((160, 204, 158), random))
    hill(picture, random, horizon + 0.06, 0.03, vary((134, 194, 110), random))
    hill(picture, random, horizon + 0.2, 0.03, vary((112, 178, 90), random))
    pen = ImageDraw.Draw(picture)
    for x, y in (map(float, spot) for spot in random.random((26, 2))):
        foot = (horizon + 0.24 + (0.74 - horizon) * y) * side
        for lean in (-0.008, 0.0, 0.008):
            pen.line(
                (x * side, foot, (x + lean) * side, foot - 0.024 * side),
                fill=(84, 148, 74),
                width=max(1, side // 170),
            )
    dots(
        picture,
        random,
        16,
        (horizon + 0.26, 1.0),
        0.006,
        ((255, 250, 230), (250, 226, 130), (250, 190, 210)),
    )
    return picture


def sea(picture: Image.Image, random: Random) -> Image.Image:
    """A hazy sky over rows of waves that grow towards us."""
    side = picture.width
    picture.paste(gradient(side, ((0, (176, 220, 238)), (0.34, (236, 240, 226)))))
    pen = ImageDraw.Draw(picture)
    top = float(random.uniform(0.28, 0.38))
    rows = 7
    for k in range(rows):
        share = k / (rows - 1)
        y: float = (top + (1 - top) * share**1.25) * side
        wide = (0.07 + 0.09 * share) * side
        deep = wide * 0.34
        start = -float(random.uniform(0, 1)) * wide
        rgb = tuple(
            int(a + (b - a) * share) for a, b in zip((96, 186, 200), (22, 104, 158), strict=True)
        )
        pen.rectangle((0, min(y + deep * 0.5, side), side, side), fill=rgb)
        x = np.arange(0, side + 3, 2)
        crest: NDArray[np.float64] = y + deep * np.abs(np.sin(np.pi * (x - start) / wide))
        line = [(float(a), float(b)) for a, b in zip(x, crest, strict=True)]
        pen.polygon([*line, (side, y + deep + 2), (0, y + deep + 2)], fill=rgb)
        pen.line(line, fill=tuple(min(255, v + 44) for v in rgb), width=max(1, side // 110))
    return picture


def night(picture: Image.Image, random: Random) -> Image.Image:
    """A violet sky with pinpricks of light over dark hills."""
    side = picture.width
    picture.paste(gradient(side, ((0, (24, 24, 66)), (0.55, (66, 54, 118)), (0.8, (116, 82, 140)))))
    dots(
        picture,
        random,
        44,
        (0.0, 0.68),
        0.0042,
        ((255, 250, 220), (196, 200, 246), (236, 214, 250)),
    )
    hill(picture, random, float(random.uniform(0.7, 0.78)), 0.03, vary((50, 46, 96), random, 5))
    hill(picture, random, float(random.uniform(0.83, 0.88)), 0.025, vary((36, 36, 78), random, 5))
    return picture


def beach(picture: Image.Image, random: Random) -> Image.Image:
    """Sky, a strip of turquoise with surf, warm sand with ripples and pebbles."""
    side = picture.width
    picture.paste(gradient(side, ((0, (132, 206, 240)), (0.3, (226, 244, 246)))))
    horizon = float(random.uniform(0.27, 0.36))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, horizon * side, side, side), fill=(64, 172, 196))
    pen.rectangle((0, (horizon + 0.09) * side, side, side), fill=(98, 198, 208))
    state = random.bit_generator.state
    hill(picture, random, horizon + 0.2, 0.018, (244, 250, 246), 1.6)
    random.bit_generator.state = state
    hill(picture, random, horizon + 0.225, 0.018, (222, 192, 146), 1.6)
    random.bit_generator.state = state
    hill(picture, random, horizon + 0.26, 0.018, vary((244, 220, 172), random), 1.6)
    for x, y in (map(float, spot) for spot in random.random((9, 2))):
        a, b, w = x * side, (horizon + 0.36 + (0.62 - horizon) * y) * side, 0.1 * side
        pen.arc(
            (a - w, b - w * 0.16, a + w, b + w * 0.16),
            195,
            345,
            fill=(226, 196, 146),
            width=max(1, side // 120),
        )
    dots(
        picture,
        random,
        14,
        (horizon + 0.34, 1.0),
        0.0055,
        ((214, 178, 134), (252, 238, 210), (236, 176, 150)),
    )
    return picture


def room(picture: Image.Image, random: Random) -> Image.Image:
    """A papered wall, a skirting board, floor boards that run towards us."""
    side = picture.width
    wall: Rgb = ((238, 214, 196), (206, 222, 214), (222, 212, 232))[int(random.integers(0, 3))]
    picture.paste(wall, (0, 0, side, side))
    pen = ImageDraw.Draw(picture)
    pitch, start = 0.125 * side, float(random.uniform(0, 0.125)) * side
    for k in range(-1, 9):
        x = start + k * pitch
        pen.rectangle((x, 0, x + pitch * 0.42, side), fill=tuple(min(255, v + 8) for v in wall))
    floor = float(random.uniform(0.58, 0.68))
    picture.paste(
        gradient(side, ((floor, (192, 138, 92)), (1.0, (222, 170, 118)))).crop(
            (0, int(floor * side), side, side)
        ),
        (0, int(floor * side)),
    )
    vanish = float(random.uniform(0.3, 0.7))
    for foot in map(float, np.linspace(-1.6, 2.6, 15)):
        top = vanish + (foot - vanish) * 0.5
        pen.line(
            (top * side, floor * side, foot * side, side),
            fill=(166, 114, 74),
            width=max(1, side // 130),
        )
    pen.rectangle((0, (floor - 0.035) * side, side, floor * side), fill=(250, 244, 234))
    pen.line((0, floor * side, side, floor * side), fill=(150, 104, 72), width=max(1, side // 100))
    return picture


def snow(picture: Image.Image, random: Random) -> Image.Image:
    """A pale blue day, rounded drifts with blue shade, falling flakes."""
    side = picture.width
    picture.paste(gradient(side, ((0, (146, 182, 216)), (0.55, (208, 224, 238)))))
    horizon = float(random.uniform(0.44, 0.56))
    hill(picture, random, horizon, 0.04, vary((192, 210, 232), random, 5))
    hill(picture, random, horizon + 0.13, 0.035, vary((216, 228, 243), random, 4))
    hill(picture, random, horizon + 0.27, 0.025, vary((233, 240, 249), random, 3))
    dots(picture, random, 30, (0.0, 1.0), 0.0065, ((255, 255, 255), (244, 249, 255)))
    return picture


PAINTERS: dict[str, Callable[[Image.Image, Random], Image.Image]] = {
    "meadow": meadow,
    "sea": sea,
    "night": night,
    "beach": beach,
    "room": room,
    "snow": snow,
}


def paint_background(name: str, size_px: int, random: Random) -> Image.Image:
    """One place as an RGB picture (size, size), with a breath of light from the upper left."""
    side = size_px * OVERSAMPLE
    picture = PAINTERS[name](Image.new("RGB", (side, side)), random).reduce(OVERSAMPLE)
    return picture.filter(ImageFilter.GaussianBlur(size_px / 400))
