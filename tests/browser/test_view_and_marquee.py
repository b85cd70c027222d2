"""The canvas beyond strokes: painting between two candidates."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.browser.desk_page import DeskPage


def fetched(desk: DeskPage, digest: str) -> np.ndarray:
    """Stored pixels, as the server gives them: uint8 (h, w, 3)."""
    reply = desk.page.request.get(f"{desk.url}/lamina/picture/{digest}.png")
    assert reply.ok
    return np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGB"))


def test_one_candidate_is_painted_into_another_undone_kept_and_found_after_a_reload(fresh: DeskPage):
    keys = fresh.page.keyboard
    fresh.set_dials(2, 2)
    fresh.part("generate").click()
    fresh.wait("state.candidates.length === 2 && !state.job")
    fresh.part("accept").click()
    base, other = (each["digest"] for each in fresh.state()["candidates"])
    assert fresh.state()["picked"] == base
    fresh.part("canvas").focus()
    keys.press("p")
    fresh.wait("state.mix !== null && state.tool === 'brush'")
    assert fresh.until(lambda: fresh.part("mix-keep").is_visible())
    plain = fresh.pixels()
    fresh.drag_scene((100, 100), (400, 120))
    fresh.drag_scene((100, 300), (400, 320))
    assert fresh.until(lambda: (fresh.pixels() != plain).any())
    shown = fresh.pixels()
    fresh.look("mixing")
    keys.press("Control+z")
    fresh.wait("state.redo.startsWith('Paint')")
    keys.press("Control+Shift+z")
    fresh.wait_saved()
    fresh.reload()
    fresh.wait("state.mix !== null")
    assert fresh.until(lambda: np.array_equal(fresh.pixels(), shown))
    fresh.part("canvas").focus()
    keys.press("Enter")
    fresh.wait("state.candidates.length === 3 && state.mix === null")
    mixed = fresh.state()["candidates"][-1]
    assert fresh.state()["picked"] == mixed["digest"]
    assert (mixed["source"], mixed["changed_outside"]) == (base, 0)
    old, new, both = (fetched(fresh, digest) for digest in (base, other, mixed["digest"]))
    strokes = np.zeros(old.shape[:2], bool)
    for top in (60, 260):
        strokes[top : top + 104, 60:440] = True
    assert np.array_equal(both[~strokes], old[~strokes])
    assert np.array_equal(both[110, 150:350], new[110, 150:350])
    assert (both != old).any()
    keys.press("Control+z")
    fresh.wait(f"state.mix !== null && state.picked === {base!r}")
