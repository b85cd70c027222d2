"""The whole journey of the first issue, once by mouse and once by keyboard alone."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from tests.browser.drawings import star
from tests.browser.editor_page import EditorPage

STEPS = 6
FEATHER_PX = 4

# All that the canvas shows and the progress says, from now on: a short run may be over before it is
# asked for.
ATTEND = """() => {
  window.seen = new Set();
  const told = (name) => document.querySelector(`[data-test="${name}"]`);
  const note = () => window.seen.add(told("canvas").dataset.showing)
    .add(told("progress").textContent);
  new MutationObserver(note).observe(document.querySelector(".lamina-root"),
    { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def fetch(editor: EditorPage, digest: str) -> np.ndarray:
    """Stored pixels, as the server gives them."""
    reply = editor.page.request.get(f"{editor.url}/lamina/picture/{digest}.png")
    assert reply.ok
    return np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGB")).astype(int)


def assert_same_outside(
    editor: EditorPage, before: str, after: str, layer: dict, size_px: tuple[int, int]
) -> None:
    """By our own count: no pixel differs beyond the layer's box and the feather, and some differ
    within.
    """
    one, two = fetch(editor, before), fetch(editor, after)
    scene = editor.state()["scene"]
    ratio = one.shape[1] / scene["width_px"]
    place = layer["placement"]
    half_w = size_px[0] * place["scale_x"] / 2 * ratio + FEATHER_PX + 2
    half_h = size_px[1] * place["scale_y"] / 2 * ratio + FEATHER_PX + 2
    x, y = place["centre_x_px"] * ratio, place["centre_y_px"] * ratio
    rows, columns = np.nonzero((one != two).any(axis=2))
    assert len(rows) > 0
    assert columns.min() >= x - half_w
    assert columns.max() <= x + half_w
    assert rows.min() >= y - half_h
    assert rows.max() <= y + half_h


def test_the_journey_by_mouse(fresh: EditorPage):
    star_id = drop_a_star(fresh)
    place_by_mouse(fresh, star_id)
    describe_by_mouse(fresh, star_id)
    fresh.look("journey-1-composed")
    make_pictures_by_mouse(fresh)
    fresh.look("journey-3-candidates")
    fresh.part("candidate").nth(1).click()
    fresh.part("accept").click()
    fresh.wait("state.picked === state.candidates[1].digest")
    picked = fresh.state()["picked"]

    place = fresh.layer(star_id)["placement"]
    fresh.click_scene(place["centre_x_px"], place["centre_y_px"])
    assert fresh.state()["selected"] == star_id
    fresh.part("reroll").click()
    assert_rerolled(fresh, star_id, picked)
    fresh.look("journey-4-rerolled")
    fresh.part("candidate").nth(1).click()
    fresh.part("accept").click()
    fresh.wait("state.picked === state.candidates.at(-1).digest")


def drop_a_star(editor: EditorPage) -> str:
    """A cut-out dropped on the canvas becomes a layer there, with words from its name."""
    layers = len(editor.layers())
    editor.drop(("green star.png", star()), at=(150, 100))
    editor.wait(f"state.scene.layers.length === {layers + 1}")
    editor.wait_drawn()  # where a picture can be pressed is known once it is there
    added = editor.layers()[-1]
    assert added["phrase"] == "green star"
    assert abs(added["placement"]["centre_x_px"] - 150) < 2
    return added["id"]


def place_by_mouse(editor: EditorPage, layer_id: str) -> None:
    """Move it, then make it larger by its lower right handle, keeping its proportions."""
    editor.click_scene(150, 100)
    assert editor.state()["selected"] == layer_id
    editor.drag_scene((150, 100), (180, 130))
    moved = editor.layer(layer_id)["placement"]
    assert abs(moved["centre_x_px"] - 180) < 8
    assert abs(moved["centre_y_px"] - 130) < 8
    half = 48 * moved["scale_x"]
    corner = (moved["centre_x_px"] + half, moved["centre_y_px"] + half)
    editor.drag_scene(corner, (corner[0] + 30, corner[1] + 30))
    scaled = editor.layer(layer_id)["placement"]
    assert scaled["scale_x"] > moved["scale_x"] * 1.15
    assert abs(scaled["scale_x"] - scaled["scale_y"]) < 1e-6


def describe_by_mouse(editor: EditorPage, layer_id: str) -> None:
    """Its words, and how far it may change."""
    editor.part("phrase").fill("green star")
    editor.part("append-phrase").click()
    assert "green star" in editor.state()["scene"]["prompt"]
    editor.row(layer_id).locator('[data-test="layer-warning"]').wait_for(state="hidden")
    slider = editor.row(layer_id).locator('[data-test="row-strength"]')
    box = slider.bounding_box()
    assert box is not None
    slider.click(position={"x": box["width"] * 0.8, "y": box["height"] / 2})
    assert 0.7 <= editor.layer(layer_id)["strength"] <= 0.9


def make_pictures_by_mouse(editor: EditorPage) -> None:
    """Generate: progress in words, a preview on the canvas, then two candidates in the strip."""
    editor.set_dials(STEPS, 2)
    editor.page.evaluate(ATTEND)
    editor.part("generate").click()
    editor.page.wait_for_function("window.seen.has('preview')")
    editor.look("journey-2-preview")
    editor.wait("state.job === null && state.candidates.length === 2")
    assert any(
        re.fullmatch(r"step \d+ of \d+.*", text)
        for text in editor.page.evaluate("[...window.seen]")
    )
    assert editor.until(lambda: editor.part("candidate").count() == 2)


def assert_rerolled(editor: EditorPage, layer_id: str, source: str) -> None:
    """Two candidates of one layer over ``source``; outside it nothing changed, by the studio's
    count and by ours.
    """
    editor.wait("state.job === null && state.candidates.length === 4")
    assert editor.until(
        lambda: editor.part("changed-outside").inner_text() == "changed pixels outside: 0"
    )
    for made in editor.state()["candidates"][2:]:
        assert (made["source"], made["layer_id"], made["changed_outside"]) == (source, layer_id, 0)
        assert_same_outside(editor, source, made["digest"], editor.layer(layer_id), (96, 96))


def test_the_journey_by_keyboard_alone(fresh: EditorPage, tmp_path):
    star_id = add_a_star_by_keyboard(fresh, tmp_path)
    place_by_keyboard(fresh, star_id)
    describe_by_keyboard(fresh, star_id)
    keys = fresh.page.keyboard
    for field, value in (("steps", STEPS), ("count", 2)):
        tab_to(fresh, field)
        keys.type(str(value))
        keys.press("Enter")
    keys.press("Control+Enter")
    fresh.wait("state.job === null && state.candidates.length === 2")
    tab_to(fresh, "candidate")
    keys.press("ArrowRight")
    fresh.wait("state.viewed === state.candidates[1].digest")
    keys.press("Enter")
    fresh.wait("state.picked === state.candidates[1].digest")
    picked = fresh.state()["picked"]

    tab_to(fresh, "canvas")
    assert fresh.state()["selected"] == star_id
    keys.press("r")
    assert_rerolled(fresh, star_id, picked)
    keys.press(".")
    fresh.wait("state.viewed === state.candidates.at(-1).digest")
    keys.press("Enter")
    fresh.wait("state.picked === state.candidates.at(-1).digest")


def tab_to(editor: EditorPage, name: str, within: str = "") -> None:
    """Press Tab until that part has the focus."""
    script = """([name, within]) => { const at = document.activeElement;
      return at.dataset.test === name && (!within || !!at.closest(within)); }"""
    for _ in range(120):
        if editor.page.evaluate(script, [name, within]):
            return
        editor.page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {name}")


def add_a_star_by_keyboard(editor: EditorPage, folder: Path) -> str:
    """A file through the chooser, and the new layer selected from the canvas."""
    layers = len(editor.layers())
    file = folder / "green star.png"
    file.write_bytes(star())
    editor.choose_file("Control+i", file)
    editor.wait(f"state.scene.layers.length === {layers + 1}")
    editor.wait_drawn()
    added = editor.layers()[-1]["id"]
    tab_to(editor, "canvas")
    for _ in range(layers + 1):
        if editor.state()["selected"] != added:
            editor.page.keyboard.press("PageUp")
    assert editor.state()["selected"] == added
    return added


def place_by_keyboard(editor: EditorPage, layer_id: str) -> None:
    """Nudge it, then give it a width."""
    keys = editor.page.keyboard
    before = editor.layer(layer_id)["placement"]
    keys.press("Shift+ArrowLeft")
    keys.press("ArrowDown")
    after = editor.layer(layer_id)["placement"]
    assert after["centre_x_px"] == before["centre_x_px"] - 10
    assert after["centre_y_px"] == before["centre_y_px"] + 1
    tab_to(editor, "field-w")
    keys.type("64")
    keys.press("Enter")
    assert abs(editor.layer(layer_id)["placement"]["scale_x"] * 96 - 64) < 1


def describe_by_keyboard(editor: EditorPage, layer_id: str) -> None:
    """Its freedom by the arrows, its phrase, and the prompt."""
    keys = editor.page.keyboard
    tab_to(editor, "strength", "#layer-card")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    assert abs(editor.layer(layer_id)["strength"] - 0.8) < 1e-6  # a silhouette begins at .7
    tab_to(editor, "phrase")
    keys.press("Control+a")
    keys.type("small green star")
    tab_to(editor, "prompt")
    keys.press("Control+End")
    keys.type(", a small green star")
    assert editor.layer(layer_id)["phrase"] == "small green star"
    assert editor.state()["scene"]["prompt"].endswith(", a small green star")
