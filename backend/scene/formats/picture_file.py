"""Picture files to pixels and back. What a file is, its content says, never its name; whatever a
decoder hands out becomes sRGB with straight alpha.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from backend.errors import PictureError
from backend.scene.formats.colours import find_space, say_conversion, to_srgb
from backend.scene.formats.deep_png import deep_png, read_deep_png
from backend.scene.formats.png_blocks import drop_texts
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Record

MAX_FILE_BYTES = 25 * 1024 * 1024
MAX_SIDE_PX = 8192
MAX_AREA_PX = 16 * 1024 * 1024

PHOTOGRAPH_SIDE_PX = 32768
PHOTOGRAPH_AREA_PX = {"JPEG": 256 * 1024 * 1024, "PNG": 48 * 1024 * 1024, "WEBP": 48 * 1024 * 1024}
"""What can be made smaller, by kind; a JPEG is reduced while it is unpacked, and takes no more."""

_KINDS = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"))
_CLASSES = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
_OTHER_FORMATS = (
    (b"GIF8", "a GIF"),
    (b"8BPS", "a Photoshop file"),
    (b"BM", "a BMP"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an XML file"),
    (b"PK\x03\x04", "a zip archive"),
)
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION_TAG = 0x0112


class Limits(NamedTuple):
    """What a file may be at most: bytes, pixels a side, pixels in all."""

    file_bytes: int = MAX_FILE_BYTES
    side_px: int = MAX_SIDE_PX
    area_px: int = MAX_AREA_PX

    def fit(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size (width, height) within the sides and the area, the aspect kept."""
        width_px, height_px = size
        scale = min(
            1.0, self.side_px / max(size), math.sqrt(self.area_px / max(1, width_px * height_px))
        )
        return max(1, int(width_px * scale)), max(1, int(height_px * scale))

    def allow(self, size: tuple[int, int]) -> bool:
        """Whether a size (width, height) is within the sides and the area."""
        return max(size) <= self.side_px and size[0] * size[1] <= self.area_px


class DecodedPicture(NamedTuple):
    """``picture`` uint8 (h, w, 4), sRGB, straight alpha; ``notes`` are sentences about what was
    changed on the way.
    """

    picture: Picture
    notes: tuple[str, ...]


def decode_photograph(content: bytes, name: str) -> DecodedPicture:
    """As ``decode_picture``, but a picture of more pixels than are used is made smaller, which a
    note says.

    PictureError: also where it is too large to be made smaller; a PNG with 16 bits a channel is.
    """
    called = f"“{name[:80]}”" if name else "The picture"
    usual = Limits()
    kind = _kind(content)
    allowed = Limits(usual.file_bytes, PHOTOGRAPH_SIDE_PX, PHOTOGRAPH_AREA_PX.get(kind, 0))
    if kind == "PNG" and deep_png(content):
        allowed = usual

    def read(image: Image.Image, content: bytes) -> tuple[Picture, list[str]]:
        if usual.allow(image.size):
            return _pixels(image, content)
        width_px, height_px = image.size
        target = usual.fit(image.size)
        picture, notes = _pixels(image, content, target)
        more = (
            f"has {width_px} × {height_px} px and was made smaller, to {target[0]} × {target[1]} "
            f"px: at most {usual.side_px} px a side and {usual.area_px // 2**20} Mpx are used."
        )
        return picture, [more, *notes]

    picture, notes = _open(content, called, allowed, read)
    return DecodedPicture(picture, tuple(f"{called} {note}" for note in notes))


_Reader = Callable[[Image.Image, bytes], tuple[Picture, list[str]]]


def decode_picture(content: bytes, name: str, limits: Limits | None = None) -> DecodedPicture:
    """A PNG, JPEG or WebP file as pixels. ``name`` serves sentences only; metadata is dropped.

    PictureError: another format, damage, or more than the limits (by default 25 MB, 8192 px a side,
    16 Mpx), which are read from the header before anything is unpacked.
    """
    called = f"“{name[:80]}”" if name else "The picture"
    picture, notes = _open(content, called, limits or Limits(), _pixels)
    return DecodedPicture(picture, tuple(f"{called} {note}" for note in notes))


def decode_mask(content: bytes, name: str) -> DecodedPicture:
    """A mask uint8 (h, w), 255 = inside, from a PNG, JPEG or WebP of any kind: the alpha of a
    picture with transparent parts, the brightness of any other; grey and 1-bit as they are.

    PictureError: as ``decode_photograph``.
    """
    decoded = decode_photograph(content, name)
    alpha = decoded.picture[..., 3]
    if (alpha < 255).any():
        note = f"“{name[:80]}” has transparent parts: what is opaque in it is the mask."
        return DecodedPicture(alpha.copy(), (*decoded.notes, note))
    grey = Image.fromarray(np.ascontiguousarray(decoded.picture[..., :3])).convert("L")
    return DecodedPicture(np.asarray(grey), decoded.notes)


def decode_exact(content: bytes, name: str, limits: Limits) -> Picture:
    """A PNG that Lamina wrote: uint8 (h, w, 4) or (h, w), value for value. PictureError when it is
    anything else.
    """
    return _open(content, f"“{name[:80]}”", limits, _as_stored)[0]


def is_picture(content: bytes) -> bool:
    """Whether the first bytes are those of a PNG, JPEG or WebP."""
    return _kind(content) != ""


def _open(content: bytes, called: str, allowed: Limits, read: _Reader) -> tuple[Picture, list[str]]:
    """Check the file from the outside, open it, check the size it claims, and read it; only
    PictureErrors come out.
    """
    kind = _kind(content)
    if not kind:
        raise _refuse_kind(content, called)
    if len(content) > allowed.file_bytes:
        raise PictureError(
            f"{called} has {len(content) / 2**20:.1f} MB.",
            limit=f"At most {allowed.file_bytes // 2**20} MB are allowed.",
            remedy="Save it smaller or as a JPEG.",
        )
    if kind == "PNG":
        content = drop_texts(content)
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as image:
            _check_size(image.size, called, allowed)
            return read(image, content)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Pillow's own bound lies far above ours; only its refusal does not say how large the
        # picture is.
        _check_size(_CLASSES[kind](io.BytesIO(content)).size, called, allowed)
        raise
    except Exception:  # the decoders raise whatever a damaged file leads them to
        raise PictureError(
            f"{called} is damaged: it is a {kind} that cannot be read.", remedy=_EXPORT
        ) from None


_EXPORT = "Save it again as a PNG and try that one."


class FileFormat(Record):
    """A format of files that people take away; ``about`` is a sentence for who has to choose.

    A scene's format keeps its layers; one of pictures has a quality where it may lose some of
    them, and keeps what is transparent or not.
    """

    id: str
    title: str
    suffix: str
    media_type: str
    about: str
    is_scene: bool = False
    has_quality: bool = False
    keeps_alpha: bool = True


def encode_png(picture: Picture) -> bytes:
    """uint8 (h, w), (h, w, 3) or (h, w, 4) as a PNG without metadata; every value survives."""
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(content, "PNG", compress_level=4)
    return content.getvalue()


def encode_jpeg(picture: Picture, quality: int) -> bytes:
    """uint8 (h, w, 3) as a JPEG of that quality (1…95); an alpha band is left out."""
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture[..., :3])).save(content, "JPEG", quality=quality)
    return content.getvalue()


def _kind(content: bytes) -> str:
    """PNG, JPEG or WEBP by the first bytes, else ""."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for start, kind in _KINDS if content.startswith(start)), "")


def _refuse_kind(content: bytes, called: str) -> PictureError:
    """The refusal of anything but the three formats; it says what the file is instead."""
    if not content:
        return PictureError(f"{called} is empty.", remedy="Choose another file.")
    start = content.lstrip()[:16]
    what = next(
        (what for magic, what in _OTHER_FORMATS if start.startswith(magic)), "not a picture"
    )
    if content[4:8] == b"ftyp":
        what = "a HEIC or AVIF picture, or a film"
    return PictureError(
        f"{called} is {what}.", limit="PNG, JPEG and WebP can be read.", remedy=_EXPORT
    )


def _size_limit(allowed: Limits) -> str:
    return f"At most {allowed.side_px} px a side and {allowed.area_px // 2**20} Mpx are allowed."


def _check_size(size: tuple[int, int], called: str, allowed: Limits) -> None:
    width_px, height_px = size
    if width_px < 1 or height_px < 1:
        raise PictureError(
            f"{called} has no pixels ({width_px} × {height_px}).", remedy="Choose another file."
        )
    if not allowed.allow(size):
        raise PictureError(
            f"{called} has {width_px} × {height_px} px.",
            limit=_size_limit(allowed if allowed.side_px < PHOTOGRAPH_SIDE_PX else Limits()),
            remedy="Save it smaller.",
        )


def _as_stored(image: Image.Image, _: bytes) -> tuple[Picture, list[str]]:
    if image.format != "PNG" or image.mode not in ("RGBA", "L") or "transparency" in image.info:
        raise ValueError(f"stored pixels are RGBA or grey PNGs, not {image.mode}")
    return np.array(image), []


def _reduce(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """A picture brought to a smaller size; a JPEG is unpacked near to it at once."""
    image.draft(None, target)
    straight = image if image.mode in ("RGB", "RGBA", "L", "CMYK") else image.convert("RGBA")
    return straight.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _pixels(
    image: Image.Image, content: bytes, target: tuple[int, int] | None = None
) -> tuple[Picture, list[str]]:
    """Pixels (h, w, 4) of an opened image, and the ends of sentences about what was changed;
    brought to the size ``target`` (width, height), where there is one.
    """
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"holds {frames} pictures; the first is used.")
        image.seek(0)
    orientation, readable = _orientation(image)
    if not readable:
        notes.append("has damaged EXIF entries, which are ignored.")
    profile = image.info.get("icc_profile") or b""
    space = find_space(image, content)
    if image.format == "PNG" and deep_png(content):
        image, outside = read_deep_png(content, space)
        notes.append("has 16 bits a channel, which were rounded to 8.")
        if space is not None:
            notes.append(say_conversion(space, outside))
            profile, space = b"", None
    if target is not None:
        image = _reduce(image, target)
    rgba, own_notes = to_srgb(image, profile, space)
    notes.extend(own_notes)
    if orientation in _ORIENTATIONS:
        rgba = rgba.transpose(_ORIENTATIONS[orientation])
        notes.append("was turned upright as its camera says.")
    return np.array(rgba), notes


def _orientation(image: Image.Image) -> tuple[int, bool]:
    """The EXIF orientation 1…8 (1 = upright), and whether the EXIF entries could be read."""
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error):
        return 1, False
    return (found if isinstance(found, int) else 1), True
