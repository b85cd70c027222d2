"""Collage Diffusion in the desk: a learned look, structure, auto-adjust, scores, re-roll, an object
moved, a reload.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.editor_page import EditorPage

pytestmark = pytest.mark.slow


def learn(editor: EditorPage, layer_id: str, steps: int = 60) -> None:
    """Learn the look of a layer in few steps, by its card."""
    editor.select(layer_id)
    editor.part("embedding-steps").select_option(str(steps))
    editor.part("learn-embedding").click()
    editor.page.wait_for_selector('[data-test="embedding-state"][data-state="learning"]')
    editor.wait("state.job === null", 240)


def objects(editor: EditorPage) -> list[str]:
    """The layers with words and a picture, from back to front."""
    return [layer["id"] for layer in editor.layers() if layer["phrase"] and layer["picture"]]


def test_a_look_is_learned_shown_alone_forgotten_and_kept_by_a_reload(fresh: EditorPage) -> None:
    layer_id = objects(fresh)[-1]
    learn(fresh, layer_id)
    look = fresh.layer(layer_id)["embedding"]
    assert look
    assert fresh.until(
        lambda: fresh.part("embedding-state").get_attribute("data-state") == "learned"
    )
    assert fresh.until(
        lambda: fresh.part("embedding-sample").evaluate("image => image.naturalWidth") == 512
    )
    fresh.look("look-learned")
    fresh.part("forget-embedding").click()
    assert fresh.until(lambda: fresh.layer(layer_id)["embedding"] is None)
    fresh.part("embedding-choice").select_option(look)
    assert fresh.until(lambda: fresh.layer(layer_id)["embedding"] == look)
    fresh.wait_saved()
    fresh.reload()
    assert fresh.layer(layer_id)["embedding"] == look
    fresh.select(layer_id)
    assert fresh.until(fresh.part("embedding-sample").is_visible)


def test_a_stopped_learning_leaves_the_layer_as_it_was(fresh: EditorPage) -> None:
    layer_id = objects(fresh)[-1]
    fresh.select(layer_id)
    fresh.part("learn-embedding").click()
    fresh.wait("state.job && state.job.done >= 1")
    fresh.part("cancel").click()
    fresh.wait("state.job === null")
    assert fresh.layer(layer_id)["embedding"] is None
    assert fresh.until(lambda: fresh.part("embedding-state").get_attribute("data-state") == "none")


def test_an_object_of_the_finished_picture_is_dragged_elsewhere(fresh: EditorPage) -> None:
    fresh.set_dials(4, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")
    layer = fresh.layer(objects(fresh)[-1])
    x, y = layer["placement"]["centre_x_px"], layer["placement"]["centre_y_px"]
    to = (x + (80 if x < 256 else -80), y)
    fresh.part("tool-carry").click()
    fresh.drag_scene((x, y), to)
    fresh.wait("state.job === null && state.candidates.length === 2")
    made = fresh.state()["candidates"][-1]
    assert (made["layer_id"], made["changed_outside"]) == (layer["id"], 0)
    assert fresh.until(
        lambda: "changed pixels outside: 0" in fresh.part("changed-outside").inner_text()
    )
    fresh.look("object-moved")
    fresh.part("accept").click()
    fresh.wait(f"state.picked === {made['digest']!r}")
    moved = fresh.layer(layer["id"])["placement"]
    assert abs(moved["centre_x_px"] - to[0]) < 2
    fresh.page.keyboard.press("Control+z")
    assert fresh.layer(layer["id"])["placement"]["centre_x_px"] == x


def test_a_picture_becomes_layers_again_in_one_step(fresh: EditorPage) -> None:
    fresh.set_dials(4, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")
    before = fresh.state()["scene"]
    fresh.part("decompose").click()
    fresh.wait("state.job === null && state.undo === 'Decompose into layers'")
    after = fresh.layers()
    found = [layer for layer in after if layer["id"] in objects_of(before)]
    assert found
    assert {layer["phrase"] for layer in found} <= {layer["phrase"] for layer in before["layers"]}
    assert all(layer["mask"] is None for layer in after)
    lay = {layer["id"]: layer["placement"] for layer in before["layers"]}
    assert all(
        abs(one["placement"]["centre_x_px"] - lay[one["id"]]["centre_x_px"]) < 60 for one in found
    )
    fresh.wait_drawn()
    fresh.look("decomposed")
    fresh.page.keyboard.press("Control+z")
    assert fresh.state()["scene"] == before


def objects_of(scene: dict[str, Any]) -> list[str]:
    return [layer["id"] for layer in scene["layers"] if layer["phrase"]]


def test_where_the_words_of_a_layer_looked_is_shown_over_the_result(fresh: EditorPage) -> None:
    fresh.set_dials(4, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")
    layer_id = objects(fresh)[-1]
    fresh.select(layer_id)
    (heat,) = [
        score["heat"]
        for score in fresh.state()["candidates"][0]["scores"]
        if score["layer_id"] == layer_id
    ]
    assert heat
    fresh.part("show-heat").click()
    fresh.part("heat").wait_for()
    assert fresh.until(lambda: fresh.part("heat").get_attribute("data-digest") == heat)
    box, page = fresh.part("heat").bounding_box(), fresh.page.locator(".page-shadow").bounding_box()
    assert box is not None
    assert page is not None
    assert abs(box["width"] - page["width"]) < 1
    assert abs(box["x"] - page["x"]) < 1
    fresh.wait_drawn()
    fresh.look("heat")
    fresh.part("show-collage").click()
    assert fresh.until(lambda: fresh.part("heat").count() == 0)


def name_class(editor: EditorPage, layer_id: str, name: str) -> None:
    """What a segmenter calls the layer, typed in as a person does."""
    editor.select(layer_id)
    if not editor.part("class-label").count():
        editor.part("layer-more").click()
    editor.part("class-label").fill(name)
    editor.part("class-label").press("Enter")
    editor.wait(
        f"state.scene.layers.find(({{ id }}) => id === {layer_id!r}).class_label === {name!r}"
    )


def carry(editor: EditorPage, layer_id: str, by: float) -> None:
    """Drag a layer's object sideways in the finished picture, and see that nothing else changed."""
    made = len(editor.state()["candidates"])
    placement = editor.layer(layer_id)["placement"]
    x, y = placement["centre_x_px"], placement["centre_y_px"]
    editor.part("canvas").focus()
    editor.page.keyboard.press("u")
    editor.drag_scene((x, y), (x + by, y))
    editor.wait(f"state.job === null && state.candidates.length > {made}")
    assert "changed pixels outside: 0" in editor.part("changed-outside").inner_text()


def test_the_whole_journey(fresh: EditorPage) -> None:
    """Learn, hold edges, auto-adjust, generate, read the scores, re-roll what failed, move an
    object, save, reload.
    """
    layer_id = objects(fresh)[-1]
    learn(fresh, layer_id)
    fresh.part("layer-more").click()
    fresh.part("structure-edges").click()
    assert fresh.layer(layer_id)["structure"]["kind"] == "edges"
    fresh.part("autotune").click()
    fresh.wait("state.undo === 'Auto-adjust all layers'")
    assert fresh.part("reasons").inner_text()
    name_class(fresh, layer_id, "boat")  # which its own picture is not
    fresh.set_dials(6, 2)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 2")
    fresh.select(layer_id)
    unjudged = fresh.part("score-unjudged").inner_text()
    assert unjudged.startswith("cannot be judged: ")
    assert unjudged.endswith("than a boat")
    assert [each.get_attribute("data-rank") for each in fresh.part("candidate-place").all()] in (
        ["1", "2"],
        ["2", "1"],
    )
    assert "failed: " not in fresh.row(layer_id).inner_text()
    fresh.look("journey-unjudged")
    name_class(fresh, layer_id, "")
    fresh.part("reroll-tries").select_option("8")
    fresh.part("reroll").click()
    fresh.wait("state.job && state.job.layer_id !== ''")
    fresh.wait("state.job === null", 240)
    again = fresh.state()["candidates"][2:]
    assert {candidate["layer_id"] for candidate in again} == {layer_id}
    assert {candidate["changed_outside"] for candidate in again} == {0}
    assert "passes after" in fresh.all_notices() or "failed in all 8" in fresh.all_notices()
    fresh.part("accept").click()
    x = fresh.layer(layer_id)["placement"]["centre_x_px"]
    carry(fresh, layer_id, -60)
    fresh.part("accept").click()
    before = fresh.state()
    assert before["scene"]["layers"][-1]["placement"]["centre_x_px"] < x - 50
    fresh.look("journey-end")
    fresh.wait_saved()
    fresh.reload()
    after = fresh.state()
    assert (after["scene"], after["picked"]) == (before["scene"], before["picked"])
    assert after["scene"]["layers"][-1]["embedding"]
    assert after["shown"] == before["picked"]
