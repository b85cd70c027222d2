"""Small pictures, masks and scenes that tests draw themselves."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.scene.blobs import MemoryPixels
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

Picture = NDArray[np.uint8]


def noise(seed: int, height: int, width: int, bands: int = 4) -> Picture:
    """Pixels without any pattern; the old generator, whose numbers never change."""
    shape = (height, width) if bands == 1 else (height, width, bands)
    return np.random.RandomState(seed).randint(0, 256, shape, dtype=np.uint8)


def plain(red: int, green: int, blue: int, alpha: int = 255, side: int = 8) -> Picture:
    """One colour."""
    return np.full((side, side, 4), (red, green, blue, alpha), np.uint8)


def at(x: float, y: float, **rest: object) -> Placement:
    """A placement by its centre."""
    return Placement.model_validate({"centre_x_px": x, "centre_y_px": y, **rest})


def scene_of(layers: Sequence[Layer], side: int = 64, prompt: str = "") -> Scene:
    """A square scene."""
    return Scene(width_px=side, height_px=side, prompt=prompt, layers=tuple(layers))


def every_setting(pixels: MemoryPixels) -> Scene:
    """A scene in which no field of any layer has its default."""
    picture, mask = pixels.add_picture(noise(1, 20, 30)), pixels.add_mask(noise(2, 48, 64, 1))
    rich = Layer.model_validate(
        {
            "id": "rich_1-A",
            "name": "Ärger <&\"'> \n\t\x01 🦊",
            "picture": picture,
            "mask": mask,
            "placement": at(
                20.25, 17.5, scale_x=1.5, scale_y=0.7, rotation_deg=-33.3, flip_x=True, flip_y=True
            ),
            "opacity": 0.123456789,
            "visible": False,
            "locked": True,
            "phrase": "a red  fox",
            "negative": "blurry",
            "strength": 1 / 3,
            "attention_positive": 1.25,
            "attention_negative": 0.1,
            "structure": {"kind": "edges", "weight": 0.4},
            "embedding": pixels.add_blob(bytes(range(64))),
            "subject": "fox",
            "class_label": "fox",
            "seed": 2**53 - 1,
        }
    )
    region = Layer(id="region", mask=mask, placement=at(0, 0), strength=0.0)
    cut = Layer(
        id="cut",
        picture=pixels.add_picture(noise(3, 40, 40)),
        placement=at(60, 40),
        phrase="the cut one",
    )
    return Scene(
        name="Ünïcode",
        width_px=64,
        height_px=48,
        prompt="a red fox\nbeside the cut one",
        negative="ugly",
        layers=(cut, rich, region),
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(
    size: tuple[int, int], depth: int, colour: int, rows: Sequence[bytes], extra: bytes = b""
) -> bytes:
    """A PNG built by hand: size (width, height), bit depth, colour type, unfiltered rows, chunks
    before the pixels.
    """
    head = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\x00" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + extra
        + png_chunk(b"IDAT", body)
        + png_chunk(b"IEND", b"")
    )
