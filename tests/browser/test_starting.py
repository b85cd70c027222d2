"""Starting, crashing and starting again: an example at once, and nothing that was saved is lost."""

from __future__ import annotations

import shutil

from tests.browser.drawings import star
from tests.browser.editor_page import EditorPage
from tests.browser.studio_process import ROOT, StudioProcess

# What a page that lost its server cannot help saying in its console.
SILENCE = (
    "ERR_CONNECTION",
    "ERR_EMPTY_RESPONSE",
    "ERR_INCOMPLETE_CHUNKED",
    "component server",
    "Failed to fetch",
)


def test_a_first_start_shows_an_example_and_a_crash_loses_nothing(
    tmp_path, context, watch, screens
):
    watch.forgiven = SILENCE
    process = StudioProcess(tmp_path / "store").start()
    try:
        editor = EditorPage(context.new_page(), process.url, screens).open()
        assert_first_example(editor)
        editor.part("project-name").fill("Before the crash")
        editor.wait_saved()
        job = editor.begin_long_run()
        runs = tmp_path / "store" / "runs"
        assert editor.until(lambda: list(runs.glob("*.run")))
        done = editor.state()["job"]["done"]
        process.kill()
        editor.part("banner-offline").wait_for()
        editor.look("server-gone")
        process.start(port=int(process.url.rsplit(":", 1)[1]))
        editor.part("banner-offline").wait_for(state="hidden")
        editor.wait_for_text("goes on where it stood")
        editor.wait(f"state.job.id === {job!r} && state.job.done >= {done}")
        editor.look("run-goes-on")
        editor.reload()
        assert editor.state()["scene"]["name"] == "Before the crash"
        editor.wait(f"state.job.id === {job!r} && state.job.left_s > 0")
        editor.look("run-after-reload")
        editor.part("cancel").click()
        editor.wait("state.job === null")
        assert editor.until(lambda: not list(runs.glob("*.run")))
    finally:
        process.stop()


def test_a_checkout_and_a_store_in_folders_of_any_name_open(tmp_path, context, watch, screens):
    odd = tmp_path / "a #1 ? 50%20 été 森"
    checkout = odd / "lamina #2"
    for name in ("backend", "ui"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", checkout)
    (checkout / "assets").symlink_to(ROOT / "assets")
    process = StudioProcess(odd / "store #3", checkout).start()
    try:
        editor = EditorPage(context.new_page(), process.url, screens).open()
        assert_first_example(editor)
        before = len(editor.layers())
        editor.drop(("star #1 ? %41.png", star()))
        assert editor.until(lambda: len(editor.layers()) > before)
        editor.wait_saved()
    finally:
        process.stop()


def assert_first_example(editor: EditorPage) -> None:
    """The desk of somebody who never was here: a whole scene that can be generated as it stands."""
    scene = editor.state()["scene"]
    assert scene["prompt"]
    editor.wait_drawn()
    assert editor.part("layer-row").count() == len(scene["layers"]) >= 2
    assert editor.part("generate").is_enabled()
    assert editor.part("canvas").get_attribute("data-showing") == "collage"
    assert editor.pixels()[..., :3].astype(int).std() > 10
    editor.look("opening")
