"""Files that cannot be used, or only with a change: each with a sentence, and nothing on the desk
is lost.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser import drawings
from tests.browser.editor_page import EditorPage

REFUSED = {
    "text": ("notes.png", b"these are just words", "not"),
    "empty": ("empty.png", b"", "empty"),
    "bomb": (
        "huge.png",
        drawings.png_with_claim(20_000, 20_000),
        "20000 × 20000 px. At most 8192 px",
    ),
    "cut off": ("cut.png", drawings.star()[:300], "cut.png"),
    "vector": ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PNG"),
    "broken archive": ("broken.ora", b"PK\x03\x04 but no more", "broken.ora"),
    "no archive": ("scene.ora", b"not an archive", "OpenRaster"),
    "300 layers": (
        "crowd.ora",
        drawings.ora_with_stars(300),
        "“crowd.ora” cannot be opened. The file has more than 256",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_is_refused_in_words_and_nothing_is_lost(fresh: EditorPage, case):
    name, content, word = REFUSED[case]
    before = fresh.state()
    fresh.drop((name, content))
    fresh.wait_for_text(word)
    reported = fresh.all_notices()
    fresh.look(f"refused-{case.replace(' ', '-')}")
    assert word in reported
    assert "Traceback" not in reported
    assert "Error" not in reported
    assert 20 < len(reported) < 420
    after = fresh.state()
    assert (after["project"], after["scene"], after["picked"]) == (
        before["project"],
        before["scene"],
        before["picked"],
    )


def test_a_good_file_beside_a_bad_one_still_arrives(fresh: EditorPage):
    layers = len(fresh.layers())
    fresh.drop(("notes.png", b"words"), ("green star.png", drawings.star()))
    fresh.part("notice").first.wait_for()
    fresh.wait(f"state.scene.layers.length === {layers + 1}")


def drop(editor: EditorPage, name: str, content: bytes) -> dict:
    """The layer that a dropped file became."""
    layers = len(editor.layers())
    editor.drop((name, content), at=(120, 120))
    editor.wait(f"state.scene.layers.length === {layers + 1}")
    return editor.layers()[-1]


def fetch_stored(editor: EditorPage, layer: dict) -> np.ndarray:
    reply = editor.page.request.get(f"{editor.url}/lamina/picture/{layer['picture']}.png")
    return np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGBA")).astype(int)


def test_sixteen_bits_become_eight_without_clipping(fresh: EditorPage):
    picture = fetch_stored(fresh, drop(fresh, "deep.png", drawings.deep_png()))
    grey = picture[..., 0].ravel()
    assert (grey.min(), grey.max()) == (0, 255)
    assert 120 <= grey[len(grey) // 2] <= 135


def test_cmyk_is_taken_as_colours(fresh: EditorPage):
    picture = fetch_stored(fresh, drop(fresh, "print.jpg", drawings.cmyk_jpeg()))
    red, green, blue = picture[20, 5, :3]
    assert red < 90
    assert green > 120
    assert blue > 120
    assert picture[20, 35, :3].min() > 230


def test_a_photograph_on_its_side_is_put_upright(fresh: EditorPage):
    picture = fetch_stored(fresh, drop(fresh, "turned.jpg", drawings.jpeg_on_its_side()))
    assert picture.shape[:2] == (60, 30)
    assert picture[10, 15, 0] > 150
    assert picture[50, 15, 0] < 80


def test_numbers_that_make_no_sense_leave_the_dials_as_they_were(fresh: EditorPage):
    before = fresh.state()["settings"]
    for field, nonsense in (
        ("steps", "NaN"),
        ("guidance", "∞"),
        ("seed", "minus one"),
        ("count", ""),
    ):
        fresh.part(field).fill(nonsense)
        fresh.part(field).press("Enter")
    assert fresh.state()["settings"] == before
    reply = fresh.page.evaluate("document.querySelector('[data-test=steps]').value")
    assert reply == str(before["steps"])
    for field, wild in (("steps", "99999"), ("count", "-3")):
        fresh.part(field).fill(wild)
        fresh.part(field).press("Enter")
    settings = fresh.state()["settings"]
    assert 1 <= settings["steps"] <= 200
    assert 1 <= settings["count"] <= 16
