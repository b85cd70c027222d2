"""A small subject and plans that draw it, for any model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from backend.engine.loop_types import Step
from backend.methods.catalog import METHODS
from backend.models.adapter import Adapter, adapter_to_bytes, model_fingerprint
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.request import Compose, OptionValue, RunSettings, SubjectRef, TrainingMethod
from backend.scene.blobs import MemoryPixels
from backend.scene.scene import Scene
from backend.training.subjects import build_weights


def build_random_subject(
    bundle: ModelBundle, kind: TrainingMethod = "custom_diffusion", amount: float = 0.02
) -> Adapter:
    """A subject of random vectors and weights."""
    generator = torch.Generator().manual_seed(11)
    width = bundle.text_encoder.get_input_embeddings().weight.shape[1]
    weights = build_weights(bundle.unet, kind, 2, generator)
    noisy = {
        name: value + amount * torch.randn(value.shape, generator=generator)
        for name, value in weights.items()
    }
    vectors = torch.randn(1, width, generator=generator) * 0.1
    return Adapter(kind, "cat", bundle.card.title, model_fingerprint(bundle), vectors, noisy)


@dataclass
class Shoot:
    """A prompt, a subject and a reference picture."""

    bundle: ModelBundle
    steps: int = 5
    prompt: str = "a red cat and a blue house"
    pixels: MemoryPixels = field(default_factory=MemoryPixels)
    subject: SubjectRef = field(init=False)

    def __post_init__(self) -> None:
        side = self.bundle.card.native_px
        picture = np.random.default_rng(2).integers(0, 256, (side + 9, side, 4), np.uint8)
        self.subject = SubjectRef(
            subject=self.pixels.add_blob(adapter_to_bytes(build_random_subject(self.bundle))),
            reference=self.pixels.add_picture(picture),
        )

    def plan(self, count: int = 1, seed: int = 3, **options: OptionValue) -> Plan:
        """A plan of so many candidates."""
        side = self.bundle.card.native_px
        settings = RunSettings(
            model=self.bundle.card.id,
            method="layout_retouch",
            steps=self.steps,
            guidance_scale=3.0,
            seed=seed,
            count=count,
            options=options,
        )
        scene = Scene(width_px=side, height_px=side, prompt=self.prompt, negative="blur")
        return build_plan(
            scene, Compose(settings=settings, subject=self.subject), self.bundle.card, self.pixels
        )

    def make(self, plan: Plan) -> tuple[list[np.ndarray], int]:
        """The pictures of a plan and the number of its steps."""
        events = list(METHODS[plan.method].run(plan, self.bundle, self.pixels))
        pictures = [
            picture for one in events if isinstance(one, Images) for picture in one.pictures
        ]
        return pictures, sum(isinstance(one, Step) for one in events)
