"""The gallery as a person uses it: found, looked at, starred, deleted and put back, exported, led
back to its scene, carried onto the canvas; and smooth with ten thousand pictures.
"""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.conftest import Watch, open_fresh
from tests.browser.editor_page import EditorPage
from tests.browser.studio_process import StudioProcess

pytestmark = pytest.mark.slow

MANY = 10_000

# A drag of the browser's own: what the source puts into it is what the canvas gets.
CARRY = """async ([picture, at]) => {
  const held = new DataTransfer();
  const source = document.querySelector(`[data-picture="${picture}"][data-test="tile"]`);
  const send = (node, kind, place = {}) => node.dispatchEvent(
    new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: held, ...place }));
  const frame = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next, 50)));
  send(source, "dragstart");
  await frame();
  const canvas = document.querySelector('[data-test="canvas"]');
  const box = canvas.getBoundingClientRect();
  const place = { clientX: box.left + at[0], clientY: box.top + at[1] };
  const reached = document.elementFromPoint(place.clientX, place.clientY);
  for (const kind of ["dragenter", "dragover", "drop"]) send(reached, kind, place);
  send(source, "dragend");
  await frame();
  return reached.closest('[data-test="gallery-view"]') === null;
}"""

# Frames while somebody scrolls from the top to the end, and how many tiles there ever were.
SCROLL = """async () => {
  const node = document.querySelector('[data-test="gallery-scroll"]');
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const end = node.scrollHeight - node.clientHeight;
  const times = [];
  let most = 0;
  for (let turn = 1; turn <= 120; turn += 1) {
    const start = performance.now();
    node.scrollTop = (end * turn) / 120;
    await frame();
    times.push(performance.now() - start);
    most = Math.max(most, node.querySelectorAll('[data-test="tile"]').length);
  }
  return [most, times.sort((one, other) => one - other).map((one) => Math.round(one))];
}"""


@pytest.fixture(scope="module")
def own_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A store of its own, so that exactly these pictures are in it."""
    process = StudioProcess(tmp_path_factory.mktemp("gallery") / "store").start()
    yield process
    process.stop()


@pytest.fixture
def page(
    own_studio: StudioProcess, context: BrowserContext, watch: Watch, screens: Path | None
) -> EditorPage:
    return EditorPage(context.new_page(), own_studio.url, screens).open()


def generate(editor: EditorPage, count: int) -> None:
    editor.set_dials(3, count)
    known = len(editor.state()["candidates"])
    editor.part("generate").click()
    editor.wait(f"state.job === null && state.candidates.length === {known + count}")


def go_to_gallery(editor: EditorPage) -> None:
    editor.part("gallery").click()
    editor.page.wait_for_function("() => location.hash === '#gallery'")
    editor.part("gallery-view").wait_for()


def tiles(editor: EditorPage) -> Locator:
    return editor.page.locator('[data-test="tile"][data-picture]')


def name_scene(editor: EditorPage, name: str) -> str:
    editor.part("project-name").fill(name)
    editor.part("project-name").press("Enter")
    editor.wait_saved()
    return str(editor.state()["project"])


def leave_screen(editor: EditorPage, name: str) -> None:
    if editor.screens is not None:
        editor.page.wait_for_timeout(400)
        editor.page.screenshot(path=str(editor.screens / f"gallery-{name}.png"))


def test_pictures_are_found_starred_deleted_put_back_and_exported(page: EditorPage) -> None:
    first = name_scene(page, "First scene")
    generate(page, 3)
    page.part("open-menu").click()
    page.part("new-square").click()
    page.wait(f"state.project !== {first!r}")
    go_to_gallery(page)
    expect(page.part("gallery-count")).to_have_text("3 pictures")
    expect(tiles(page)).to_have_count(3)
    expect(tiles(page).first.locator("img")).to_be_visible()
    leave_screen(page, "three")

    page.part("gallery-search").fill("no such words")
    expect(page.part("gallery-empty")).to_contain_text("No picture fits.")
    page.part("gallery-all").click()
    expect(tiles(page)).to_have_count(3)
    page.part("gallery-scene").select_option(first)
    expect(page.part("gallery-count")).to_have_text("3 pictures found")

    tiles(page).nth(1).focus()
    page.page.keyboard.press("s")
    expect(tiles(page).nth(1)).to_have_attribute("data-starred", "true")
    page.part("gallery-starred").click()
    expect(tiles(page)).to_have_count(1)
    page.part("gallery-all").click()

    expect(tiles(page)).to_have_count(3)
    tiles(page).first.focus()
    page.page.keyboard.press("Space")
    page.page.keyboard.press("Shift+ArrowRight")
    page.page.keyboard.press("Shift+Space")
    expect(page.part("chosen-count")).to_have_text("2 chosen")
    leave_screen(page, "chosen")
    with page.page.expect_download() as found:
        page.part("chosen-export").click()
    with zipfile.ZipFile(io.BytesIO(Path(found.value.path()).read_bytes())) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == 2
    page.part("chosen-delete").click()
    expect(page.part("gallery-count")).to_have_text("1 picture")
    page.part("notice-action").last.click()
    expect(page.part("gallery-count")).to_have_text("3 pictures")

    tiles(page).last.focus()
    page.page.keyboard.press("Delete")
    expect(page.part("gallery-count")).to_have_text("2 pictures")
    page.part("gallery-deleted").click()
    expect(page.part("gallery-count")).to_have_text("1 deleted picture")
    tiles(page).first.click()
    page.part("picture-restore").click()
    expect(page.part("gallery-empty")).to_contain_text("Nothing was deleted.")
    page.part("gallery-deleted").click()
    expect(page.part("gallery-count")).to_have_text("3 pictures")


def test_a_picture_leads_back_to_its_scene_as_it_was(page: EditorPage) -> None:
    open_fresh(page)
    project = str(page.state()["project"])
    generate(page, 1)
    before = page.layers()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.press("Delete")
    page.part("prompt").fill("something else")
    page.part("prompt").blur()
    page.wait_saved()
    go_to_gallery(page)
    tiles(page).first.click()
    expect(page.part("picture-recipe")).to_contain_text("Steps")
    expect(page.part("picture-close")).to_be_focused()
    page.part("picture-older").hover()
    page.part("picture-large").wait_for()
    leave_screen(page, "large")
    page.part("picture-open").click()
    page.wait(f"state.project === {project!r} && state.scene.layers.length === {len(before)}")
    assert page.layers() == before
    page.wait_saved()
    page.part("undo").click()
    page.wait("state.scene.layers.length === 0 && state.scene.prompt === 'something else'")

    go_to_gallery(page)
    tiles(page).first.click()
    page.part("picture-copy").click()
    page.wait(f"state.project !== {project!r} && state.scene.layers.length === {len(before)}")
    assert page.state()["scene"]["name"].endswith(", as it was")
    page.wait_saved()
    page.reload()
    assert page.layers() == before
    assert page.state()["picked"]


def test_a_picture_is_carried_onto_the_canvas_at_its_full_size(page: EditorPage) -> None:
    open_fresh(page)
    count = len(page.layers())
    go_to_gallery(page)
    page.page.keyboard.press("Tab")
    first = tiles(page).first
    picture = first.get_attribute("data-picture")
    first.click()
    page.part("picture-add").click()
    expect(page.part("gallery-view")).to_have_count(0)
    page.wait(f"state.scene.layers.length === {count + 1}")
    page.part("gallery").click()
    tiles(page).first.wait_for()
    assert page.page.evaluate(CARRY, [picture, list(page.stage_spot(100, 120))])
    page.wait(f"state.scene.layers.length === {count + 2}")
    expect(page.part("gallery-view")).to_have_count(0)
    for layer in page.layers()[-2:]:
        assert (layer["placement"]["scale_x"], layer["placement"]["scale_y"]) == (1, 1)
    place = page.layers()[-1]["placement"]
    assert (round(place["centre_x_px"]), round(place["centre_y_px"])) == (100, 120)
    page.wait_saved()


def test_back_leads_from_the_gallery_and_keys_do_not_reach_the_scene(page: EditorPage) -> None:
    open_fresh(page)
    layers = page.layers()
    page.page.keyboard.press("Shift+G")
    page.part("gallery-view").wait_for()
    expect(page.part("gallery-search")).to_be_focused()
    page.page.locator(".gallery-body").click(position={"x": 4, "y": 4})
    for key in ("Delete", "Control+d", "Backspace"):
        page.page.keyboard.press(key)
    page.part("gallery-home").click()
    page.part("home-view").wait_for()
    page.page.go_back()
    page.part("gallery-view").wait_for()
    page.page.reload()
    page.part("gallery-view").wait_for()
    expect(tiles(page).first).to_be_visible()
    page.page.keyboard.press("Escape")
    expect(page.part("gallery-view")).to_have_count(0)
    assert page.layers() == layers


def test_ten_thousand_pictures_are_scrolled_with_only_what_is_seen_in_the_page(
    page: EditorPage, own_studio: StudioProcess
) -> None:
    with closing(sqlite3.connect(own_studio.store / "studio.sqlite")) as connection, connection:
        connection.executemany(
            "INSERT INTO candidates SELECT NULL, :id, job, :place, seed, digest, width_px,"
            " height_px, layer_id, source, changed_outside, plan, batch, created, scores, stage1"
            " FROM candidates ORDER BY number LIMIT 1",
            [{"id": f"many-{place}", "place": 1000 + place} for place in range(MANY)],
        )
    go_to_gallery(page)
    expect(page.part("gallery-count")).to_contain_text("pictures")
    tiles(page).first.wait_for()
    most, times = page.page.evaluate(SCROLL)
    print(f"frames while scrolling {MANY} pictures in 120 jumps: {times} ms; tiles at most {most}")
    assert most < 120
    page.page.wait_for_function(
        "() => document.querySelectorAll('[data-test=tile]:not([data-picture])').length === 0"
    )
    tiles(page).last.focus()
    page.page.keyboard.press("End")
    last = int(str(tiles(page).last.get_attribute("aria-setsize")))
    assert last >= MANY
    expect(page.page.locator(":focus")).to_have_attribute("data-place", str(last - 1))
    leave_screen(page, "end")
    page.page.keyboard.press("Home")
    expect(page.page.locator(":focus")).to_have_attribute("data-place", "0")
