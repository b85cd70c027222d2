"""What a family's verdicts go by: its classes' silhouettes as its segmenter sees them, and the
least value of each score with where it comes from.

A folder holds ``forms.safetensors`` (the silhouettes) and ``config.json`` (everything else). Both
are written by ``python -m backend.evaluation calibration``: the limits stand nowhere else. A family
without such a folder has no verdicts, and says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from backend.errors import ModelError
from backend.models.folder import read_json
from backend.plan.painted import spellings
from backend.scene.imaging.arrays import Floats

WEIGHTS, CONFIG = "forms.safetensors", "config.json"
FORMS = "forms"


@dataclass(frozen=True)
class ScoreLimits:
    """The least value of each score; a layer below one of them fails.

    Attributes:
        form: 0..1, how much nearer the class's silhouettes are than those of any other class.
        place: 0..1, share of the place that is covered.
        colour: 0..1, how sure the family's pair is of the asked colour among all colours.
        source: the command that set them, its day, and the worlds that it saw.
    """

    form: float
    place: float
    colour: float
    source: str = ""

    def first_below(self, form: float, place: float, colour: float | None) -> str:
        """The first score below its limit: "place", "form" or "colour"; empty where none is."""
        if place < self.place:
            return "place"
        if form < self.form:
            return "form"
        return "colour" if colour is not None and colour < self.colour else ""


@dataclass(frozen=True, eq=False)
class VerdictRule:
    """A family's own verdicts.

    Attributes:
        classes: the words that it can judge.
        colours: the colours that its words name.
        forms: float32 (classes, examples, side, side) in -1..1, positive inside; see
            ``backend.metrics.silhouette``.
        limits: of the scores.
    """

    classes: tuple[str, ...]
    colours: tuple[str, ...]
    forms: Floats = field(repr=False)
    limits: ScoreLimits

    def class_index(self, name: str) -> int | None:
        """The place of a class among ``classes`` by any of its spellings; None if unknown."""
        names = spellings(name)
        return next((i for i, known in enumerate(self.classes) if known in names), None)

    def colour_in(self, phrase: str) -> str:
        """The colour that a phrase names; empty where it names none, or several."""
        words = set(phrase.casefold().split())
        found = [colour for colour in self.colours if colour in words]
        return found[0] if len(found) == 1 else ""


def save_verdict_rule(rule: VerdictRule, folder: Path) -> None:
    """Write a rule; silhouettes to a 127th."""
    folder.mkdir(parents=True, exist_ok=True)
    kept: NDArray[np.int8] = np.rint(rule.forms * 127).astype(np.int8)
    save_file({FORMS: kept}, folder / WEIGHTS)
    record = {"classes": rule.classes, "colours": rule.colours, "limits": asdict(rule.limits)}
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def load_verdict_rule(folder: Path, device: torch.device, dtype: torch.dtype) -> VerdictRule:
    """The rule of a folder; it needs neither a device nor a precision.

    Args:
        folder: the member's own.
        device: not used.
        dtype: not used.

    Raises:
        ModelError: the record and the silhouettes do not belong together.
    """
    record = read_json(folder / CONFIG)
    forms = load_file(folder / WEIGHTS)[FORMS].astype(np.float32) / np.float32(127)
    classes = tuple(str(name) for name in record["classes"])
    if forms.ndim != 4 or len(forms) != len(classes):
        raise ModelError(
            f"{folder.name}/{WEIGHTS} has silhouettes of shape {forms.shape}.",
            limit=f"Those of {len(classes)} classes are expected.",
            remedy="Copy the folder again, or calibrate the family anew.",
        )
    limits = ScoreLimits(**record["limits"])
    return VerdictRule(classes, tuple(str(name) for name in record["colours"]), forms, limits)
