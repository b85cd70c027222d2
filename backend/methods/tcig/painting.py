"""A plan of painted masks, read: its dials, the class of every mask, who answers for it, and what a
draft must be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from backend.engine.loop_types import FitProgress, Step
from backend.engine.optimise import LossTerm
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.tcig import PAPER_SIDE_PX, SAMPLED_STARTS, TOLERANCE_ENDS, TcigOptions
from backend.methods.tcig.losses import StartMatches, segment_loss_terms, text_loss_terms
from backend.methods.tcig.mixed import PictureStack, stack_of
from backend.models.bundle import ModelBundle
from backend.models.experts import Experts, experts_of
from backend.models.schedule import first_step
from backend.plan.plan import OneLayer, Plan, PlannedLayer
from backend.plan.raster import raster
from backend.scene.scene import Pixels


class TcigDials(NamedTuple):
    """What freedom stands for: strength of stage 2, feather of the masks, and a factor on the
    guidance scale.
    """

    strength: float
    feather_px: float
    guidance: float


def dials_of(options: TcigOptions) -> TcigDials:
    """The three dials behind freedom, or those by hand."""
    if options.by_hand:
        return TcigDials(options.strength, options.feather_px, options.guidance)
    return TcigDials(
        **{
            name: low + (high - low) * options.mask_tolerance
            for name, (low, high) in TOLERANCE_ENDS.items()
        }
    )


@dataclass(frozen=True)
class TcigPainting:
    """What all chunks of a run share. ``masks`` (layers, h, w) are the visible parts, feathered, in
    0..1.

    ``regions`` (painted + 1, h, w) part the picture among what is not painted and the painted
    layers. ``digest`` names all that decides a draft but its seed; it, the terms and what is
    ``start_matches`` are empty where a draft is given. ``stack`` is there when layers with
    pictures take part; ``notes`` are sentences about experts that could not be loaded.
    """

    plan: Plan
    options: TcigOptions
    dials: TcigDials
    masks: Tensor = field(repr=False)
    regions: Tensor = field(repr=False)
    first: int
    stack: PictureStack | None = field(repr=False)
    painted: tuple[PlannedLayer, ...] = ()
    terms: tuple[LossTerm, ...] = field(default=(), repr=False)
    start_matches: StartMatches | None = field(default=None, repr=False)
    digest: str = ""
    notes: tuple[str, ...] = ()

    def count(self, step: Step, fitted: int) -> Step:
        """A step of either stage in one count: ``fitted`` steps of stage 1 come before those of
        stage 2.
        """
        total = fitted + (self.plan.steps if self.options.refine else self.first)
        k = self.first + step.k if isinstance(step, FitProgress) else fitted + step.k
        return replace(step, k=k, total=total, first=self.first)


def read_painting(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> TcigPainting:
    """Check options and layers, choose the experts, and build the terms of equation (2)."""
    options = parse_options(TcigOptions, plan.options)
    painted = require_painted(plan)
    dials = dials_of(options)
    flat = raster(plan, pixels)
    sharp = torch.from_numpy(flat.visibility[1:].astype(np.float32)).to(bundle.device)
    masks = feather(sharp, dials.feather_px * bundle.card.native_px / PAPER_SIDE_PX)
    own = masks[[n for n, layer in enumerate(plan.layers) if layer.picture is None]]
    elsewhere = masks.sum(0).clamp(0, 1) - own.sum(0).clamp(0, 1)
    regions = torch.cat([(1 - own.sum(0, keepdim=True)).clamp(0, 1), own])
    stack = (
        stack_of(plan, flat, dials.strength, bundle) if len(painted) < len(plan.layers) else None
    )
    first = first_step(plan.steps, dials.strength) if stack is None else stack.first
    painting = TcigPainting(plan, options, dials, masks, regions, first, stack, painted)
    if plan.stage1 is not None:
        return painting
    experts = experts_of(bundle)
    classes = tuple(class_of(layer, experts) for layer in painted)
    by_words, tried = text_loss_terms(plan, painted, own, bundle, options)
    terms = (*by_words, *segment_loss_terms(experts, classes, (own, elsewhere), options))
    return replace(
        painting,
        terms=terms,
        start_matches=tried,
        digest=_digest(painting, painted, classes),
        notes=experts.failures,
    )


def _digest(painting: TcigPainting, painted: Sequence[PlannedLayer], classes: Sequence[str]) -> str:
    stage_2 = {
        "mask_tolerance",
        "by_hand",
        "strength",
        "feather_px",
        "guidance",
        "attention",
        "refine",
        "per_stage1",
    }
    plan = painting.plan
    words = [plan.prompt, *classes, *(layer.phrase for layer in painted)]
    if painting.options.start in SAMPLED_STARTS:
        tokens = tuple(layer.tokens for layer in plan.layers)
        words.append(repr((plan.negative, plan.guidance_scale, plan.sampler, plan.steps, tokens)))
    said = repr((words, painting.masks.shape, painting.options.model_dump(exclude=stage_2)))
    shapes = painting.regions.cpu().numpy().tobytes() + painting.masks.cpu().numpy().tobytes()
    return hashlib.sha256(said.encode() + shapes).hexdigest()


def require_painted(plan: Plan) -> tuple[PlannedLayer, ...]:
    """The layers without a picture, from back to front; a RequestError when there is none, or one
    without a mask.
    """
    if isinstance(plan.target, OneLayer):
        raise RequestError(
            "TCIG draws whole pictures.",
            remedy="Choose Collage Diffusion to make one layer of a picture again.",
        )
    painted = tuple(layer for layer in plan.layers if layer.picture is None)
    if not painted:
        said = " ".join(note.text for note in plan.notes if note.layer_id)
        raise RequestError(
            "No painted mask takes part.",
            limit=said or ("Every layer holds a picture." if plan.layers else ""),
            remedy="Paint a mask and name its class; for pictures alone choose Collage Diffusion.",
        )
    for layer in painted:
        if layer.mask is None:
            raise RequestError(
                (
                    f"“{layer.phrase or layer.class_label or layer.id}” has neither a mask "
                    "nor a picture."
                ),
                limit="As it stands it would claim the whole canvas.",
                remedy="Paint where it should be, or hide the layer.",
            )
    return painted


def class_of(layer: PlannedLayer, experts: Experts) -> str:
    """The class that a layer asks for: its own label, else the one in its phrase; a RequestError
    when it has none.
    """
    if layer.class_label.strip():
        return layer.class_label.strip()
    found = experts.class_in(layer.phrase)
    if found:
        return found
    if layer.phrase.strip():
        raise experts.class_error(layer.phrase)
    raise RequestError(
        f"The painted mask “{layer.id}” has no class.",
        remedy="Choose its class, or write a phrase that names it.",
    )


def feather(masks: Tensor, sigma_px: float) -> Tensor:
    """Masks (n, h, w) softened by a Gaussian of this deviation; as they are below a third of a
    pixel.
    """
    if sigma_px < 1 / 3 or not len(masks):
        return masks
    radius = min(int(3 * sigma_px), min(masks.shape[-2:]) - 1)
    return gaussian_blur(masks, [2 * radius + 1] * 2, [sigma_px] * 2).clamp(0, 1)
