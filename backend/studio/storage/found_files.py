"""What a front end is told of the folders of models and of the files in them that are no models.

The models themselves are in :mod:`backend.studio.storage.records`.
"""

from __future__ import annotations

from typing import Literal

from backend.plan.request import Sampler
from backend.scene.records import Record


class RefusedModel(Record):
    """Something that was found and cannot be used: a ``model``, a ``member`` beside one, another
    ``file`` of weights, or a ``folder`` as a whole. ``folder`` is the one below which it was found.
    """

    id: str
    kind: Literal["model", "member", "file", "folder"]
    name: str
    path: str
    folder: str
    what: str
    limit: str
    remedy: str


class ModelFolder(Record):
    """A folder or file that is looked through; ``added`` on the page, else named at the start."""

    path: str
    added: bool
    models: int
    refused: int
    files: int
    loras: int = 0
    words: int = 0


class FewStepsFacts(Record):
    """What a LoRA that was distilled to few steps is drawn with."""

    title: str
    sampler: Sampler
    steps: int
    guidance_scale: float


class LoraFacts(Record):
    """A LoRA that was found. ``words`` is how many numbers a word has in the models that it was
    made for, 0 where it does not say; ``folder`` is the one below which it was found;
    ``few_steps`` what it brings with it.
    """

    name: str
    path: str
    folder: str
    size_bytes: int
    words: int
    few_steps: FewStepsFacts | None = None


class WordFacts(Record):
    """An embedding of words that was found, which prompts use by its name. ``vectors`` is how many
    tokens it takes, ``widths`` how many numbers each has, for each text encoder.
    """

    name: str
    path: str
    folder: str
    size_bytes: int
    vectors: int
    widths: tuple[int, ...]
