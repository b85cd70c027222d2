"""Scenes that evaluations ask for, and how a method answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.methods.baselines import BASELINES
from backend.methods.catalog import RUNNABLE
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, RunSettings
from backend.pocket.world.world import Drawing
from backend.scene.blobs import Contents, MemoryPixels
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

STEPS = 30
GUIDANCE = 5.0
HELD_OUT_WORLD = 10_000_000
"""Worlds from this seed on are never drawn for training."""


def settings_for(model: str, seed: int, options: Mapping[str, OptionValue]) -> RunSettings:
    """One DDIM candidate of a seed with the evaluation's steps and guidance."""
    return RunSettings(
        model=model, steps=STEPS, guidance_scale=GUIDANCE, seed=seed, count=1, options=dict(options)
    )


def ask(
    bundle: ModelBundle, scene: Scene, pixels: Contents, settings: RunSettings
) -> tuple[Picture, ...]:
    """Plan and run a scene; uint8 (h, w, 3) pictures in the order of the seeds."""
    return run_plan(
        bundle, build_plan(scene, Compose(settings=settings), bundle.card, pixels), pixels
    )


def run_plan(bundle: ModelBundle, plan: Plan, pixels: Contents) -> tuple[Picture, ...]:
    """Every picture of a plan."""
    pictures: list[Picture] = []
    method = RUNNABLE.get(plan.method) or BASELINES[plan.method]
    for event in method.run(plan, bundle, pixels):
        if isinstance(event, Images):
            pictures.extend(event.pictures)
    return tuple(pictures)


def scene_of_words(prompt: str, side_px: int) -> Scene:
    """A scene without layers: text to image."""
    return Scene(width_px=side_px, height_px=side_px, prompt=prompt)


def scene_of_drawing(
    drawing: Drawing, cutouts: Sequence[NDArray[np.uint8]], template: Layer
) -> tuple[Scene, MemoryPixels]:
    """The drawing's objects as picture layers (cut-outs of the canvas' size) with the template's
    numbers.
    """
    pixels = MemoryPixels()
    side = drawing.picture.shape[0]
    placement = Placement(centre_x_px=side / 2, centre_y_px=side / 2)
    layers = tuple(
        template.model_copy(
            update={
                "id": f"object-{number}",
                "mask": None,
                "picture": pixels.add_picture(rgba),
                "placement": placement,
                "phrase": phrase,
            }
        )
        for number, (phrase, rgba) in enumerate(zip(drawing.phrases, cutouts, strict=True))
    )
    return Scene(width_px=side, height_px=side, prompt=drawing.caption, layers=layers), pixels
