"""What a method leaves unread is said, layer by layer, and nothing else is."""

from __future__ import annotations

from backend.methods.catalog import METHODS
from backend.plan.notes import (
    SETTINGS,
    list_ignored,
    prompt_alone_notes,
    without_layer_notes,
)
from backend.plan.plan import Note
from backend.scene.layer import Layer, LoraChoice, Placement, Structure
from backend.scene.scene import Scene

PLACE = Placement(centre_x_px=32, centre_y_px=32)
DIGEST = "a" * 64


def scene_of(*layers: Layer) -> Scene:
    return Scene(name="", width_px=64, height_px=64, layers=layers)


def layer(name: str, **update: object) -> Layer:
    return Layer(id=name, picture=DIGEST, placement=PLACE, name=name).model_copy(update=update)


def test_what_is_set_and_not_read_is_named() -> None:
    plain, seeded = layer("plain"), layer("seeded", seed=3, embedding=DIGEST, prompt_end=0.5)
    (note,) = list_ignored(scene_of(plain, seeded), "TCIG", tuple(SETTINGS))
    assert (note.code, note.layer_id) == ("ignored", "seeded")
    assert note.text == (
        "Layer “seeded”: TCIG does not use its learned look, the steps in which it is active "
        "or its own seed."
    )
    assert list_ignored(scene_of(plain, seeded), "Collage Diffusion", ()) == ()
    (alone,) = list_ignored(scene_of(seeded), "TCIG", ("seed",))
    assert alone.text == "Layer “seeded”: TCIG does not use its own seed."


def test_hidden_layers_are_not_spoken_of() -> None:
    assert (
        list_ignored(scene_of(layer("cat", seed=3, visible=False)), "TCIG", tuple(SETTINGS)) == ()
    )


def test_every_setting_is_found_on_a_layer_that_has_it() -> None:
    marked = {
        "embedding": layer("a", embedding=DIGEST),
        "structure": layer("a", structure=Structure(kind="edges", weight=0.5)),
        "strength_map": layer("a", strength_map=DIGEST),
        "prompt_range": layer("a", prompt_start=0.2),
        "loras": layer("a", loras=(LoraChoice(name="ink"),)),
        "seed": layer("a", seed=0),
    }
    assert set(marked) == set(SETTINGS)
    for name, one in marked.items():
        assert len(list_ignored(scene_of(one), "M", (name,))) == 1
        assert list_ignored(scene_of(one), "M", set(SETTINGS) - {name}) == ()


def test_a_method_of_the_prompt_alone_says_so_once_and_nothing_of_the_layers() -> None:
    subject = layer("s", subject="toy")
    scene = scene_of(layer("a"), subject)
    notes = (
        Note(code="phrase_missing", layer_id="a", text="a."),
        Note(code="phrase_missing", layer_id="s", text="s."),
        Note(code="no_prompt", text="p."),
    )
    assert [note.text for note in without_layer_notes(notes, scene)] == ["s.", "p."]
    (alone,) = prompt_alone_notes(scene, "Layout-and-Retouch")
    assert "the layers take no part" in alone.text
    assert prompt_alone_notes(scene_of(), "Layout-and-Retouch") == ()
    assert [one.id for one in METHODS.values() if one.prompt_alone] == ["layout_retouch"]


def test_methods_name_settings_that_there_are() -> None:
    for method in METHODS.values():
        assert set(method.ignores) <= set(SETTINGS)
