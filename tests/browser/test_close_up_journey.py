"""A small object is drawn again close up, and a picture is made in four steps."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.browser.editor_page import EditorPage

PAPER = "toy-3"
"""The silhouette of the first example."""


def read_picture(editor: EditorPage, digest: str) -> np.ndarray:
    reply = editor.page.request.get(f"{editor.url}/lamina/picture/{digest}.png")
    return np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGB")).astype(int)


def test_four_steps_then_a_small_object_close_up(fresh: EditorPage) -> None:
    fresh.open_example("01-cat-and-mushroom")
    fresh.wait_drawn()
    fresh.part("few-steps").check()
    settings = fresh.state()["settings"]
    assert (settings["sampler"], settings["steps"], settings["guidance_scale"]) == ("lcm", 4, 1)
    fresh.set_dials(4, 1)
    fresh.part("generate").click()
    fresh.wait("!state.job && state.candidates.length === 1", 120)
    source = fresh.state()["candidates"][0]["digest"]
    fresh.look("few-steps")

    fresh.select(PAPER)
    fresh.page.keyboard.press("r")
    fresh.wait("!state.job && state.candidates.length === 2", 120)
    newest = fresh.state()["candidates"][-1]
    assert newest["changed_outside"] == 0
    before, after = read_picture(fresh, source), read_picture(fresh, newest["digest"])
    changed = (before != after).any(-1)
    rows, columns = np.nonzero(changed)
    assert changed.any()
    assert np.ptp(rows) < before.shape[0] / 2
    assert np.ptp(columns) < before.shape[1] / 2
    fresh.look("close-up")
