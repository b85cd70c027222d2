"""Whatever a decoder hands out, as sRGB with straight alpha."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    """The picture in mode RGBA, and the ends of sentences about what was changed.

    ``profile`` is its embedded ICC profile, or b"". Palettes, grey, one bit, transparent colours
    and alpha bands become RGBA; an unreadable profile is left out, and said.
    """
    notes = ["was converted from CMYK."] if image.mode == "CMYK" else []
    straight = (
        image
        if image.mode in ("CMYK", "L") and "transparency" not in image.info
        else image.convert("RGBA")
    )
    if profile:
        straight, own_notes = _convert_profile(straight, profile)
        notes.extend(own_notes)
    return (straight if straight.mode == "RGBA" else straight.convert("RGB").convert("RGBA")), notes


def _convert_profile(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    """Colours moved from the profile's space to sRGB; the alpha band stays."""
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        title = ImageCms.getProfileDescription(source).strip()
        if "srgb" in title.lower():
            return image, []
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
