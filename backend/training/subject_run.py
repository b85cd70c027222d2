"""What every method that draws a personal subject needs before its loop: the subject, its
reference, known paths.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.engine.attention_maps import MapMean, cut_subject, threshold_map
from backend.engine.conditioning import Conditioning, embed
from backend.engine.decode import encode_mean
from backend.engine.denoise import predictor
from backend.engine.invert import Trajectory, invert
from backend.engine.loop_types import Moment, Network, Step
from backend.engine.reference_branch import (
    AdapterScope,
    FeatureSpan,
    ReferenceBranch,
    ReferencePath,
    run_with_adapter,
)
from backend.errors import RequestError
from backend.models.adapter import Adapter, adapter_from_bytes, check_fits, prepare_adapter
from backend.models.bundle import ModelBundle, RecordKey
from backend.models.schedule import Schedule
from backend.plan.plan import Plan
from backend.plan.request import Sampler
from backend.scene.blobs import Contents
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import canonical_json
from backend.training.adapters import fit_picture
from backend.training.prompts import (
    MARK,
    embed_subject,
    mark_subject,
    plain_prompt,
    read_subject_prompt,
)

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

    def conditioning(self, positive: Tensor, path: str) -> Conditioning:
        """One row of a path under these words (1, tokens, width), against the plan's negative
        prompt.
        """
        negative = embed(self.bundle, self.plan.negative)
        return Conditioning(positive, negative, self.plan.guidance_scale, 1, ((path, 1),))

    def embed(self, prompt: str) -> tuple[Tensor, tuple[int, ...]]:
        """(1, tokens, width) of a prompt that speaks of the subject, and the positions that do."""
        return embed_subject(self.bundle, prompt, self.subject)

    def plain_words(self, path: str) -> Conditioning:
        """One row of a path under the plan's prompt with the class's word for the subject."""
        words = plain_prompt(self.plan.prompt, self.subject.class_word)
        return self.conditioning(embed(self.bundle, words), path)

    def reference_words(self) -> Conditioning:
        """One row of the path "reference" under y_r."""
        return self.conditioning(self.embed(REFERENCE_PROMPT)[0], "reference")

    def map_subject(self, prompt: str, path: str, first: int, competing: bool = False) -> MapMean:
        """Where the subject's words of a prompt look in a path, from step ``first`` on.

        With ``competing`` the prompt's other words compete with them for a place.
        """
        sentence = read_subject_prompt(self.bundle, prompt, self.subject)
        others = range(1, int(sentence.row.mask.sum()) - 1) if competing else ()
        competing_tokens = [token for token in others if token not in sentence.tokens]
        return MapMean(sentence.tokens, path, first, competing_tokens)

    def reference_key(self) -> RecordKey:
        """A name for the reference's states: of the pictures' size, the steps, the subject and its
        reference alone.
        """
        plan = self.plan
        subject = plan.subject and plan.subject.model_dump()
        facts = [plan.width_px, plan.height_px, plan.steps, subject]
        return RecordKey("reference", digest(facts))

    def replay_reference(
        self, path: Trajectory, purpose: str, begin: int, modules: tuple[str, ...]
    ) -> ReferencePath:
        """The reference from its stored states under y_r; the outputs of these modules are wanted
        from step ``begin`` on.
        """
        plan = self.plan
        facts = [self.reference_key().digest, plan.guidance_scale, plan.negative, begin]
        span = FeatureSpan(begin, plan.steps, modules)
        key = RecordKey(purpose, digest(facts))
        return ReferencePath(key, path, self.reference_words(), (span,))

    def open_branch(
        self, schedule: Schedule, paths: Mapping[str, ReferencePath]
    ) -> ReferenceBranch:
        """These paths beside a loop of this schedule, under the subject's weights."""
        bundle = self.bundle
        return ReferenceBranch(bundle.unet, schedule, paths, bundle.recorded, self.adapter)

    def layout_key(self, options: Mapping[str, Any], seed: int) -> RecordKey:
        """A name for the layout of a seed: of the plan without its reference, and of these of its
        options.
        """
        left_out: Any = dict.fromkeys(("notes", "seeds", "batch", "options"), True)
        left_out["subject"] = {"reference"}
        facts = self.plan.model_dump(mode="json", exclude=left_out)
        return RecordKey("layout", digest({**facts, **options}), (seed,))


def digest(value: Any) -> str:
    """A short name of plain values."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def subject_run(plan: Plan, bundle: ModelBundle, pixels: Contents) -> SubjectRun:
    """The plan's subject; a RequestError when it cannot be drawn so, before anything is
    computed.
    """
    if plan.sampler != Sampler.DDIM:
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
    run: SubjectRun, picture: Picture, key: RecordKey
) -> Generator[Step, None, Trajectory]:
    """A picture's states, by inversion with empty words and the subject's weights, or remembered
    under ``key``.
    """
    found = run.bundle.recorded.find(key)
    if found is not None:
        return Trajectory(found)
    empty = embed(run.bundle, "")
    words = Conditioning(empty, empty, 1.0, 1)
    clean = encode_mean(run.bundle, picture)
    path = yield from run_with_adapter(
        run.adapter, invert(run.bundle.unet, run.schedule(), words, clean)
    )
    run.bundle.recorded.keep(key, None, path.states)
    return path


@torch.no_grad()
def attention_map(run: SubjectRun, path: Trajectory, k: int) -> Tensor:
    """Where the subject's words look in a known path's state k: float (h, w) in 0..1, the least at
    0, the most at 1.
    """
    words, schedule, state = run.reference_words(), run.schedule(), path.states[k]
    network = Network(run.bundle.unet, Moment(words.rows, k), *state.shape[-2:])
    maps = run.map_subject(REFERENCE_PROMPT, "reference", 0)
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
    key = replace(run.reference_key(), purpose="reference mask")
    found = run.bundle.recorded.find(key)
    if found is not None:
        return np.asarray(found[0].numpy(), np.bool_)
    looked = attention_map(run, path, round(LOOKED_SHARE * run.plan.steps))
    inside = cut_subject(run.bundle, run.reference, looked, OVER)
    if not inside.size:
        inside = threshold_map(looked, run.reference.shape[:2], OVER)
    run.bundle.recorded.keep(key, None, (torch.from_numpy(inside.copy()),))
    return inside
