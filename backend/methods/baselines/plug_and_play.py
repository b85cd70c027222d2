"""SA: Plug-and-Play (Tumanyan et al., 2023) on the flat collage, a row of Collage Diffusion's table
1.

The source is inverted on the run's own schedule under no words (the released code takes 999 steps
once, samples 50), and its noisiest state is where the run begins; so no seed has a say, and all
candidates are one picture. Of the released blend of the negative prompt only its beginning is kept:
"A collage", the paper's, before the scene's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from backend.controls.plug_and_play import SOURCE, PlugAndPlay
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode, encode_mean
from backend.engine.denoise import Start, denoise
from backend.engine.invert import invert
from backend.engine.loop_types import Run, Step, generator_for
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.engine.sampling import count_steps, run_to_end
from backend.methods.options import parse_options
from backend.models.attention import Unet, self_sites
from backend.models.bundle import ModelBundle, RecordKey
from backend.models.schedule import Schedule
from backend.plan.events import Images, build_images
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import Sampler
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Record
from backend.scene.scene import Pixels

COLLAGE = "A collage"


class PlugAndPlayOptions(Record):
    """How long the source's structure is put in."""

    features: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.8,
        title="Features",
        description="Share of the steps in which a decoder block reads the source's features.",
        json_schema_extra={
            "section": "Plug-and-Play 4.2",
            "unit": "share of the steps",
            "step": 0.05,
        },
    )
    attention: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.5,
        title="Self-attention",
        description="Share of the steps in which the source says which pixels belong together.",
        json_schema_extra={
            "section": "Plug-and-Play 4.2",
            "unit": "share of the steps",
            "step": 0.05,
        },
    )


@dataclass(frozen=True)
class _FeatureSites:
    """The modules that the source's features are read from and put into."""

    blocks: tuple[str, ...]
    projections: tuple[str, ...]


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps of the inversion and of the run, then the one picture as every candidate.

    Args:
        plan: the recipe; its options are this baseline's.
        bundle: the model.
        pixels: of the plan.

    Raises:
        RequestError: an option is unknown or out of range.
    """
    options = parse_options(PlugAndPlayOptions, plan.options)
    plan = plan.model_copy(update={"sampler": Sampler.DDIM})  # the only one that can be walked back
    return count_steps(_edit(plan, bundle, options, raster(plan, pixels).picture), 2 * plan.steps)


def _edit(
    plan: Plan, bundle: ModelBundle, options: PlugAndPlayOptions, picture: Picture
) -> Generator[Step | Images, None, None]:
    plain = build_conditioning(bundle, "", "", 1.0, 1)
    clean = encode_mean(bundle, picture)
    path = yield from invert(bundle.unet, _schedule(plan, bundle), plain, clean)
    schedule, places = _schedule(plan, bundle), sites_of(bundle.unet)
    until = (round(options.features * plan.steps), round(options.attention * plan.steps))
    spans = (FeatureSpan(0, until[0], places.blocks), FeatureSpan(0, until[1], places.projections))
    name = hashlib.sha256(picture.tobytes()).hexdigest()
    key = RecordKey("plug-and-play", f"{name} {plan.steps} {until}")
    side = ReferencePath(key, path, plain, spans)
    sides = ReferenceBranch(bundle.unet, schedule, {SOURCE: side}, bundle.recorded, nullcontext)
    control = PlugAndPlay(sides, places.blocks, until[0], places.projections, until[1])
    negative = ", ".join(words for words in (COLLAGE, plan.negative) if words.strip())
    words = build_conditioning(bundle, plan.prompt, negative, plan.guidance_scale, 1)
    start = Start(path.states[0], 0, (generator_for(plan.seeds[0]),))
    steps = denoise(bundle.unet, schedule, words, start, [control])
    latents = yield from run_to_end(steps, start.latents)
    yield build_images(0, decode(bundle, latents) * len(plan.seeds))


def _schedule(plan: Plan, bundle: ModelBundle) -> Schedule:
    return Schedule(plan.sampler, bundle.scheduler, plan.steps, bundle.device)


def sites_of(unet: Unet) -> _FeatureSites:
    """The second residual block of the second decoder stage (output block 4 of Stable Diffusion),
    and the queries and keys of the decoder's self-attention from there on."""
    stage = unet.up_blocks[1]
    block = f"up_blocks.1.resnets.{min(1, len(stage.resnets) - 1)}.conv2"
    sites = [site.module for site in self_sites(unet) if site.in_decoder]
    later = [name for name in sites if name >= "up_blocks.1.attentions.1"]
    return _FeatureSites(
        (block,), tuple(f"{name}.{part}" for name in later for part in ("to_q", "to_k"))
    )
