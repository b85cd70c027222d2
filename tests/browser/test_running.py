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


def test_an_empty_prompt_and_a_phrase_that_is_missing_are_told(fresh: DeskPage):
    first = fresh.layers()[-1]
    fresh.row(first["id"]).locator(".row-words").click()
    fresh.part("phrase").fill("purple elephant")
    fresh.row(first["id"]).locator('[data-test="layer-warning"]').wait_for()
    assert "prompt" in fresh.row(first["id"]).locator('[data-test="layer-warning"]').inner_text()
    fresh.look("phrase-missing")
    fresh.set_dials(3, 1)
    fresh.part("prompt").fill("")
    fresh.part("generate").click()
    fresh.part("notice").first.wait_for()
    fresh.look("empty-prompt")
    assert "prompt" in fresh.all_notices().lower()
    fresh.wait("state.job === null")
    assert len(fresh.layers()) > 1


def test_a_scene_without_layers_is_told(fresh: DeskPage):
    for layer in fresh.layers():
        fresh.select(layer["id"])
        fresh.page.keyboard.press("Delete")
    assert fresh.layers() == []
    fresh.look("no-layers")
    fresh.part("generate").click()
    fresh.part("notice").first.wait_for()
    assert "layer" in fresh.all_notices().lower()
    for _ in range(8):
        fresh.page.keyboard.press("Control+z")
    assert fresh.layers()
