"""Picture files for the journeys: good ones, and every bad one that the studio must refuse in
words.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import BlendMode, Tag


def png(picture: np.ndarray) -> bytes:
    """A PNG of an array, uint8 (h, w, 4|3) or uint16 (h, w)."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def star(side_px: int = 96) -> bytes:
    """A green five-pointed star on transparent ground."""
    y, x = (np.mgrid[:side_px, :side_px] + 0.5) / side_px * 2 - 1
    angle = np.arctan2(x, -y) % (2 * np.pi / 5)
    edge = 0.9 * np.cos(np.pi / 5) / np.cos(np.abs(angle - np.pi / 5) - np.pi / 5 * 0.1)
    inside = np.hypot(x, y) < edge * (0.55 + 0.45 * np.abs(angle - np.pi / 5) / (np.pi / 5))
    picture = np.zeros((side_px, side_px, 4), np.uint8)
    picture[inside] = (60, 170, 80, 255)
    return png(picture)


def png_with_claim(width: int, height: int) -> bytes:
    """A PNG whose header claims a size; its pixels are missing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)


def ora_with_stars(layers: int) -> bytes:
    """An OpenRaster file of another program with that many layers, each a star of its own."""
    entries = "".join(
        f'<layer name="star {index}" src="data/{index}.png"/>' for index in range(layers)
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", f'<image w="64" h="64"><stack>{entries}</stack></image>')
        for index in range(layers):
            archive.writestr(f"data/{index}.png", star(8))
    return content.getvalue()


def deep_png(side_px: int = 40) -> bytes:
    """A 16-bit grey ramp."""
    return png(np.linspace(0, 65535, side_px * side_px).reshape(side_px, side_px).astype(np.uint16))


def cmyk_jpeg(side_px: int = 40) -> bytes:
    """A CMYK JPEG, half cyan."""
    picture = np.zeros((side_px, side_px, 4), np.uint8)
    picture[:, : side_px // 2, 0] = 255
    stream = io.BytesIO()
    Image.fromarray(picture, "CMYK").save(stream, "JPEG", quality=95)
    return stream.getvalue()


def jpeg_on_its_side(width_px: int = 60, height_px: int = 30) -> bytes:
    """A JPEG lying on its side, which its EXIF orientation (6) puts upright."""
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    picture[:, : width_px // 2] = (220, 30, 30)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=95, exif=exif)
    return stream.getvalue()


def photoshop_file(side_px: int = 256) -> bytes:
    """A PSD: a ground, a sun, an adjustment layer, and a red square with a mask in a group."""
    psd = PSDImage.new("RGBA", (side_px, side_px))
    y, x = np.mgrid[:side_px, :side_px]
    opaque = np.full(x.shape, 255)
    ground = np.stack([np.full(x.shape, 120), x, y, opaque], axis=-1).astype(np.uint8)
    disc = 255 * np.clip(side_px / 4 - np.hypot(x - side_px / 2, y - side_px / 2), 0, 1)
    sun = np.stack([0 * x + 240, 0 * x + 200, 0 * x + 60, disc], axis=-1).astype(np.uint8)
    red = np.tile(np.array([200, 30, 60, 255], np.uint8), (side_px // 2, side_px // 2, 1))
    psd.create_pixel_layer(Image.fromarray(ground, "RGBA"), name="Ground")
    psd.create_pixel_layer(Image.fromarray(sun, "RGBA")).name = "Sonne ☀"
    negative = psd.create_pixel_layer(Image.new("RGBA", (1, 1)), name="Umkehr")
    negative.tagged_blocks.set_data(Tag.INVERT)
    group = psd.create_group(name="x", blend_mode=BlendMode.PASS_THROUGH)
    group.name = "Gruppe ★"
    half = group.create_pixel_layer(Image.fromarray(red, "RGBA"), left=side_px // 2)
    half.name = "Rote Hälfte"
    half.blend_mode = BlendMode.SCREEN
    ramp = np.tile(np.linspace(0, 255, side_px // 2).astype(np.uint8), (side_px // 2, 1))
    half.create_mask(Image.fromarray(ramp), left=side_px // 2, top=0)
    content = io.BytesIO()
    psd.save(content)
    return content.getvalue()
