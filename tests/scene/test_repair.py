"""One unknown part of a record costs that part alone, and is named in the page's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from backend.errors import ArchiveError, SceneError
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.archive import pack
from backend.scene.formats.openraster import RECORD, read_ora, write_ora
from backend.scene.scene import Scene, build_scene, canonical_json, repair_scene
from backend.scene.wording import name_field
from tests.scene.drawings import every_setting

SETTINGS = {"seed": 77}


def rich_scene() -> tuple[Scene, MemoryPixels]:
    pixels = MemoryPixels()
    return every_setting(pixels), pixels


def with_value(record: dict[str, Any], path: tuple[str | int, ...], value: object) -> Any:
    """A copy of a record with one value at a place."""
    changed = copy.deepcopy(record)
    holder: Any = changed
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "taken", "words"),
    [
        (("layers", 0, "blend"), "dissolve", "normal", "blend mode of layer 1"),
        (("layers", 0, "structure", "kind"), "pose", "none", "structure of layer 1"),
        (("layers", 0, "opacity"), 1.5, 1.0, "opacity of layer 1"),
        (("layers", 0, "opacity"), -3, 0.0, "opacity of layer 1"),
        (("layers", 0, "strength"), "much", 0.6, "strength of layer 1"),
        (("layers", 0, "strength"), None, 0.6, "strength of layer 1"),
        (("layers", 0, "attention_positive"), 9, 5.0, "attention of layer 1"),
        (("layers", 0, "placement", "rotation_deg"), 720, 360.0, "rotation of layer 1"),
        (("layers", 0, "visible"), 1, True, "eye of layer 1"),
        (("layers", 0, "name"), "n" * 300, "n" * 200, "name of layer 1"),
        (("layers", 0, "phrase"), "p" * 300, "p" * 200, "phrase of layer 1"),
        (("name",), "s" * 201, "s" * 200, "name"),
        (("prompt",), "w" * 4001, "w" * 4000, "prompt"),
        (("layers", 0, "glow"), 2, None, "glow of layer 1"),
        (("layers", 0, "placement", "skew"), 2, None, "skew of layer 1"),
        (("grid",), {"px": 8}, None, "grid"),
    ],
)
def test_one_part_that_is_not_known_costs_that_part(
    path: tuple[str | int, ...], value: object, taken: object, words: str
) -> None:
    scene, _ = rich_scene()
    record = scene.model_dump(mode="json")
    repaired = repair_scene(with_value(record, path, value))
    (note,) = repaired.notes
    assert words in note
    assert note.endswith(".")
    wanted = record if taken is None else with_value(record, path, taken)
    assert repaired.scene.model_dump(mode="json") == wanted


def test_many_parts_are_each_named_once() -> None:
    scene, _ = rich_scene()
    record = scene.model_dump(mode="json")
    for number, path in enumerate((("glow",), ("layers", 0, "halo"), ("layers", 0, "mesh"))):
        record = with_value(record, path, number)
    repaired = repair_scene(record)
    assert repaired.scene == scene
    assert len(repaired.notes) == 3


def test_a_whole_scene_has_no_notes() -> None:
    scene, _ = rich_scene()
    assert repair_scene(scene.model_dump(mode="json")) == (scene, ())


@pytest.mark.parametrize(
    "path", [("layers", 0, "id"), ("layers", 0, "placement", "centre_x_px"), ("width_px",)]
)
def test_what_has_no_usual_value_is_refused(path: tuple[str | int, ...]) -> None:
    scene, _ = rich_scene()
    record = with_value(scene.model_dump(mode="json"), path, "?")
    with pytest.raises(SceneError):
        repair_scene(record)


def test_the_record_is_not_changed() -> None:
    scene, _ = rich_scene()
    record = with_value(scene.model_dump(mode="json"), ("layers", 0, "blend"), "dissolve")
    before = copy.deepcopy(record)
    repair_scene(record)
    assert record == before
    with pytest.raises(SceneError):
        build_scene(record)


def rewritten(change: dict[str, Any]) -> bytes:
    """A file of ours with something else in its own entry."""
    import io
    import json
    import zipfile

    scene, pixels = rich_scene()
    content = write_ora(scene, pixels, SETTINGS)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    record = {**json.loads(dict(members)[RECORD]), **change}
    text = canonical_json(record).encode()
    return pack([(name, text if name == RECORD else body) for name, body in members])


def test_a_file_with_more_in_it_than_is_known_opens() -> None:
    opened = read_ora(rewritten({"palette": ["red"]}))
    assert opened.settings == SETTINGS
    assert opened.scene == rich_scene()[0]
    (note,) = opened.notes
    assert note.startswith("The file says palette = ['red'].")


def test_a_newer_file_is_called_newer() -> None:
    with pytest.raises(SceneError, match=r"newer Lamina \(file format 2\).*Update Lamina"):
        read_ora(rewritten({"format": 2}), "tomorrow.ora")
    with pytest.raises(ArchiveError, match="damaged"):
        read_ora(rewritten({"format": "two"}), "tomorrow.ora")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ((), ""),
        (("layers", 3, "opacity"), "opacity of layer 4"),
        (("layers", 0, "structure", "weight"), "weight of the structure of layer 1"),
        (("groups", 1, "members", 0), "member 1 of group 2"),
        (("settings", "guidance_scale"), "guidance"),
        (("options", "blur_px", "int"), "option blur px"),
        (("width_px",), "width of the canvas"),
    ],
)
def test_fields_have_the_words_of_the_page(path: tuple[str | int, ...], words: str) -> None:
    assert name_field(path) == words
