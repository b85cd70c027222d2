"""Archives from strangers: every trick ends in an ArchiveError, and nothing is ever written to
disk.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.errors import ArchiveError, LaminaError
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.archive import MAX_MEMBERS, Archive, pack
from backend.scene.formats.openraster import read_ora, write_ora
from backend.scene.formats.picture_file import encode_png
from tests.scene.drawings import every_setting, plain
from tests.scene.formats.test_picture_file import mutate

STACK = '<image w="64" h="64"><stack>{}</stack></image>'
LAYER = '<layer name="a" src="data/a.png"/>'


def pack_members(
    *extra: tuple[str, bytes | str], stack: str = STACK.format(LAYER), deflated: bool = False
) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(
        content, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    ) as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", stack)
        for name, body in extra:
            archive.writestr(name, body)
    return content.getvalue()


PICTURE = ("data/a.png", encode_png(plain(1, 2, 3)))


def test_the_plain_file_is_read() -> None:
    assert len(read_ora(pack_members(PICTURE)).scene.layers) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"PK", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (pack_members(PICTURE)[:-30], "damaged"),
        (pack_members(), "lacks its entry 'data/a.png'"),
        (pack_members(("data/a.png", b"")), r"None of the file's 1 layers .* no PNG"),
        (pack_members(("data/a.png", PICTURE[1][:50])), "cannot be read"),
        (pack([("stack.xml", STACK.encode())]), "not an OpenRaster"),
        (
            pack([("mimetype", b"application/zip"), ("stack.xml", STACK.encode())]),
            "not an OpenRaster",
        ),
        (pack([("mimetype", b"image/openraster")]), r"lacks its entry 'stack\.xml'"),
        (pack_members(*((f"data/{number}", b"") for number in range(MAX_MEMBERS))), "entries"),
    ],
)
def test_files_that_are_none(content: bytes, words: str) -> None:
    with pytest.raises(ArchiveError, match=words) as caught:
        read_ora(content)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "stack",
    [
        "",
        "<image/>",
        '<image w="64" h="64"><stack>',
        '<image w="x" h="64"/>',
        '<image w="nan" h="64"/>',
        '<image w="1e300" h="64"/>',
        "<svg/>",
        STACK.format("<stack>" * 100 + "</stack>" * 100),
        STACK.format(LAYER * 257),
        '<!DOCTYPE image [<!ENTITY a "b">]><image w="64" h="64"/>',
        '<!DOCTYPE image [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><image w="64" h="64"/>',
        '<image w="64" h="64">&a;</image>',
        "\ufffe<image/>",
    ],
)
def test_stacks_that_are_none(stack: str) -> None:
    with pytest.raises(ArchiveError):
        read_ora(pack_members(PICTURE, stack=stack))


@pytest.mark.parametrize(
    "stack",
    [
        STACK.format(LAYER).encode("utf-16"),
        ('<?xml version="1.0" encoding="UTF-16"?>' + STACK.format(LAYER)).encode("utf-16"),
        b"\xef\xbb\xbf" + STACK.format(LAYER).encode(),
        ("<!DOCTYPE image>" + STACK.format(LAYER)).encode(),
        ('<!DOCTYPE image SYSTEM "file:///etc/passwd">' + STACK.format(LAYER)).encode(),
        STACK.format('<layer src="./data/a.png"/>').encode(),
        STACK.format('<layer src="data/../data/a.png"/>').encode(),
    ],
)
def test_stacks_as_others_may_write_them(stack: bytes) -> None:
    content = pack([("mimetype", b"image/openraster"), ("stack.xml", stack), PICTURE])
    opened = read_ora(content)
    assert len(opened.scene.layers) == 1
    assert opened.notes == ()


@pytest.mark.parametrize(
    ("attribute", "words", "opacity"),
    [
        ('opacity="0,5"', "was read as 0.5", 0.5),
        ('opacity="nan"', "'nan' cannot be read; 1.0 is used", 1.0),
        ('opacity=""', "cannot be read; 1.0 is used", 1.0),
        ('x="inf"', "'inf' cannot be read; 0 is used", 1.0),
        ('y="1e300"', "cannot be read; 0 is used", 1.0),
    ],
)
def test_a_number_that_is_none_costs_that_number(
    attribute: str, words: str, opacity: float
) -> None:
    stack = STACK.format(f'<layer name="n" src="data/a.png" {attribute}/>')
    opened = read_ora(pack_members(PICTURE, stack=stack))
    assert opened.scene.layers[0].opacity == opacity
    assert len(opened.notes) == 1
    assert words in opened.notes[0]
    assert "'n'" in opened.notes[0]


def test_a_canvas_out_of_range_is_refused() -> None:
    with pytest.raises(
        LaminaError, match=r"The canvas is 9000 × \d+ px\. Each side may have 1 to 8192 px\."
    ):
        read_ora(pack_members(stack='<image w="9000" h="64"><stack/></image>'))


def test_opacity_out_of_range_is_bounded() -> None:
    stack = STACK.format('<layer src="data/a.png" opacity="7"/>')
    assert read_ora(pack_members(PICTURE, stack=stack)).scene.layers[0].opacity == 1.0


def test_two_members_of_one_name_are_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", STACK)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("stack.xml", STACK)
    with pytest.raises(ArchiveError, match="same name"):
        read_ora(content.getvalue())


@pytest.mark.parametrize(
    "name", ["../../evil.png", "/abs.png", "..\\evil.png", "C:\\evil.png", "data/../../x.png"]
)
def test_names_are_never_paths(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "one" / "two"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    member = zipfile.ZipInfo("data/link")
    member.external_attr = 0o120777 << 16
    stack = STACK.format(f'<layer src="{name}"/>')
    opened = read_ora(pack_members((name, PICTURE[1]), ("data/link", b"/etc/passwd"), stack=stack))
    assert len(opened.scene.layers) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_a_bomb_is_measured_while_it_is_read() -> None:
    content = pack_members(("data/a.png", PICTURE[1] + bytes(129 * 2**20)), deflated=True)
    assert len(content) < 300_000
    with pytest.raises(ArchiveError, match=r"unpacks to too much\. 128 MB"):
        read_ora(content)


def test_many_members_are_measured_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.scene.formats.archive.MAX_TOTAL_BYTES", 3 * 2**20)
    padding = bytes(2 * 2**20)
    stack = STACK.format(LAYER + '<layer name="b" src="data/b.png"/>')
    both = (("data/a.png", PICTURE[1] + padding), ("data/b.png", PICTURE[1] + padding))
    assert len(read_ora(pack_members(both[0], stack=stack, deflated=True)).scene.layers) == 1
    with pytest.raises(ArchiveError, match="3 MB in all"):
        read_ora(pack_members(*both, stack=stack, deflated=True))


def test_sizes_that_lie_do_not_help() -> None:
    content = bytearray(pack_members(("data/a.png", PICTURE[1] + bytes(50 * 2**20)), deflated=True))
    place = content.rindex(b"PK\x01\x02", 0, content.rindex(b"data/a.png"))
    content[place + 24 : place + 28] = struct.pack(
        "<I", 100
    )  # the uncompressed size in the directory
    with pytest.raises(ArchiveError):
        read_ora(bytes(content))


def test_texts_and_members_have_their_own_limits() -> None:
    with pytest.raises(ArchiveError, match="unpacks to too much"):
        read_ora(pack_members(PICTURE, stack=STACK.format(LAYER) + " " * (6 * 2**20)))
    archive = Archive(pack_members(("big", bytes(2**20))))
    with pytest.raises(ArchiveError, match="unpacks to too much"):
        archive.read("big", 2**19)


def test_a_locked_file_says_so() -> None:
    content = bytearray(pack_members(PICTURE))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(mark, place + 1)
    with pytest.raises(ArchiveError, match="password"):
        read_ora(bytes(content))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"format": 1, "format": 1}',
        '{"format": NaN}',
        '{"format": Infinity}',
        "[" * 100_000,
        '{"a":' * 50_000,
        "1" * 5000,
        '{"format": 1, "scene": {}, "settings": {}, "written": {}}',
    ],
)
def test_records_that_are_none(text: str) -> None:
    with pytest.raises(ArchiveError):
        read_ora(pack_members(PICTURE, ("lamina/scene.json", text)))


def test_an_empty_scene_record_names_what_it_lacks() -> None:
    text = '{"format": 1, "scene": {}, "settings": {}, "written": []}'
    with pytest.raises(LaminaError, match=r"Width of the canvas is missing\."):
        read_ora(pack_members(PICTURE, ("lamina/scene.json", text)))


def test_five_hundred_damaged_archives_raise_lamina_errors_only() -> None:
    pixels = MemoryPixels()
    ours = write_ora(every_setting(pixels), pixels, {"seed": 0})
    theirs = pack_members(PICTURE)
    refused = 0
    for seed in range(500):
        try:
            opened = read_ora(mutate((ours, theirs)[seed % 2], seed))
        except LaminaError:
            refused += 1
            continue
        for layer in opened.scene.layers:
            assert layer.picture is None or opened.pixels.picture(layer.picture).dtype == np.uint8
    assert 200 < refused < 500


def test_damage_inside_the_texts_raises_lamina_errors_only() -> None:
    pixels = MemoryPixels()
    with zipfile.ZipFile(io.BytesIO(write_ora(every_setting(pixels), pixels))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    refused = 0
    for seed in range(500):
        name = ("stack.xml", "lamina/scene.json")[seed % 2]
        try:
            read_ora(pack([*(parts | {name: mutate(parts[name], seed)}).items()]))
        except LaminaError:
            refused += 1
    assert 200 < refused <= 500
