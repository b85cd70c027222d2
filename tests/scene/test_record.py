"""The scene's schema and digests."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import SceneError
from backend.scene.blobs import MemoryPixels, digest_of
from backend.scene.layer import Layer
from backend.scene.scene import MAX_LAYERS, Scene, build_scene
from tests.scene.drawings import at, every_setting, noise, plain, scene_of

GOLDEN_PIXELS = "8286882b9fba0897c84636240641fe1a07620112465541d27236caa05034277e"
GOLDEN_SCENE = "2264d62b23168075cf2705eb8446591f83085d75f4b1436a492fd511f0a860e7"


def record_with(**changes: Any) -> dict[str, Any]:
    """A valid record of a scene with one layer, and changes to that layer."""
    layer = {
        "id": "a",
        "picture": "0" * 64,
        "placement": {"centre_x_px": 1, "centre_y_px": 2},
        **changes,
    }
    return {"width_px": 64, "height_px": 64, "layers": [layer]}


def test_digests_are_the_same_on_every_machine_and_day() -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert digest_of(picture) == GOLDEN_PIXELS
    assert every_setting(MemoryPixels()).digest() == GOLDEN_SCENE


def test_pixel_digests_know_size_and_kind() -> None:
    flat = np.zeros((4, 4), np.uint8)
    digests = {
        digest_of(flat),
        digest_of(flat.reshape(2, 8)),
        digest_of(flat.reshape(2, 2, 4)),
        digest_of(flat + 1),
    }
    assert len(digests) == 4
    assert digest_of(noise(1, 6, 8)[::2, ::2]) == digest_of(
        np.ascontiguousarray(noise(1, 6, 8)[::2, ::2])
    )
    for wrong in (
        np.zeros((2, 2, 3), np.uint8),
        np.zeros((2, 2), np.float32),
        np.zeros(4, np.uint8),
    ):
        with pytest.raises(ValueError, match="uint8"):
            digest_of(wrong)


def test_the_digest_changes_with_pixels_words_and_order() -> None:
    first, second = (Layer(id=name, picture="0" * 64, placement=at(1, 1)) for name in "ab")
    base = scene_of([first, second], prompt="a fox")
    changed = [
        scene_of([second, first], prompt="a fox"),
        scene_of([first, second], prompt="a Fox"),
        scene_of([first, second.model_copy(update={"picture": "1" * 64})], prompt="a fox"),
        scene_of([first, second.model_copy(update={"strength": 0.61})], prompt="a fox"),
        scene_of([first], prompt="a fox"),
    ]
    assert len({scene.digest() for scene in (base, *changed)}) == 6
    assert base.digest() == Scene.model_validate_json(base.model_dump_json()).digest()


def test_every_setting_survives_json() -> None:
    scene = every_setting(MemoryPixels())
    assert build_scene(json.loads(scene.model_dump_json())) == scene


@pytest.mark.parametrize(
    "changes",
    [
        {"strength": math.nan},
        {"strength": math.inf},
        {"strength": 1.01},
        {"strength": "0.5"},
        {"strength": True},
        {"opacity": -0.1},
        {"attention_positive": 1e308},
        {"id": ""},
        {"id": "a b"},
        {"id": "../a"},
        {"picture": "ABC"},
        {"picture": None},
        {"placement": {"centre_x_px": 0, "centre_y_px": 0, "scale_x": 0}},
        {"placement": {"centre_x_px": 0}},
        {"placement": {"centre_x_px": 1e9, "centre_y_px": 0}},
        {"name": "x" * 201},
        {"name": "\ud800"},
        {"seed": -1},
        {"seed": 2**53},
        {"seed": 1.5},
        {"visible": 1},
        {"structure": {"kind": "pose"}},
        {"surprise": 1},
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(SceneError) as caught:
        build_scene(record_with(**changes))
    assert caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            record_with(strength=7),
            r"Strength of layer 1 = 7 cannot be used\. At most 1 is allowed\.",
        ),
        (
            record_with(strength=None),
            r"Strength of layer 1 = not a value cannot be used\..*Correct strength of layer 1",
        ),
        (record_with(id="?" * 500), r"Id of layer 1 = '\?{58}… cannot be used"),
        ({"height_px": 64}, r"Width of the canvas is missing\. The scene needs it\."),
        (
            record_with(picture=None),
            r"The scene cannot be used\. Layer 'a' has neither a picture nor a mask\.",
        ),
    ],
)
def test_the_sentence_names_field_and_value(record: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SceneError, match=f"^{sentence}"):
        build_scene(record)


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "scene",
        {},
        {"width_px": 64},
        {"width_px": 15, "height_px": 64},
        {"width_px": 64, "height_px": 8193},
        {"width_px": 64, "height_px": 64, "layers": 5},
        {"width_px": 64, "height_px": 64, "layers": {"a": 1}},
        {"width_px": 64, "height_px": 64, "layers": [None]},
        {"width_px": 64, "height_px": 64, "prompt": "x" * 4001},
        {"width_px": 64, "height_px": 64, "version": 0},
        {"width_px": 64, "height_px": 64, "prompt": object()},
        {"width_px": 64, "height_px": 64, "layers": record_with()["layers"] * 2},
    ],
)
def test_records_that_are_no_scene(record: Any) -> None:
    with pytest.raises(SceneError):
        build_scene(record)


def test_newer_formats_and_too_many_layers_have_their_own_sentence() -> None:
    with pytest.raises(SceneError, match="newer Lamina"):
        build_scene({"version": 3})
    with pytest.raises(SceneError, match="300 layers"):
        build_scene({"width_px": 64, "height_px": 64, "layers": record_with()["layers"] * 300})
    assert MAX_LAYERS == 256


def test_nesting_without_end_is_refused() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(SceneError):
        build_scene({"width_px": 64, "height_px": 64, "layers": nested})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from([*Layer.model_fields, "width_px", "layers", "version"]), json_values)
def test_whatever_stands_in_a_field_only_scene_errors_come_out(field: str, value: Any) -> None:
    record = (
        record_with() | {field: value}
        if field in Scene.model_fields
        else record_with(**{field: value})
    )
    try:
        scene = build_scene(record)
    except SceneError:
        return
    assert build_scene(json.loads(scene.model_dump_json())) == scene


def test_a_layer_is_found_by_its_id_or_its_absence_is_said() -> None:
    scene = scene_of([Layer(id="fox", picture="0" * 64, placement=at(1, 1))])
    assert scene.layer("fox").id == "fox"
    with pytest.raises(SceneError, match=r"'wolf'.*fox"):
        scene.layer("wolf")


def test_memory_pixels_keep_copies_and_name_what_is_missing() -> None:
    pixels, picture = MemoryPixels(), plain(1, 2, 3)
    digest = pixels.add_picture(picture)
    picture[:] = 9
    assert pixels.picture(digest)[0, 0].tolist() == [1, 2, 3, 255]
    assert not pixels.picture(digest).flags.writeable
    mask = pixels.add_mask(np.zeros((4, 4), np.uint8))
    for missing in (
        lambda: pixels.picture(mask),
        lambda: pixels.mask(digest),
        lambda: pixels.picture("0" * 64),
    ):
        with pytest.raises(SceneError, match="is not here"):
            missing()
