"""Starting, crashing and starting again: an example at once, and nothing that was saved is lost."""

from __future__ import annotations

from tests.browser.desk_page import DeskPage
from tests.browser.studio_process import StudioProcess

# What a page that lost its server cannot help saying in its console.
SILENCE = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "component server", "Failed to fetch")


def test_a_first_start_shows_an_example_and_a_crash_loses_nothing(
    tmp_path, context, watch, screens
):
    watch.forgiven = SILENCE
    process = StudioProcess(tmp_path / "store").start()
    try:
        desk = DeskPage(context.new_page(), process.url, screens).open()
        assert_first_example(desk)
        desk.part("project-name").fill("Before the crash")
        desk.wait_saved()
        desk.begin_long_run()
        process.kill()
        desk.part("banner-offline").wait_for()
        desk.look("server-gone")
        process.start(port=int(process.url.rsplit(":", 1)[1]))
        desk.part("banner-offline").wait_for(state="hidden")
        desk.wait_told("interrupted")
        assert desk.state()["job"] is None
        desk.reload()
        assert desk.state()["scene"]["name"] == "Before the crash"
        assert desk.state()["job"] is None
    finally:
        process.stop()


def assert_first_example(desk: DeskPage) -> None:
    """The desk of somebody who never was here: a whole scene that can be generated as it stands."""
    scene = desk.state()["scene"]
    assert scene["prompt"]
    desk.wait_drawn()
    assert desk.part("layer-row").count() == len(scene["layers"]) >= 2
    assert desk.part("generate").is_enabled()
    assert desk.part("canvas").get_attribute("data-showing") == "collage"
    assert desk.pixels()[..., :3].astype(int).std() > 10
    desk.look("opening")
