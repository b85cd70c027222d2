"""What the caches of Layout-and-Retouch are worth: the next candidate of a subject against the
first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import torch

from backend.evaluation.asking import GUIDANCE, STEPS, run_plan
from backend.evaluation.subjects import draw_subjects
from backend.evaluation.timing import Duel
from backend.models.adapter import Adapter, adapter_to_bytes, model_fingerprint
from backend.models.bundle import FeatureCache, ModelBundle
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.request import Compose, RunSettings, SubjectRef
from backend.scene.pixels import MemoryPixels
from backend.scene.scene import Scene
from backend.training.subjects import build_weights


def next_candidate(bundle: ModelBundle) -> Duel:
    """A candidate of a new seed, when one of the same subject and reference was made before,
    against that first one.

    Both are whole: layout, retouch, masks, decoder. The first walks back from the reference, and
    along it.
    """
    session = _Session(bundle)
    return Duel("retouch_next", "the first candidate", session.following, session.first, "E0")


@dataclass
class _Session:
    """A subject whose memory is emptied for every first candidate. How well it is learned has no
    part in speed.
    """

    bundle: ModelBundle
    seeds: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.bundle = replace(self.bundle, recorded=FeatureCache())
        self.pixels = MemoryPixels()
        self.plan = self._plan()

    def first(self) -> int:
        """With nothing remembered."""
        self.bundle = replace(self.bundle, recorded=FeatureCache())
        return self.following()

    def following(self) -> int:
        """With what the candidates before it left behind."""
        plan = self.plan.model_copy(update={"seeds": (next(self.seeds),), "batch": 1})
        return len(run_plan(self.bundle, plan, self.pixels))

    def _plan(self) -> Plan:
        bundle, card = self.bundle, self.bundle.card
        case = draw_subjects(1, 1, card.native_px, 0)[0]
        generator = torch.Generator().manual_seed(0)
        weights = build_weights(bundle.unet, "custom_diffusion", 1, generator)
        table = bundle.text_encoder.get_input_embeddings().weight.detach().float().cpu()
        vectors = table.std() * torch.randn(1, table.shape[1], generator=generator)
        subject = Adapter(
            "custom_diffusion",
            case.class_word,
            card.title,
            model_fingerprint(bundle),
            vectors,
            weights,
        )
        opaque = np.dstack(
            [case.references[0], np.full(case.references[0].shape[:2], 255, np.uint8)]
        )
        named = SubjectRef(
            subject=self.pixels.add_blob(adapter_to_bytes(subject)),
            reference=self.pixels.add_picture(opaque),
        )
        settings = RunSettings(
            model=card.id, method="layout_retouch", steps=STEPS, guidance_scale=GUIDANCE, count=1
        )
        scene = Scene(width_px=card.native_px, height_px=card.native_px, prompt=case.prompts[0])
        return build_plan(scene, Compose(settings=settings, subject=named), card, self.pixels)
