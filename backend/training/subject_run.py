"""What every method that draws a personal subject needs before its loop: the subject, its
reference, known paths.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.engine.attention_maps import MapMean, threshold_map
from backend.engine.conditioning import Conditioning, embed
from backend.engine.cut_out import cut_out
from backend.engine.decode import encode_mean
from backend.engine.denoise import predictor
from backend.engine.invert import Trajectory, invert
from backend.engine.loop_types import Moment, Network, Step
from backend.engine.reference_branch import AdapterScope, run_with_adapter
from backend.errors import RequestError
from backend.models.adapter import Adapter, adapter_from_bytes, check_fits, prepare_adapter
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from backend.plan.plan import Plan
from backend.scene.formats.blobs import Contents
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import canonical_json
from backend.training.adapters import fit_picture
from backend.training.prompts import MARK, embed_subject, mark_subject, read_subject_prompt

LOOKED_SHARE = 0.6
"""At which of its states a reference is asked where the subject is: late enough to show it, early
enough to ask.
"""
OVER = 0.3
"""Of a map brought to 0…1, where a subject is asked for in a reference (Photoswap's; a lower cut
keeps a wide halo).
"""
REFERENCE_PROMPT = f"a {MARK}"
"""y_r, the neutral words; the paper says "a photo of <*>", but not every model draws photographs.
"""


@dataclass(frozen=True, eq=False)
class SubjectRun:
    """A plan's subject on a leased bundle. ``reference`` is uint8 (h, w, 3) at the plan's size."""

    plan: Plan
    bundle: ModelBundle
    subject: Adapter
    reference: Picture = field(repr=False)
    adapter: AdapterScope = field(repr=False)

    def schedule(self) -> Schedule:
        """A fresh schedule: one a loop, for they remember."""
        return Schedule(
            self.plan.sampler, self.bundle.scheduler, self.plan.steps, self.bundle.device
        )

    def conditioning(self, spoken: Tensor, path: str) -> Conditioning:
        """One row of a path under these words (1, tokens, width), against the plan's negative
        prompt.
        """
        negative = embed(self.bundle, self.plan.negative)
        return Conditioning(spoken, negative, self.plan.guidance_scale, 1, ((path, 1),))

    def embed(self, prompt: str) -> tuple[Tensor, tuple[int, ...]]:
        """(1, tokens, width) of a prompt that speaks of the subject, and the positions that do."""
        return embed_subject(self.bundle, prompt, self.subject)

    def other_words(self, prompt: str) -> tuple[int, ...]:
        """The positions of a prompt's words that do not speak of the subject."""
        sentence = read_subject_prompt(self.bundle, prompt, self.subject)
        length = int(sentence.row.mask.sum())
        return tuple(
            position for position in range(1, length - 1) if position not in sentence.tokens
        )

    def reference_key(self) -> str:
        """A name for the reference's states: of the pictures' size, the steps, the subject and its
        reference alone.
        """
        plan = self.plan
        return digest(
            [plan.width_px, plan.height_px, plan.steps, plan.subject and plan.subject.model_dump()]
        )


def digest(value: Any) -> str:
    """A short name of plain values."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def subject_run(plan: Plan, bundle: ModelBundle, pixels: Contents) -> SubjectRun:
    """The plan's subject; a RequestError when it cannot be drawn so, before anything is
    computed.
    """
    if plan.sampler != "ddim":
        raise RequestError(
            f"A subject cannot be drawn with the sampler {plan.sampler}.",
            limit="The method walks back from pictures, and only DDIM can be walked back.",
            remedy="Choose ddim.",
        )
    if plan.subject is None:
        raise RequestError(
            "The method draws a subject, and none was chosen.", remedy="Choose a subject."
        )
    subject = adapter_from_bytes(pixels.blob(plan.subject.subject))
    check_fits(subject, bundle)
    mark_subject(plan.prompt, subject.class_word)  # refuses a prompt without the subject
    reference = fit_picture(pixels.picture(plan.subject.reference), plan.width_px, plan.height_px)
    return SubjectRun(plan, bundle, subject, reference, prepare_adapter(bundle.unet, subject))


def invert_reference(
    run: SubjectRun, picture: Picture, key: str
) -> Generator[Step, None, Trajectory]:
    """A picture's states, by inversion with empty words and the subject's weights, or remembered
    under ``key``.
    """
    found = run.bundle.recorded.find(key, -1)
    if found is not None:
        return Trajectory(found)
    empty = embed(run.bundle, "")
    words = Conditioning(empty, empty, 1.0, 1)
    clean = encode_mean(run.bundle, picture)
    path = yield from run_with_adapter(
        run.adapter, invert(run.bundle.unet, run.schedule(), words, clean)
    )
    run.bundle.recorded.keep(key, -1, path.states)
    return path


@torch.no_grad()
def attention_map(run: SubjectRun, path: Trajectory, k: int) -> Tensor:
    """Where the subject's words look in a known path's state k: float (h, w) in 0..1, the least at
    0, the most at 1.
    """
    spoken, tokens = run.embed(REFERENCE_PROMPT)
    words, schedule, state = run.conditioning(spoken, "reference"), run.schedule(), path.states[k]
    network = Network(run.bundle.unet, Moment(words.rows, k), *state.shape[-2:])
    maps = MapMean(tokens, "reference", 0)
    with run.adapter(), maps.watching(network):
        predictor(run.bundle.unet, schedule, words)(state, k)
    mean = maps.mean()
    assert mean is not None
    return (mean[0] - mean.min()) / (mean.max() - mean.min()).clamp_min(
        torch.finfo(mean.dtype).tiny
    )


def reference_mask(run: SubjectRun, path: Trajectory) -> NDArray[np.bool_]:
    """Where the reference shows the subject, bool (h, w): cut out by SAM, else where its words
    look.
    """
    key = f"{run.reference_key()} shown"
    found = run.bundle.recorded.find(key, -1)
    if found is not None:
        return np.asarray(found[0].numpy(), np.bool_)
    looked = attention_map(run, path, round(LOOKED_SHARE * run.plan.steps))
    inside = cut_out(run.bundle, run.reference, looked, OVER)
    if not inside.size:
        inside = threshold_map(looked, run.reference.shape[:2], OVER)
    run.bundle.recorded.keep(key, -1, (torch.from_numpy(inside.copy()),))
    return inside
