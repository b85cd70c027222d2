"""All that decides the pixels of a run, and nothing else: no paths, no device, no clock."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from backend.plan.request import ClipSkip, OptionValue, Sampler, SubjectRef
from backend.scene.layer import Layer, Placement
from backend.scene.records import Digest, FileDigest, Fraction, Identifier, Name, Record, Seed
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


Positions = tuple[Annotated[int, Field(ge=0)], ...]
"""Indices into a tokenised text including its begin token (so the first word is 1)."""


class PlannedLayer(Layer):
    """A layer that takes part: the scene's own, with its placement in generation pixels.

    ``tokens`` are the positions of its phrase in the row of the plan's ``prompt``,
    ``negative_tokens`` those of its own negative words in the row of the plan's ``negative``.
    What decides no pixels of a run (``UNPLANNED``) is left at its default.
    """

    tokens: Positions
    negative_tokens: Positions = ()


UNPLANNED = ("name", "visible", "locked", "negative", "subject", "loras")
"""Fields of a layer that a plan does not keep: they are for people, or went into other fields."""


def plan_layer(
    layer: Layer, placement: Placement, *, tokens: Positions, negative_tokens: Positions
) -> PlannedLayer:
    """The layer as it takes part in a run; ``placement`` is in generation pixels."""
    kept = {name: value for name, value in layer if name not in UNPLANNED}
    own = {"placement": placement, "tokens": tokens, "negative_tokens": negative_tokens}
    return PlannedLayer(**kept | own)


class Cover(Record):
    """What lies above a layer and hides parts of it; the placement is in generation pixels."""

    picture: Digest | None
    mask: Digest | None
    placement: Placement
    opacity: Fraction


class CropWindow(Record):
    """A square of the finished picture, in generation pixels, that is drawn on its own."""

    left_px: Annotated[int, Field(ge=0)]
    top_px: Annotated[int, Field(ge=0)]
    side_px: Annotated[int, Field(ge=1)]

    @property
    def rows(self) -> slice:
        """Of the picture's pixels."""
        return slice(self.top_px, self.top_px + self.side_px)

    @property
    def columns(self) -> slice:
        """Of the picture's pixels."""
        return slice(self.left_px, self.left_px + self.side_px)


class OneLayer(Record):
    """One layer is generated over ``source``; pixels farther than ``feather_px`` from its mask stay
    identical.

    ``above`` are the scene's layers over it, from back to front: what they hide does not belong to
    its mask. ``background`` are the prompt's words without any object's: what would be there
    without the layer. With ``crop``, that square alone is drawn, at the model's own size, and put
    back.
    """

    kind: Literal["layer"] = "layer"
    layer_id: Identifier
    source: Digest
    feather_px: Annotated[int, Field(ge=0)]
    above: tuple[Cover, ...] = ()
    background: str = ""
    crop: CropWindow | None = None


class CloseUp(Record):
    """A small layer that is drawn again close up in the picture that was made of all layers.

    ``layer`` has its tokens in ``prompt``, the words of the window; ``above``, ``background`` and
    ``feather_px`` are those of ``OneLayer``.
    """

    layer: PlannedLayer
    prompt: str
    window: CropWindow
    feather_px: Annotated[int, Field(ge=0)]
    above: tuple[Cover, ...] = ()
    background: str = ""


class WholePicture(Record):
    """Every planned layer is generated; uncovered pixels are the implicit layer 0 with this noise
    level.

    With ``varied``, the id of a planned layer, the candidates differ in that layer's noise only.
    ``close_ups`` are drawn into each candidate after it, in their order.
    """

    kind: Literal["whole"] = "whole"
    uncovered_strength: Fraction = 1.0
    varied: Identifier | None = None
    close_ups: tuple[CloseUp, ...] = ()


class TextualInversionTask(Record):
    """Learn the looks of these layers in at most ``steps`` steps; ``checkpoints`` are unfinished
    ones to go on from.
    """

    kind: Literal["textual_inversion"] = "textual_inversion"
    layer_ids: tuple[Identifier, ...]
    steps: Annotated[int, Field(ge=1)]
    checkpoints: dict[Identifier, FileDigest] = {}


class DecomposeTask(Record):
    """Take the finished picture ``source`` apart into the planned layers."""

    kind: Literal["decompose"] = "decompose"
    source: Digest


class PlannedLora(Record):
    """A LoRA of a run: its file by content. The name only helps to find it, and names no result.

    One with a ``layer_id`` acts on that layer alone, others on the whole model.
    """

    name: Name
    digest: FileDigest
    weight: float
    layer_id: str = ""


class PlannedEmbedding(Record):
    """An embedding of words that the prompts name: its file by content, and how many columns it
    takes.
    """

    name: Name
    digest: FileDigest
    vectors: Annotated[int, Field(ge=1)]


class Plan(Record):
    """The recipe of a run. Same plan, software, hardware class and batch size give the same pixels.

    ``seeds`` has one entry per candidate; ``batch`` candidates run together. ``layers`` go from
    back to front. ``stage1`` is the picture that a method of two stages goes on from; without one
    it makes its own. ``loras`` are those of the scene and of the planned layers. With
    ``weighted_prompt`` the prompts are read as other programs do, and ``embeddings`` are those that
    they name; ``clip_skip`` 2 takes the text encoders' last layer but one. ``notes`` do not decide
    pixels and are left out of the digest. ``task`` is what is made instead of pictures.
    """

    version: Literal[4] = 4
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
    loras: tuple[PlannedLora, ...] = ()
    weighted_prompt: bool = False
    embeddings: tuple[PlannedEmbedding, ...] = ()
    clip_skip: ClipSkip = 1
    stage1: Digest | None = None
    task: Annotated[TextualInversionTask | DecomposeTask, Field(discriminator="kind")] | None = None
    notes: tuple[Note, ...] = ()

    def digest(self) -> str:
        """SHA-256 over everything that decides the pixels.

        What is at its default is no part of the name, so that a field that comes later does not
        rename the plans that say nothing of it.
        """
        record = self.model_dump(
            mode="json",
            exclude={"notes": True, "loras": {"__all__": {"name": True}}},
            exclude_defaults=True,
        )
        return hashlib.sha256(canonical_json(record).encode()).hexdigest()


def move_layer(plan: Plan) -> Plan:
    """The plan with its layer where "move" puts it; every other plan as it is.

    A painted mask stays where it was painted, so a layer that has one is left out: nothing is said
    of it.
    """
    if plan.method != "move" or not isinstance(plan.target, OneLayer):
        return plan
    dx_px, dy_px = (float(plan.options.get(name, 0)) for name in ("dx_px", "dy_px"))
    layers = tuple(
        layer.model_copy(
            update={
                "placement": layer.placement.model_copy(
                    update={
                        "centre_x_px": layer.placement.centre_x_px + dx_px,
                        "centre_y_px": layer.placement.centre_y_px + dy_px,
                    }
                )
            }
        )
        for layer in plan.layers
        if layer.mask is None
    )
    return plan.model_copy(update={"layers": layers})
