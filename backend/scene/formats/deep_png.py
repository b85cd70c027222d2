"""PNGs with 16 bits a channel, rounded to 8 (Pillow keeps the upper byte, which darkens by up to
one level).
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.scene.formats.colour_space import ColourSpace

_DEPTH_AT = 24  # the bit depth's place in a PNG: signature, chunk head, width, height


def deep_png(content: bytes) -> bool:
    """Whether a PNG has 16 bits a channel."""
    return content[_DEPTH_AT : _DEPTH_AT + 1] == b"\x10"


def read_deep_png(content: bytes, space: ColourSpace | None = None) -> tuple[Image.Image, float]:
    """The picture in mode RGBA, each value v of 0…65535 rounded to v / 257, and the share of its
    pixels that lie outside of sRGB.

    Colours of another ``space`` are moved to sRGB first, and rounded once. Raises what Pillow
    raises.
    """
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        raw = str(image.tile[0].args)
        key = image.info.get("transparency")
    if raw.startswith("LA"):
        parts = _bytes_as(content, "RGBA").astype(np.uint32)
        deep = parts[..., 0::2] * 256 + parts[..., 1::2]
    elif raw.startswith("RGB"):
        bands = raw.split(";")[0]
        deep = _bytes_as(content, f"{bands};16B").astype(np.uint32) * 256 + _bytes_as(
            content, f"{bands};16L"
        )
    else:
        deep = _bytes_as(content, raw).astype(np.uint32)[..., None]
    rgba = _rgba(deep, key)
    outside = 0.0
    if space is not None:
        colour = deep[..., :3] if deep.shape[2] >= 3 else np.repeat(deep[..., :1], 3, axis=2)
        rgba[..., :3], outside = space.convert(colour.astype(np.uint16))
    return Image.fromarray(rgba, "RGBA"), outside


def _bytes_as(content: bytes, raw: str) -> NDArray[np.uint8]:
    """Decode under another raw mode: big-endian values read as little-endian ones yield their lower
    byte.
    """
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        image.tile = [image.tile[0]._replace(args=raw)]
        return np.array(image)


def _rgba(deep: NDArray[np.uint32], key: object) -> NDArray[np.uint8]:
    """Grey, grey + alpha, RGB or RGBA of 16 bits as 8-bit RGBA; ``key`` is the colour that stands
    for transparent.
    """
    shallow = ((deep + 128) // 257).astype(np.uint8)
    bands = deep.shape[2]
    rgba = np.full((*deep.shape[:2], 4), 255, np.uint8)
    rgba[..., :3] = shallow[..., :3] if bands >= 3 else shallow[..., :1]
    if bands in (2, 4):
        rgba[..., 3] = shallow[..., -1]
    elif key is not None:
        rgba[..., 3][(deep == np.array(key, np.uint32)).all(axis=2)] = 0
    return rgba
