"""Groups: what a scene allows, and their way through OpenRaster files, other programs included."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from backend.errors import SceneError
from backend.scene.blobs import MemoryPixels
from backend.scene.composite import flatten_scene
from backend.scene.formats.openraster import OpenedScene, read_ora, write_ora
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Group, Scene, build_scene
from tests.scene.formats.test_openraster import edit, external_file, members

BODY = Group(id="g1", name="Ears & tail", members=("b", "c"), collapsed=True, hid=("c",))
HEAD = Group(id="g2", name="", members=("d",))


def scene_of(*groups: Group) -> tuple[Scene, MemoryPixels]:
    """Four squares a, b, c, d from back to front, c hidden."""
    pixels = MemoryPixels()
    layers = []
    for index, name in enumerate("abcd"):
        picture = pixels.add_picture(np.full((20, 20, 4), 40 + 50 * index, np.uint8))
        place = Placement(centre_x_px=20 + 8 * index, centre_y_px=30)
        layers.append(
            Layer(id=name, name=name, picture=picture, placement=place, visible=name != "c")
        )
    return Scene(width_px=64, height_px=64, layers=tuple(layers), groups=groups), pixels


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({"id": "g", "members": ["a", "c"]}, "side by side"),
        ({"id": "g", "members": ["c", "b"]}, "side by side"),
        ({"id": "g", "members": ["x"]}, "side by side"),
        ({"id": "g", "members": []}, "at least 1"),
        ({"id": "g1", "members": ["a"]}, "twice"),
        ({"id": "g", "members": ["c", "d"]}, "shares a layer"),
        ({"id": "g", "members": ["a"], "hid": ["d"]}, "not in it"),
    ],
)
def test_a_group_that_does_not_fit_its_layers_is_refused(
    group: dict[str, object], words: str
) -> None:
    record = scene_of(BODY)[0].model_dump(mode="json")
    record["groups"].append(group)
    with pytest.raises(SceneError) as refused:
        build_scene(record)
    assert words in f"{refused.value.what} {refused.value.limit}"


def test_scenes_without_a_word_of_groups_have_none() -> None:
    record = scene_of()[0].model_dump(mode="json")
    del record["groups"]
    assert build_scene(record).groups == ()


@pytest.mark.parametrize(
    "groups", [(BODY, HEAD), (HEAD, BODY), (Group(id="g", members=tuple("abcd")),)]
)
def test_groups_come_back_as_they_were_and_are_inner_stacks_for_others(
    groups: tuple[Group, ...],
) -> None:
    scene, pixels = scene_of(*groups)
    content = write_ora(scene, pixels)
    opened = read_ora(content)
    assert opened.scene == scene
    assert opened.notes == ()
    image = ElementTree.fromstring(members(content)["stack.xml"])
    stacks = image.findall("./stack/stack")
    assert sorted(len(stack) for stack in stacks) == sorted(len(group.members) for group in groups)
    assert {stack.get("name") for stack in stacks} == {group.name for group in groups}
    plain = scene_of()[0].model_copy(update={"layers": scene.layers})
    assert np.array_equal(flatten_scene(scene, pixels), flatten_scene(plain, pixels))


def edit_file(change: object, *groups: Group) -> OpenedScene:
    return read_ora(edit(write_ora(*scene_of(*groups)), change))  # type: ignore[arg-type]


def test_what_another_program_did_to_groups_wins_and_is_told() -> None:
    def take_out(image: ElementTree.Element) -> None:
        outer = image[0]
        inner = outer.find("stack")
        assert inner is not None
        layer = inner[0]
        inner.remove(layer)
        outer.insert(0, layer)
        inner.set("name", "Body")

    opened = edit_file(take_out, BODY)
    assert opened.scene.groups == (Group(id="g1", name="Body", members=("b",), collapsed=True),)
    assert [layer.id for layer in opened.scene.layers] == ["a", "b", "d", "c"]
    assert "Another program changed the groups." in opened.notes

    def dissolve(image: ElementTree.Element) -> None:
        outer = image[0]
        for inner in outer.findall("stack"):
            at = list(outer).index(inner)
            outer.remove(inner)
            for layer in reversed(list(inner)):
                outer.insert(at, layer)

    assert edit_file(dissolve, BODY).scene.groups == ()


def test_a_deleted_layer_leaves_its_group_without_a_word_about_groups() -> None:
    def delete(image: ElementTree.Element) -> None:
        inner = image[0].find("stack")
        assert inner is not None
        inner.remove(inner[0])

    opened = edit_file(delete, BODY)
    assert opened.scene.groups[0].members == ("b",)
    assert opened.notes == ("Layer 'c' was deleted by another program.",)


def test_groups_of_other_programs_are_kept_one_level_deep() -> None:
    opened = read_ora(
        external_file(
            '<?xml version="1.0" encoding="UTF-8"?><image w="100" h="80"><stack>'
            '<stack name="Hat"><layer name="brim" src="data/a.png"/>'
            '<stack name="Band"><layer name="knot" src="data/b.png"/></stack></stack>'
            '<layer name="ground" src="data/c.png"/><stack name="nothing"/>'
            "</stack></image>",
            a=np.full((4, 4, 4), 200, np.uint8),
            b=np.full((4, 4, 4), 100, np.uint8),
            c=np.full((8, 8, 4), 50, np.uint8),
        )
    )
    assert [layer.name for layer in opened.scene.layers] == ["ground", "knot", "brim"]
    ids = [layer.id for layer in opened.scene.layers]
    assert [(group.name, group.members) for group in opened.scene.groups] == [
        ("Hat", (ids[1], ids[2]))
    ]
    assert any("Groups within groups" in note for note in opened.notes)
