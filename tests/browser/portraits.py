"""``python -m tests.browser.portraits [EXAMPLE]``: the README's picture, made anew from a real run in Chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, find_or_install
from tests.browser.desk_page import DeskPage
from tests.browser.studio_process import ROOT, StudioProcess

PICTURES = ROOT / "assets" / "pictures"


def take(example: str, layer: str, scheme: str = "dark") -> None:
    """Open an example, generate, accept the first picture, re-roll a layer, and photograph the page."""
    place = find_or_install()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        studio = StudioProcess(Path(folder) / "store").start()
        browser = playwright.chromium.launch(executable_path=place, args=list(FLAGS))
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
            desk = DeskPage(page, studio.url, PICTURES).open()
            desk.open_example(example)
            desk.set_dials(30, 6)
            desk.part("generate").click()
            desk.wait("state.candidates.length >= 6", 300)
            desk.part("accept").click()
            desk.select(layer)
            desk.part("reroll").click()
            desk.wait("state.candidates.length >= 12", 300)
            desk.wait_drawn()
            page.wait_for_timeout(500)
            page.screenshot(path=PICTURES / "studio.png")
        finally:
            browser.close()
            studio.stop()


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    take(*(sys.argv[1:] or ["01-cat-and-mushroom", "toy-2"]))
