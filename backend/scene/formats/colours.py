"""Pictures in any colours as sRGB."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from backend.scene.formats.colour_space import (
    ColourSpace,
    read_code_points,
    read_gamma,
    read_profile,
)
from backend.scene.formats.png_blocks import find_chunk

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def find_space(image: Image.Image, content: bytes) -> ColourSpace | None:
    """The colour space of an opened picture where it is known by curves and is not sRGB.

    Of a PNG's chunks cICP goes before a profile, that before sRGB, and that before gAMA.
    """
    space = _code_points(content) if image.format == "PNG" else None
    profile = image.info.get("icc_profile") or b""
    if space is None and profile:
        space = read_profile(profile, _title(profile))
    elif space is None and image.format == "PNG" and "srgb" not in image.info:
        gamma = image.info.get("gamma")
        if isinstance(gamma, int | float):
            space = read_gamma(float(gamma), image.info.get("chromaticity"))
    return None if space is None or space.is_srgb() else space


def say_conversion(space: ColourSpace, outside: float) -> str:
    """The end of a sentence about colours that were moved to sRGB, and what of them was lost."""
    lost = f"; {100 * outside:.0f} % of its pixels lay outside of it" if outside >= 0.005 else ""
    high = ", and what is brighter than white was cut" if space.hdr else ""
    return f"was converted from {space.name} to sRGB{lost}{high}."


def _code_points(content: bytes) -> ColourSpace | None:
    chunk = find_chunk(content, b"cICP")
    if chunk is None or len(chunk) != 4 or chunk[2] != 0 or chunk[3] != 1:
        return None
    return read_code_points(chunk[0], chunk[1])


def _title(profile: bytes) -> str:
    try:
        title = ImageCms.getProfileDescription(ImageCms.getOpenProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        title = ""
    return title.strip()[:60] or "its colour profile"


def to_srgb(
    image: Image.Image, profile: bytes, space: ColourSpace | None = None
) -> tuple[Image.Image, list[str]]:
    """The picture in mode RGBA, and the ends of sentences about what was changed.

    ``profile`` is its embedded ICC profile, or b""; ``space`` what :func:`find_space` found.
    Palettes, grey, one bit, transparent colours
    and alpha bands become RGBA; an unreadable profile is left out, and said.
    """
    notes = ["was converted from CMYK."] if image.mode == "CMYK" else []
    straight = (
        image
        if image.mode in ("CMYK", "L") and "transparency" not in image.info
        else image.convert("RGBA")
    )
    if space is not None and image.mode != "CMYK":
        return _convert_space(straight.convert("RGBA"), space)
    if profile and read_profile(profile, "") is None:
        straight, own_notes = _convert_profile(straight, profile)
        notes.extend(own_notes)
    return (straight if straight.mode == "RGBA" else straight.convert("RGB").convert("RGBA")), notes


def _convert_space(image: Image.Image, space: ColourSpace) -> tuple[Image.Image, list[str]]:
    rgba = np.array(image)
    rgba[..., :3], outside = space.convert(rgba[..., :3])
    return Image.fromarray(rgba, "RGBA"), [say_conversion(space, outside)]


def _convert_profile(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    """Colours moved from the profile's space to sRGB; the alpha band stays."""
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        title = ImageCms.getProfileDescription(source).strip()
        mode = _MODES[source.profile.xcolor_space.strip()]
        if mode == "CMYK" and image.mode != "CMYK":
            return image, [
                "carries a colour profile for another kind of picture, which is ignored."
            ]
        bands = image if image.mode == mode else image.convert(mode)
        moved = ImageCms.profileToProfile(
            bands, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return image, ["has an unreadable colour profile, which is ignored."]
    if moved is None:
        return image, ["has an unreadable colour profile, which is ignored."]
    if image.mode == "RGBA":
        moved.putalpha(image.getchannel("A"))
    return moved, [f"was converted from {title[:60] or 'its colour profile'} to sRGB."]
