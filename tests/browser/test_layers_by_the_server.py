"""What the server says of layers: how they came out in a candidate, which dials suit them, where
they are.
"""

from __future__ import annotations

import time

from backend import POCKET_FOLDER
from tests.browser.editor_page import EditorPage


def test_scores_rank_the_candidates_and_stand_in_the_card_of_the_layer(fresh: EditorPage):
    front = fresh.layers()[-1]["id"]
    fresh.select(front)
    assert fresh.part("layer-scores").count() == 0
    fresh.set_dials(8, 3)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 3")
    made = fresh.state()["candidates"]
    assert sorted(candidate["rank"] for candidate in made) == [1, 2, 3]
    shown = next(candidate for candidate in made if candidate["digest"] == fresh.state()["shown"])
    score = next(score for score in shown["scores"] if score["layer_id"] == front)
    figure = "form" if score["form"] is not None else "unjudged"
    line = fresh.part(f"score-{figure}")
    if score["form"] is not None:
        assert float(line.locator("b").inner_text()) == round(score["form"], 2)
    else:
        assert score["unjudged"] in line.inner_text()
    best = fresh.page.locator('[data-test="candidate-place"][data-rank="1"]')
    assert "Best of 3" in (best.get_attribute("title") or "")
    for score in shown["scores"]:
        reported = (
            fresh.row(score["layer_id"])
            .locator('[data-test="layer-warning"]')
            .get_attribute("title")
            or ""
        )
        assert ("failed: " in reported) == bool(score["failed"])
        assert score["failed"] in reported
        assert ("cannot be judged: " in reported) == bool(score["unjudged"])
    fresh.look("scores")
    fresh.part("show-collage").click()
    assert fresh.until(lambda: fresh.part("layer-scores").count() == 0)


def test_auto_adjust_is_one_step_with_a_reason_for_each_dial(fresh: EditorPage):
    before = fresh.layers()
    front = before[-1]["id"]
    fresh.select(front)
    fresh.part("autotune").click()
    fresh.wait("state.undo === 'Auto-adjust all layers'")
    objects = zip(fresh.layers()[1:], before[1:], strict=True)  # the ground has its dials already
    assert all(now["attention_positive"] != was["attention_positive"] for now, was in objects)
    assert "Strength" in fresh.part("reasons").inner_text()
    fresh.part("layer-more").click()
    fresh.part("class-label").click()
    assert fresh.until(lambda: "mushroom" in fresh.part("class-option").all_inner_texts())
    fresh.page.keyboard.press("Escape")
    fresh.look("auto-adjust")
    fresh.page.keyboard.press("Control+z")
    assert fresh.layers() == before
    assert fresh.until(lambda: fresh.part("reasons").count() == 0)


def test_the_object_under_a_click_becomes_a_region_or_a_sentence_says_what_is_missing(
    fresh: EditorPage,
):
    before = fresh.layers()
    cap = next(layer["placement"] for layer in before if layer["phrase"] == "red mushroom")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("s")
    started = time.monotonic()
    fresh.click_scene(cap["centre_x_px"], cap["centre_y_px"])
    if not (POCKET_FOLDER / "sam").exists():
        fresh.wait_for_text("SAM")
        assert fresh.layers() == before
        return
    fresh.wait("state.undo.startsWith('Select an object')")
    print(f"selected in {time.monotonic() - started:.2f} s")
    fresh.wait_drawn()
    fresh.look("select")
    region = fresh.layers()[-1]
    assert region["picture"] is None
    inside, count, share = fresh.page.evaluate(
        """([id, x, y]) => {
          const { width_px, height_px, grey } = document.querySelector('.lamina-root').lamina
            .maskPixels(id);
          const count = grey.reduce((sum, value) => sum + (value > 0), 0);
          return [grey[y * width_px + x], count, count / (width_px * height_px)];
        }""",
        [region["id"], round(cap["centre_x_px"]), round(cap["centre_y_px"])],
    )
    assert inside == 255
    assert count > 100
    assert share < 0.25
