"""Colours of files: by curves, never by names; as Chromium shows them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from backend.scene.formats.colour_space import read_profile
from backend.scene.formats.picture_file import decode_picture
from tests.scene.drawings import png_chunk, raw_png

SRGB_CORNERS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CORNERS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
SRGB_COLUMNS = ((0.4360747, 0.2225045, 0.0139322), (0.3850649, 0.7168786, 0.0970914))
LINEAR = struct.pack(">4sII", b"curv", 0, 0)
SQUARE = struct.pack(">4sIIH", b"curv", 0, 1, 512) + b"\0\0"


def gama(value: int) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", value))


def chrm(corners: tuple[int, ...]) -> bytes:
    return png_chunk(b"cHRM", struct.pack(">8I", *corners))


def cicp(*numbers: int) -> bytes:
    return png_chunk(b"cICP", bytes(numbers))


def iccp(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"named\0\0" + zlib.compress(profile))


def build_profile(curve: bytes, title: str, grey: bool = False) -> bytes:
    """A profile of sRGB's primaries (or for grey) with that curve, under that title."""
    text = title.encode()
    tags = {b"desc": struct.pack(">4sII", b"desc", 0, len(text) + 1) + text + bytes(80)}
    xyz = [*SRGB_COLUMNS, (0.1430804, 0.0606169, 0.7141733)]
    white = struct.pack(">4sI3i", b"XYZ ", 0, *(round(one * 65536) for one in (0.9642, 1, 0.8249)))
    tags[b"wtpt"] = white
    if grey:
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), xyz, strict=True):
            numbers = (round(one * 65536) for one in column)
            tags[name + b"XYZ"] = struct.pack(">4sI3i", b"XYZ ", 0, *numbers)
            tags[name + b"TRC"] = curve
    at, table, body = 132 + 12 * len(tags), b"", b""
    for key, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", key, at + len(body), len(content))
        body += padded
    head = struct.pack(
        ">I4xI4s4s4s", at + len(body), 0x02100000, b"mntr", b"GRAY" if grey else b"RGB ", b"XYZ "
    )
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + white[8:20]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def show(
    *chunks: bytes, colour: tuple[int, ...] = (128, 60, 200)
) -> tuple[list[int], tuple[str, ...]]:
    """A picture of one colour, decoded, and the notes."""
    decoded = decode_picture(raw_png((1, 1), 8, 2, [bytes(colour)], b"".join(chunks)), "c")
    return decoded.picture[0, 0, :3].tolist(), decoded.notes


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        ((), (128, 60, 200)),
        ((gama(45455),), (128, 60, 200)),
        ((gama(100000),), (188, 133, 229)),
        ((gama(55556),), (146, 77, 210)),
        ((gama(100000), chrm(SRGB_CORNERS)), (188, 133, 229)),
        ((gama(45455), chrm(SRGB_CORNERS)), (129, 57, 201)),
        ((gama(45455), chrm(P3_CORNERS)), (139, 52, 209)),
        ((chrm(P3_CORNERS),), (128, 60, 200)),
        ((png_chunk(b"sRGB", b"\0"), gama(100000)), (128, 60, 200)),
        ((gama(0),), (128, 60, 200)),
        ((cicp(1, 13, 0, 1),), (128, 60, 200)),
        ((cicp(12, 13, 0, 1),), (138, 55, 207)),
        ((cicp(1, 8, 0, 1),), (188, 133, 229)),
        ((cicp(1, 1, 0, 1),), (121, 49, 197)),
        ((cicp(9, 1, 0, 1),), (139, 19, 206)),
        ((cicp(9, 14, 0, 1),), (139, 19, 206)),
        ((cicp(1, 4, 0, 1),), (129, 57, 201)),
        ((cicp(1, 13, 0, 0),), (128, 60, 200)),
        ((cicp(12, 13, 0, 1), png_chunk(b"sRGB", b"\0")), (138, 55, 207)),
    ],
)
def test_pngs_look_as_in_chromium(chunks: tuple[bytes, ...], wanted: tuple[int, ...]) -> None:
    """What Chromium 156 shows of the same files; it rounds in its own way."""
    colour, _ = show(*chunks)
    assert np.abs(np.array(colour) - wanted).max() <= 2


@pytest.mark.parametrize("title", ["GIMP built-in Linear sRGB", "Linear Rec709", "sRGB"])
@pytest.mark.parametrize("grey", [False, True])
def test_a_linear_profile_is_linear_whatever_its_name(title: str, grey: bool) -> None:
    profile = build_profile(LINEAR, title, grey)
    content = raw_png(
        (1, 1), 8, 0 if grey else 2, [bytes((55,) * (1 if grey else 3))], iccp(profile)
    )
    decoded = decode_picture(content, "l")
    assert decoded.picture[0, 0].tolist() == [128, 128, 128, 255]
    assert "to sRGB" in decoded.notes[0]


def test_what_is_srgb_stays_to_the_byte_whatever_its_name() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = profile.replace("sRGB".encode("utf-16-be"), "qRGB".encode("utf-16-be"))
    for one in (profile, other):
        assert show(iccp(one)) == ([128, 60, 200], ())


def test_curves_agree_with_little_cms() -> None:
    parametric = struct.pack(
        ">4sIHH7i",
        b"para",
        0,
        4,
        0,
        *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0)),
    )
    table = (
        struct.pack(">4sII", b"curv", 0, 64)
        + (np.linspace(0, 1, 64) ** 1.8 * 65535).astype(">u2").tobytes()
    )
    ramp = np.arange(256, dtype=np.uint8)
    colours = np.stack([ramp, ramp[::-1], np.roll(ramp, 90)], axis=-1)[None]
    for curve in (LINEAR, SQUARE, parametric, table):
        profile = build_profile(curve, "x")
        space = read_profile(profile, "x")
        assert space is not None
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        moved = ImageCms.profileToProfile(
            Image.fromarray(colours), source, ImageCms.createProfile("sRGB")
        )
        assert np.abs(space.convert(colours)[0].astype(int) - np.asarray(moved)).max() <= 2


def test_sixteen_bits_are_converted_before_they_are_rounded() -> None:
    """Dark linear values: rounded first, eight of nine of these greys would be one."""
    values = np.arange(100, 1000, 100, dtype=np.uint16)
    rows = [np.repeat(values, 3).astype(">u2").tobytes()]
    content = raw_png((len(values), 1), 16, 2, rows, iccp(build_profile(LINEAR, "l")))
    linear = values / 65535
    wanted = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    picture = decode_picture(content, "deep").picture
    assert np.abs(picture[0, :, 0] - wanted * 255).max() <= 0.51
    assert len(set(picture[0, :, 0].tolist())) == len(values)


def test_what_lies_outside_of_srgb_is_said() -> None:
    _, notes = show(cicp(9, 13, 0, 1), colour=(0, 255, 0))
    assert "100 % of its pixels lay outside" in notes[0]
    _, notes = show(cicp(9, 13, 0, 1), colour=(128, 128, 128))
    assert "outside" not in notes[0]
    for transfer, name in ((16, "PQ"), (18, "HLG")):
        _, notes = show(cicp(9, transfer, 0, 1))
        assert name in notes[0]
        assert "brighter than white was cut" in notes[0]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_long_texts_do_not_refuse_a_sound_picture(kind: bytes) -> None:
    words = bytes(3 * 2**20)
    body = {
        b"tEXt": b"a\0" + words.replace(b"\0", b"w"),
        b"zTXt": b"a\0\0" + zlib.compress(words),
        b"iTXt": b"a\0\1\0\0\0" + zlib.compress(words),
    }[kind]
    many = png_chunk(kind, body) * (7 if kind == b"tEXt" else 30)
    assert show(many) == ([128, 60, 200], ())


def test_damaged_profiles_raise_nothing() -> None:
    profile = build_profile(SQUARE, "x")
    random = np.random.default_rng(1)
    for _ in range(300):
        changed = bytearray(profile)
        for at in random.integers(0, len(profile), 4):
            changed[at] = random.integers(0, 256)
        read_profile(bytes(changed[: random.integers(0, len(profile) + 1)]), "x")
        assert len(show(iccp(bytes(changed)))[0]) == 3
