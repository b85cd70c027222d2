"""Jobs as the page sees them: found again after a reload, stopped within a step, refused in words."""

from __future__ import annotations

import time

from tests.browser.desk_page import DeskPage


def test_a_reload_in_the_middle_finds_the_job_again(fresh: DeskPage):
    job = fresh.begin_long_run()
    done = fresh.state()["job"]["done"]
    fresh.reload()
    fresh.wait(f"state.job && state.job.id === {job!r} && state.job.done > {done}")
    assert fresh.part("progress").is_visible()
    fresh.page.keyboard.press("Escape")
    fresh.wait("state.job === null")


def test_a_run_that_ends_while_nobody_looks_is_there_after_a_reload(fresh: DeskPage):
    fresh.set_dials(4, 2)
    fresh.part("generate").click()
    fresh.wait("state.job && state.job.id !== ''")
    fresh.page.goto("about:blank")
    time.sleep(2)
    fresh.open()
    fresh.wait("state.job === null && state.candidates.length === 2")
    assert fresh.part("candidate").count() == 2


def test_cancel_takes_effect_within_a_step_and_leaves_no_picture(fresh: DeskPage):
    fresh.begin_long_run()
    fresh.part("cancel").click()
    fresh.wait("state.job === null")
    assert fresh.state()["candidates"] == []
    assert "Stopped" in fresh.notice()
    assert fresh.part("generate").is_enabled()
    fresh.set_dials(3, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")


def test_a_phrase_that_is_not_in_the_prompt_is_told_and_mended_with_one_click(fresh: DeskPage):
    front = fresh.layers()[-1]["id"]
    fresh.select(front)
    fresh.part("phrase").fill("purple elephant")
    fresh.row(front).locator('[data-test="layer-warning"]').wait_for()
    assert "not in the prompt" in fresh.row(front).locator('[data-test="layer-warning"]').inner_text()
    assert "“purple elephant” does not stand in the prompt" in fresh.row(front).inner_text()
    fresh.look("phrase-missing")
    fresh.part("append-phrase").click()
    fresh.row(front).locator('[data-test="layer-warning"]').wait_for(state="hidden")
    assert fresh.state()["scene"]["prompt"].endswith("purple elephant")


def test_an_empty_prompt_marks_every_phrase_as_missing(fresh: DeskPage):
    fresh.part("prompt").fill("")
    fresh.part("append-loose").first.wait_for()
    named = [layer for layer in fresh.layers() if layer["phrase"]]
    assert fresh.part("append-loose").count() == len(named)
    fresh.look("empty-prompt")


def test_nothing_to_draw_from_is_refused_in_words_and_undone(fresh: DeskPage):
    before = fresh.state()["scene"]
    fresh.part("prompt").fill("")
    for layer in fresh.layers():
        fresh.select(layer["id"])
        fresh.page.keyboard.press("Delete")
    assert fresh.layers() == []
    fresh.look("no-layers")
    fresh.part("generate").click()
    fresh.part("notice").first.wait_for()
    assert "no words to draw from" in fresh.all_notices()
    assert fresh.part("generate").is_enabled()
    fresh.part("canvas").focus()
    while fresh.state()["undo"]:
        fresh.page.keyboard.press("Control+z")
    assert fresh.state()["scene"] == before
