"""What Collage Diffusion can be told besides the layers' own sliders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backend.plan.card import PAPER_SIDE_PX
from backend.scene.records import Record


class CollageOptions(Record):
    """What Collage Diffusion can be told besides the layers' own sliders."""

    attention: bool = Field(
        True,
        title="Region attention",
        description="Draw each layer's words into its region and out of the rest.",
        json_schema_extra={"section": "4.2"},
    )
    layer_noise: bool = Field(
        True,
        title="Per-layer strength",
        description="Let each layer change as far as its own strength says; off, all change alike.",
        json_schema_extra={"section": "4.4"},
    )
    embeddings: bool = Field(
        True,
        title="Learned looks",
        description="Put the looks that were learned for layers before their words.",
        json_schema_extra={"section": "4.3"},
    )
    structure: bool = Field(
        True,
        title="Structure",
        description=(
            "Hold the layers that ask for it to their edges; needs a model with a ControlNet."
        ),
        json_schema_extra={"section": "4.3"},
    )
    strength: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.8,
        title="Strength",
        description="How far the whole picture may change when per-layer strength is off.",
        json_schema_extra={"section": "4.1", "unit": "share of the steps", "step": 0.05},
    )
    blur_px: Annotated[float, Field(ge=0.0, le=64.0)] = Field(
        10.0,
        title="Blur between strengths",
        description="How softly the strengths of neighbouring layers pass into each other.",
        json_schema_extra={
            "section": "4.4",
            "unit": f"px of a {PAPER_SIDE_PX} px picture",
            "step": 1.0,
        },
    )
    canvas_detail: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        1.0,
        title="Canvas detail",
        description=(
            "Where little has changed the canvas's own detail comes back, and layers of strength "
            "0 keep their own pixels; at 0 everything is what the model makes of it."
        ),
        json_schema_extra={
            "section": "not in the paper",
            "unit": "share of what the autoencoder loses",
            "step": 0.05,
        },
    )
    noise_stream: Literal["auto", "fresh", "shared"] = Field(
        "auto",
        title="Noise of held parts",
        description="Fresh noise at every step, one shared noise, or what suits the sampler.",
        json_schema_extra={"section": "4.4"},
    )
    sigma_indexing: Literal["true", "released"] = Field(
        "true",
        title="Sigma of the attention weight",
        description=(
            "The step's own sigma, or the one that the authors' code reads (counted "
            "from the schedule's top)."
        ),
        json_schema_extra={"section": "4.2"},
    )
