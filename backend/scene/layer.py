"""One object of a scene: its pixels, its place, its words, and how far it may change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backend.scene.imaging.blending import Blend
from backend.scene.records import (
    Digest,
    FileDigest,
    Fraction,
    Identifier,
    Name,
    Record,
    Seed,
    Weight,
)

MAX_LORAS = 16
MAX_LORA_WEIGHT = 4.0
StructureKind = Literal["none", "edges", "soft_edges", "depth"]


class Placement(Record):
    """Where a picture lies on the canvas.

    A source pixel p (measured from the picture's centre) lands at ``centre + R(rotation) ·
    diag(±scale_x, ±scale_y) · p``, in canvas pixels; y points down and a positive rotation turns
    clockwise on the screen. Flips mirror the picture before it is turned.
    """

    centre_x_px: Annotated[float, Field(ge=-32768, le=32768)]
    centre_y_px: Annotated[float, Field(ge=-32768, le=32768)]
    scale_x: Annotated[float, Field(gt=0, le=1000)] = 1.0
    scale_y: Annotated[float, Field(gt=0, le=1000)] = 1.0
    rotation_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0
    flip_x: bool = False
    flip_y: bool = False


class LoraChoice(Record):
    """A LoRA by the name of its file, and how much of it is applied: 1 as it was trained."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    weight: Annotated[float, Field(ge=-MAX_LORA_WEIGHT, le=MAX_LORA_WEIGHT)] = 1.0


LoraChoices = Annotated[tuple[LoraChoice, ...], Field(max_length=MAX_LORAS)]
"""Several are applied together; their changes are summed."""


class Structure(Record):
    """How strongly the layer's own structure is held (Collage Diffusion, section 4.3)."""

    kind: StructureKind = "none"
    weight: Fraction = 0.0


class Layer(Record):
    """One object of the scene. Pixels are referred to by the SHA-256 of their stored PNG.

    ``picture`` is an RGBA picture of its own size; ``mask`` a painted 8-bit mask of the canvas'
    size (1 = inside). A layer has at least one of the two. ``phrase`` should stand in the scene's
    prompt. ``strength`` is the fraction of the steps in which the layer may change ("freedom"; t_i
    of Collage Diffusion, section 4.4). The attention weights are v_pos and v_neg of section 4.2.
    ``blend`` is how the picture meets the layers below. ``seed`` is the layer's own noise stream,
    when it has one. ``strength_map`` is a painted 8-bit grey map of the canvas' size that says the
    freedom pixel by pixel (0 held, 255 free) in place of ``strength``. The phrase is heard from the
    share ``prompt_start`` of all steps up to the share ``prompt_end``, where region attention is
    on. ``loras`` act on the layer's region and words alone.
    """

    id: Identifier
    name: Name = ""
    picture: Digest | None = None
    mask: Digest | None = None
    placement: Placement
    opacity: Fraction = 1.0
    blend: Blend = "normal"
    visible: bool = True
    locked: bool = False
    phrase: Name = ""
    negative: Name = ""
    strength: Fraction = 0.6
    attention_positive: Weight = 0.5
    attention_negative: Weight = 0.8
    structure: Structure = Structure()
    embedding: FileDigest | None = None
    subject: Identifier | None = None
    class_label: Name = ""
    seed: Seed | None = None
    strength_map: Digest | None = None
    prompt_start: Fraction = 0.0
    prompt_end: Fraction = 1.0
    loras: LoraChoices = ()
