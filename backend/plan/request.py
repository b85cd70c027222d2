"""What a person asks for: a whole picture, one object again, learned looks, a picture's layers, or
the training of a subject.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from backend.errors import RequestError
from backend.scene.records import (
    Digest,
    FileDigest,
    Identifier,
    Name,
    Record,
    Seed,
    draw_seed,
    explain_refusal,
    is_any_seed,
)

OptionValue = bool | int | float | str
MAX_STEPS = 200
MAX_TRIES = 8
"""Of a layer that comes out in one picture of three, 8 tries of one picture miss all in 4 cases of
100.
"""
MAX_EMBEDDING_STEPS = 2000
"""Eight times what the released code takes; a look has settled long before."""
LCM_STEPS = 50
"""The steps that LCM models were distilled on (diffusers' original_inference_steps): its timesteps
lie on that grid.
"""


class Sampler(StrEnum):
    """How a state follows from the one before it (``backend/models/schedule.py``)."""

    DDIM = "ddim"
    DDIM_TRAILING = "ddim_trailing"
    EULER = "euler"
    EULER_KARRAS = "euler_karras"
    EULER_TRAILING = "euler_trailing"
    EULER_ANCESTRAL = "euler_ancestral"
    DPMPP_2M = "dpmpp_2m"
    DPMPP_2M_KARRAS = "dpmpp_2m_karras"
    DPMPP_2M_SDE_KARRAS = "dpmpp_2m_sde_karras"
    DPMPP_SINGLE = "dpmpp_single"
    UNIPC = "unipc"
    UNIPC_KARRAS = "unipc_karras"
    DEIS = "deis"
    LMS = "lms"
    LMS_KARRAS = "lms_karras"
    HEUN = "heun"
    DPM2 = "dpm2"
    DDPM = "ddpm"
    LCM = "lcm"
    TCD = "tcd"


DISTILLED = frozenset({Sampler.LCM, Sampler.TCD})
"""Samplers of models that were distilled to few steps; their timesteps lie on a grid of 50."""


class RequestKind(StrEnum):
    """What a job was asked for; trainings of subjects are asked for by a verb of their own."""

    COMPOSE = "compose"
    REROLL = "reroll"
    LEARN = "learn"
    DECOMPOSE = "decompose"
    SUBJECT = "subject"


ClipSkip = Annotated[int, Field(ge=1, le=4)]
"""1 takes the last layer of the text encoders, 2 the one before it, as A1111 counts."""


class RunSettings(Record):
    """The dials of a run. ``options`` are the method's own and are checked by its Options type.

    With ``weighted_prompt`` words have weights, ``(word:1.2)``, name LoRAs and embeddings, and fill
    as many rows as they need; without, as scenes of before have it, all of that is words.
    """

    model: Identifier = "pocket"
    method: Identifier = "collage"
    sampler: Sampler = Sampler.DDIM
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 30
    guidance_scale: Annotated[float, Field(ge=1.0, le=30.0)] = 5.0
    seed: Seed = 0
    count: Annotated[int, Field(ge=1, le=16)] = 4
    options: dict[str, OptionValue] = {}
    weighted_prompt: bool = False
    clip_skip: ClipSkip = 1


NEW_SCENE = RunSettings(weighted_prompt=True)
"""What a new scene begins with."""


class SubjectRef(Record):
    """A personal subject for methods that draw one: the picture that holds its file, and a picture
    that shows it.
    """

    subject: FileDigest
    reference: Digest


class Compose(Record):
    """Make ``count`` pictures of the whole scene; with ``subject``, of that one in it.

    With ``stage1``, the digest of a first stage's picture, a method of two stages runs the second
    one only. With ``varied``, a layer's id, the candidates differ in that layer only (Collage
    Diffusion). With ``close_ups``, small layers that are to be drawn are drawn again in a window
    around them, by models that draw small things badly (Collage Diffusion alone).
    """

    kind: Literal[RequestKind.COMPOSE] = RequestKind.COMPOSE
    settings: RunSettings = RunSettings()
    subject: SubjectRef | None = None
    stage1: Digest | None = None
    varied: Identifier | None = None
    close_ups: bool = False


class Reroll(Record):
    """Make one layer again over a finished picture that stays as it is (Collage Diffusion, section
    4.5).

    ``source`` is the digest of the picked candidate's PNG; ``feather_px`` (generation pixels) how
    far beyond the layer's mask the new pixels may blend into it. ``tries``: make up to that many
    times ``count`` candidates, with new seeds, until one of them passes its scores. With ``crop``,
    a small layer is drawn in a window around it (Collage Diffusion alone).
    """

    kind: Literal[RequestKind.REROLL] = RequestKind.REROLL
    settings: RunSettings = RunSettings()
    layer_id: Identifier
    source: Digest
    feather_px: Annotated[int, Field(ge=0, le=256)] = 4
    tries: Annotated[int, Field(ge=1, le=MAX_TRIES)] = 1
    subject: SubjectRef | None = None
    crop: bool = False


class LearnEmbeddings(Record):
    """Learn how these layers look, all in one batch (Collage Diffusion, section 4.3), in at most
    ``steps`` steps.

    ``checkpoints`` are pictures of unfinished looks to go on from, by layer. The released code
    takes 250 steps.
    """

    kind: Literal[RequestKind.LEARN] = RequestKind.LEARN
    settings: RunSettings = RunSettings()
    layer_ids: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    steps: Annotated[int, Field(ge=1, le=MAX_EMBEDDING_STEPS)] = 250
    checkpoints: dict[Identifier, FileDigest] = {}


class Decompose(Record):
    """Make the finished picture ``source`` layers again: one for each layer with words that is
    found in it.
    """

    kind: Literal[RequestKind.DECOMPOSE] = RequestKind.DECOMPOSE
    settings: RunSettings = RunSettings()
    source: Digest


AnyRequest = Compose | Reroll | LearnEmbeddings | Decompose
Request = Annotated[AnyRequest, Field(discriminator="kind")]
_EITHER: Any = Request  # a special form: type checkers know no type of it
_ADAPTER: TypeAdapter[AnyRequest] = TypeAdapter(_EITHER)


def build_request(record: Any) -> AnyRequest:
    """A request from an untrusted value; a RequestError names the first field that is wrong, or too
    many steps.

    Numbers must be numbers (no truth values, no digits in quotes) and finite. A seed of −1 is a
    new one.
    """
    kinds = tuple(RequestKind)
    try:
        with explain_refusal(RequestError, "request", outer=kinds):
            request = _ADAPTER.validate_json(json.dumps(_with_seed(record)), strict=True)
    except (TypeError, ValueError, RecursionError):
        raise RequestError(
            "The request is not a plain JSON record.", remedy="Send it again."
        ) from None
    check_steps(request.settings.sampler, request.settings.steps)
    return request


def _with_seed(record: Any) -> Any:
    """The record with a drawn seed in place of −1."""
    settings = record.get("settings") if isinstance(record, dict) else None
    if not isinstance(settings, dict) or not is_any_seed(settings.get("seed")):
        return record
    return {**record, "settings": {**settings, "seed": draw_seed()}}


def check_steps(sampler: str, steps: int) -> None:
    """A RequestError when the sampler cannot take that many steps.

    It is no rule of Settings: a desk may hold such a pair while its sliders are being moved.
    """
    most = LCM_STEPS if sampler in DISTILLED else MAX_STEPS
    if not 1 <= steps <= most:
        raise RequestError(
            f"{steps} steps were asked for.",
            limit=f"The sampler {sampler} takes 1 to {most}.",
            remedy="Choose another number of steps or another sampler.",
        )


class TrainingMethod(StrEnum):
    """How a model learns a subject, and what an adapter is made of."""

    TEXTUAL_INVERSION = "textual_inversion"
    CUSTOM_DIFFUSION = "custom_diffusion"
    DREAMBOOTH = "dreambooth"
    DREAMBOOTH_LORA = "dreambooth_lora"


TRAINING_TITLES: Mapping[TrainingMethod, str] = MappingProxyType(
    {
        TrainingMethod.DREAMBOOTH_LORA: "DreamBooth, low rank",
        TrainingMethod.CUSTOM_DIFFUSION: "Custom Diffusion",
        TrainingMethod.TEXTUAL_INVERSION: "Textual inversion",
        TrainingMethod.DREAMBOOTH: "DreamBooth, whole network",
    }
)
"""What a person calls the methods; the first is offered first: small, and the quickest to learn."""

CLASS_STEPS: Mapping[TrainingMethod, int] = MappingProxyType(
    {
        TrainingMethod.DREAMBOOTH_LORA: 40,
        TrainingMethod.CUSTOM_DIFFUSION: 40,
        TrainingMethod.TEXTUAL_INVERSION: 0,
        TrainingMethod.DREAMBOOTH: 40,
    }
)
"""Steps in which a method draws pictures of the class before it learns; they come on top of the
steps that were asked for.
"""

MAX_REFERENCES = 20
MAX_TRAINING_STEPS = 5000
"""Five times what the papers take at most."""


class TrainingJob(Record):
    """One training. Pictures are referred to by digest; where one is transparent its alpha says
    where the subject is.

    ``steps`` 0 takes the method's own number. ``checkpoint`` names what an earlier training left
    half learned, to go on from there.
    """

    model: Identifier
    method: TrainingMethod
    class_word: Name
    references: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=MAX_REFERENCES)]
    steps: Annotated[int, Field(ge=0, le=MAX_TRAINING_STEPS)] = 0
    seed: Seed = 0
    checkpoint: FileDigest | None = None
