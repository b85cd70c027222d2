"""Jobs as the page sees them: found again after a reload, stopped within a step, refused in
words.
"""

from __future__ import annotations

import sqlite3

from playwright.sync_api import BrowserContext

from tests.browser.conftest import open_fresh
from tests.browser.editor_page import EditorPage
from tests.browser.studio_process import StudioProcess
from tests.reliability.sizes import choose

RELOADS = choose(1, 20, 20)


def test_a_reload_in_the_middle_finds_the_job_again(fresh: EditorPage):
    job = fresh.begin_long_run(4 if RELOADS == 1 else 16)
    for _ in range(RELOADS):
        done = fresh.state()["job"]["done"]
        fresh.reload()
        fresh.wait(f"state.job && state.job.id === {job!r} && state.job.done > {done}")
    assert fresh.until(fresh.part("progress").is_visible)
    fresh.page.keyboard.press("Escape")
    fresh.wait_for_text("Stopped")
    assert fresh.state()["job"] is None


def read_state(studio: StudioProcess, job: str) -> str:
    """How a job stands in the server's database."""
    with sqlite3.connect(next(studio.store.glob("*.sqlite*"))) as connection:
        return str(connection.execute("SELECT state FROM jobs WHERE id = ?", (job,)).fetchone()[0])


def test_a_run_that_ends_while_nobody_looks_is_there_after_a_reload(
    fresh: EditorPage, studio: StudioProcess
):
    fresh.set_dials(4, 2)
    fresh.part("generate").click()
    fresh.wait("state.job && state.job.id !== ''")
    job = fresh.state()["job"]["id"]
    fresh.page.goto("about:blank")
    assert fresh.until(lambda: read_state(studio, job) == "finished"), read_state(studio, job)
    fresh.open()
    fresh.wait("state.job === null && state.candidates.length === 2")
    assert fresh.until(lambda: fresh.part("candidate").count() == 2)


def test_cancel_takes_effect_within_a_step_and_leaves_no_picture(fresh: EditorPage):
    fresh.begin_long_run()
    fresh.part("cancel").click()
    fresh.wait_for_text("Stopped")
    assert (fresh.state()["job"], fresh.state()["candidates"]) == (None, [])
    assert fresh.until(fresh.part("generate").is_enabled)
    fresh.set_dials(3, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")


def test_the_queue_shows_what_runs_and_waits_over_all_scenes_and_stops_it(
    fresh: EditorPage, context: BrowserContext
):
    first = fresh.begin_long_run()
    second = open_fresh(EditorPage(context.new_page(), fresh.url, fresh.screens).open())
    second.set_dials(200, 1)
    second.part("generate").click()
    second.wait("state.job && state.job.id && state.job.state === 'queued'")
    waiting = second.state()["job"]["id"]
    fresh.part("queue").click()
    rows = fresh.part("queue-row")
    assert fresh.until(lambda: rows.count() == 2)
    assert [row.get_attribute("data-job") for row in rows.all()] == [first, waiting]
    assert fresh.until(lambda: " left" in rows.first.inner_text())
    assert "is next" in rows.last.inner_text()
    fresh.look("queue")
    rows.last.get_by_text("Stop").click()
    second.wait("state.job === null")
    assert fresh.until(lambda: rows.count() == 1)
    rows.first.get_by_text("Stop").click()
    fresh.wait("state.job === null")


def test_a_phrase_that_is_not_in_the_prompt_is_told_and_mended_with_one_click(fresh: EditorPage):
    front = fresh.layers()[-1]["id"]
    fresh.select(front)
    fresh.part("phrase").fill("purple elephant")
    warning = fresh.row(front).locator('[data-test="layer-warning"]')
    warning.filter(has_text="not in the prompt").wait_for()
    fresh.part("card-panel").get_by_text(
        "“purple elephant” does not stand in the prompt"
    ).first.wait_for()
    fresh.look("phrase-missing")
    fresh.part("append-phrase").click()
    warning.wait_for(state="hidden")
    assert fresh.state()["scene"]["prompt"].endswith("purple elephant")


def test_an_empty_prompt_marks_every_phrase_as_missing(fresh: EditorPage):
    fresh.part("prompt").fill("")
    named = [layer for layer in fresh.layers() if layer["phrase"]]
    assert fresh.until(lambda: fresh.part("append-loose").count() == len(named) > 0)
    fresh.look("empty-prompt")


def test_nothing_to_draw_from_is_refused_in_words_and_undone(fresh: EditorPage):
    before = fresh.state()["scene"]
    fresh.part("prompt").fill("")
    for layer in fresh.layers():
        fresh.select(layer["id"])
        fresh.page.keyboard.press("Delete")
    assert fresh.layers() == []
    fresh.look("no-layers")
    fresh.part("generate").click()
    fresh.wait_for_text("no words to draw from")
    assert fresh.until(fresh.part("generate").is_enabled)
    fresh.part("canvas").focus()
    while fresh.state()["undo"]:
        fresh.page.keyboard.press("Control+z")
    assert fresh.state()["scene"] == before
