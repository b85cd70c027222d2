"""The page, the server and Python agree: on the scene after every save, and on what it looks like,
within one step.
"""

from __future__ import annotations

import io
import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.scene.blobs import MemoryPixels
from backend.scene.composite import flatten_scene
from backend.scene.formats.openraster import write_ora
from backend.scene.imaging.blending import OPENRASTER_NAMES
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Group, Scene, build_scene
from tests.browser.editor_page import EditorPage
from tests.browser.studio_process import StudioProcess

SEEDS = range(4)
SIDE_PX = 256
GREY = 150
SHARE_WITHIN = 0.9999
LARGEST_DIFFERENCE = 2
"""Within 1/255 are all pixels but one in ten thousand, and of the opaque ones all. A pixel that is
seen through is rounded twice before it lies over the ground, alpha and colour times alpha; where
Python's 32 bits and the page's 64 fall on two sides of a byte's border as well, it may be 2 away.
"""


def scatter(random: np.random.Generator, side_px: int) -> np.ndarray:
    """Hard edges, noise and half-clear pixels, uint8 (side, side, 4): whoever samples it otherwise
    is found out.
    """
    picture = random.integers(0, 256, (side_px, side_px, 4), np.uint8)
    y, x = np.mgrid[:side_px, :side_px]
    flat = (x // 24 + y // 32) % 2 == 0
    picture[flat] = random.integers(0, 256, 4, np.uint8)
    picture[..., 3] = np.where((x // 40) % 2 == 0, 255, picture[..., 3])
    return picture


def random_layer(random: np.random.Generator, number: int, pixels: MemoryPixels) -> Layer:
    """A picture at a place of its own: turned, scaled, mirrored, half through, in any mode,
    sometimes masked.
    """
    mask = None
    if random.random() < 0.5:
        angle, middle = random.uniform(0, 2 * np.pi), random.uniform(80, 176)
        y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
        ramp = (x - middle) * np.cos(angle) + (y - middle) * np.sin(angle)
        mask = pixels.add_mask((255 / (1 + np.exp(-ramp / 16))).astype(np.uint8))
    placement = Placement(
        centre_x_px=random.uniform(60, 196),
        centre_y_px=random.uniform(60, 196),
        scale_x=random.uniform(0.2, 1.8),
        scale_y=random.uniform(0.2, 1.8),
        rotation_deg=random.choice(
            [0.0, 90.0, random.uniform(-180, 180), random.uniform(-180, 180)]
        ),
        flip_x=bool(random.random() < 0.5),
    )
    return Layer(
        id=f"layer-{number}",
        name=f"Layer {number}",
        picture=pixels.add_picture(scatter(random, 160)),
        mask=mask,
        placement=placement,
        opacity=random.uniform(0.4, 1.0),
        blend=str(random.choice(list(OPENRASTER_NAMES))),
    )


def random_scene(seed: int, count: int) -> tuple[Scene, MemoryPixels]:
    """Layers, the first two of them in a group; of an odd seed the lowest one is an opaque
    background.
    """
    random, pixels = np.random.default_rng(seed), MemoryPixels()
    layers = [random_layer(random, number, pixels) for number in range(count)]
    if seed % 2 == 1:
        ground = scatter(random, SIDE_PX)
        ground[..., 3] = 255
        middle = Placement(centre_x_px=SIDE_PX / 2, centre_y_px=SIDE_PX / 2)
        layers[0] = Layer(
            id="layer-0", name="Back", picture=pixels.add_picture(ground), placement=middle
        )
    groups = (
        (Group(id="group-1", name="Pair", members=("layer-0", "layer-1")),) if count > 1 else ()
    )
    scene = Scene(width_px=SIDE_PX, height_px=SIDE_PX, layers=tuple(layers), groups=groups)
    return scene, pixels


@dataclass(frozen=True)
class ServedPixels:
    """Pictures and masks as the server hands them out."""

    editor: EditorPage
    known: dict[str, np.ndarray] = field(default_factory=dict)

    def _fetch(self, digest: str, mode: str) -> np.ndarray:
        if digest not in self.known:
            reply = self.editor.page.request.get(f"{self.editor.url}/lamina/picture/{digest}.png")
            assert reply.ok
            self.known[digest] = np.asarray(Image.open(io.BytesIO(reply.body())).convert(mode))
        return self.known[digest]

    def picture(self, digest: str) -> np.ndarray:
        return self._fetch(digest, "RGBA")

    def mask(self, digest: str) -> np.ndarray:
        return self._fetch(digest, "L")


def read_scene(studio: StudioProcess, project: str) -> dict[str, Any]:
    """The scene as it stands in the server's database."""
    with sqlite3.connect(next(studio.store.glob("*.sqlite*"))) as connection:
        row = connection.execute("SELECT scene FROM projects WHERE id = ?", (project,)).fetchone()
    return json.loads(row[0])


def assert_agrees(editor: EditorPage, wanted: np.ndarray, what: str) -> None:
    """The page over the ground and a picture are within 1/255, as soon as all is drawn."""

    def compare() -> tuple[np.ndarray, np.ndarray]:
        seen = editor.pixels().astype(float)
        alpha = seen[..., 3:] / 255
        kept = np.round(seen[..., :3] * alpha)  # a canvas keeps colour times alpha in bytes
        steps = np.abs(np.round(kept + GREY * (1 - alpha)) - wanted).max(axis=-1)
        return steps, steps[seen[..., 3] == 255]

    editor.until(lambda: np.mean(compare()[0] <= 1) >= SHARE_WITHIN, seconds=5)
    steps, opaque = compare()
    within, equal = np.mean(steps <= 1), np.mean(steps == 0)
    summary = (
        f"{what}: {opaque.size} opaque, within 1/255 {within:.6f}, equal {equal:.6f}, "
        f"most {steps.max():.0f}"
    )
    print(summary)
    assert within >= SHARE_WITHIN, summary
    assert steps.max() <= LARGEST_DIFFERENCE, summary
    assert np.all(opaque <= 1), summary


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_random_scenes_look_in_the_page_as_in_python(editor: EditorPage, count: int):
    for seed in SEEDS:
        scene, pixels = random_scene(10 * count + seed, count)
        open_scene(editor, scene, pixels)
        assert_agrees(
            editor, flatten_scene(scene, pixels).astype(float), f"{count} layers, seed {seed}"
        )


def open_scene(editor: EditorPage, scene: Scene, pixels: MemoryPixels) -> None:
    before = editor.state()["project"]
    editor.drop(("scene.ora", write_ora(scene, pixels)))
    editor.wait(f"state.project !== {before!r}")
    editor.wait_drawn()


KEYS = (
    *("f", "Shift+f", "Control+d", "Control+[", "Control+]", "Shift+ArrowLeft", "ArrowDown"),
    *("PageUp", "PageDown", "Control+z", "Control+Shift+z", "Control+g", "Control+Shift+g"),
)


def play_gestures(editor: EditorPage, seed: int) -> None:
    """Thirty gestures as a person does them: keys, drags, strokes."""
    random = np.random.default_rng(seed)
    for _ in range(30):
        kind = random.random()
        if kind < 0.5:
            editor.page.keyboard.press(str(random.choice(KEYS)))
            continue
        editor.page.keyboard.press(str(random.choice(["v", "b", "e", "m"])))
        start, end = random.uniform(20, 236, 2), random.uniform(20, 236, 2)
        editor.drag_scene((start[0], start[1]), (end[0], end[1]))


@pytest.mark.parametrize("seed", range(2))
def test_after_random_gestures_the_server_has_what_the_page_shows(
    editor: EditorPage, studio: StudioProcess, seed: int
):
    open_scene(editor, *random_scene(100 + seed, 3))
    editor.part("canvas").focus()
    editor.select("layer-2")
    play_gestures(editor, seed)
    editor.wait_saved()
    state = editor.state()
    assert state["undo"]
    assert read_scene(studio, state["project"]) == state["scene"]
    wanted = flatten_scene(build_scene(state["scene"]), ServedPixels(editor)).astype(float)
    editor.look(f"agreement-edited-{seed}")
    assert_agrees(editor, wanted, f"edited, seed {seed}")


def test_without_a_worker_the_quick_picture_stays(editor: EditorPage):
    """Then the browser's own filters and roundings are seen: nearly the same at flat places, not at
    hard edges.
    """
    editor.page.add_init_script(
        "window.Worker = class { constructor() { throw new Error('no workers here'); } };"
    )
    editor.reload()
    scene, pixels = random_scene(41, 4)
    open_scene(editor, scene, pixels)
    wanted = flatten_scene(scene, pixels).astype(float)

    def steps() -> np.ndarray:
        return np.abs(editor.pixels()[..., :3] - wanted).max(axis=-1)

    assert editor.until(lambda: np.median(steps()) <= 2, seconds=10)
    assert steps().max() > LARGEST_DIFFERENCE
