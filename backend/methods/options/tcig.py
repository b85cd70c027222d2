"""What TCIG can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from backend.plan.card import PAPER_SIDE_PX
from backend.scene.records import Record

TOLERANCE_ENDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"strength": (0.35, 0.7), "feather_px": (0.0, 24.0), "guidance": (0.4, 0.5)}
)
"""What the mask tolerance sets where it is 0 and where it is 1, in between in proportion. 0.35 to
0.7 suit image-to-image. A start from a draft needs little guidance, and a looser one hardly more:
on layouts for development the pictures came nearer to drawings with .4 than with .75 or 1, by the
Fréchet distance, and at tolerance .8 with .5 than with .7 or 1.
"""


@dataclass(frozen=True)
class TcigDials:
    """What the mask tolerance stands for.

    Attributes:
        strength: of stage 2, share of the steps, 0..1.
        feather_px: of the masks, in pixels of a 512 px picture.
        guidance: a factor on the guidance scale.
    """

    strength: float
    feather_px: float
    guidance: float


SAMPLED_STARTS = ("sample", "background")
"""The starts of stage 1 that the diffusion model draws."""
SAMPLE_STEPS = 8
"""Of the sample that a fit begins with; those of twice as many looked the same."""


class TcigOptions(Record):
    """What TCIG can be told besides the layers' own sliders."""

    mask_tolerance: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.5,
        title="Mask tolerance",
        description=(
            "How little the outlines of the masks bind: sets strength, feather and "
            "guidance together."
        ),
        json_schema_extra={
            "section": "3.2",
            "unit": "share",
            "step": 0.05,
            "sets": {name: list(ends) for name, ends in TOLERANCE_ENDS.items()},
            "unless": "by_hand",
        },
    )
    by_hand: bool = Field(
        False,
        title="Set strength, feather and guidance by hand",
        description="Take the three values below instead of those that the mask tolerance sets.",
        json_schema_extra={"section": "3.2"},
    )
    strength: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.5,
        title="Strength",
        description="How far stage 2 may change the draft, when set by hand.",
        json_schema_extra={"section": "3.2", "unit": "share of the steps", "step": 0.05},
    )
    feather_px: Annotated[float, Field(ge=0.0, le=64.0)] = Field(
        8.0,
        title="Feather",
        description="How softly the masks end, when set by hand.",
        json_schema_extra={
            "section": "3.2",
            "unit": f"px of a {PAPER_SIDE_PX} px picture",
            "step": 1.0,
        },
    )
    guidance: Annotated[float, Field(ge=0.25, le=2.0)] = Field(
        1.0,
        title="Guidance in stage 2",
        description="The guidance scale of stage 2 in units of the general one, when set by hand.",
        json_schema_extra={"section": "3.2", "unit": "×", "step": 0.05},
    )
    attention: bool = Field(
        True,
        title="Region attention",
        description="In stage 2, draw each layer's words into its mask (not in the paper).",
        json_schema_extra={"section": "3.2"},
    )
    keep_pictures: bool = Field(
        True,
        title="Keep pictures of strength 0",
        description=(
            "Layers with a picture whose strength is 0 keep their own pixels (not in the paper)."
        ),
        json_schema_extra={"section": "3.2"},
    )
    refine: bool = Field(
        True,
        title="Stage 2",
        description="Redraw the drafts by diffusion; off, the drafts themselves are the pictures.",
        json_schema_extra={"section": "3.2"},
    )
    per_stage1: Annotated[int, Field(ge=1, le=8)] = Field(
        1,
        title="Pictures of each draft",
        description="How many candidates in a row are drawn from one draft.",
        json_schema_extra={"section": "4", "unit": "pictures"},
    )
    iterations: Annotated[int, Field(ge=10, le=1000)] = Field(
        100,
        title="Iterations of stage 1",
        description="Steps of the fit; large models want 300 to 500.",
        json_schema_extra={"section": "3.1", "unit": "steps", "step": 10},
    )
    start: Literal["sample", "background", "regions", "random"] = Field(
        "sample",
        title="Start of stage 1",
        description="A short draw by the diffusion model; only its place, with each mask in "
        "one colour; colours alone; "
        "or, as in the paper, random codes.",
        json_schema_extra={"section": "3.1"},
    )
    draws: Annotated[int, Field(ge=1, le=200)] = Field(
        24,
        title="Colours tried",
        description=(
            "Where no words name a colour, so many random ones are tried for each "
            "region at the start."
        ),
        json_schema_extra={"section": "3.1", "unit": "colours"},
    )
    half_size: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.6,
        title="Iterations at half size",
        description=(
            "Share of the iterations that draw at half size, where a start from "
            "regions is four times cheaper."
        ),
        json_schema_extra={"section": "3.1", "unit": "share of the iterations", "step": 0.05},
    )
    learning_rate: Annotated[float, Field(ge=0.005, le=1.0)] = Field(
        0.1,
        title="Learning rate of stage 1",
        description="How far a step of the fit goes.",
        json_schema_extra={
            "section": "3.1",
            "unit": "Adam's, in deviations of the codebook",
            "step": 0.005,
        },
    )
    text_weight: Annotated[float, Field(ge=0.0, le=10.0)] = Field(
        1.0,
        title="Weight of the words",
        description="How strongly stage 1 follows the prompt.",
        json_schema_extra={"section": "3.1", "unit": "α of eq. 2", "step": 0.1},
    )
    layer_words: Annotated[float, Field(ge=0.0, le=10.0)] = Field(
        2.0,
        title="Weight of each layer's words",
        description=(
            "How strongly stage 1 draws each layer's own words around its mask (not in the paper)."
        ),
        json_schema_extra={"section": "3.1", "unit": "× weight of the words", "step": 0.5},
    )
    segment_weight: Annotated[float, Field(ge=0.0, le=50.0)] = Field(
        5.0,
        title="Weight of the masks",
        description=(
            "How strongly stage 1 follows the masks; at 1 their gradient is as long "
            "as that of the words."
        ),
        json_schema_extra={"section": "3.1", "unit": "α of eq. 2", "step": 0.5},
    )
    cutouts: Annotated[int, Field(ge=1, le=64)] = Field(
        4,
        title="Cutouts",
        description="Random views of the draft that are compared with the prompt at each step.",
        json_schema_extra={"section": "3.1", "unit": "views"},
    )
    views: Annotated[int, Field(ge=0, le=8)] = Field(
        1,
        title="Views for the segmenters",
        description=(
            "Random views of draft and masks at each step, against mere texture; 0 "
            "shows the plain draft."
        ),
        json_schema_extra={"section": "3.1", "unit": "views"},
    )

    def dials(self) -> TcigDials:
        """The three dials behind the mask tolerance, or those by hand."""
        if self.by_hand:
            return TcigDials(self.strength, self.feather_px, self.guidance)
        share = self.mask_tolerance
        ends = TOLERANCE_ENDS.items()
        return TcigDials(**{name: low + (high - low) * share for name, (low, high) in ends})

    def count_sample_steps(self, steps: int) -> int:
        """How many steps the initial sample of a run of so many takes; 0 where none is drawn."""
        return min(SAMPLE_STEPS, steps) if self.start in SAMPLED_STARTS else 0

    def stage1(self) -> dict[str, Any]:
        """The options that a stage-1 image depends on."""
        stage2 = {
            "mask_tolerance",
            "by_hand",
            "strength",
            "feather_px",
            "guidance",
            "attention",
            "keep_pictures",
            "refine",
        }
        return self.model_dump(exclude=stage2 | {"per_stage1"})
