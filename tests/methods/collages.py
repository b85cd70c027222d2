"""Small random collages and their plans, for any model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from backend.engine.loop_types import Step
from backend.methods.catalog import METHODS
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, Reroll, RunSettings, Sampler
from backend.scene.blobs import MemoryPixels
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene, canonical_json

WORDS = ("red cat", "blue house", "red house")
PLAIN: dict[str, OptionValue] = {
    "attention": False,
    "layer_noise": False,
    "canvas_detail": 0.0,
}


def first_name(plan: Plan) -> str:
    """The digest of a plan that has never heard of fields that came later; while they are not used
    it stays so.
    """
    record = plan.model_dump(mode="json", exclude={"notes"}, exclude_defaults=True)
    later = {"subject", "stage1", "task", "varied", "strength_map", "prompt_start", "prompt_end"}
    assert not later & {
        *record,
        *record["target"],
        *(name for one in record["layers"] for name in one),
    }
    return hashlib.sha256(canonical_json(record).encode()).hexdigest()


@dataclass
class Collage:
    """A scene of soft discs over a full background, drawn from a seed; ``strength`` of the
    background comes first.
    """

    bundle: ModelBundle
    seed: int = 0
    noise: Sequence[float] = (0.5, 0.8, 0.6)
    side_px: int = 64
    pixels: MemoryPixels = field(default_factory=MemoryPixels)
    scene: Scene = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        layers = [self._layer("ground", rng, self.noise[0], full=True)]
        layers += [
            self._layer(f"disc{i}", rng, noise) for i, noise in enumerate(self.noise[1:], start=1)
        ]
        words = [
            layer.model_copy(update={"phrase": phrase})
            for layer, phrase in zip(layers[1:], WORDS, strict=False)
        ]
        self.scene = Scene(
            width_px=self.side_px,
            height_px=self.side_px,
            prompt="a " + " and a ".join(WORDS),
            negative="a cat",
            layers=(layers[0], *words),
        )

    def _layer(
        self, name: str, rng: np.random.Generator, noise: float, full: bool = False
    ) -> Layer:
        side = self.side_px if full else int(rng.integers(self.side_px // 4, self.side_px // 2))
        y, x = (np.mgrid[0:side, 0:side] + 0.5) / side * 2 - 1
        alpha = (
            np.full((side, side), 255) if full else np.clip((1 - np.hypot(x, y)) * 4, 0, 1) * 255
        )
        rgba = np.dstack(
            [np.full((side, side), value) for value in rng.integers(0, 256, 3)] + [alpha]
        ).astype(np.uint8)
        centre = (
            (self.side_px / 2,) * 2
            if full
            else rng.uniform(self.side_px * 0.2, self.side_px * 0.8, 2)
        )
        return Layer(
            id=name,
            picture=self.pixels.add_picture(rgba),
            strength=noise,
            placement=Placement(centre_x_px=float(centre[0]), centre_y_px=float(centre[1])),
        )

    def settings(
        self, sampler: Sampler, count: int, options: dict[str, OptionValue]
    ) -> RunSettings:
        return RunSettings(
            sampler=sampler, steps=6, guidance_scale=3.0, seed=11, count=count, options=options
        )

    def compose(
        self,
        sampler: Sampler = "ddim",
        count: int = 1,
        options: dict[str, OptionValue] | None = None,
    ) -> Plan:
        """A plan for the whole picture, at the collage's own size whatever the model's."""
        request = Compose(
            settings=self.settings(sampler, count, options if options is not None else {})
        )
        return self._with_size(build_plan(self.scene, request, self.bundle.card, self.pixels))

    def reroll(
        self,
        layer_id: str,
        source: np.ndarray,
        options: dict[str, OptionValue],
        sampler: Sampler = "ddim",
        count: int = 2,
    ) -> Plan:
        """A plan for one layer over a finished picture (h, w, 3)."""
        opaque = np.dstack([source, np.full(source.shape[:2], 255, np.uint8)])
        request = Reroll(
            settings=self.settings(sampler, count, options),
            layer_id=layer_id,
            source=self.pixels.add_picture(opaque),
        )
        return self._with_size(build_plan(self.scene, request, self.bundle.card, self.pixels))

    def _with_size(self, plan: Plan) -> Plan:
        if (plan.width_px, plan.height_px) != (self.side_px, self.side_px):
            raise ValueError(f"choose side_px = {plan.width_px}, the size this model makes")
        return plan

    def run(self, plan: Plan) -> tuple[list[Step], list[Images]]:
        """The steps and the pictures of a plan."""
        happened = list(METHODS[plan.method].run(plan, self.bundle, self.pixels))
        steps = [one for one in happened if isinstance(one, Step)]
        return steps, [one for one in happened if isinstance(one, Images)]
