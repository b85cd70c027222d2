"""All that decides the pixels of a run, and nothing else: no paths, no device, no clock."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field

from backend.plan.request import OptionValue, Sampler, SubjectRef
from backend.scene.blending import Blend
from backend.scene.layer import (
    Digest,
    Fraction,
    Identifier,
    Name,
    Placement,
    Record,
    Seed,
    Structure,
    Weight,
)
from backend.scene.scene import canonical_json


class Note(Record):
    """Something a person must know about a run; ``layer_id`` is empty when it concerns the whole
    scene.

    ``code`` is stable (hidden, empty, off_canvas, too_small, covered, phrase_missing,
    phrase_truncated, no_phrase, phrase_shared, prompt_truncated, no_prompt, resized); ``text`` is
    the sentence shown.
    """

    code: str
    layer_id: str = ""
    text: str


class PlannedLayer(Record):
    """A layer that takes part. The placement is in generation pixels; tokens are positions in the
    prompt's row.

    ``tokens`` are indices into the tokenised prompt including its begin token (so the first word is
    1).
    """

    layer_id: Identifier
    phrase: str
    tokens: tuple[Annotated[int, Field(ge=0)], ...]
    picture: Digest | None
    mask: Digest | None
    placement: Placement
    opacity: Fraction
    noise: Fraction
    attention_positive: Weight
    attention_negative: Weight
    structure: Structure
    class_label: Name = ""
    seed: Seed | None = None
    look: Digest | None = None
    blend: Blend = "normal"
    negative_tokens: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Positions of the layer's own negative words in the row of the plan's ``negative``."""
    noise_map: Digest | None = None
    heard_from: Fraction = 0.0
    heard_to: Fraction = 1.0


class WholePicture(Record):
    """Every planned layer is generated; uncovered pixels are the implicit layer 0 with this noise
    level.

    With ``varied``, the id of a planned layer, the candidates differ in that layer's noise only.
    """

    kind: Literal["whole"] = "whole"
    uncovered_noise: Fraction = 1.0
    varied: Identifier | None = None


class Cover(Record):
    """What lies above a layer and hides parts of it; the placement is in generation pixels."""

    picture: Digest | None
    mask: Digest | None
    placement: Placement
    opacity: Fraction


class OneLayer(Record):
    """One layer is generated over ``source``; pixels farther than ``feather_px`` from its mask stay
    identical.

    ``above`` are the scene's layers over it, from back to front: what they hide does not belong to
    its mask. ``place`` are the prompt's words without any object's: what would be there without the
    layer.
    """

    kind: Literal["layer"] = "layer"
    layer_id: Identifier
    source: Digest
    feather_px: Annotated[int, Field(ge=0)]
    above: tuple[Cover, ...] = ()
    place: str = ""


class LookTask(Record):
    """Learn the looks of these layers in at most ``steps`` steps; ``begun`` are unfinished ones to
    go on from.
    """

    kind: Literal["looks"] = "looks"
    layer_ids: tuple[Identifier, ...]
    steps: Annotated[int, Field(ge=1)]
    begun: dict[Identifier, Digest] = {}


class ApartTask(Record):
    """Take the finished picture ``source`` apart into the planned layers."""

    kind: Literal["apart"] = "apart"
    source: Digest


class Plan(Record):
    """The recipe of a run. Same plan, software, hardware class and batch size give the same pixels.

    ``seeds`` has one entry per candidate; ``batch`` candidates run together. ``layers`` go from
    back to front. ``draft`` is the picture that a method of two stages goes on from; without one it
    makes its own. ``notes`` do not decide pixels and are left out of the digest. ``task`` is what
    is made instead of pictures.
    """

    version: Literal[1] = 1
    model: Identifier
    method: Identifier
    sampler: Sampler
    steps: Annotated[int, Field(ge=1, le=200)]
    guidance_scale: Annotated[float, Field(ge=1.0, le=30.0)]
    width_px: Annotated[int, Field(ge=8)]
    height_px: Annotated[int, Field(ge=8)]
    prompt: str
    negative: str
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    batch: Annotated[int, Field(ge=1)]
    layers: tuple[PlannedLayer, ...]
    target: Annotated[WholePicture | OneLayer, Field(discriminator="kind")]
    options: dict[str, OptionValue] = {}
    subject: SubjectRef | None = None
    draft: Digest | None = None
    task: Annotated[LookTask | ApartTask, Field(discriminator="kind")] | None = None
    notes: tuple[Note, ...] = ()

    def digest(self) -> str:
        """SHA-256 over everything that decides the pixels; what a plan does not have is no part of
        its name.
        """
        left_out = {"notes"} | {
            name for name in ("subject", "draft", "task") if getattr(self, name) is None
        }
        record: dict[str, Any] = self.model_dump(mode="json", exclude=left_out)
        _forget_defaults(record["target"], {"varied": None})
        for layer in record["layers"]:
            _forget_defaults(layer, {"noise_map": None, "heard_from": 0.0, "heard_to": 1.0})
        return hashlib.sha256(canonical_json(record).encode()).hexdigest()


def _forget_defaults(record: dict[str, Any], later: dict[str, Any]) -> None:
    """Leave out fields that came later and say nothing, so that old plans keep their names."""
    for name, default in later.items():
        if record.get(name, default) == default:
            record.pop(name, None)
