"""The page, the server and Python agree: on the scene after every save, and on what it looks like, within one step."""

from __future__ import annotations

import io
import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.scene.blending import OPENRASTER_NAMES
from backend.scene.composite import flatten_scene
from backend.scene.layer import Layer, Placement
from backend.scene.openraster import write_ora
from backend.scene.pixels import MemoryPixels
from backend.scene.scene import Scene, build_scene
from tests.browser.desk_page import DeskPage
from tests.browser.studio_process import StudioProcess

SEEDS = range(5)
SIDE_PX = 256


def smooth(random: np.random.Generator, side_px: int) -> np.ndarray:
    """A picture without edges, uint8 (side, side, 4): two programs that sample it in two ways see the same."""
    y, x = (np.mgrid[:side_px, :side_px] + 0.5) / side_px
    picture = np.empty((side_px, side_px, 4), np.uint8)
    for channel in range(3):
        a, b, c = random.uniform(0, 255, 3)
        picture[..., channel] = (a * x + b * y + c * (1 - x) * (1 - y)) / 2
    reach = np.clip(1.15 - np.hypot(x - 0.5, y - 0.5) * 2.6, 0.0, 1.0)
    picture[..., 3] = 255 * reach * reach * (3 - 2 * reach)
    return picture


def random_layer(random: np.random.Generator, number: int, pixels: MemoryPixels) -> Layer:
    """A smooth picture at a place of its own: turned, mirrored, half through, in any mode, sometimes masked."""
    mask = None
    if random.random() < 0.5:
        angle, middle = random.uniform(0, 2 * np.pi), random.uniform(80, 176)
        y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
        ramp = (x - middle) * np.cos(angle) + (y - middle) * np.sin(angle)
        mask = pixels.add_mask((255 / (1 + np.exp(-ramp / 16))).astype(np.uint8))
    placement = Placement(
        centre_x_px=random.uniform(60, 196),
        centre_y_px=random.uniform(60, 196),
        scale_x=random.uniform(0.7, 1.8),
        scale_y=random.uniform(0.7, 1.8),
        rotation_deg=random.uniform(-180, 180),
        flip_x=bool(random.random() < 0.5),
    )
    return Layer(
        id=f"layer-{number}",
        name=f"Layer {number}",
        picture=pixels.add_picture(smooth(random, 160)),
        mask=mask,
        placement=placement,
        opacity=random.uniform(0.4, 1.0),
        blend=str(random.choice(list(OPENRASTER_NAMES))),
    )


def random_scene(seed: int, count: int) -> tuple[Scene, MemoryPixels]:
    random, pixels = np.random.default_rng(seed), MemoryPixels()
    ground = smooth(random, SIDE_PX)
    ground[..., 3] = 255
    middle = Placement(centre_x_px=SIDE_PX / 2, centre_y_px=SIDE_PX / 2)
    back = Layer(id="back", name="Back", picture=pixels.add_picture(ground), placement=middle)
    layers = (back, *(random_layer(random, number, pixels) for number in range(count)))
    return Scene(width_px=SIDE_PX, height_px=SIDE_PX, prompt=f"scene {seed}", layers=layers), pixels


@dataclass(frozen=True)
class ServedPixels:
    """Pictures and masks as the server hands them out."""

    desk: DeskPage
    known: dict[str, np.ndarray] = field(default_factory=dict)

    def _fetched(self, digest: str, mode: str) -> np.ndarray:
        if digest not in self.known:
            reply = self.desk.page.request.get(f"{self.desk.url}/lamina/picture/{digest}.png")
            assert reply.ok
            self.known[digest] = np.asarray(Image.open(io.BytesIO(reply.body())).convert(mode))
        return self.known[digest]

    def picture(self, digest: str) -> np.ndarray:
        return self._fetched(digest, "RGBA")

    def mask(self, digest: str) -> np.ndarray:
        return self._fetched(digest, "L")


def kept(studio: StudioProcess, project: str) -> dict[str, Any]:
    """The scene as it stands in the server's database."""
    with sqlite3.connect(next(studio.store.glob("*.sqlite*"))) as connection:
        row = connection.execute("SELECT scene FROM projects WHERE id = ?", (project,)).fetchone()
    return json.loads(row[0])


def apart(desk: DeskPage, wanted: np.ndarray) -> np.ndarray:
    """Steps of 1/255 (n, 3) between page and picture where the page is opaque, once it has drawn what it has."""
    seen = desk.pixels().astype(float)
    for _ in range(20):
        if np.abs(seen[..., :3] - wanted).max() <= 1:
            break
        desk.page.wait_for_timeout(100)
        seen = desk.pixels().astype(float)
    opaque = seen[..., 3] == 255
    assert opaque.mean() > 0.2
    return np.abs(seen[..., :3] - wanted)[opaque]


@pytest.mark.parametrize(("count", "share", "most"), [(1, 0.998, 2), (4, 0.75, 6)])
def test_random_scenes_look_in_the_page_as_in_python(desk: DeskPage, count: int, share: float, most: int):
    """The page keeps every step in bytes, Python rounds once at the end: so each layer may add a little."""
    for seed in SEEDS:
        scene, pixels = random_scene(seed, count)
        open_scene(desk, scene, pixels)
        steps = apart(desk, flatten_scene(scene, pixels).astype(float))
        said = f"seed {seed}: within 1/255 {np.mean(steps <= 1):.5f}, mean {steps.mean():.3f}, most {steps.max():.0f}"
        print(f"{count} over a background, {said}")
        assert np.mean(steps <= 1) >= share, said
        assert steps.max() <= most, said


def open_scene(desk: DeskPage, scene: Scene, pixels: MemoryPixels) -> None:
    before = desk.state()["project"]
    desk.drop(("scene.ora", write_ora(scene, pixels)))
    desk.wait(f"state.project !== {before!r}")
    desk.wait_drawn()


KEYS = (
    *("f", "Shift+f", "Control+d", "Control+[", "Control+]", "Shift+ArrowLeft", "ArrowDown"),
    *("PageUp", "PageDown", "Control+z", "Control+Shift+z", "Control+g", "Control+Shift+g"),
)


def person(desk: DeskPage, seed: int) -> None:
    """Thirty gestures as a person does them: keys, drags, strokes."""
    random = np.random.default_rng(seed)
    for _ in range(30):
        kind = random.random()
        if kind < 0.5:
            desk.page.keyboard.press(str(random.choice(KEYS)))
            continue
        desk.page.keyboard.press(str(random.choice(["v", "b", "e", "m"])))
        start, end = random.uniform(20, 236, 2), random.uniform(20, 236, 2)
        desk.drag_scene((start[0], start[1]), (end[0], end[1]))


@pytest.mark.parametrize("seed", range(2))
def test_after_random_gestures_the_server_has_what_the_page_shows(desk: DeskPage, studio: StudioProcess, seed: int):
    open_scene(desk, *random_scene(100 + seed, 3))
    desk.part("canvas").focus()
    desk.select("layer-2")
    person(desk, seed)
    desk.wait_saved()
    state = desk.state()
    assert state["undo"]
    assert kept(studio, state["project"]) == state["scene"]
    wanted = flatten_scene(build_scene(state["scene"]), ServedPixels(desk)).astype(float)
    desk.look(f"agreement-edited-{seed}")
    steps = apart(desk, wanted)
    said = f"within 1/255 {np.mean(steps <= 1):.5f}, mean {steps.mean():.3f}, most {steps.max():.0f}"
    print(f"edited, seed {seed}: {said}")
    assert np.mean(steps <= 2) >= 0.97, said
