"""What all candidates of a run share, and the layer that a re-roll is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.controls.layer_noise import build_start_steps
from backend.engine.conditioning import Conditioning
from backend.engine.decode import encode_mean
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.layout_retouch import RetouchOptions
from backend.models.bundle import ModelBundle
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import raster
from backend.scene.formats.blobs import Contents
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.inside import is_painted
from backend.training.subject_run import SubjectRun, digest, subject_run


@dataclass(frozen=True, eq=False)
class RerolledRegion:
    """The layer that a re-roll is about: what it starts from and where it may change."""

    source: Picture
    clean: Tensor
    start_steps: Tensor
    alpha: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DrawnLayout:
    """A layout's states, where the subject's words looked (1, h, w), and its words."""

    path: Trajectory
    map: Tensor
    words: Conditioning
    key: str
    held: tuple[Control, ...]


@dataclass(frozen=True, eq=False)
class RetouchJob:
    """What all candidates share. ``first`` is the step at which a run begins."""

    drawn: SubjectRun
    options: RetouchOptions
    region: RerolledRegion | None
    first: int

    @property
    def plan(self) -> Plan:
        return self.drawn.plan

    @property
    def bundle(self) -> ModelBundle:
        return self.drawn.bundle

    def step_at(self, share: float) -> int:
        """A share of the steps that are taken, as a step index."""
        return self.first + round(share * (self.plan.steps - self.first))

    def competing_tokens(self, prompt: str) -> tuple[int, ...]:
        """The words that may look at a place more than the subject's, so that it is not the
        subject's.
        """
        return self.drawn.other_words(prompt) if self.options.competing_tokens else ()

    @property
    def retouches(self) -> bool:
        return self.options.stage == "retouch"

    def key(self, what: str) -> str:
        """A name for what follows from the plan, but not from its seeds and the later stages'
        options.
        """
        left_out: Any = {
            "notes": True,
            "seeds": True,
            "batch": True,
            "options": True,
            "subject": {"reference"},
        }
        facts = self.plan.model_dump(mode="json", exclude=left_out)
        stage_1 = self.options.model_dump(
            mode="json", include={"plain_share", "around_share", "competing_tokens"}
        )
        return digest({**facts, **stage_1, "what": what})


def prepare_job(plan: Plan, bundle: ModelBundle, pixels: Contents) -> RetouchJob:
    """What a plan asks for; a RequestError when it cannot be drawn so, before anything is
    computed.
    """
    options = parse_options(RetouchOptions, plan.options)
    drawn = subject_run(plan, bundle, pixels)
    region = _region(plan, bundle, pixels) if isinstance(plan.target, OneLayer) else None
    return RetouchJob(
        drawn, options, region, 0 if region is None else int(region.start_steps.min())
    )


def _region(plan: Plan, bundle: ModelBundle, pixels: Contents) -> RerolledRegion:
    """A layer's place in a finished picture: its cells are free for its share of the steps, all
    others never.
    """
    assert isinstance(plan.target, OneLayer)
    source = pixels.picture(plan.target.source)[..., :3]
    if source.shape[:2] != (plan.height_px, plan.width_px):
        raise RequestError(
            f"The picture to re-roll in has {source.shape[1]} × {source.shape[0]} px.",
            limit=f"The plan makes {plan.width_px} × {plan.height_px} px.",
            remedy="Pick a candidate of this size.",
        )
    alpha = raster(plan, pixels).alphas[0]
    strength = np.where(is_painted(alpha), plan.layers[0].strength, 0.0)
    start_steps = torch.from_numpy(
        build_start_steps(strength, plan.steps, bundle.card.cell_px, "filled")
    ).to(bundle.device)
    return RerolledRegion(source, encode_mean(bundle, source), start_steps, alpha)
