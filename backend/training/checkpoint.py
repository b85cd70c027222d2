"""Checkpoints: the state of a training as a safetensors file, and those that Lamina 0.1.0 wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import ModelError
from backend.scene.formats.tensor_file import (
    CHECKPOINT,
    MOMENTS,
    PARAMETERS,
    TOKEN,
    TensorFile,
    explain_damage,
    pack_tensors,
    unpack_tensors,
)
from backend.training.trainer import TrainingState


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
        "format": CHECKPOINT,
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
    with explain_damage(_refuse):
        file = unpack_tensors(content)
        if file.facts.get("lamina_half_learned") == "1":
            return _v0_subject(file)
        if file.facts.get("format") != CHECKPOINT:
            raise ValueError("it is no checkpoint")
        return _checkpoint(file)


def _refuse(reason: str) -> ModelError:
    return ModelError(
        f"What was half learned of the subject cannot be read ({reason}).",
        limit="It is a safetensors file that Lamina wrote.",
        remedy="Train it again from the beginning.",
    )


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
