"""Scenes of painted masks for TCIG, and a bundle whose members are toys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.engine.loop_types import FitProgress, Step
from backend.methods.catalog import METHODS
from backend.models.bundle import FeatureCache, ModelBundle
from backend.models.members import MemberCard, Members
from backend.plan.build import build_plan
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, RunSettings
from backend.scene.blobs import MemoryPixels
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene
from tests.engine.toy_codes import ToyClip, ToyCodes, ToySegmenter

QUICK: dict[str, OptionValue] = {
    "iterations": 12,
    "cutouts": 2,
    "mask_tolerance": 0.5,
    "start": "regions",
}
"""The tiny model has never learned to dream."""


def with_members(bundle: ModelBundle, **loaded: Any) -> ModelBundle:
    """The bundle with these members, already loaded."""
    cards = {name: MemberCard(name, Path(name), 1) for name in loaded}
    return replace(bundle, members=Members(cards, loaded=dict(loaded)), recorded=FeatureCache())


def toy_bundle(bundle: ModelBundle, **others: Any) -> ModelBundle:
    """A model with toy VQGAN, CLIP and guide."""
    return with_members(
        bundle, **{"vqgan": ToyCodes(), "clip": ToyClip(), "guide": ToySegmenter(), **others}
    )


def disc(side_px: int, x: float, y: float, radius: float) -> np.ndarray:
    """A painted mask uint8 (side, side); measures in shares of the side."""
    rows, columns = (np.mgrid[0:side_px, 0:side_px] + 0.5) / side_px
    return ((np.hypot(rows - y, columns - x) < radius) * 255).astype(np.uint8)


@dataclass
class PaintedScene:
    """Layers (phrase, class label, mask) painted on a canvas of the model's size."""

    bundle: ModelBundle
    layers: Sequence[tuple[str, str, np.ndarray]]
    prompt: str = "a red cat and a blue house"
    pixels: MemoryPixels = field(default_factory=MemoryPixels)

    @property
    def scene(self) -> Scene:
        side = self.bundle.card.native_px
        placement = Placement(centre_x_px=side / 2, centre_y_px=side / 2)
        layers = tuple(
            Layer(
                id=f"mask{number}",
                mask=self.pixels.add_mask(mask),
                placement=placement,
                phrase=phrase,
                class_label=label,
            )
            for number, (phrase, label, mask) in enumerate(self.layers)
        )
        return Scene(width_px=side, height_px=side, prompt=self.prompt, layers=layers)

    def plan(
        self, options: dict[str, OptionValue] | None = None, count: int = 1, method: str = "tcig"
    ) -> Plan:
        settings = RunSettings(
            model="tiny-1",
            method=method,
            steps=6,
            guidance_scale=3.0,
            seed=7,
            count=count,
            options={**QUICK, **(options or {})} if method == "tcig" else dict(options or {}),
        )
        return build_plan(self.scene, Compose(settings=settings), self.bundle.card, self.pixels)

    def run(self, plan: Plan) -> tuple[list[Step], list[Images]]:
        happened = list(METHODS[plan.method].run(plan, self.bundle, self.pixels))
        return [one for one in happened if isinstance(one, Step)], [
            one for one in happened if isinstance(one, Images)
        ]


def cat_and_house(bundle: ModelBundle) -> PaintedScene:
    """A cat on the left, a house on the right."""
    side = bundle.card.native_px
    return PaintedScene(
        bundle,
        (
            ("red cat", "", disc(side, 0.3, 0.5, 0.2)),
            ("blue house", "", disc(side, 0.72, 0.5, 0.2)),
        ),
    )


def stage1_images_of(steps: Sequence[Step]) -> list[FitProgress]:
    return [step for step in steps if isinstance(step, FitProgress)]
