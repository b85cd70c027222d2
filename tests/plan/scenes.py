"""A small scene to plan: a backdrop, two apples, a fox, at the card's own size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.plan.request import Compose, Reroll, RunSettings
from backend.scene.blobs import MemoryPixels
from backend.scene.layer import Layer
from backend.scene.scene import Scene
from tests.plan.word_card import WordCard
from tests.scene.drawings import at, noise, plain

CARD = WordCard()
PROMPT = "a meadow with an apple, an apple and a red fox"


@dataclass(frozen=True)
class SceneSetup:
    """A scene and its pixels."""

    scene: Scene
    pixels: MemoryPixels

    def with_layer(self, layer_id: str, **update: Any) -> SceneSetup:
        """The stage with one layer changed."""
        layers = tuple(
            layer.model_copy(update=update) if layer.id == layer_id else layer
            for layer in self.scene.layers
        )
        return self.with_scene(layers=layers)

    def with_scene(self, **update: Any) -> SceneSetup:
        return SceneSetup(self.scene.model_copy(update=update), self.pixels)


def stage() -> SceneSetup:
    """64 × 64 px, exactly the card's size, so no note is due."""
    pixels = MemoryPixels()
    square = pixels.add_picture(plain(200, 30, 30, 255, 16))
    layers = (
        Layer(
            id="meadow",
            picture=pixels.add_picture(noise(1, 64, 64) | 255),
            placement=at(32, 32),
            phrase="a meadow",
        ),
        Layer(id="apple-1", picture=square, placement=at(12, 12), phrase="apple"),
        Layer(id="apple-2", picture=square, placement=at(52, 12), phrase="apple", strength=0.3),
        Layer(id="fox", picture=square, placement=at(32, 44), phrase="red fox", seed=7),
    )
    return SceneSetup(Scene(width_px=64, height_px=64, prompt=PROMPT, layers=layers), pixels)


def source(pixels: MemoryPixels, width: int = 64, height: int = 64) -> str:
    """The digest of a picture to re-roll in."""
    return pixels.add_picture(
        np.dstack([noise(9, height, width, 3), np.full((height, width), 255, np.uint8)])
    )


def compose(**settings: Any) -> Compose:
    return Compose(settings=RunSettings.model_validate(settings))


def reroll(layer_id: str, digest: str, **settings: Any) -> Reroll:
    return Reroll(
        settings=RunSettings.model_validate(settings),
        layer_id=layer_id,
        source=digest,
        feather_px=5,
    )
