"""The example scenes: small collages in the drawn world, written as OpenRaster files.

``python -m backend.pocket.examples FOLDER`` writes them anew; the same code gives the same files.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.plan.request import RunSettings
from backend.pocket.world.words import PLACES, build_phrase, with_article
from backend.pocket.world.world import draw_background, draw_object
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.openraster import write_ora
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

CANVAS_PX = 512
CUTOUT_PX = 384
CLOTH_COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 62, 62),
    "orange": (232, 137, 57),
    "yellow": (238, 202, 79),
    "green": (84, 164, 92),
    "blue": (70, 116, 201),
    "purple": (131, 88, 183),
    "pink": (233, 146, 186),
    "white": (240, 239, 236),
}
"""Flat colours of the paper cut-outs, a little duller than the world's own, as cut paper is."""


PAPER_STRENGTH = 0.7
"""At which a silhouette becomes a toy; higher, what is drawn lies beside the outline more often."""
LIGHT_STRENGTH = 0.3
"""At which shadows and tones come to what is drawn already, and nothing else (decision 081)."""


@dataclass(frozen=True)
class Toy:
    """One cut-out: its look, and its centre and width in shares of the canvas; ``paper`` is a flat
    silhouette that waits to be drawn.
    """

    look: tuple[str, str, str]
    centre: tuple[float, float]
    width: float
    rotation_deg: float = 0.0
    paper: bool = False

    @property
    def strength(self) -> float:
        """Paper is drawn anew; what is drawn already keeps its forms and takes light."""
        return PAPER_STRENGTH if self.paper else LIGHT_STRENGTH

    @property
    def phrase(self) -> str:
        class_, colour, texture = self.look
        return build_phrase(class_, colour, texture)


@dataclass(frozen=True)
class ExampleScene:
    """A background and toys from back to front."""

    name: str
    background: str
    toys: tuple[Toy, ...]
    seed: int


EXAMPLES: tuple[ExampleScene, ...] = (
    ExampleScene("Cat and mushroom", "room", (
        Toy(("car", "blue", "plain"), (0.68, 0.50), 0.36),
        Toy(("cat", "yellow", "striped"), (0.28, 0.66), 0.42),
        Toy(("mushroom", "red", "plain"), (0.72, 0.80), 0.32, paper=True),
    ), 1204),
    ExampleScene("Harbour", "sea", (
        Toy(("boat", "red", "plain"), (0.32, 0.50), 0.48),
        Toy(("fish", "orange", "plain"), (0.70, 0.78), 0.40, rotation_deg=-6, paper=True),
    ), 77),
    ExampleScene("Winter cottage", "snow", (
        Toy(("house", "orange", "plain"), (0.35, 0.60), 0.46),
        Toy(("tree", "green", "plain"), (0.74, 0.62), 0.42, paper=True),
    ), 31),
    ExampleScene("Lift-off", "night", (
        Toy(("moon", "yellow", "plain"), (0.74, 0.28), 0.38, paper=True),
        Toy(("rocket", "red", "plain"), (0.34, 0.56), 0.50, rotation_deg=8),
    ), 9),
    ExampleScene("Beach day", "beach", (
        Toy(("ball", "blue", "striped"), (0.30, 0.62), 0.44),
        Toy(("star", "yellow", "plain"), (0.72, 0.72), 0.40, rotation_deg=-8, paper=True),
    ), 58),
    ExampleScene("Paper garden", "meadow", (
        Toy(("tree", "green", "plain"), (0.28, 0.52), 0.46, paper=True),
        Toy(("flower", "pink", "plain"), (0.72, 0.64), 0.44, paper=True),
    ), 415),
    ExampleScene("Still life in paper", "room", (
        Toy(("mug", "blue", "plain"), (0.32, 0.66), 0.44, paper=True),
        Toy(("heart", "red", "plain"), (0.70, 0.50), 0.42, paper=True),
    ), 2026),
)  # fmt: skip


def _trim(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without its transparent rim."""
    rows, columns = np.flatnonzero(picture[..., 3].any(1)), np.flatnonzero(picture[..., 3].any(0))
    return np.ascontiguousarray(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def paper_cutout(picture: NDArray[np.uint8], colour: str) -> NDArray[np.uint8]:
    """The silhouette of uint8 (h, w, 4) cut from flat paper of a world colour, with slightly blunt
    edges.
    """
    mask = Image.fromarray(picture[..., 3]).resize(
        (96, round(96 * picture.shape[0] / picture.shape[1]))
    )
    blunt = (
        np.asarray(mask.resize((picture.shape[1], picture.shape[0]), Image.Resampling.BICUBIC))
        >= 128
    )
    cut = np.zeros_like(picture)
    cut[blunt] = (*CLOTH_COLOURS[colour], 255)
    return cut


def cutout(toy: Toy) -> NDArray[np.uint8]:
    """The toy's cut-out, uint8 (h, w, 4) straight alpha, trimmed."""
    class_, colour, texture = toy.look
    picture = _trim(draw_object(class_, colour, texture, CUTOUT_PX))
    return paper_cutout(picture, colour) if toy.paper else picture


def _toy_layer(toy: Toy, number: int, pixels: MemoryPixels) -> Layer:
    picture = cutout(toy)
    scale = toy.width * CANVAS_PX / max(picture.shape[:2])
    return Layer(
        id=f"toy-{number}",
        name=toy.phrase,
        picture=pixels.add_picture(picture),
        placement=Placement(
            centre_x_px=toy.centre[0] * CANVAS_PX,
            centre_y_px=toy.centre[1] * CANVAS_PX,
            scale_x=scale,
            scale_y=scale,
            rotation_deg=toy.rotation_deg,
        ),
        phrase=toy.phrase,
        strength=toy.strength,
    )


def build_example(example: ExampleScene) -> tuple[Scene, MemoryPixels, RunSettings]:
    """The scene, its pixels, and the settings it opens with."""
    pixels = MemoryPixels()
    plate = draw_background(example.background, CANVAS_PX, example.seed)
    opaque = np.dstack([plate, np.full(plate.shape[:2], 255, np.uint8)])
    place = PLACES[example.background]
    background = Layer(
        id="background",
        name=place.rsplit(" ", 1)[-1],
        picture=pixels.add_picture(opaque),
        placement=Placement(centre_x_px=CANVAS_PX / 2, centre_y_px=CANVAS_PX / 2),
        phrase=place,
        strength=LIGHT_STRENGTH,
        attention_positive=0.2,
        attention_negative=0.0,
    )
    toys = tuple(_toy_layer(toy, number + 1, pixels) for number, toy in enumerate(example.toys))
    named = [with_article(toy.phrase) for toy in example.toys]
    prompt = f"{', '.join(named[:-1])} and {named[-1]} {place}"
    scene = Scene(
        name=example.name,
        width_px=CANVAS_PX,
        height_px=CANVAS_PX,
        prompt=prompt,
        layers=(background, *toys),
    )
    return scene, pixels, RunSettings(seed=example.seed)


def save_examples(folder: Path) -> None:
    """Write every example as ``NN-name.ora``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(EXAMPLES, start=1):
        scene, pixels, settings = build_example(example)
        name = f"{number:02d}-{example.name.lower().replace(' ', '-')}.ora"
        (folder / name).write_bytes(write_ora(scene, pixels, settings.model_dump(mode="json")))


if __name__ == "__main__":
    save_examples(Path(sys.argv[1] if len(sys.argv) > 1 else "assets/scenes"))
