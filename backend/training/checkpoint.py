"""Checkpoints: the state of a training as a safetensors file, and those that Lamina 0.1.0 wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import ModelError
from backend.models.adapter import TOKEN
from backend.scene.scene import Picture
from backend.scene.tensor_file import TensorFile, pack_tensors, unpack_tensors
from backend.training.trainer import TrainingState

FORMAT = "checkpoint"
PARAMETERS, MOMENTS = "parameters.", "moments."
V0_ROWS, V0_HEAD = 7, 3
"""Rows of an unfinished embedding's picture in Lamina 0.1.0, and those of them before its
numbers.
"""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A state, and what it is the state of.

    ``key`` names what is trained and ``fingerprint`` (hexadecimal) the model; empty ones were not
    written down.
    """

    state: TrainingState = field(repr=False)
    key: str = ""
    fingerprint: str = ""

    def fits(self, key: str, fingerprint: str) -> bool:
        """Whether a training of that key with that model can go on from here."""
        return self.key in ("", key) and self.fingerprint in ("", fingerprint)


def checkpoint_to_bytes(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as a file; numbers are kept exactly."""
    state = checkpoint.state
    tensors = {f"{PARAMETERS}{name}": value for name, value in state.parameters.items()}
    for number, kept in state.moments.items():
        tensors |= {f"{MOMENTS}{number}.{name}": value for name, value in kept.items()}
    facts = {
        "format": FORMAT,
        "key": checkpoint.key,
        "fingerprint": checkpoint.fingerprint,
        "step": state.step,
        "losses": list(state.losses),
        "finished": state.finished,
    }
    return pack_tensors(
        {name: value.detach().cpu().numpy() for name, value in tensors.items()}, facts
    )


def checkpoint_from_bytes(content: bytes) -> Checkpoint:
    """The checkpoint that a file holds, also a half-learned subject of Lamina 0.1.0.

    Raises:
        ModelError: the file is damaged or something else.
    """
    try:
        file = unpack_tensors(content)
        if file.facts.get("lamina_half_learned") == "1":
            return _v0_subject(file)
        if file.facts.get("format") != FORMAT:
            raise ValueError("it is no checkpoint")
        return _checkpoint(file)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(
            f"What was half learned of the subject cannot be read ({type(error).__name__}).",
            limit="It is a safetensors file that Lamina wrote.",
            remedy="Train it again from the beginning.",
        ) from error


def checkpoint_of_picture(picture: Picture) -> Checkpoint | None:
    """An unfinished embedding as Lamina 0.1.0 stored it, in the pixels of a picture; None for any
    other picture.

    uint8 (7, d, 4): the key of what is learned, the model's fingerprint, step, number of losses and
    whether it is finished as uint32; then vector, first moment, second moment and losses, each
    float32 in one pixel.
    """
    if picture.ndim != 3 or picture.shape[0] != V0_ROWS or picture.shape[1] * 4 < 32:
        return None
    rows = np.ascontiguousarray(picture)
    step, count, is_finished = np.frombuffer(rows[2].tobytes()[:12], "<u4").tolist()
    vector, average, square, losses = (_floats(rows[row]) for row in range(V0_HEAD, V0_ROWS))
    state = TrainingState(
        step,
        {TOKEN: torch.from_numpy(vector)},
        {0: _moments(step, torch.from_numpy(average), torch.from_numpy(square))} if step else {},
        tuple(losses[:count].tolist()),
        bool(is_finished),
    )
    return Checkpoint(state, rows[0].tobytes()[:32].hex(), rows[1].tobytes()[:32].hex())


def _checkpoint(file: TensorFile) -> Checkpoint:
    facts = file.facts
    parameters = {
        name.removeprefix(PARAMETERS): torch.from_numpy(value)
        for name, value in file.tensors.items()
        if name.startswith(PARAMETERS)
    }
    state = TrainingState(
        int(facts["step"]),
        parameters,
        _number_tensors(file.tensors, MOMENTS),
        tuple(facts["losses"]),
        bool(facts["finished"]),
    )
    return Checkpoint(state, facts["key"], facts["fingerprint"])


def _v0_subject(file: TensorFile) -> Checkpoint:
    """A half-learned subject: ``vectors``, ``weights.NAME`` and ``optimiser.NUMBER.NAME``; the
    step in the metadata.
    """
    weights = {
        name.removeprefix("weights."): torch.from_numpy(value)
        for name, value in file.tensors.items()
        if name.startswith("weights.")
    }
    parameters = {TOKEN: torch.from_numpy(file.tensors["vectors"]), **weights}
    json.loads(file.facts["groups"])  # rates follow from the rules, but damage shows here
    return Checkpoint(
        TrainingState(
            int(file.facts["step"]), parameters, _number_tensors(file.tensors, "optimiser.")
        )
    )


def _number_tensors(
    tensors: Mapping[str, NDArray[Any]], prefix: str
) -> dict[int, dict[str, Tensor]]:
    """The tensors called PREFIX NUMBER.NAME, by number and name."""
    found: dict[int, dict[str, Tensor]] = {}
    for full_name, value in tensors.items():
        if full_name.startswith(prefix):
            number, name = full_name.removeprefix(prefix).split(".", 1)
            found.setdefault(int(number), {})[name] = torch.from_numpy(value)
    return found


def _moments(step: int, average: Tensor, square: Tensor) -> dict[str, Tensor]:
    """What torch's AdamW remembers of a parameter."""
    return {"step": torch.tensor(float(step)), "exp_avg": average, "exp_avg_sq": square}


def _floats(row: NDArray[np.uint8]) -> NDArray[np.float32]:
    return row.reshape(-1).view("<f4").astype(np.float32)
