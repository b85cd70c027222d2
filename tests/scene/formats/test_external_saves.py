"""A file of Lamina's after another program saved it: its scene comes back, and what was done to it
is sentences apart.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from backend.scene.blobs import MemoryPixels
from backend.scene.drawn import draw_layer
from backend.scene.formats.known_scenes import FileShape, KnownScene
from backend.scene.formats.layer_content import trim
from backend.scene.formats.openraster import OpenedScene, write_ora
from backend.scene.formats.picture_file import encode_png
from backend.scene.formats.scene_file import read_scene_file
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer
from backend.scene.scene import Scene
from tests.scene.formats.small_scenes import (
    SAVED_BY,
    SETTINGS,
    Members,
    entries,
    picture_of,
    place_of,
    small_scene,
    unpack,
)
from tests.scene.formats.test_openraster import pack

CARD = (
    "phrase",
    "negative",
    "strength",
    "attention_positive",
    "structure",
    "class_label",
    "seed",
    "prompt_start",
    "loras",
)
SEEDS = range(16)


def find_among(*known: tuple[Scene, MemoryPixels]) -> Callable[[FileShape], list[KnownScene]]:
    return lambda shape: [
        KnownScene(scene, pixels, SETTINGS, f"the scene {scene.name!r}")
        for scene, pixels in known
        if shape.fits(scene)
    ]


def has_card(opened: OpenedScene, layer: Layer) -> bool:
    found = next((one for one in opened.scene.layers if one.id == layer.id), None)
    return found is not None and all(getattr(found, at) == getattr(layer, at) for at in CARD)


def is_named(opened: OpenedScene, layer: Layer) -> bool:
    name = repr(layer.name or layer.phrase)[1:-1]
    return any(name in note for note in opened.notes)


@pytest.mark.slow
@pytest.mark.parametrize("program", SAVED_BY)
def test_untouched_scenes_come_back_from_every_program(program: str) -> None:
    scenes = [small_scene(seed) for seed in SEEDS]
    layers = kept = whole = 0
    for scene, pixels in scenes:
        content = SAVED_BY[program](write_ora(scene, pixels, SETTINGS))
        opened = read_scene_file(content, "a.ora", find_among(*scenes))
        for layer in scene.layers:
            layers += 1
            kept += has_card(opened, layer)
            whole += layer in opened.scene.layers
            assert has_card(opened, layer) or opened.notes
        if opened.settings:
            assert (opened.scene.prompt, opened.scene.name) == (scene.prompt, scene.name)
            ids = {layer.id for layer in scene.layers}
            added = [one.name for one in opened.scene.layers if one.id not in ids]
            assert added == (["background"] if program == "mypaint" else [])
    assert kept >= (0.95 if program == "gimp" else 0.99) * layers  # GIMP leaves some nothing
    assert whole >= 0.95 * layers - 3  # masks, places and pictures too, not the cards alone


def touch(content: bytes) -> tuple[bytes, str, str]:
    """Move one layer that is seen by (7, 5), and repaint another one's middle; their names."""
    parts: Members = unpack(content)
    image = ElementTree.fromstring(parts["stack.xml"])
    ours = [one for one in entries(image) if one.get("name") != "background"]
    seen = [one for one in ours if picture_of(parts, one)[..., 3].max() > 40]
    moved, painted = seen[0], seen[-1]
    x, y = place_of(moved)
    moved.set("x", str(x + 7))
    moved.set("y", str(y + 5))
    picture = picture_of(parts, painted)
    rows, columns = picture.shape[0] // 3, picture.shape[1] // 3
    picture[rows : 2 * rows, columns : 2 * columns] = (10, 200, 30, 255)
    parts[painted.get("src", "")] = encode_png(picture)
    parts["stack.xml"] = ElementTree.tostring(image, encoding="utf-8")
    return pack(parts), moved.get("name", ""), painted.get("name", "")


def draw_contents(scene: Scene, pixels: MemoryPixels) -> list[Picture]:
    """What is seen of each layer."""
    size = (scene.width_px, scene.height_px)
    drawn = [draw_layer(layer, pixels, size) for layer in scene.layers]
    return [trim(one.picture, one.x, one.y).picture for one in drawn]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["krita", "mypaint"])
def test_moved_and_repainted_layers_keep_their_cards(program: str) -> None:
    layers = kept = 0
    for seed in SEEDS:
        scene, pixels = small_scene(seed)
        if sum(1 for one in draw_contents(scene, pixels) if one.size) < 3:
            continue  # with one layer moved and one repainted, a third is what it is known by
        content, moved, painted = touch(SAVED_BY[program](write_ora(scene, pixels, SETTINGS)))
        opened = read_scene_file(content, "a.ora", find_among((scene, pixels)))
        for layer in scene.layers:
            layers += 1
            kept += has_card(opened, layer)
            assert has_card(opened, layer) or is_named(opened, layer) or not opened.settings
        sentences = " ".join(opened.notes)
        names = [layer.name for layer in scene.layers]
        if names.count(moved) == names.count(painted) == 1:
            assert "place" in sentences
            assert "picture" in sentences
    assert kept >= 0.95 * layers


def test_a_moved_layer_takes_its_mask_along_and_keeps_its_own_picture() -> None:
    seed = next(
        seed
        for seed in range(99)
        for scene, pixels in [small_scene(seed)]
        if scene.layers[0].mask and scene.layers[0].picture and scene.layers[0].name == "cat"
    )
    scene, pixels = small_scene(seed)
    parts = unpack(write_ora(scene, pixels, SETTINGS))
    image = ElementTree.fromstring(parts["stack.xml"])
    bottom = list(entries(image))[-1]
    x, y = place_of(bottom)
    bottom.set("x", str(x + 3))
    bottom.set("y", str(y - 2))
    parts["stack.xml"] = ElementTree.tostring(image)
    own = {name: body for name, body in parts.items() if not name.startswith("lamina/")}
    opened = read_scene_file(pack(own), "a.ora", find_among((scene, pixels)))
    before, after = scene.layers[0], opened.scene.layers[0]
    assert after.picture == before.picture
    assert after.placement.centre_x_px == before.placement.centre_x_px + 3
    mask, old = opened.pixels.mask(after.mask or ""), pixels.mask(before.mask or "")
    assert (mask[:-2, 3:] == old[2:, :-3]).all()


def test_a_file_of_somebody_else_takes_no_scene_of_ours() -> None:
    ours, pixels = small_scene(3)
    theirs, others = small_scene(4)
    size = {"width_px": theirs.width_px, "height_px": theirs.height_px}
    namesake = ours.model_copy(update=size)  # the same names on the same canvas, other pixels
    content = SAVED_BY["krita"](write_ora(theirs, others, SETTINGS))
    opened = read_scene_file(content, "a.ora", find_among((namesake, pixels)))
    assert opened.settings == {}
    assert not any(layer.phrase for layer in opened.scene.layers)


@pytest.mark.slow
@pytest.mark.parametrize("program", SAVED_BY)
def test_an_export_for_other_programs_brings_all_back_by_itself(program: str) -> None:
    for seed in SEEDS[:8]:
        scene, pixels = small_scene(seed)
        content = write_ora(scene, pixels, SETTINGS, for_others=True)
        assert read_scene_file(content).scene == scene
        opened = read_scene_file(SAVED_BY[program](content))
        assert [one for one in opened.scene.layers if one.id.startswith("id-")] == [*scene.layers]
        assert opened.settings == SETTINGS
        if program != "gimp":
            assert not any("cut" in note for note in opened.notes)
        for layer in scene.layers:
            for digest in (layer.mask, layer.strength_map):
                assert digest is None or opened.pixels.mask(digest).any()


def test_a_painted_layer_of_cards_is_said() -> None:
    scene, pixels = small_scene(1)
    parts = unpack(SAVED_BY["krita"](write_ora(scene, pixels, SETTINGS, for_others=True)))
    image = ElementTree.fromstring(parts["stack.xml"])
    cards = next(one for one in entries(image) if "cards" in one.get("name", ""))
    picture = picture_of(parts, cards)
    picture[0, :9] = 60
    parts[cards.get("src", "")] = encode_png(picture)
    opened = read_scene_file(pack(parts))
    assert "painted on" in opened.notes[0]
    assert len(opened.scene.layers) == len(scene.layers)
