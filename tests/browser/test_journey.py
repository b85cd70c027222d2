"""The whole journey of the first issue, once by mouse and once by keyboard alone."""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image

from tests.browser.desk_page import DeskPage
from tests.browser.drawings import star

STEPS = 6
FEATHER_PX = 4


def fetched(desk: DeskPage, digest: str) -> np.ndarray:
    """Stored pixels, as the server gives them."""
    reply = desk.page.request.get(f"{desk.url}/lamina/picture/{digest}.png")
    assert reply.ok
    return np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGB")).astype(int)


def assert_same_outside(desk: DeskPage, before: str, after: str, layer: dict, size_px: tuple[int, int]) -> None:
    """By our own count: no pixel differs beyond the layer's box and the feather, and some differ within."""
    one, two = fetched(desk, before), fetched(desk, after)
    scene = desk.state()["scene"]
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


def test_the_journey_by_mouse(fresh: DeskPage):
    desk = fresh
    layers = len(desk.layers())
    desk.drop(("green star.png", star()), at=(150, 100))
    desk.wait(f"state.scene.layers.length === {layers + 1}")
    added = desk.layers()[-1]
    assert added["phrase"] == "green star"
    assert abs(added["placement"]["centre_x_px"] - 150) < 2

    # Move it, then make it larger by its lower right handle.
    desk.click_scene(150, 100)
    assert desk.state()["selected"] == added["id"]
    desk.drag_scene((150, 100), (180, 130))
    moved = desk.layer(added["id"])["placement"]
    assert abs(moved["centre_x_px"] - 180) < 8
    assert abs(moved["centre_y_px"] - 130) < 8
    half = 48 * moved["scale_x"]
    corner = (moved["centre_x_px"] + half, moved["centre_y_px"] + half)
    desk.drag_scene(corner, (corner[0] + 30, corner[1] + 30))
    scaled = desk.layer(added["id"])["placement"]
    assert scaled["scale_x"] > moved["scale_x"] * 1.15
    assert abs(scaled["scale_x"] - scaled["scale_y"]) < 1e-6

    # Its words, and how far it may change.
    desk.part("phrase").fill("green star")
    desk.part("append-phrase").click()
    assert "green star" in desk.state()["scene"]["prompt"]
    slider = desk.row(added["id"]).locator('[data-test="noise"]').bounding_box()
    assert slider is not None
    desk.page.mouse.click(slider["x"] + slider["width"] * 0.8, slider["y"] + slider["height"] / 2)
    assert 0.7 <= desk.layer(added["id"])["noise"] <= 0.9
    desk.look("journey-1-composed")

    # Make pictures: progress, a preview on the canvas, then the candidates.
    desk.set_dials(STEPS, 2)
    desk.part("generate").click()
    desk.part("progress").wait_for()
    desk.wait("state.job && state.job.done >= 1")
    assert re.search(r"step \d+ of \d+", desk.part("progress").inner_text())
    desk.page.wait_for_function("document.querySelector('[data-test=canvas]').dataset.showing === 'preview'")
    desk.look("journey-2-preview")
    desk.wait("state.job === null && state.candidates.length >= 2")
    assert desk.part("candidate").count() == 2
    desk.look("journey-3-candidates")

    # Pick the second one.
    desk.part("candidate").nth(1).click()
    desk.part("accept").click()
    picked = desk.state()["picked"]
    assert picked == desk.state()["candidates"][1]["digest"]

    # Re-roll the star alone.
    place = desk.layer(added["id"])["placement"]
    desk.click_scene(place["centre_x_px"], place["centre_y_px"])
    assert desk.state()["selected"] == added["id"]
    desk.part("reroll").click()
    desk.wait("state.job === null && state.candidates.length >= 4")
    assert desk.part("changed-outside").inner_text() == "changed pixels outside: 0"
    desk.look("journey-4-rerolled")
    rerolled = desk.state()["candidates"][-1]
    assert (rerolled["source"], rerolled["layer_id"], rerolled["changed_outside"]) == (picked, added["id"], 0)
    assert_same_outside(desk, picked, rerolled["digest"], desk.layer(added["id"]), (96, 96))
    desk.part("candidate").nth(1).click()
    desk.part("accept").click()
    assert desk.state()["picked"] == rerolled["digest"]


def tab_to(desk: DeskPage, name: str, within: str = "") -> None:
    """Press Tab until that part has the focus."""
    script = """([name, within]) => { const at = document.activeElement;
      return at.dataset.test === name && (!within || !!at.closest(within)); }"""
    for _ in range(120):
        if desk.page.evaluate(script, [name, within]):
            return
        desk.page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {name}")


def test_the_journey_by_keyboard_alone(fresh: DeskPage, tmp_path):
    desk, keys = fresh, fresh.page.keyboard
    layers = len(desk.layers())
    file = tmp_path / "green star.png"
    file.write_bytes(star())
    with desk.page.expect_file_chooser() as chosen:
        keys.press("Control+i")
    chosen.value.set_files(str(file))
    desk.wait(f"state.scene.layers.length === {layers + 1}")
    added = desk.layers()[-1]["id"]
    tab_to(desk, "canvas")
    while desk.state()["selected"] != added:
        keys.press("PageUp")
    before = desk.layer(added)["placement"]
    keys.press("Shift+ArrowLeft")
    keys.press("ArrowDown")
    after = desk.layer(added)["placement"]
    assert after["centre_x_px"] == before["centre_x_px"] - 10
    assert after["centre_y_px"] == before["centre_y_px"] + 1
    tab_to(desk, "field-w")
    keys.type("64")
    keys.press("Enter")
    assert abs(desk.layer(added)["placement"]["scale_x"] * 96 - 64) < 1
    tab_to(desk, "noise", f'[data-layer="{added}"]')
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    assert abs(desk.layer(added)["noise"] - 0.7) < 1e-6
    tab_to(desk, "phrase")
    keys.press("Control+a")
    keys.type("small green star")
    tab_to(desk, "prompt")
    keys.press("Control+End")
    keys.type(", a small green star")
    assert desk.layer(added)["phrase"] == "small green star"
    for field, value in (("steps", STEPS), ("count", 2)):
        tab_to(desk, field)
        keys.type(str(value))
        keys.press("Enter")
    assert (desk.state()["settings"]["steps"], desk.state()["settings"]["count"]) == (STEPS, 2)
    keys.press("Control+Enter")
    desk.wait("state.job === null && state.candidates.length >= 2")
    tab_to(desk, "candidate")
    keys.press("ArrowRight")
    keys.press("Enter")
    picked = desk.state()["picked"]
    assert picked == desk.state()["candidates"][1]["digest"]
    tab_to(desk, "canvas")
    assert desk.state()["selected"] == added
    keys.press("r")
    desk.wait("state.job === null && state.candidates.length >= 4")
    assert desk.part("changed-outside").inner_text() == "changed pixels outside: 0"
    last = desk.state()["candidates"][-1]
    assert_same_outside(desk, picked, last["digest"], desk.layer(added), (96, 96))
    keys.press(".")
    keys.press("Enter")
    assert desk.state()["picked"] == last["digest"]
