"""The queue as a person handles it: moved by keys, paused, found again after a reload, let
go on, and ended.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator

from tests.browser.conftest import open_fresh
from tests.browser.editor_page import EditorPage
from tests.browser.run_cost import Client
from tests.browser.studio_process import StudioProcess


@pytest.fixture
def let_go(studio: StudioProcess) -> Iterator[None]:
    """A journey that failed may leave the queue paused, which all others would wait for."""
    yield
    Client(studio.url).ask("pause_queue", paused=False)


def queue_up(page: EditorPage) -> str:
    """One more run behind the one that goes on; its id."""
    page.set_dials(200, 1)
    page.part("generate").click()
    page.wait("state.job && state.job.id && state.job.state === 'queued'")
    return str(page.state()["job"]["id"])


def order(rows: Locator) -> list[str | None]:
    return [row.get_attribute("data-job") for row in rows.all()]


@pytest.mark.usefixtures("let_go")
def test_runs_are_moved_paused_found_after_a_reload_and_ended(
    fresh: EditorPage, context: BrowserContext
) -> None:
    first = fresh.begin_long_run()
    others = [
        open_fresh(EditorPage(context.new_page(), fresh.url, fresh.screens).open())
        for _ in range(2)
    ]
    second, third = (queue_up(page) for page in others)
    fresh.page.bring_to_front()
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Shift+Q")
    rows = fresh.part("queue-row")
    assert fresh.until(lambda: order(rows) == [first, second, third])
    assert others[1].until(lambda: "place 2" in others[1].part("progress").inner_text())
    rows.last.focus()
    fresh.page.keyboard.press("Alt+Home")
    assert fresh.until(lambda: order(rows) == [first, third, second])
    assert fresh.page.evaluate("document.activeElement.dataset.job") == third
    fresh.page.keyboard.press("Alt+ArrowDown")
    assert fresh.until(lambda: order(rows) == [first, second, third])
    rows.last.locator('[data-test="queue-earlier"]').click()
    assert fresh.until(lambda: order(rows) == [first, third, second])
    fresh.look("queue-moved")

    done = fresh.state()["job"]["done"]
    fresh.part("queue-pause").click()
    assert fresh.until(lambda: rows.first.get_attribute("data-state") == "queued")
    assert "goes on first" in rows.first.inner_text()
    assert "paused" in fresh.part("queue").inner_text()
    assert fresh.part("queue-pause-reason").inner_text().startswith("The queue is paused")
    fresh.look("queue-paused")
    fresh.reload()
    assert fresh.until(lambda: "queue is paused" in fresh.part("progress").inner_text())
    fresh.wait(f"state.job.done >= {done}")
    halted = fresh.state()["job"]["done"]
    fresh.page.keyboard.press("Control+Alt+p")
    fresh.wait(f"state.job && state.job.state === 'running' && state.job.done > {halted}")
    fresh.wait("state.job.left_s > 0")

    fresh.part("queue").click()
    assert fresh.until(lambda: order(rows) == [first, third, second])
    for page in others:  # the second run is the last one now
        rows.last.focus()
        fresh.page.keyboard.press("Delete")
        page.wait("state.job === null")
    assert fresh.until(lambda: order(rows) == [first])
    rows.first.get_by_text("Stop").click()
    fresh.wait("state.job === null")
