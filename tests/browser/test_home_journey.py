"""Home as a person uses it: ten scenes made, found, renamed, duplicated, deleted and put back, an
address each, two tabs on two scenes, and a damaged scene beside sound ones.
"""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.conftest import Watch
from tests.browser.drawings import png
from tests.browser.editor_page import EditorPage
from tests.browser.studio_process import StudioProcess

pytestmark = pytest.mark.slow

NAMES = (
    "Harbour", "Kitchen", "Harbour at night", "Garden", "Robot", "Two cats", "Market",
    "Winter walk", "Café Ödeon", "Toys",
)  # fmt: skip
LAYERS = 20
OPENED_MS = 500
"""A scene of twenty layers is to be on the canvas within this time; on the two busy cores of CI the
measured one is printed, and it fails beyond ``OPENED_LIMIT_MS``.
"""
OPENED_LIMIT_MS = 4000

# From the click on the card until the whole scene stands on the canvas as Python would draw it.
OPENING = """async (id) => {
  const { lamina } = document.querySelector(".lamina-root");
  const canvas = document.querySelector('[data-test="canvas"]');
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const start = performance.now();
  document.querySelector(`[data-scene="${id}"] [data-test="scene-open"]`).click();
  while (lamina.state().project !== id) await frame();
  const known = performance.now() - start;
  const { width_px, height_px } = lamina.state().scene;
  const middle = 4 * (width_px * (height_px / 2) + width_px / 2) + 3;
  while (lamina.canvasPixels().rgba[middle] !== 255) await frame();
  const drawn = performance.now() - start;
  while (canvas.dataset.settling === "true") await frame();
  return [known, drawn, performance.now() - start].map(Math.round);
}"""


@pytest.fixture(scope="module")
def own_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A store of its own, so that exactly these scenes are in it."""
    process = StudioProcess(tmp_path_factory.mktemp("home") / "store").start()
    yield process
    process.stop()


@pytest.fixture
def home(
    own_studio: StudioProcess, context: BrowserContext, watch: Watch, screens: Path | None
) -> EditorPage:
    return EditorPage(context.new_page(), own_studio.url, screens).open()


def go_home(editor: EditorPage) -> None:
    editor.part("home").click()
    editor.part("home-view").wait_for()
    editor.page.wait_for_function("() => location.hash === '#home'")


def card(editor: EditorPage, name: str) -> Locator:
    return editor.page.locator('[data-test="scene-card"]').filter(
        has=editor.page.locator(f'[aria-label="Open {name}"]')
    )


def names(editor: EditorPage) -> list[str]:
    editor.settle()
    return editor.page.locator('[data-test="scene-name"]').evaluate_all(
        "(inputs) => inputs.map(({ value }) => value)"
    )


def project_of(editor: EditorPage) -> str:
    return str(editor.state()["project"])


def name_scene(editor: EditorPage, name: str) -> str:
    """Name the open scene; its id."""
    editor.part("project-name").fill(name)
    editor.part("project-name").press("Enter")
    editor.wait_saved()
    return project_of(editor)


def row(editor: EditorPage, project: str) -> Locator:
    return editor.page.locator(f'[data-test="scene-card"][data-scene="{project}"]')


def examples_of(editor: EditorPage) -> list[str]:
    tests = editor.page.locator('[data-test^="example-"]').evaluate_all(
        "(all) => all.map(({ dataset }) => dataset.test)"
    )
    return [str(one).removeprefix("example-") for one in tests]


def make_by_example(editor: EditorPage, name: str) -> str:
    editor.open_example(examples_of(editor)[0])
    return name_scene(editor, name)


def large_ora() -> bytes:
    """A file of another program: layers of 1024 px over one another, the lowest opaque."""
    chance = np.random.default_rng(5)
    content = io.BytesIO()
    entries = "".join(f'<layer name="part {n}" src="data/{n}.png"/>' for n in range(LAYERS))
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", f'<image w="1024" h="1024"><stack>{entries}</stack></image>')
        for number in range(LAYERS):
            small = Image.fromarray(chance.integers(0, 256, (16, 16, 3), np.uint8))
            picture = np.dstack(
                [np.asarray(small.resize((1024, 1024))), np.full((1024, 1024), 255, np.uint8)]
            )
            if number < LAYERS - 1:
                picture[number * 8 + 200 :, :, 3] = 0
            archive.writestr(f"data/{number}.png", png(picture))
    return content.getvalue()


def leave_screen(editor: EditorPage, name: str) -> None:
    if editor.screens is not None:
        editor.page.wait_for_timeout(400)
        editor.page.screenshot(path=str(editor.screens / f"home-{name}.png"))


def make_scenes(editor: EditorPage) -> dict[str, str]:
    """Ten scenes by New and by examples; ids by name."""
    examples = examples_of(editor)
    made: dict[str, str] = {}
    for place, name in enumerate(NAMES):
        before = project_of(editor)
        if place % 4 == 3:
            editor.part("open-menu").click()
            editor.part("new-wide").click()
            editor.wait(f"state.project !== {before!r}")
        else:
            editor.open_example(examples[place % len(examples)])
        made[name] = name_scene(editor, name)
    return made


def test_ten_scenes_are_made_found_renamed_copied_and_deleted(home: EditorPage) -> None:
    made = make_scenes(home)
    assert len(set(made.values())) == len(NAMES)
    go_home(home)
    expect(home.part("home-count")).to_have_text("11 scenes")  # and the example of the first start
    assert set(names(home)) >= set(NAMES)
    assert names(home)[0] == "Toys"
    card(home, "Two cats").locator("img").scroll_into_view_if_needed()
    expect(card(home, "Two cats").locator("img")).to_be_visible()
    leave_screen(home, "ten")

    home.part("home-search").fill("harb")
    expect(home.part("home-count")).to_have_text("2 of 11 scenes")
    assert sorted(names(home)) == ["Harbour", "Harbour at night"]
    home.part("home-search").fill("cafe od")
    assert names(home) == ["Café Ödeon"]
    home.part("home-search").fill("zebra")
    expect(home.part("home-empty")).to_contain_text("No scene is called “zebra”.")
    leave_screen(home, "nothing-found")
    home.part("home-all").click()
    home.part("home-sort").select_option("name")
    assert names(home)[:2] == sorted(names(home), key=str.casefold)[:2]

    field = card(home, "Robot").locator('[data-test="scene-name"]')
    field.fill("Tin robot")
    field.press("Enter")
    expect(card(home, "Tin robot")).to_be_visible()
    card(home, "Tin robot").get_by_role("button", name="Duplicate").click()
    expect(card(home, "Tin robot copy")).to_be_visible()

    card(home, "Tin robot").locator('[data-test="scene-delete"]').click()
    expect(card(home, "Tin robot")).to_have_count(0)
    expect(home.part("notice").last).to_contain_text("“Tin robot” was deleted.")
    leave_screen(home, "deleted")
    home.part("notice-action").last.click()
    expect(card(home, "Tin robot")).to_be_visible()
    card(home, "Tin robot").locator('[data-test="scene-delete"]').click()
    home.part("home-deleted").click()
    home.page.locator('[data-test="scene-gone"]').get_by_role("button", name="Put back").click()
    expect(card(home, "Tin robot")).to_be_visible()

    home.part("home-theme").click()
    leave_screen(home, "other-theme")
    home.part("home-theme").click()
    card(home, "Tin robot").locator('[data-test="scene-open"]').click()
    home.wait(f"state.project === {made['Robot']!r}")
    assert home.state()["scene"]["name"] == "Tin robot"
    leave_screen(home, "editor")


def test_new_and_examples_take_no_scene_away_and_back_leads_to_it(home: EditorPage) -> None:
    first = name_scene(home, "Of ten minutes ago")
    assert home.page.url.endswith(f"#scene={first}")
    home.part("open-menu").click()
    home.part("new-square").click()
    home.wait(f"state.project !== {first!r}")
    second = project_of(home)
    assert home.page.url.endswith(f"#scene={second}")

    home.page.go_back()
    home.wait(f"state.project === {first!r}")
    home.page.go_forward()
    home.wait(f"state.project === {second!r}")
    go_home(home)
    home.page.go_back()
    expect(home.part("home-view")).to_have_count(0)
    assert project_of(home) == second

    go_home(home)
    card(home, "Of ten minutes ago").locator('[data-test="scene-open"]').click()
    home.wait(f"state.project === {first!r}")
    assert home.state()["scene"]["name"] == "Of ten minutes ago"
    home.page.go_back()
    home.part("home-view").wait_for()
    home.page.keyboard.press("Escape")
    expect(home.part("home-view")).to_have_count(0)


def test_keys_at_home_do_not_reach_the_scene_below(home: EditorPage) -> None:
    make_by_example(home, "Kept from keys")
    layers = len(home.layers())
    home.page.keyboard.press("Home")
    home.part("home-view").wait_for()
    expect(home.part("home-search")).to_be_focused()
    home.page.locator(".home-body").click(position={"x": 4, "y": 4})
    for key in ("Delete", "Control+d", "Control+a", "Delete"):
        home.page.keyboard.press(key)
    home.page.keyboard.press("Escape")
    expect(home.part("home-view")).to_have_count(0)
    assert len(home.layers()) == layers


def test_two_tabs_hold_two_scenes_and_bookmarks_open_theirs(
    home: EditorPage, context: BrowserContext
) -> None:
    first = name_scene(home, "In the first tab")
    other = EditorPage(context.new_page(), home.url, None).open()
    other.part("open-menu").click()
    other.part("new-upright").click()
    other.wait(f"state.project !== {first!r}")
    second = name_scene(other, "In the second tab")
    for editor, project in ((home, first), (other, second)):
        editor.page.reload()
        editor.wait(f"state.project === {project!r}")
    name_scene(home, "First, later")
    name_scene(other, "Second, later")
    assert home.part("banner-stale").count() == other.part("banner-stale").count() == 0

    bookmark = context.new_page()
    bookmark.goto(f"{home.url}/#scene={first}")
    third = EditorPage(bookmark, home.url, None)
    third.wait(f"state.project === {first!r}")
    assert third.state()["scene"]["name"] == "First, later"
    bookmark.goto(f"{home.url}/#home")
    third.part("home-view").wait_for()
    expect(card(third, "Second, later")).to_be_visible()


def test_a_damaged_scene_stands_beside_sound_ones_and_locks_nothing(
    home: EditorPage, own_studio: StudioProcess
) -> None:
    before = project_of(home)
    home.part("open-menu").click()
    home.part("new-square").click()
    home.wait(f"state.project !== {before!r}")
    sound = name_scene(home, "Sound")
    broken = make_by_example(home, "Cut short")
    newer = make_by_example(home, "From the future")
    lacking = make_by_example(home, "Lacks a picture")
    picture = next(layer["picture"] for layer in home.layers() if layer["picture"])
    with closing(sqlite3.connect(own_studio.store / "studio.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE projects SET scene = substr(scene, 1, 200) WHERE id = ?", (broken,)
        )
        record = json.dumps({"version": 9, "name": "From the future"}, separators=(",", ":"))
        connection.execute("UPDATE projects SET scene = ? WHERE id = ?", (record, newer))
    path = own_studio.store / "pixels" / picture[:2] / picture[2:4] / f"{picture}.png"
    whole = path.read_bytes()
    path.unlink()
    try:
        go_home(home)
        assert row(home, broken).get_attribute("data-readable") == "false"
        expect(row(home, broken)).to_contain_text("The record of this scene is damaged.")
        expect(row(home, newer)).to_contain_text("made with a newer Lamina (format 9)")
        expect(row(home, lacking)).to_contain_text("missing or damaged")
        assert row(home, sound).get_attribute("data-problem") == "false"
        leave_screen(home, "damaged")
        for project in (broken, newer, lacking):
            with home.page.expect_download() as found:
                row(home, project).locator('[data-test="scene-salvage"]').click()
            with zipfile.ZipFile(io.BytesIO(Path(found.value.path()).read_bytes())) as archive:
                assert {"README.txt", "scene.json"} <= set(archive.namelist())

        home.page.goto("about:blank")
        home.page.goto(f"{home.url}/#scene={broken}")
        home.part("home-view").wait_for()
        expect(home.part("notice")).to_contain_text("The record of this scene is damaged.")
        leave_screen(home, "damaged-address")
        row(home, sound).locator('[data-test="scene-open"]').click()
        home.wait(f"state.project === {sound!r}")
    finally:
        path.write_bytes(whole)


def test_a_scene_of_twenty_layers_opens_at_once(home: EditorPage) -> None:
    go_home(home)
    with home.page.expect_file_chooser() as chooser:
        home.part("home-file").click()
    file = {"name": "Twenty.ora", "mimeType": "image/openraster", "buffer": large_ora()}
    chooser.value.set_files(file)
    home.wait(f"state.scene.layers.length === {LAYERS}")
    expect(home.part("home-view")).to_have_count(0)
    full = project_of(home)
    times = []
    for _ in range(5):
        home.part("open-menu").click()
        home.part("new-square").click()
        home.wait(f"state.project !== {full!r}")
        go_home(home)
        expect(row(home, full)).to_be_visible()
        times.append(home.page.evaluate(OPENING, full))
    print(f"opened (known, drawn, exact): {times} ms; the goal is {OPENED_MS} ms")
    assert min(drawn for _, drawn, _ in times) < OPENED_LIMIT_MS
