"""How fast the page is on a scene of 20 layers at 1024 x 1024: figures for people, and memory that
stays flat.

``LAMINA_FIGURES=DIR python -m pytest tests/browser/page_speed.py`` writes ``figures.json`` into the
folder, a part a test, so that ``-k dragging`` measures one part again. It is no part of the tests:
no time is asserted, since that depends on the machine and on what else runs there. A figure is
{median_ms, p95_ms, n}.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import CDPSession

from backend.scene.blobs import MemoryPixels
from backend.scene.formats.openraster import write_ora
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene
from tests.browser.editor_page import EditorPage

SIDE_PX = 1024
LAYERS = 20
STROKES = 500
EARLY_STROKES = 100
STROKES_AT_ONCE = 50
DRAG_STEPS = 60
OPENINGS = 5

# What 400 short strokes more may hold with their undo steps: in the JavaScript heap, and as much
# again in their tiles, which lie outside of it (four of 4 KiB a stroke are 6 MiB).
GROWTH = 24 * 2**20

# Every frame that follows a pointer event. "handled": from the page's first sight of the sample to
# the end of the frame that shows it, by the page's clock; "whole": from the time that the event
# itself carries, so that the wait for the display's next frame (16.7 ms at most, 8 on average,
# whatever the page does) counts as well.
LISTEN = """() => {
  window.frames = [];
  let waiting = null;
  window.addEventListener("pointermove", (event) => {
    const first = waiting === null;
    waiting ??= { at: event.timeStamp, seen: performance.now() };
    if (!first) return;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        const now = performance.now();
        window.frames.push({ whole: now - waiting.at, handled: now - waiting.seen });
        waiting = null;
      };
      channel.port2.postMessage(null);
    });
  }, { capture: true });
}"""

OPEN = """async ([layers, content, root]) => {
  const lamina = () => document.querySelector(".lamina-root").lamina;
  const canvas = document.querySelector('[data-test="canvas"]');
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const before = lamina().state().project;
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], "many.ora"));
  const started = performance.now();
  const drop = { bubbles: true, cancelable: true, dataTransfer: held, clientX: 500, clientY: 400 };
  canvas.dispatchEvent(new DragEvent("drop", drop));
  while (lamina().state().project === before || lamina().state().scene.layers.length !== layers)
    await frame();
  const told = performance.now() - started;
  const wanted = new Set(lamina().state().scene.layers.map(({ picture }) =>
    `${root}/lamina/picture/${picture}.png`));
  await Promise.all([...wanted].map((src) => Object.assign(new Image(), { src }).decode()));
  await frame();
  await frame();
  const drawn = performance.now() - started;
  while (canvas.dataset.settling === "true") await frame();
  return { told, drawn, exact: performance.now() - started };
}"""

# Short strokes by events of our own: what is measured is what they leave behind.
PAINT = """async (count) => {
  const canvas = document.querySelector('[data-test="canvas"]');
  const box = canvas.getBoundingClientRect();
  canvas.setPointerCapture = () => {};
  const send = (kind, x, y) => canvas.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, pointerType: "mouse", button: kind === "pointermove" ? -1 : 0,
      buttons: kind === "pointerup" ? 0 : 1,
    clientX: box.left + x, clientY: box.top + y, bubbles: true, cancelable: true }));
  for (let index = 0; index < count; index += 1) {
    const x = box.width * (0.35 + 0.3 * ((index * 7) % 20) / 20);
    const y = box.height * (0.3 + 0.4 * ((index * 3) % 17) / 17);
    send("pointerdown", x, y);
    send("pointermove", x + 12, y + 6);
    send("pointerup", x + 12, y + 6);
    if (index % 5 === 0) await new Promise((done) => requestAnimationFrame(done));
  }
}"""


def many_layers(seed: int) -> bytes:
    """20 pictures of 320 x 320 with soft rims, turned, over a background, as an .ora file."""
    random = np.random.default_rng(seed)
    pixels = MemoryPixels()
    ground = np.full((SIDE_PX, SIDE_PX, 4), (210, 200, 180, 255), np.uint8)
    layers = [
        Layer(
            id="ground",
            name="ground",
            picture=pixels.add_picture(ground),
            placement=middle(512, 512, 0),
        )
    ]
    y, x = np.mgrid[:320, :320]
    for index in range(LAYERS - 1):
        picture = np.empty((320, 320, 4), np.uint8)
        picture[:, :, :3] = random.integers(0, 256, 3, np.uint8)
        picture[:, :, 3] = np.clip(8 * (150 - np.hypot(x - 160, y - 160)), 0, 255)
        picture[:, :, 0] ^= (x // (4 + index)).astype(np.uint8) * 9
        place = middle(*random.uniform(200, 824, 2), random.uniform(-80, 80))
        layers.append(
            Layer(
                id=f"l{index}",
                name=f"l{index}",
                picture=pixels.add_picture(picture),
                placement=place,
            )
        )
    scene = Scene(width_px=SIDE_PX, height_px=SIDE_PX, name="Many", layers=tuple(layers))
    return write_ora(scene, pixels)


def middle(x_px: float, y_px: float, rotation_deg: float) -> Placement:
    return Placement(centre_x_px=x_px, centre_y_px=y_px, rotation_deg=rotation_deg)


def figure(values: list[float]) -> dict[str, float]:
    """Milliseconds, summed up."""
    return {
        "median_ms": round(float(np.median(values)), 2),
        "p95_ms": round(float(np.percentile(values, 95)), 2),
        "n": len(values),
    }


def frames_of(
    editor: EditorPage, start: tuple[float, float], *stops: tuple[float, float]
) -> dict[str, Any]:
    """A slow drag in the scene by way of some stops: how long each frame took that shows a sample
    of the pointer.
    """
    editor.page.evaluate("() => { window.frames.length = 0; }")
    editor.page.mouse.move(*editor.spot(*start))
    editor.page.mouse.down()
    for stop in stops:
        editor.page.mouse.move(*editor.spot(*stop), steps=DRAG_STEPS)
    editor.page.mouse.up()
    frames = editor.page.evaluate("() => window.frames")
    assert len(frames) > DRAG_STEPS
    return {name: figure([each[name] for each in frames]) for name in ("handled", "whole")}


def centre_of(editor: EditorPage, layer_id: str) -> tuple[float, float]:
    place = editor.layer(layer_id)["placement"]
    return place["centre_x_px"], place["centre_y_px"]


def heap_of(session: CDPSession) -> dict[str, float]:
    """Bytes after a collection: of JavaScript, and of the buffers beside it."""
    session.send("HeapProfiler.collectGarbage")
    reported = session.send("Runtime.getHeapUsage")
    return {"used": reported["usedSize"], "buffers": reported.get("backingStorageSize", 0)}


def note(part: str, figures: object) -> None:
    """Put a part's figures beside the others in ``figures.json``."""
    folder = Path(os.environ["LAMINA_FIGURES"])
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "figures.json"
    known = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    place.write_text(json.dumps(known | {part: figures}, indent=1) + "\n", encoding="utf-8")
    print(part, json.dumps(figures))


def time_opening(editor: EditorPage, seed: int) -> dict[str, float]:
    """Milliseconds until the scene of 20 layers was there, drawn, and exact."""
    seen: dict[str, float] = editor.page.evaluate(
        OPEN, [LAYERS, base64.b64encode(many_layers(seed)).decode(), editor.url]
    )
    return seen


@pytest.fixture
def many(editor: EditorPage) -> EditorPage:
    """The page with the scene of 20 layers, all drawn, and an ear for its frames."""
    time_opening(editor, seed=5)
    editor.wait_saved()
    editor.page.evaluate(LISTEN)
    return editor


@pytest.mark.slow
def test_opening(editor: EditorPage) -> None:
    """``told``: the layers are there; ``drawn``: all pictures are on the canvas; ``exact``: and
    none is a draft.
    """
    seen = [time_opening(editor, seed) for seed in range(OPENINGS)]
    note("opening", {name: figure([each[name] for each in seen]) for name in seen[0]})


@pytest.mark.slow
def test_dragging(many: EditorPage) -> None:
    many.select("l17")
    many.page.keyboard.press("v")
    start = centre_of(many, "l17")
    note("dragging", frames_of(many, start, (900, 800), (200, 300)))
    assert centre_of(many, "l17") != start


@pytest.mark.slow
def test_strokes(many: EditorPage) -> None:
    """The eraser on a picture in the middle of the stack, which is composed anew under it; the
    brush on a region.
    """
    many.select("l8")
    many.page.keyboard.press("e")
    x, y = centre_of(many, "l8")
    note("stroke_on_a_picture", frames_of(many, (x - 120, y - 90), (x + 120, y), (x - 100, y + 90)))
    assert many.layer("l8")["mask"] is not None
    many.part("add-painted").click()
    many.part("canvas").focus()
    many.page.keyboard.press("b")
    note("stroke_on_a_region", frames_of(many, (250, 700), (800, 250), (300, 300)))
    assert many.layer(many.state()["selected"])["mask"] is not None


@pytest.mark.slow
def test_memory(many: EditorPage) -> None:
    many.part("add-painted").click()
    many.part("canvas").focus()
    many.page.keyboard.press("b")
    session = many.page.context.new_cdp_session(many.page)
    heaps = []
    for done in range(STROKES_AT_ONCE, STROKES + 1, STROKES_AT_ONCE):
        many.page.evaluate(PAINT, STROKES_AT_ONCE)
        heaps.append({"strokes": done, **heap_of(session)})
    many.wait_saved()
    heaps.append({"strokes": STROKES, **heap_of(session)})
    note("heap", heaps)
    early, late = heaps[EARLY_STROKES // STROKES_AT_ONCE - 1], heaps[-1]
    assert late["used"] - early["used"] < GROWTH
    assert late["buffers"] - early["buffers"] < GROWTH
