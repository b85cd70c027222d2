"""Small scenes that differ in all that a file of layers has to carry, drawn from a seed; and what
Krita 5.1, GIMP 3.0 and MyPaint 2.0 make of a file of Lamina's when they save it again, as it was
measured with the programs themselves.

``python -m tests.scene.formats.small_scenes FOLDER`` writes a hundred of them.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.scene.blobs import MemoryPixels
from backend.scene.formats.openraster import write_ora
from backend.scene.formats.picture_file import encode_png
from backend.scene.imaging.blending import OPENRASTER_NAMES, Blend
from backend.scene.layer import Layer, LoraChoice, Placement, Structure
from backend.scene.scene import Group, Scene

SETTINGS = {"steps": 11, "count": 2, "seed": 5}
NAMES = ("red boat", "Größe & Maß", "星 🚀", "cat", "cat", 'a <b> "c"', "", "Ebene 1", "tree/2")
MODES = [mode for mode in OPENRASTER_NAMES if mode not in ("add", "soft_light_krita")]
TILE = 64
Members = dict[str, bytes]


def small_scene(seed: int) -> tuple[Scene, MemoryPixels]:
    """A scene of two to six layers on a canvas of 48 to 200 px."""
    draw = np.random.default_rng(seed)
    width_px, height_px = (int(side) for side in draw.integers(48, 200, 2))
    pixels = MemoryPixels()
    layers = [
        _layer(draw, number, pixels, (width_px, height_px))
        for number in range(1, int(draw.integers(3, 7)))
    ]
    groups: tuple[Group, ...] = ()
    if len(layers) > 3 and draw.random() < 0.5:
        members = tuple(layer.id for layer in layers[1:3])
        groups = (Group(id="g", name="Gruppe ★", members=members),)
    scene = Scene(
        name=f"Scene {seed}",
        width_px=width_px,
        height_px=height_px,
        prompt=f"a picture of {seed} things",
        negative="blur",
        layers=tuple(layers),
        groups=groups,
    )
    return scene, pixels


def _layer(
    draw: np.random.Generator, number: int, pixels: MemoryPixels, size: tuple[int, int]
) -> Layer:
    kind = draw.random()
    mask = _blob(draw, *size) if kind < 0.35 else None
    picture = None
    if kind > 0.1:
        side_x, side_y = (int(side) for side in draw.integers(12, 90, 2))
        picture = pixels.add_picture(_picture(draw, side_x, side_y, ragged=number > 1))
    turned = draw.random() < 0.3
    return Layer(
        id=f"id-{number}",
        name=str(draw.choice(NAMES)),
        picture=picture,
        mask=None if mask is None else pixels.add_mask(mask),
        placement=Placement(
            centre_x_px=float(draw.integers(0, size[0])),
            centre_y_px=float(draw.integers(0, size[1])),
            scale_x=0.8 if turned else 1.0,
            rotation_deg=30.0 if turned else 0.0,
            flip_x=bool(draw.random() < 0.2),
        ),
        opacity=float(draw.choice([1.0, 1.0, 0.7, 0.25])),
        blend=cast(Blend, str(draw.choice(MODES))) if draw.random() < 0.4 else "normal",
        visible=bool(draw.random() < 0.85),
        locked=bool(draw.random() < 0.15),
        phrase=f"thing {number}",
        negative=f"no {number}",
        strength=round(float(draw.random()), 2),
        attention_positive=1.5,
        structure=Structure(kind="edges", weight=0.4),
        class_label="boat",
        seed=int(draw.integers(0, 1000)),
        strength_map=pixels.add_mask(_blob(draw, *size)) if draw.random() < 0.2 else None,
        prompt_start=0.1,
        loras=(LoraChoice(name="ink", weight=0.5),),
    )


def _blob(draw: np.random.Generator, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """A soft disc somewhere on the canvas."""
    y, x = np.mgrid[:height_px, :width_px]
    centre = draw.random(2) * (width_px, height_px)
    far = np.hypot(x - centre[0], y - centre[1]) / (0.5 * min(width_px, height_px))
    return np.rint(255 * np.clip(2 - 2 * far, 0, 1)).astype(np.uint8)


def _picture(
    draw: np.random.Generator, width_px: int, height_px: int, *, ragged: bool
) -> NDArray[np.uint8]:
    """Noise over a colour, in a soft ellipse or in the whole rectangle."""
    picture = np.empty((height_px, width_px, 4), np.uint8)
    picture[..., :3] = draw.integers(0, 200, 3) + draw.integers(0, 50, (height_px, width_px, 3))
    y, x = (np.mgrid[:height_px, :width_px].T / (height_px, width_px)).T * 2 - 1
    picture[..., 3] = np.clip(400 - 400 * np.hypot(x, y), 0, 255) if ragged else 255
    return picture


def unpack(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def entries(image: ElementTree.Element) -> Iterator[ElementTree.Element]:
    return image.iter("layer")


def picture_of(parts: Members, entry: ElementTree.Element) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(parts[entry.get("src", "")]))
    return np.array(image.convert("RGBA"))


def place_of(entry: ElementTree.Element) -> tuple[int, int]:
    return int(entry.get("x", "0")), int(entry.get("y", "0"))


def _repack(image: ElementTree.Element, pictures: list[NDArray[np.uint8]]) -> bytes:
    """A file without anything of Lamina's, its members named by counting."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        for number, (entry, picture) in enumerate(zip(entries(image), pictures, strict=True)):
            entry.set("src", f"data/layer{number}.png")
            archive.writestr(entry.get("src", ""), encode_png(picture))
        archive.writestr("stack.xml", ElementTree.tostring(image, encoding="utf-8"))
    return content.getvalue()


def save_by_krita(content: bytes) -> bytes:
    """Pictures cropped to what is seen, opacities in 255 steps, locks and groups told."""
    parts = unpack(content)
    image = ElementTree.fromstring(parts["stack.xml"])
    pictures = []
    for entry in entries(image):
        picture, (x, y) = picture_of(parts, entry), place_of(entry)
        seen = picture[..., 3] > 0
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if rows.size:
            picture = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            x, y = x + int(columns[0]), y + int(rows[0])
        else:
            picture, x, y = np.zeros((1, 1, 4), np.uint8), 0, 0
        entry.set("x", str(x))
        entry.set("y", str(y))
        entry.set("opacity", f"{round(float(entry.get('opacity', '1')) * 255) / 255:.3g}")
        pictures.append(picture)
    for group in image[0].iter("stack"):
        if group is not image[0]:
            group.set("isolation", "auto")
    return _repack(image, pictures)


def save_by_gimp(content: bytes) -> bytes:
    """Each picture cut by its own offset, with its opacity in its alpha, and wholly empty in
    another mode than normal unless it is opaque in the corner; names that are there twice counted.
    """
    parts = unpack(content)
    image = ElementTree.fromstring(parts["stack.xml"])
    pictures, names = [], set[str]()
    for entry in entries(image):
        picture, (x, y) = picture_of(parts, entry), place_of(entry)
        cut = np.zeros_like(picture)
        opacity = float(entry.get("opacity", "1"))
        is_whole = (x, y) == (0, 0) and opacity == 1
        if is_whole or entry.get("composite-op") == "svg:src-over":
            height_px, width_px = picture.shape[:2]
            if y < height_px and x < width_px:
                cut[y:, x:] = picture[: height_px - y, : width_px - x]
        cut[..., 3] = np.rint(cut[..., 3] * opacity)
        pictures.append(cut)
        name, number = entry.get("name", ""), 0
        while entry.get("name", "") in names:
            number += 1
            entry.set("name", f"{name} #{number}")
        names.add(entry.get("name", ""))
    return _repack(image, pictures)


def save_by_mypaint(content: bytes) -> bytes:
    """Whole tiles of 64 px, colours a level off, a background that is seen, and a mode on the root
    that counts for nothing.
    """
    parts = unpack(content)
    image = ElementTree.fromstring(parts["stack.xml"])
    pictures = []
    for number, entry in enumerate(entries(image)):
        picture, (x, y) = picture_of(parts, entry).astype(np.int16), place_of(entry)
        left, top = x // TILE * TILE, y // TILE * TILE
        right = -(-(x + picture.shape[1]) // TILE) * TILE
        bottom = -(-(y + picture.shape[0]) // TILE) * TILE
        whole = np.zeros((bottom - top, right - left, 4), np.int16)
        noise = np.random.default_rng(number).integers(-1, 2, picture.shape[:2])[..., None]
        part = np.where(picture[..., 3:] > 0, picture + noise, 0)
        whole[y - top : y - top + picture.shape[0], x - left : x - left + picture.shape[1]] = part
        pictures.append(np.clip(whole, 0, 255).astype(np.uint8))
        entry.set("x", str(left))
        entry.set("y", str(top))
    for side in ("w", "h"):
        image.set(side, str(-(-int(image.get(side, "0")) // TILE) * TILE))
    image[0].set("composite-op", "mypaint:spectral-wgm")
    size = int(image.get("h", "0")), int(image.get("w", "0"))
    image[0].append(ElementTree.Element("layer", {"name": "background", "src": "x"}))
    return _repack(image, [*pictures, np.full((*size, 4), 255, np.uint8)])


SAVED_BY = {"krita": save_by_krita, "gimp": save_by_gimp, "mypaint": save_by_mypaint}


def main(folder: str) -> None:
    """Write a hundred of them, and their kin for programs that drop or cut much."""
    for name, for_others in (("plain", False), ("for-others", True)):
        out = Path(folder) / name
        out.mkdir(parents=True, exist_ok=True)
        for seed in range(100):
            scene, pixels = small_scene(seed)
            content = write_ora(scene, pixels, SETTINGS, for_others=for_others)
            (out / f"{seed:03d}.ora").write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
