"""What is plugged into a personalised model to keep a subject: FreeU, MagicFusion, MasaCtrl,
DreamMatcher, or nothing.

Each acts in the same loop, from the same noise and under the same words as the backbone alone.
Shares of the steps are the authors' own: MasaCtrl and DreamMatcher begin at the fourth of 50,
MagicFusion fuses while t > 600 of 1000.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from torch import Tensor

from backend.controls.free_u import FreeU
from backend.controls.magic_fusion import MagicFusion
from backend.controls.mutual_attention import MutualAttention, MutualMasks
from backend.controls.step_blend import StepBlend
from backend.controls.value_warp import FeatureMatching, ValueWarp, feature_modules
from backend.engine.attention_maps import MapMean
from backend.engine.decode import decode
from backend.engine.denoise import Start, denoise, pull_of
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control, Run, Step, generator_for
from backend.engine.noise import draw
from backend.engine.reference_branch import ReferenceBranch
from backend.engine.sampling import count_steps, empty_latents, run_to_end
from backend.methods.options import parse_options
from backend.models.attention import detail_modules, detail_sites
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from backend.plan.events import Images, build_images
from backend.plan.plan import Plan
from backend.scene.blobs import Contents
from backend.scene.records import Record
from backend.training.subject_run import (
    LOOKED_SHARE,
    SubjectRun,
    attention_map,
    invert_reference,
    subject_run,
)

BEGIN_SHARE, FUSED_SHARE = 4 / 50, 0.4
REFERRING = ("masa_ctrl", "dream_matcher")
"""Those that look at the reference."""


class PlugInOptions(Record):
    """Which of them."""

    plug_in: Literal["none", "free_u", "magic_fusion", "masa_ctrl", "dream_matcher"] = Field(
        "none",
        title="Plug-in",
        description="What keeps the subject beside the personalised model.",
        json_schema_extra={"section": "Layout-and-Retouch 4.1"},
    )


@dataclass(frozen=True, eq=False)
class _ReferenceFeatures:
    """The reference: its states, and where it shows the subject, float (h, w) in 0..1."""

    path: Trajectory
    front: Tensor


def run(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    """Steps, then Images, for each seed.

    Args:
        plan: with a subject, whose sampler is DDIM.
        bundle: the model.
        pixels: pictures and the subject's adapter.

    Raises:
        RequestError: the subject cannot be drawn so, or an option is unknown.
    """
    options = parse_options(PlugInOptions, plan.options)
    drawn = subject_run(plan, bundle, pixels)
    total = plan.steps * (len(plan.seeds) + (options.plug_in in REFERRING))
    return count_steps(_sample(drawn, options), total)


def _sample(drawn: SubjectRun, options: PlugInOptions) -> Generator[Step | Images, None, None]:
    seen = None
    if options.plug_in in REFERRING:
        path = yield from invert_reference(drawn, drawn.reference, drawn.reference_key())
        seen = _ReferenceFeatures(
            path, attention_map(drawn, path, round(LOOKED_SHARE * drawn.plan.steps))
        )
    for offset, seed in enumerate(drawn.plan.seeds):
        latents = yield from _latents(drawn, options, seen, seed)
        yield build_images(offset, decode(drawn.bundle, latents))


def _latents(
    drawn: SubjectRun, options: PlugInOptions, seen: _ReferenceFeatures | None, seed: int
) -> Generator[Step, None, Tensor]:
    plan, bundle, schedule = drawn.plan, drawn.bundle, drawn.schedule()
    embedded, tokens = drawn.embed(plan.prompt)
    words = drawn.conditioning(embedded, "target")
    generators = (generator_for(seed),)
    noise = draw(empty_latents(bundle, plan, 1), generators)
    if options.plug_in == "magic_fusion":
        controls: tuple[Control, ...] = (_fusion(drawn, schedule, embedded),)
    else:
        plugged = _add_plug_in(drawn, schedule, options, seen, tokens)
        controls = (StepBlend(None, drawn.adapter, 0), *plugged)
    steps = denoise(bundle.unet, schedule, words, Start(noise, 0, generators), controls)
    return (yield from run_to_end(steps, noise))


def _fusion(drawn: SubjectRun, schedule: Schedule, embedded: Tensor) -> Control:
    """The plain model under the plain words, beside the personalised one."""
    plain, personal = (
        pull_of(drawn.bundle.unet, schedule, words)
        for words in (drawn.plain_words("target"), drawn.conditioning(embedded, "target"))
    )
    return MagicFusion(plain, personal, drawn.adapter, round(FUSED_SHARE * drawn.plan.steps))


def _add_plug_in(
    drawn: SubjectRun,
    schedule: Schedule,
    options: PlugInOptions,
    seen: _ReferenceFeatures | None,
    tokens: tuple[int, ...],
) -> Iterator[Control]:
    begin, sites = round(BEGIN_SHARE * drawn.plan.steps), detail_sites(drawn.bundle.unet)
    if options.plug_in == "free_u":
        yield FreeU()
    if seen is None:
        return
    sides = _sides(drawn, schedule, seen, begin)
    if options.plug_in == "masa_ctrl":
        masks = MutualMasks(MapMean(tokens, "target", begin), seen.front)
        yield MutualAttention(begin, sites, sides, masks)
    else:
        yield ValueWarp(begin, sites, FeatureMatching(sides, seen.front, begin), sides)


def _sides(
    drawn: SubjectRun, schedule: Schedule, seen: _ReferenceFeatures, begin: int
) -> ReferenceBranch:
    """The reference, replayed under the neutral words; one memory serves both who ask for it."""
    unet = drawn.bundle.unet
    parts = (f"{name}.{part}" for name in detail_modules(unet) for part in ("to_k", "to_v"))
    modules = (*parts, *feature_modules(unet))
    path = drawn.replay_reference(seen.path, "plug-ins", begin, modules)
    return drawn.open_branch(schedule, {"reference": path})
