"""Undo that outlives the page: after a reload, a kill of the server and in another browser,
strokes, order, words, dials and accepted pictures come back, also those that were undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import Watch, open_fresh
from tests.browser.editor_page import EditorPage
from tests.browser.studio_process import StudioProcess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A store of its own, whose server may end."""
    process = StudioProcess(tmp_path_factory.mktemp("undo") / "store").start()
    yield process
    process.stop()


@pytest.fixture
def page(
    own_studio: StudioProcess, context: BrowserContext, watch: Watch, screens: Path | None
) -> EditorPage:
    return open_fresh(EditorPage(context.new_page(), own_studio.url, screens).open())


def mask_of(editor: EditorPage, layer: str) -> np.ndarray:
    """The grey values of a layer's mask once it is there."""
    script = f"document.querySelector('.lamina-root').lamina.maskPixels({layer!r})"
    editor.page.wait_for_function(f"() => {script} !== null")
    return np.array(editor.page.evaluate(f"() => Array.from({script}.grey)"), np.uint8)


def work(editor: EditorPage) -> list[dict[str, object]]:
    """A stroke, an order, words, a dial and an accepted picture; what the scene is after each."""
    seen = [editor.state()]

    def note() -> None:
        editor.wait_saved()
        seen.append(editor.state())

    editor.page.keyboard.press("n")
    note()
    editor.part("tool-brush").click()
    editor.drag_scene((100, 100), (300, 180))
    note()
    editor.page.keyboard.press("v")
    editor.page.keyboard.press("Alt+[")
    note()
    editor.part("prompt").fill("a boat in a harbour")
    editor.part("prompt").blur()
    note()
    editor.part("guidance").fill("3")
    editor.part("guidance").blur()
    note()
    editor.set_dials(3, 1)
    editor.part("generate").click()
    editor.wait("state.job === null && state.candidates.length === 1")
    editor.wait_saved()
    seen.append(editor.state())
    editor.part("accept").click()
    editor.wait("state.picked !== ''")
    note()
    return seen


def walk(editor: EditorPage, command: str) -> list[tuple[object, ...]]:
    """What undo or redo leads through to its end: name, words, order, masks, dials, picture."""
    seen = []
    for _ in range(60):
        state = editor.state()
        scene = state["scene"]
        layers = [(one["id"], one["mask"], one["phrase"]) for one in scene["layers"]]
        settings = state["settings"]
        seen.append((scene["prompt"], layers, settings["guidance_scale"], state["picked"]))
        if not state[command]:
            return seen
        editor.part(command).click()
        editor.settle()
    raise AssertionError(f"{command} does not end")


def test_steps_come_back_after_a_reload_a_kill_and_in_another_browser(
    page: EditorPage, own_studio: StudioProcess, chromium: Browser, watch: Watch
) -> None:
    work(page)
    region = page.layers()[-1]["id"] if page.layers()[-1]["mask"] else page.layers()[-2]["id"]
    stroke = mask_of(page, region)
    assert stroke.max() == 255
    back = walk(page, "undo")
    page.wait_saved()
    assert walk(page, "redo") == back[::-1]
    page.wait_saved()
    assert len(back) >= 7

    page.reload()
    page.wait("state.undo !== ''")
    assert page.state()["undo"] == "Accept a candidate"
    assert np.array_equal(mask_of(page, region), stroke)
    page.part("history").click()
    page.look("undo-after-reload")
    page.page.keyboard.press("Escape")
    assert walk(page, "undo") == back
    page.wait_saved()
    page.reload()
    page.wait("state.redo !== ''")
    assert page.state()["undo"] == ""
    assert walk(page, "redo") == back[::-1]
    page.wait_saved()
    page.part("undo").click()
    page.part("undo").click()
    page.wait_saved()

    watch.forgiven = ("ERR_", "status 5", "Failed to")
    project, port = page.state()["project"], int(own_studio.url.rsplit(":", 1)[1])
    own_studio.kill()
    own_studio.start(port)
    profile = chromium.new_context()
    other = EditorPage(profile.new_page(), own_studio.url, None)
    other.page.goto(f"{own_studio.url}/#scene={project}")
    other.wait(f"state.project === {project!r} && state.undo !== '' && state.redo !== ''")
    assert walk(other, "redo") == back[2::-1]
    assert walk(other, "undo") == back
    other.wait_saved()
    profile.close()


def test_a_named_version_is_gone_back_to(page: EditorPage) -> None:
    before = page.state()["scene"]
    page.part("history").click()
    page.part("version-name").fill("With all toys")
    page.part("version-name").press("Enter")
    expect(page.part("version")).to_have_count(1)
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Escape")
    page.part("canvas").click(position={"x": 3, "y": 3})
    page.page.keyboard.press("Control+a")
    page.page.keyboard.press("Delete")
    page.wait("state.scene.layers.length === 0")
    page.wait_saved()
    page.reload()
    page.part("history").click()
    expect(page.part("version")).to_contain_text("With all toys")
    page.look("versions")
    page.part("version-open").click()
    page.wait(f"state.scene.layers.length === {len(before['layers'])}")
    assert page.state()["scene"] == before
    page.wait_saved()
    page.part("undo").click()
    page.wait("state.scene.layers.length === 0")
    page.part("history").click()
    page.part("version-delete").click()
    expect(page.part("version")).to_have_count(0)


def test_of_two_versions_both_are_kept(page: EditorPage, context: BrowserContext) -> None:
    project = str(page.state()["project"])
    other = EditorPage(context.new_page(), page.url, page.screens)
    other.page.goto(f"{page.url}/#scene={project}")
    other.wait(f"state.project === {project!r}")
    page.page.keyboard.press("n")
    page.part("tool-brush").click()
    page.drag_scene((100, 100), (300, 180))
    page.wait_saved()
    theirs = page.state()["scene"]
    other.page.keyboard.press("n")
    other.part("tool-brush").click()
    other.drag_scene((50, 300), (400, 320))
    other.part("banner-stale").wait_for()
    mine = mask_of(other, other.layers()[-1]["id"])
    other.look("both")
    other.part("keep-both").click()
    other.wait(f"state.project !== {project!r} && state.saved.state === 'saved'")
    assert other.part("banner-stale").count() == 0
    assert other.state()["scene"]["name"].endswith(", my version")
    other.reload()
    assert np.array_equal(mask_of(other, other.layers()[-1]["id"]), mine)
    other.page.goto(f"{page.url}/#scene={project}")
    other.wait(f"state.project === {project!r}")
    assert other.state()["scene"] == theirs


def test_what_is_done_after_an_undo_is_the_only_way_on_after_a_reload(page: EditorPage) -> None:
    for words in ("one", "two", "three"):
        page.part("prompt").fill(words)
        page.part("prompt").blur()
        page.wait_saved()
    page.part("undo").click()
    page.part("undo").click()
    page.wait("state.scene.prompt === 'one'")
    page.part("prompt").fill("another")
    page.part("prompt").blur()
    page.wait_saved()
    page.reload()
    page.wait("state.undo !== ''")
    expect(page.part("redo")).to_be_disabled()
    page.part("undo").click()
    page.wait("state.scene.prompt === 'one'")
    page.part("redo").click()
    page.wait("state.scene.prompt === 'another'")


def test_what_was_made_from_what_is_walked_by_keys(fresh: EditorPage) -> None:
    fresh.set_dials(3, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Enter")
    fresh.wait("state.picked !== ''")
    fresh.select(fresh.layers()[-1]["id"])
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("r")
    fresh.wait("state.job === null && state.candidates.length === 2")
    first, second = (one["digest"] for one in fresh.state()["candidates"])
    fresh.part("history").click()
    rows = fresh.part("lineage")
    assert fresh.until(lambda: rows.count() == 2)
    assert [row.get_attribute("aria-level") for row in rows.all()] == ["1", "2"]
    assert "accepted" in rows.first.inner_text()
    rows.last.focus()
    fresh.page.keyboard.press("ArrowLeft")
    assert fresh.page.evaluate("document.activeElement.dataset.digest") == first
    fresh.page.keyboard.press("ArrowRight")
    fresh.page.keyboard.press("Enter")
    fresh.wait(f"state.viewed === {second!r}")
    fresh.look("lineage")
