"""The desk as a person sees and uses it, for the journeys."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Locator, Page

ROOT_ELEMENT = "document.querySelector('.lamina-root')?.lamina"

# The page draws one frame for any number of changes.
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

# Every picture that the scene and the page name, decoded as the page itself does it.
ARRIVED = """async (root) => {
  const { scene, shown } = document.querySelector(".lamina-root").lamina.state();
  const named = [shown, ...scene.layers.flatMap(({ picture, mask }) => [picture, mask])];
  const stored = [...new Set(named)].filter((name) => /^[0-9a-f]{64}$/.test(name ?? ""));
  const fetched = stored.map((digest) => Object.assign(new Image(),
    { src: `${root}/lamina/picture/${digest}.png` }));
  const placed = [...document.images].filter(({ src, loading }) =>
    src !== "" && loading !== "lazy");
  await Promise.allSettled([...fetched, ...placed].map((image) => image.decode()));
}"""

# What was drawn quickly gives way to the exact picture when nobody draws.
SETTLED = """() => "true" !== document.querySelector('[data-test="canvas"]').dataset.settling"""

# A drop as the browser would send it: a DataTransfer that holds real files.
DROP = """async ([selector, files, at]) => {
  const canvas = document.querySelector(selector);
  const held = new DataTransfer();
  for (const { name, type, content } of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    held.items.add(new File([bytes], name, { type }));
  }
  const box = canvas.getBoundingClientRect();
  const place = { clientX: box.left + at[0], clientY: box.top + at[1], bubbles: true,
    cancelable: true };
  for (const kind of ["dragenter", "dragover", "drop"]) {
    canvas.dispatchEvent(new DragEvent(kind, { ...place, dataTransfer: held }));
  }
}"""


# Far beyond what anything here takes, so that a busy machine does not fail a test.
WAIT_S = 90.0
LONG_STEPS, LONG_COUNT = 200, 16


@dataclass(frozen=True)
class EditorPage:
    """One open page. ``screens`` is where pictures for people go; None takes none."""

    page: Page
    url: str
    screens: Path | None

    def open(self) -> EditorPage:
        """Load the page and wait until a scene lies on the desk."""
        self.page.goto(self.url + "/")
        self.wait("state.project !== ''")
        return self

    def reload(self) -> None:
        self.page.reload()
        self.wait("state.project !== ''")

    def open_example(self, example: str) -> None:
        """A fresh project from an example, by the menu."""
        before = self.state()["project"]
        self.part("open-menu").click()
        self.part(f"example-{example}").click()
        self.wait(f"state.project !== {before!r}")

    def part(self, name: str) -> Locator:
        """A part of the desk by its test name; the visible one where each layer has its own."""
        return self.page.locator(f'[data-test="{name}"]:visible')

    def row(self, layer_id: str) -> Locator:
        return self.page.locator(f'[data-test="layer-row"][data-layer="{layer_id}"]')

    def state(self) -> dict[str, Any]:
        """The desk's own summary: scene, settings, project, job, candidates and so on."""
        return self.page.evaluate(f"{ROOT_ELEMENT}.state()")

    def layers(self) -> list[dict[str, Any]]:
        return self.state()["scene"]["layers"]

    def layer(self, layer_id: str) -> dict[str, Any]:
        return next(layer for layer in self.layers() if layer["id"] == layer_id)

    def wait(self, condition: str, seconds: float = WAIT_S) -> None:
        """Until a JavaScript condition over ``state`` holds, and the page has drawn what follows
        from it.
        """
        test = (
            f"() => {{ const state = {ROOT_ELEMENT}?.state(); return Boolean(state) && "
            f"({condition}); }}"
        )
        self.page.wait_for_function(test, timeout=seconds * 1000, polling=50)
        self.settle()

    def settle(self) -> None:
        """Until the page has drawn what follows from everything so far."""
        self.page.evaluate(TWO_FRAMES)

    def wait_saved(self) -> None:
        self.wait("state.saved.state === 'saved'")

    def pixels(self) -> np.ndarray:
        """What the canvas shows, at scene size, once nothing of it is a quick draft any more: uint8
        (h, w, 4).
        """
        self.settle()
        self.page.wait_for_function(SETTLED, polling=20)
        script = f"""() => {{
          const shot = {ROOT_ELEMENT}.canvasPixels();
          const part = (at) => String.fromCharCode(...shot.rgba.subarray(at, at + 32768));
          let text = "";
          for (let at = 0; at < shot.rgba.length; at += 32768) text += part(at);
          return [shot.width_px, shot.height_px, btoa(text)];
        }}"""
        width, height, content = self.page.evaluate(script)
        return np.frombuffer(base64.b64decode(content), np.uint8).reshape(height, width, 4)

    def spot(self, x_px: float, y_px: float) -> tuple[float, float]:
        """A place of the scene on the screen."""
        box = self.part("canvas").bounding_box()
        assert box is not None
        x, y = self.stage_spot(x_px, y_px)
        return box["x"] + x, box["y"] + y

    def stage_spot(self, x_px: float, y_px: float) -> tuple[float, float]:
        """A place of the scene on the stage, as the view shows it: mirrored, enlarged, turned,
        moved.
        """
        view = self.state()["view"]
        turn = math.radians(view["turn"])
        x, y = x_px * view["zoom"] * (-1 if view["mirror"] else 1), y_px * view["zoom"]
        return (
            view["x"] + math.cos(turn) * x - math.sin(turn) * y,
            view["y"] + math.sin(turn) * x + math.cos(turn) * y,
        )

    def click_scene(self, x_px: float, y_px: float) -> None:
        self.page.mouse.click(*self.spot(x_px, y_px))

    def drag_scene(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press, move in steps and let go, in scene pixels."""
        self.page.mouse.move(*self.spot(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.spot(*end), steps=8)
        self.page.mouse.up()

    def drop(self, *files: tuple[str, bytes], at: tuple[float, float] = (256, 256)) -> None:
        """Drop files on the canvas, at a place of the scene."""
        place = list(self.stage_spot(*at))
        records = [
            {"name": name, "type": "", "content": base64.b64encode(content).decode()}
            for name, content in files
        ]
        self.page.evaluate(DROP, ['[data-test="canvas"]', records, place])

    def wait_drawn(self) -> None:
        """Until every picture of the scene has arrived and a frame was drawn."""
        self.settle()
        self.page.evaluate(ARRIVED, self.url)
        self.settle()

    def until(self, truth: Callable[[], object], seconds: float = WAIT_S) -> bool:
        """Whether something becomes true within this time; pictures and masks arrive when they
        arrive.
        """
        end = time.monotonic() + seconds
        while not truth():
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(50)
        return True

    def select(self, layer_id: str) -> None:
        """Select a layer by its row, and give the keys to the canvas."""
        if self.state()["selected"] != layer_id:
            self.row(layer_id).locator(".row-words").click()
        assert self.state()["selected"] == layer_id
        self.part("canvas").focus()
        self.settle()

    def choose_file(self, keys: str, file: Path) -> None:
        """Press keys that open the file chooser, and choose a file in it."""
        with self.page.expect_file_chooser() as chosen:
            self.settle()  # by its answer the browser has heard that somebody attends to choosers
            self.page.keyboard.press(keys)
        chosen.value.set_files(str(file))

    def set_dials(self, steps: int, count: int) -> None:
        """Steps and candidates, typed in as a person does."""
        for field, value in (("steps", steps), ("count", count)):
            self.part(field).fill(str(value))
            self.part(field).press("Enter")
        settings = self.state()["settings"]
        assert (settings["steps"], settings["count"]) == (steps, count)

    def begin_long_run(self, count: int = 4) -> str:
        """A generation that does not end by itself while a test looks; its job id."""
        self.set_dials(LONG_STEPS, count)
        self.part("generate").click()
        self.wait("state.job && state.job.id && state.job.done >= 1")
        return self.state()["job"]["id"]

    def all_notices(self) -> str:
        """Every sentence shown to the person now."""
        return " | ".join(" ".join(text.split()) for text in self.part("notice").all_inner_texts())

    def wait_for_text(self, words: str) -> None:
        """Until a sentence with these words is shown to the person."""
        self.part("notice").filter(has_text=words).first.wait_for()

    def look(self, name: str) -> None:
        """A picture of the whole page, if somebody wants them."""
        if self.screens is not None:
            self.page.screenshot(path=str(self.screens / f"{name}.png"))
