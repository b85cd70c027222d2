"""How fast the page is on a scene of 20 layers at 1024 x 1024: figures for people, and memory that stays flat.

``LAMINA_FIGURES=DIR python -m pytest tests/browser/page_speed.py`` writes ``figures.json`` into the folder. It is no
part of the tests: no time is asserted, since that depends on the machine and on what else runs there.
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

from backend.scene.layer import Layer, Placement
from backend.scene.openraster import write_ora
from backend.scene.pixels import MemoryPixels
from backend.scene.scene import Scene
from tests.browser.desk_page import DeskPage

SIDE_PX = 1024
LAYERS = 20
STROKES = 500
EARLY_STROKES = 100
DRAG_STEPS = 40

# A JavaScript heap that holds 400 short strokes more, with their undo steps; the tiles lie outside of it.
HEAP_GROWTH = 24 * 2**20
# The bound of the undo history in bytes of tiles (ui/web/model/store.js), and a scene's worth of pictures.
TILES = 256 * 2**20 + 64 * 2**20

# Every frame that follows a pointer event: ms from the event to the script's end, and to the end of the frame.
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
        window.frames.push({ from_event: now - waiting.at, from_script: now - waiting.seen });
        waiting = null;
      };
      channel.port2.postMessage(null);
    });
  }, { capture: true });
}"""

OPEN = """async ([layers, content]) => {
  const lamina = () => document.querySelector(".lamina-root").lamina;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const before = lamina().state().project;
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], "many.ora"));
  const started = performance.now();
  const drop = { bubbles: true, cancelable: true, dataTransfer: held, clientX: 500, clientY: 400 };
  document.querySelector('[data-test="canvas"]').dispatchEvent(new DragEvent("drop", drop));
  while (lamina().state().project === before || lamina().state().scene.layers.length !== layers) await frame();
  const told = performance.now() - started;
  const wanted = [...new Set(lamina().state().scene.layers.map(({ picture }) => picture))];
  const here = () => wanted.every((each) => performance.getEntriesByType("resource")
    .some(({ name, responseEnd }) => name.includes(each) && responseEnd > 0));
  while (!here()) await frame();
  await frame();
  await frame();
  return { told_ms: told, drawn_ms: performance.now() - started };
}"""

# Short strokes by events of our own: what is measured is what they leave behind.
PAINT = """async (count) => {
  const canvas = document.querySelector('[data-test="canvas"]');
  const box = canvas.getBoundingClientRect();
  canvas.setPointerCapture = () => {};
  const send = (kind, x, y) => canvas.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, pointerType: "mouse", button: kind === "pointermove" ? -1 : 0, buttons: kind === "pointerup" ? 0 : 1,
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


def many_layers() -> bytes:
    """20 pictures of 320 x 320 with soft rims, turned, over a background, as an .ora file."""
    random = np.random.default_rng(5)
    pixels = MemoryPixels()
    ground = np.full((SIDE_PX, SIDE_PX, 4), (210, 200, 180, 255), np.uint8)
    layers = [Layer(id="ground", name="ground", picture=pixels.add_picture(ground), placement=middle(512, 512, 0))]
    y, x = np.mgrid[:320, :320]
    for index in range(LAYERS - 1):
        picture = np.empty((320, 320, 4), np.uint8)
        picture[:, :, :3] = random.integers(0, 256, 3, np.uint8)
        picture[:, :, 3] = np.clip(8 * (150 - np.hypot(x - 160, y - 160)), 0, 255)
        picture[:, :, 0] ^= (x // (4 + index)).astype(np.uint8) * 9
        place = middle(*random.uniform(200, 824, 2), random.uniform(-80, 80))
        layers.append(Layer(id=f"l{index}", name=f"l{index}", picture=pixels.add_picture(picture), placement=place))
    scene = Scene(width_px=SIDE_PX, height_px=SIDE_PX, name="Many", layers=tuple(layers))
    return write_ora(scene, pixels)


def middle(x_px: float, y_px: float, rotation_deg: float) -> Placement:
    return Placement(centre_x_px=x_px, centre_y_px=y_px, rotation_deg=rotation_deg)


def frames_of(desk: DeskPage, start: tuple[float, float], end: tuple[float, float]) -> dict[str, Any]:
    """A slow drag in the scene: milliseconds from the pointer's event to the end of its frame."""
    desk.page.evaluate("() => { window.frames.length = 0; }")
    desk.page.mouse.move(*desk.spot(*start))
    desk.page.mouse.down()
    desk.page.mouse.move(*desk.spot(*end), steps=DRAG_STEPS)
    desk.page.mouse.up()
    frames = desk.page.evaluate("() => window.frames")
    summary: dict[str, Any] = {"frames": len(frames)}
    for name in ("from_event", "from_script"):
        values = [each[name] for each in frames]
        summary[name] = {"median_ms": float(np.median(values)), "p95_ms": float(np.percentile(values, 95))}
    return summary


def heap_of(session: CDPSession) -> dict[str, float]:
    """Bytes after a collection: of JavaScript, and of the buffers beside it."""
    session.send("HeapProfiler.collectGarbage")
    told = session.send("Runtime.getHeapUsage")
    return {"used": told["usedSize"], "buffers": told.get("backingStorageSize", 0)}


def write(figures: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")


@pytest.mark.slow
def test_the_page_on_twenty_layers_is_measured_and_its_memory_stays_flat(desk: DeskPage):
    content = base64.b64encode(many_layers()).decode()
    figures: dict[str, Any] = {"opening": desk.page.evaluate(OPEN, [LAYERS, content])}
    desk.page.evaluate(LISTEN)
    desk.select("l17")
    desk.page.keyboard.press("v")
    place = desk.layer("l17")["placement"]
    centre = (place["centre_x_px"], place["centre_y_px"])
    figures["dragging"] = frames_of(desk, centre, (900, 800))
    assert desk.layer("l17")["placement"] != place
    desk.select("l8")
    desk.page.keyboard.press("b")
    figures["stroke_on_a_picture"] = frames_of(desk, (250, 250), (800, 700))
    desk.part("add-painted").click()
    region = desk.state()["selected"]
    figures["stroke_on_a_region"] = frames_of(desk, (250, 700), (800, 250))
    session = desk.page.context.new_cdp_session(desk.page)
    desk.page.evaluate(PAINT, EARLY_STROKES)
    early = heap_of(session)
    desk.page.evaluate(PAINT, STROKES - EARLY_STROKES)
    desk.wait_saved()
    late = heap_of(session)
    assert desk.layer(region)["mask"] is not None
    figures["heap"] = {"strokes": STROKES, "early": early, "late": late}
    write(figures, Path(os.environ["LAMINA_FIGURES"]))
    for part in ("dragging", "stroke_on_a_picture", "stroke_on_a_region"):
        assert figures[part]["frames"] > 5
    assert late["used"] - early["used"] < HEAP_GROWTH
    assert late["buffers"] < TILES
