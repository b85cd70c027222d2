"""One object of a scene: its pixels, its place, its words, and how far it may change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=5.0)]
Name = Annotated[str, Field(max_length=200)]
Words = Annotated[str, Field(max_length=4000)]
Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]

StructureKind = Literal["none", "edges"]


class Record(BaseModel):
    """A frozen, strict record: unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Placement(Record):
    """Where a picture lies on the canvas.

    A source pixel p (measured from the picture's centre) lands at
    ``centre + R(rotation) · diag(±scale_x, ±scale_y) · p``, in canvas pixels; y points down and a positive
    rotation turns clockwise on the screen. Flips mirror the picture before it is turned.
    """

    centre_x_px: Annotated[float, Field(ge=-32768, le=32768)]
    centre_y_px: Annotated[float, Field(ge=-32768, le=32768)]
    scale_x: Annotated[float, Field(gt=0, le=1000)] = 1.0
    scale_y: Annotated[float, Field(gt=0, le=1000)] = 1.0
    rotation_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0
    flip_x: bool = False
    flip_y: bool = False


class Structure(Record):
    """How strongly the layer's own structure is held (Collage Diffusion, section 4.3)."""

    kind: StructureKind = "none"
    weight: Fraction = 0.0


class Layer(Record):
    """One object of the scene. Pixels are referred to by the SHA-256 of their stored PNG.

    ``picture`` is an RGBA picture of its own size; ``mask`` a painted 8-bit mask of the canvas' size (1 = inside).
    A layer has at least one of the two. ``phrase`` should stand in the scene's prompt. ``noise`` is the fraction of
    the steps in which the layer may change ("freedom"; t_i of Collage Diffusion, section 4.4). The attention weights
    are v_pos and v_neg of section 4.2. ``seed`` is the layer's own noise stream, when it has one.
    """

    id: Identifier
    name: Name = ""
    picture: Digest | None = None
    mask: Digest | None = None
    placement: Placement
    opacity: Fraction = 1.0
    visible: bool = True
    locked: bool = False
    phrase: Name = ""
    negative: Name = ""
    noise: Fraction = 0.6
    attention_positive: Weight = 0.5
    attention_negative: Weight = 0.8
    structure: Structure = Structure()
    look: Digest | None = None
    subject: Identifier | None = None
    class_label: Name = ""
    seed: Seed | None = None
