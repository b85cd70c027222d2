"""All that decides what a model learns of a subject: the recipe of a training, as ``Plan`` is that
of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from backend.scene.records import Digest, Identifier, Name, Record, Seed

TrainingMethod = Literal["dreambooth_lora", "custom_diffusion", "textual_inversion", "dreambooth"]
TITLES: Mapping[TrainingMethod, str] = MappingProxyType(
    {
        "dreambooth_lora": "DreamBooth, low rank",
        "custom_diffusion": "Custom Diffusion",
        "textual_inversion": "Textual inversion",
        "dreambooth": "DreamBooth, whole network",
    }
)
"""What a person calls the methods; the first is offered first: small, and the quickest to learn."""

MAX_REFERENCES = 20
MAX_STEPS = 5000
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
    steps: Annotated[int, Field(ge=0, le=MAX_STEPS)] = 0
    seed: Seed = 0
    checkpoint: Digest | None = None
