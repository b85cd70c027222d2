"""What moving an object can be told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from backend.scene.records import Record

FARTHEST_PX = 4096
"""A canvas' longest side."""


class MoveOptions(Record):
    """Where the object goes, and how far hole and rim may change."""

    dx_px: Annotated[int, Field(ge=-FARTHEST_PX, le=FARTHEST_PX)] = Field(
        0, title="To the right", json_schema_extra={"unit": "px of the picture"}
    )
    dy_px: Annotated[int, Field(ge=-FARTHEST_PX, le=FARTHEST_PX)] = Field(
        0, title="Downwards", json_schema_extra={"unit": "px of the picture"}
    )
    x_px: Annotated[int, Field(ge=-1, le=FARTHEST_PX)] = Field(
        -1,
        title="Point on the object, from the left",
        description="Where the object was clicked; -1 for the layer's own region.",
        json_schema_extra={"unit": "px of the picture"},
    )
    y_px: Annotated[int, Field(ge=-1, le=FARTHEST_PX)] = Field(
        -1,
        title="Point on the object, from the top",
        description="Where the object was clicked; -1 for the layer's own region.",
        json_schema_extra={"unit": "px of the picture"},
    )
    healing: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.7,
        title="Strength of the hole",
        description=(
            "How far the hole may change from its surroundings' colours; 0 leaves the plain fill."
        ),
        json_schema_extra={"unit": "share of the steps", "step": 0.05},
    )
    blending: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.3,
        title="Strength of the rim",
        description=(
            "How far the object's outline may change at its new place; 0 leaves it as it was cut."
        ),
        json_schema_extra={"unit": "share of the steps", "step": 0.05},
    )
