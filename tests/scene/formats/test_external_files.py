"""OpenRaster files as other programs write them: each opens as it looks there, or says why not."""

from __future__ import annotations

import io
import zipfile
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from backend.scene.blobs import MemoryPixels
from backend.scene.composite import flatten_scene
from backend.scene.formats.openraster import OpenedScene, read_ora, write_ora
from backend.scene.formats.picture_file import encode_png
from backend.scene.layer import Layer
from backend.scene.scene import Scene
from tests.scene.drawings import at, scene_of
from tests.scene.formats.test_openraster import edit, external_file, members, pack

RED, GREEN, GROUND = (255, 0, 0), (0, 200, 0), (200, 180, 100)


def full(*colour: int, size: tuple[int, int] = (64, 64), alpha: int = 255) -> np.ndarray:
    return np.full((*size, 4), (*colour, alpha), np.uint8)


def open_stack(stack: str, size: str = 'w="64" h="64"', **pictures: np.ndarray) -> OpenedScene:
    """A file with the red square a, the green b and the ground c, opened."""
    usual = {
        "a": full(*RED, size=(24, 24)),
        "b": full(*GREEN, size=(24, 24)),
        "c": full(*GROUND),
    }
    return read_ora(external_file(f"<image {size}>{stack}</image>", **(usual | pictures)))


def show(opened: OpenedScene) -> np.ndarray:
    return flatten_scene(opened.scene, opened.pixels).astype(int)


GROUND_LAYER = '<layer name="ground" src="data/c.png"/>'
MULTIPLY = '<layer name="m" src="data/a.png" x="8" y="8" composite-op="svg:multiply"/>'
TWO = '<layer name="red" src="data/a.png" x="8" y="8"/><layer src="data/b.png" x="20" y="20"/>'


def test_a_mode_in_an_isolated_group_meets_the_group_alone() -> None:
    opened = open_stack(
        f'<stack><stack name="g" isolation="isolate">{MULTIPLY}</stack>{GROUND_LAYER}</stack>'
    )
    assert tuple(show(opened)[10, 10]) == RED
    assert opened.notes == ()


@pytest.mark.parametrize("isolation", ["", 'isolation="auto"'])
def test_a_group_that_is_not_isolated_lets_modes_through(isolation: str) -> None:
    opened = open_stack(f"<stack><stack {isolation}>{MULTIPLY}</stack>{GROUND_LAYER}</stack>")
    assert tuple(show(opened)[10, 10]) == (200, 0, 0)


def test_a_groups_opacity_is_its_pictures() -> None:
    opened = open_stack(f'<stack><stack name="G" opacity="0.5">{TWO}</stack>{GROUND_LAYER}</stack>')
    # where both lie, red hides green before the group is laid
    for y, colour in ((10, RED), (25, RED), (40, GREEN), (60, GROUND)):
        wanted = (np.array(colour) + np.array(GROUND)) / 2
        assert np.abs(show(opened)[y, y] - wanted).max() <= 1
    ground, green, red, whole = opened.scene.layers
    assert [one.visible for one in (ground, green, red, whole)] == [True, False, False, True]
    assert (whole.name, whole.opacity) == ("G", 0.5)
    assert opened.scene.groups[0].members == (green.id, red.id, whole.id)
    assert any("Group 'G'" in note and "hidden" in note for note in opened.notes)


def test_a_groups_mode_is_its_pictures_and_groups_nest() -> None:
    opened = open_stack(
        '<stack><stack name="outer" composite-op="svg:multiply">'
        f'<stack name="inner" opacity="0.5" isolation="isolate">{TWO}</stack>'
        '<layer src="data/d.png"/></stack>'
        f"{GROUND_LAYER}</stack>",
        d=full(100, 100, 100),
    )
    half = (np.array(RED) + 100) / 2
    assert np.abs(show(opened)[25, 25] - half * GROUND / 255).max() <= 1.5
    assert np.abs(show(opened)[60, 60] - np.array(GROUND) * 100 / 255).max() <= 1.5


def test_what_is_alike_without_its_group_stays_layers() -> None:
    stack = f'<stack><stack name="g" isolation="isolate">{TWO}</stack>{GROUND_LAYER}</stack>'
    opened = open_stack(stack)
    assert len(opened.scene.layers) == 3
    assert all(layer.visible for layer in opened.scene.layers)
    assert opened.notes == ()
    single = open_stack(
        f'<stack><stack opacity="0.5" composite-op="svg:screen">{MULTIPLY}</stack>'
        f"{GROUND_LAYER}</stack>"
    )
    assert (single.scene.layers[1].opacity, single.scene.layers[1].blend) == (0.5, "screen")


@pytest.mark.parametrize(
    ("operator", "inside", "outside"),
    [
        ("dst-in", GROUND, (150, 150, 150)),
        ("dst-out", (150, 150, 150), GROUND),
        ("src-atop", RED, GROUND),
        ("dst-atop", GROUND, (150, 150, 150)),
    ],
)
def test_operators_that_cut_look_as_they_are_meant(
    operator: str, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    cutting = MULTIPLY.replace("multiply", operator)
    opened = open_stack(f"<stack>{cutting}{GROUND_LAYER}</stack>")
    assert tuple(show(opened)[10, 10]) == inside
    assert tuple(show(opened)[50, 50]) == outside
    assert len(opened.scene.layers) == 3
    grouped = open_stack(
        f'<stack><stack name="g" isolation="isolate">{cutting}<layer src="data/b.png" x="20" '
        f'y="20"/></stack>{GROUND_LAYER}</stack>'
    )
    assert tuple(show(grouped)[60, 60]) == GROUND  # what lies below the group is not cut


def test_the_roots_attributes_count_for_nothing() -> None:
    opened = open_stack(
        '<stack composite-op="mypaint:spectral-wgm" opacity="0.2" isolation="isolate" x="9">'
        f"{MULTIPLY}{GROUND_LAYER}</stack>"
    )
    assert tuple(show(opened)[10, 10]) == (200, 0, 0)
    assert opened.notes == ()


def test_an_unknown_mode_of_a_group_is_said_and_leaves_the_layers_theirs() -> None:
    opened = open_stack(
        f'<stack><stack name="g" composite-op="mypaint:spectral-wgm">{MULTIPLY}'
        '<layer src="data/d.png"/></stack></stack>',
        d=full(100, 100, 100),
    )
    assert tuple(show(opened)[10, 10]) == (100, 0, 0)
    assert sum("mypaint:spectral-wgm" in note for note in opened.notes) == 1


def test_an_unknown_mode_of_a_layer_is_said() -> None:
    opened = open_stack(f"<stack>{MULTIPLY.replace('svg:multiply', 'krita:xor')}</stack>")
    assert opened.scene.layers[0].blend == "normal"
    assert opened.notes == ("Layer 'm' has the blend mode 'krita:xor', which is drawn as normal.",)


@pytest.mark.parametrize("missing", ['src="data/gone.png"', "", 'src="stack.xml"'])
def test_a_layer_that_cannot_be_read_leaves_the_others(missing: str) -> None:
    opened = open_stack(f'<stack><layer name="gone" {missing}/>{TWO}{GROUND_LAYER}</stack>')
    assert len(opened.scene.layers) == 3
    assert len(opened.notes) == 1
    assert opened.notes[0].startswith("Layer 'gone'")
    assert "left out" in opened.notes[0]


def test_a_damaged_layer_leaves_the_others() -> None:
    parts = members(external_file('<image w="64" h="64"/>', a=full(*RED), c=full(*GROUND)))
    parts["stack.xml"] = f'<image w="64" h="64"><stack>{TWO}{GROUND_LAYER}</stack></image>'.encode()
    parts["data/b.png"] = parts["data/a.png"][:60]
    opened = read_ora(pack(parts))
    assert [layer.name for layer in opened.scene.layers] == ["ground", "red"]
    assert "cannot be read" in opened.notes[0]


def test_locks_are_read_and_written_and_survive_programs_without_them() -> None:
    opened = open_stack(
        '<stack><layer name="held" src="data/a.png" edit-locked="true"/>'
        f'<layer src="data/b.png" edit-locked="false"/>{GROUND_LAYER}</stack>'
    )
    assert [layer.locked for layer in opened.scene.layers] == [False, False, True]
    content = write_ora(opened.scene, opened.pixels)
    locks = [
        one.get("edit-locked")
        for one in ElementTree.fromstring(members(content)["stack.xml"]).iter("layer")
    ]
    assert locks == ["true", None, None]

    def forget(image: ElementTree.Element) -> None:
        for one in image.iter("layer"):
            one.attrib.pop("edit-locked", None)

    def unlock(image: ElementTree.Element) -> None:
        for one in image.iter("layer"):
            one.set("edit-locked", "false")

    assert read_ora(edit(content, forget)).scene == opened.scene
    assert not any(layer.locked for layer in read_ora(edit(content, unlock)).scene.layers)


def test_a_background_tile_is_repeated_and_a_whole_background_is_not() -> None:
    tile = np.zeros((16, 16, 4), np.uint8)
    tile[...] = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    tile[..., 3] = 255
    name = 'xmlns:mypaint="http://mypaint.org/ns/openraster" mypaint:background-tile'
    opened = open_stack(f'<stack><layer src="data/t.png" {name}="data/t.png"/></stack>', t=tile)
    assert np.array_equal(show(opened), np.tile(tile[..., :3], (4, 4, 1)))
    whole = open_stack(f'<stack><layer src="data/c.png" {name}="data/t.png"/></stack>', t=tile)
    assert tuple(show(whole)[40, 40]) == GROUND


def test_what_is_not_drawn_is_named() -> None:
    opened = open_stack(
        '<stack><filter type="blur" name="Soft"><params><param/></params></filter>'
        f"<text>words</text>{GROUND_LAYER}</stack>"
    )
    assert opened.notes == (
        "The file's filter 'Soft' is not drawn.",
        "The file's text '' is not drawn.",
    )


@pytest.mark.parametrize("side", [1, 12, 15])
def test_a_small_canvas_is_enlarged_and_said(side: int) -> None:
    opened = open_stack(f"<stack>{GROUND_LAYER}</stack>", f'w="{side}" h="200"')
    assert (opened.scene.width_px, opened.scene.height_px) == (16, 200)
    assert f"{side} × 200 px was enlarged to 16 × 200 px" in opened.notes[0]


def test_a_picture_stored_without_compression_is_no_bomb() -> None:
    flat = full(255, 255, 255, size=(1024, 1024))
    rows = b"".join(b"\0" + row.tobytes() for row in flat)

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + kind + body + check

    header = (1024).to_bytes(4, "big") * 2 + bytes((8, 6, 0, 0, 0))
    picture = b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, body)
        for kind, body in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(rows, 0)),
            (b"IEND", b""),
        )
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "image/openraster")
        stack = '<image w="1024" h="1024"><stack><layer src="data/c.png"/></stack></image>'
        archive.writestr("stack.xml", stack)
        archive.writestr("data/c.png", picture)
    assert len(content.getvalue()) < len(picture) / 100
    assert len(read_ora(content.getvalue()).scene.layers) == 1


def test_the_files_own_picture_is_compared_and_a_difference_said_with_its_size() -> None:
    stack = f"<stack>{TWO}{GROUND_LAYER}</stack>"
    parts = members(
        external_file(
            f'<image w="64" h="64">{stack}</image>',
            a=full(*RED, size=(24, 24)),
            b=full(*GREEN, size=(24, 24)),
            c=full(*GROUND),
        )
    )
    same = show(read_ora(pack(parts))).astype(np.uint8)
    assert read_ora(pack(parts | {"mergedimage.png": encode_png(same)})).notes == ()
    other = same.copy()
    other[:32] = np.minimum(255, other[:32].astype(int) + 40)
    notes = read_ora(pack(parts | {"mergedimage.png": encode_png(other)})).notes
    assert len(notes) == 1
    assert "by up to 40 of 255 levels" in notes[0]
    clear = np.dstack([same, np.zeros((64, 64), np.uint8)])
    notes = read_ora(pack(parts | {"mergedimage.png": encode_png(clear)})).notes
    assert "255 levels" in notes[0]
    for damaged in (b"", encode_png(same[:8])):
        assert read_ora(pack(parts | {"mergedimage.png": damaged})).notes == ()


def test_a_file_of_ours_whose_layer_lost_its_picture_keeps_lamina_s() -> None:
    pixels = MemoryPixels()
    picture = pixels.add_picture(full(*RED))
    scene: Scene = scene_of([Layer(id="a", name="A", picture=picture, placement=at(32, 32))])
    parts = members(write_ora(scene, pixels))
    del parts["data/000.png"]
    opened = read_ora(pack(parts))
    assert opened.scene == scene
    assert "keeps Lamina's own picture" in opened.notes[0]
    with Image.open(io.BytesIO(parts["mergedimage.png"])) as merged:
        assert merged.size == (64, 64)
