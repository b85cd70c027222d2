"""One studio and one Chromium for all journeys; a fresh project for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.chromium import FLAGS, find_or_install
from tests.browser.editor_page import WAIT_S, EditorPage
from tests.browser.studio_process import StudioProcess

NEAR = ("127.0.0.1", "localhost")


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    process = StudioProcess(tmp_path_factory.mktemp("browser") / "store").start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    place = find_or_install()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screens() -> Path | None:
    """Where pictures of the page are left for people: the folder LAMINA_SCREENS. Without it none
    are taken.
    """
    named = os.environ.get("LAMINA_SCREENS")
    if named is None:
        return None
    Path(named).mkdir(parents=True, exist_ok=True)
    return Path(named)


# A journey that failed may leave a run going on, which all others would wait for.
END_RUN = """async () => {
  const { lamina } = document.querySelector(".lamina-root") ?? {};
  for (let tries = 0; lamina?.state().job && tries < 200; tries += 1) {
    document.querySelector('[data-test="cancel"]').click();
    await new Promise((next) => setTimeout(next, 100));
  }
}"""


class Watch:
    """What a page should not do: errors in its scripts, failed requests, requests beyond this
    machine.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.wrong: list[str] = []
        self.forgiven: tuple[str, ...] = ()
        context.on("page", self._attend)
        context.on("request", lambda request: self._note_request(request.url))
        context.on("response", lambda reply: self._note_answer(reply.status, reply.url))

    def _attend(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))
        page.on("console", lambda message: self._note_message(message.type, message.text))

    def _note_message(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.wrong.append(f"console {kind}: {text}")

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in NEAR:
            self.wrong.append(f"a request left this machine: {url}")

    def _note_answer(self, status: int, url: str) -> None:
        if status >= 400:
            self.wrong.append(f"status {status}: {url}")

    def list_problems(self) -> list[str]:
        """What is left after what the test said it would cause."""
        return [line for line in self.wrong if not any(part in line for part in self.forgiven)]


@pytest.fixture(scope="session")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """One browser profile for all journeys, so that Gradio's own scripts are fetched and compiled
    once.
    """
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme="dark",
        reduced_motion="reduce",
        accept_downloads=True,
    )
    context.set_default_timeout(WAIT_S * 1000)
    yield context
    context.close()


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """The profile without anything that an earlier journey opened, kept or rerouted."""
    yield profile
    profile.unroute_all()
    for page in profile.pages:
        page.unroute_all()
        if page.url.startswith("http"):
            page.evaluate(END_RUN)
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.close()


@pytest.fixture(scope="session")
def watcher(profile: BrowserContext) -> Watch:
    return Watch(profile)


@pytest.fixture
def watch(watcher: Watch) -> Iterator[Watch]:
    """Attends to the test's pages; the test fails for anything that it did not forgive
    beforehand.
    """
    watcher.wrong.clear()
    watcher.forgiven = ()
    yield watcher
    assert watcher.list_problems() == []


@pytest.fixture
def editor(
    studio: StudioProcess, context: BrowserContext, watch: Watch, screens: Path | None
) -> EditorPage:
    """A page with a scene on it."""
    return EditorPage(context.new_page(), studio.url, screens).open()


def open_fresh(editor: EditorPage) -> EditorPage:
    """A new project from the first example, by the menu."""
    first = editor.page.locator('[data-test^="example-"]').first.get_attribute("data-test")
    assert first is not None
    editor.open_example(first.removeprefix("example-"))
    editor.wait_drawn()
    return editor


@pytest.fixture
def fresh(editor: EditorPage) -> EditorPage:
    """A page with a new project from the first example, so that no journey sees another's
    changes.
    """
    return open_fresh(editor)
