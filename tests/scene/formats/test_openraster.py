"""OpenRaster: what Lamina writes comes back exactly; other programs see ordinary layers and may
change them.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.errors import ArchiveError, SceneError
from backend.scene.blobs import MemoryPixels
from backend.scene.composite import flatten_scene
from backend.scene.formats.openraster import read_ora, write_ora
from backend.scene.formats.picture_file import encode_png
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene
from tests.scene.drawings import at, every_setting, noise, plain, scene_of

SETTINGS = {
    "settings": {"seed": 0, "steps": 30},
    "picked": "",
    "selected": None,
    "list": [1, 2.5, "ü", True],
}


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return content.getvalue()


def edit(content: bytes, change: Callable[[ElementTree.Element], None], **replaced: bytes) -> bytes:
    """The file after another program changed its stack, and perhaps the bytes of some members."""
    parts = members(content)
    image = ElementTree.fromstring(parts["stack.xml"])
    change(image)
    parts["stack.xml"] = ElementTree.tostring(image)
    parts.update({name.replace("__", "/") + ".png": body for name, body in replaced.items()})
    return pack(parts)


def entries(image: ElementTree.Element) -> list[ElementTree.Element]:
    """The <layer> elements, topmost first."""
    return list(image.iter("layer"))


def test_every_setting_and_every_pixel_comes_back() -> None:
    pixels = MemoryPixels()
    scene = every_setting(pixels)
    opened = read_ora(write_ora(scene, pixels, SETTINGS))
    assert opened.scene == scene
    assert opened.settings == SETTINGS
    assert opened.notes == ()
    for layer in scene.layers:
        if layer.picture:
            assert np.array_equal(
                opened.pixels.picture(layer.picture), pixels.picture(layer.picture)
            )
        if layer.mask:
            assert np.array_equal(opened.pixels.mask(layer.mask), pixels.mask(layer.mask))


def test_the_same_scene_gives_the_same_bytes() -> None:
    pixels = MemoryPixels()
    scene = every_setting(pixels)
    content = write_ora(scene, pixels, SETTINGS)
    opened = read_ora(content)
    assert write_ora(opened.scene, opened.pixels, opened.settings) == content


layers = st.builds(
    dict,
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    phrase=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    placement=st.builds(
        Placement,
        centre_x_px=st.floats(-100, 200),
        centre_y_px=st.floats(-100, 200),
        scale_x=st.floats(0.01, 8),
        scale_y=st.floats(0.01, 8),
        rotation_deg=st.floats(-360, 360),
        flip_x=st.booleans(),
    ),
    opacity=st.floats(0, 1),
    visible=st.booleans(),
    strength=st.floats(0, 1),
    seed=st.none() | st.integers(0, 2**53 - 1),
)


@given(
    st.lists(st.tuples(layers, st.integers(0, 3), st.booleans()), max_size=4), st.integers(16, 80)
)
def test_any_scene_comes_back(parts: list[tuple[dict[str, object], int, bool]], side: int) -> None:
    pixels = MemoryPixels()
    built = []
    for number, (fields, seed, masked) in enumerate(parts):
        picture = pixels.add_picture(noise(seed, 5 + seed, 9)) if seed else None
        mask = pixels.add_mask(noise(seed, side, side, 1)) if masked or picture is None else None
        built.append(
            Layer.model_validate({"id": f"n{number}", "picture": picture, "mask": mask, **fields})
        )
    scene = scene_of(built, side, "words")
    opened = read_ora(write_ora(scene, pixels))
    assert opened.scene == scene
    assert opened.notes == ()
    assert opened.settings == {}


def test_the_file_follows_the_specification() -> None:
    pixels = MemoryPixels()
    scene = every_setting(pixels)
    content = write_ora(scene, pixels)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"image/openraster"
    assert content[30:54] == b"mimetypeimage/openraster"  # where `file` looks
    parts = members(content)
    image = ElementTree.fromstring(parts["stack.xml"])
    assert (image.tag, image.get("w"), image.get("h"), image.get("version")) == (
        "image",
        "64",
        "48",
        "0.0.6",
    )
    names = [entry.get("name") for entry in entries(image)]
    assert names == [
        "region",
        scene.layers[1].name.replace("\x01", ""),
        "the cut one",
    ]  # front to back
    assert [entry.get("visibility") for entry in entries(image)] == ["visible", "hidden", "visible"]
    assert float(entries(image)[1].get("opacity", "")) == 0.123456789
    thumbnail = Image.open(io.BytesIO(parts["Thumbnails/thumbnail.png"]))
    assert max(thumbnail.size) <= 256
    assert Image.open(io.BytesIO(parts["mergedimage.png"])).size == (64, 48)


def test_what_other_programs_see_is_what_lamina_shows() -> None:
    pixels = MemoryPixels()
    picture = pixels.add_picture(plain(250, 120, 10, 255, 30))
    scene = scene_of(
        [
            Layer(id="back", picture=pixels.add_picture(noise(2, 64, 64)), placement=at(32, 32)),
            Layer(
                id="turned",
                picture=picture,
                placement=at(50, 20, rotation_deg=30, scale_x=1.3),
                opacity=0.6,
            ),
            Layer(id="off", picture=picture, placement=at(20, 50), visible=False),
        ]
    )
    parts = members(write_ora(scene, pixels))
    flat = np.full((64, 64, 3), 150.0)
    for entry in reversed(entries(ElementTree.fromstring(parts["stack.xml"]))):
        if entry.get("visibility") == "hidden":
            continue
        drawn = np.asarray(Image.open(io.BytesIO(parts[entry.get("src", "")]))).astype(float)
        x, y = int(entry.get("x", "")), int(entry.get("y", ""))
        region = flat[y : y + drawn.shape[0], x : x + drawn.shape[1]]
        alpha = drawn[..., 3:] / 255 * float(entry.get("opacity", ""))
        region[:] = drawn[..., :3] * alpha + region * (1 - alpha)
    assert np.abs(flat - flatten_scene(scene, pixels)).max() < 2.5
    merged = np.asarray(Image.open(io.BytesIO(parts["mergedimage.png"]))).astype(float)
    over = merged[..., :3] * merged[..., 3:] / 255 + 150 * (1 - merged[..., 3:] / 255)
    assert np.abs(over - flatten_scene(scene, pixels)).max() < 2.5


def external_file(stack: str, **pictures: np.ndarray) -> bytes:
    """A file of another program."""
    parts = {"mimetype": b"image/openraster", "stack.xml": stack.encode()}
    parts.update({f"data/{name}.png": encode_png(picture) for name, picture in pictures.items()})
    return pack(parts)


def test_a_foreign_file_becomes_layers() -> None:
    content = external_file(
        '<?xml version="1.0" encoding="UTF-8"?><image w="100" h="80"><stack>'
        '<layer name="Top &amp; tip" src="data/a.png" x="-3" y="7" opacity="0.5" '
        'composite-op="svg:multiply"/>'
        '<stack opacity="0.5" x="10" y="20">'
        '<layer src="data/b.png" x="1" y="2" visibility="hidden" composite-op="svg:hue"/></stack>'
        '<layer name="svg" src="data/a.png.svg"/>'
        "</stack></image>",
        a=noise(1, 10, 20),
        b=noise(2, 6, 4, 3),
    )
    parts = members(content) | {"data/a.png.svg": b"<svg/>"}
    opened = read_ora(pack(parts))
    assert (opened.scene.width_px, opened.scene.height_px, opened.settings) == (100, 80, {})
    behind, top = opened.scene.layers
    assert (top.name, top.opacity, top.visible, top.placement) == (
        "Top & tip",
        0.5,
        True,
        at(7, 12),
    )
    assert (behind.name, behind.opacity, behind.visible) == ("layer-2", 0.5, False)
    assert behind.placement == at(13, 25)
    assert np.array_equal(opened.pixels.picture(top.picture or ""), noise(1, 10, 20))
    assert (top.blend, behind.blend) == ("multiply", "normal")
    assert opened.notes == ("Layer 'svg' is no PNG, JPEG or WebP and was left out.",)


@pytest.fixture
def file_of_ours() -> tuple[Scene, bytes]:
    pixels = MemoryPixels()
    mask = pixels.add_mask(np.full((64, 64), 255, np.uint8))
    scene = scene_of(
        [
            Layer(
                id="a",
                name="A",
                picture=pixels.add_picture(plain(9, 8, 7)),
                placement=at(20, 20),
                phrase="one",
            ),
            Layer(
                id="b",
                name="B",
                picture=pixels.add_picture(plain(1, 2, 3)),
                placement=at(30, 30, rotation_deg=45),
            ),
            Layer(
                id="c",
                name="C",
                picture=pixels.add_picture(plain(5, 5, 5)),
                mask=mask,
                placement=at(40, 40),
            ),
            Layer(id="m", name="M", mask=mask, placement=at(0, 0)),
        ]
    )
    return scene, write_ora(scene, pixels, SETTINGS)


def test_a_file_saved_again_without_changes_is_unchanged(file_of_ours: tuple[Scene, bytes]) -> None:
    scene, content = file_of_ours
    parts = members(content)
    again = {
        name: encode_png(np.asarray(Image.open(io.BytesIO(body))))
        for name, body in parts.items()
        if "data" in name
    }
    opened = read_ora(pack(parts | again))
    assert opened.scene == scene
    assert opened.notes == ()


def test_changes_of_order_opacity_visibility_and_name_are_taken_over(
    file_of_ours: tuple[Scene, bytes],
) -> None:
    scene, content = file_of_ours

    def change(image: ElementTree.Element) -> None:
        stack = image[0]
        top = stack[0]
        stack.remove(top)
        stack.append(top)  # M is now behind all others
        _, b, a, _ = entries(image)
        b.set("opacity", "0.25")
        a.set("visibility", "hidden")
        a.set("name", "Renamed")

    opened = read_ora(edit(content, change))
    assert [layer.id for layer in opened.scene.layers] == ["m", "a", "b", "c"]
    assert opened.scene.layer("a") == scene.layer("a").model_copy(
        update={"visible": False, "name": "Renamed"}
    )
    assert opened.scene.layer("b") == scene.layer("b").model_copy(update={"opacity": 0.25})
    assert opened.scene.layer("c") == scene.layer("c")
    assert opened.settings == SETTINGS
    output = " ".join(opened.notes)
    assert "order" in output
    assert "'A': another program changed its name, visible" in output
    assert "'B': another program changed its opacity" in output


def test_rounded_opacity_is_no_change(file_of_ours: tuple[Scene, bytes]) -> None:
    _, content = file_of_ours
    opened = read_ora(edit(content, lambda image: entries(image)[0].set("opacity", "0.999")))
    assert opened.notes == ()


def test_moved_repainted_deleted_and_added_layers(file_of_ours: tuple[Scene, bytes]) -> None:
    scene, content = file_of_ours
    painted = noise(5, 8, 8)

    def change(image: ElementTree.Element) -> None:
        _, c, b, a = entries(image)
        a.set("x", str(int(a.get("x", "")) + 5))
        c.set("y", str(int(c.get("y", "")) - 2))
        image[0].remove(b)
        image[0].append(
            ElementTree.Element("layer", {"name": "New", "src": "data/new.png", "x": "1", "y": "2"})
        )

    opened = read_ora(edit(content, change, data__new=encode_png(painted)))
    assert [layer.id for layer in opened.scene.layers] == ["layer-1", "a", "c", "m"]
    assert opened.scene.layer("a").placement == at(25, 20)
    assert opened.scene.layer("a").phrase == "one"
    assert opened.scene.layer("c").placement == at(40, 38)
    mask = opened.pixels.mask(opened.scene.layer("c").mask or "")
    assert (mask[:62] == 255).all()  # it went along
    assert not mask[62:].any()
    assert np.array_equal(opened.pixels.picture(opened.scene.layers[0].picture or ""), painted)
    output = " ".join(opened.notes)
    assert "'New' was added" in output
    assert "'B' was deleted" in output

    repainted = read_ora(edit(content, lambda image: None, data__001=encode_png(painted)))
    layer = repainted.scene.layer("b")
    assert np.array_equal(repainted.pixels.picture(layer.picture or ""), painted)
    assert layer.placement.rotation_deg == 0.0
    assert repainted.notes == ("Layer 'B': another program changed its picture.",)
    assert scene.layer("m") == repainted.scene.layer("m")


def test_a_changed_canvas_is_told(file_of_ours: tuple[Scene, bytes]) -> None:
    scene, content = file_of_ours
    opened = read_ora(edit(content, lambda image: image.set("w", "100")))
    assert opened.scene == scene
    assert "canvas" in opened.notes[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: record.update(format=2), "newer Lamina"),
        (lambda record: record.pop("settings"), "damaged"),
        (lambda record: record.update(settings=[1]), "damaged"),
        (lambda record: record["written"][0].update(x=10**400), "damaged"),
        (lambda record: record["scene"].update(version=9), "newer Lamina"),
        (lambda record: record["scene"].update(width_px=1), "Width of the canvas = 1 cannot"),
        (lambda record: record["scene"]["layers"][0].update(picture="0" * 64), "lacks its entry"),
    ],
)
def test_a_damaged_record_is_refused(
    file_of_ours: tuple[Scene, bytes], change: Callable, words: str
) -> None:  # type: ignore[type-arg]
    parts = members(file_of_ours[1])
    record = json.loads(parts["lamina/scene.json"])
    change(record)
    with pytest.raises((ArchiveError, SceneError), match=words):
        read_ora(pack(parts | {"lamina/scene.json": json.dumps(record).encode()}))


def test_exchanged_originals_are_refused(file_of_ours: tuple[Scene, bytes]) -> None:
    parts = members(file_of_ours[1])
    name = next(name for name in parts if name.startswith("lamina/pictures/"))
    with pytest.raises(ArchiveError, match="not the one that was saved"):
        read_ora(pack(parts | {name: encode_png(plain(7, 7, 7))}))
    with pytest.raises(ArchiveError, match=r"damaged|cannot be read"):
        read_ora(pack(parts | {name: parts[name][:50]}))


def test_an_empty_scene_is_a_file_too() -> None:
    scene = Scene(width_px=16, height_px=16)
    assert read_ora(write_ora(scene, MemoryPixels())).scene == scene
