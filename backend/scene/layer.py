"""One object of a scene: its pixels, its place, its words, and how far it may change."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.scene.blending import Blend

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=5.0)]
Name = Annotated[str, Field(max_length=200)]
Words = Annotated[str, Field(max_length=4000)]
Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]

StructureKind = Literal["none", "edges", "soft_edges", "depth"]
SHOWN_CHARACTERS = 60
"""Of a wrong value, as much as still fits into a sentence."""


class Record(BaseModel):
    """A frozen, strict record: unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


class Refusal(NamedTuple):
    """Why a record was refused: the three parts of a LaminaError."""

    what: str
    limit: str
    remedy: str


def first_refusal(error: ValidationError, whole: str, outer: tuple[str, ...] = ()) -> Refusal:
    """The first complaint of a failed validation, in words for a person.

    ``whole`` names the record where no single field is at fault ("scene"); ``outer`` are parts of a
    field's path that say nothing to a person (the kinds of a union).
    """
    first = error.errors(include_url=False, include_context=False)[0]
    field = _short(".".join(str(part) for part in first["loc"] if part not in outer))
    limit = first["msg"].removeprefix("Value error, ").rstrip(".") + "."
    remedy = f"Correct {field or f'the {whole}'} and try again."
    if first["type"] == "missing":
        return Refusal(f"{field} is missing.", f"The {whole} needs it.", remedy)
    if not field:
        return Refusal(f"The {whole} cannot be used.", limit[:1].upper() + limit[1:], remedy)
    return Refusal(f"{field} = {_display(first.get('input'))} cannot be used.", limit, remedy)


def _display(value: object) -> str:
    """A value as part of a sentence; what JSON calls null (a NaN from a page, say) is "not a
    value".
    """
    return "not a value" if value is None else _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


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
    on.
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
    embedding: Digest | None = None
    subject: Identifier | None = None
    class_label: Name = ""
    seed: Seed | None = None
    strength_map: Digest | None = None
    prompt_start: Fraction = 0.0
    prompt_end: Fraction = 1.0
