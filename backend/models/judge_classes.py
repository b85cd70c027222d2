"""The classes and colours of the drawn world, in the order of the judge's channels."""

from __future__ import annotations

CLASSES: tuple[str, ...] = (
    "ball",
    "cube",
    "star",
    "heart",
    "house",
    "tree",
    "fish",
    "boat",
    "mug",
    "mushroom",
    "car",
    "flower",
    "moon",
    "cloud",
    "cat",
    "rocket",
)
COLOURS: tuple[str, ...] = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
