"""Checkpoints keep a state exactly, and read what Lamina 0.1.0 wrote."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.torch
import torch

from backend.errors import ModelError
from backend.scene.formats.embedding import blob_of_picture
from backend.training.checkpoint import (
    Checkpoint,
    checkpoint_from_bytes,
    checkpoint_to_bytes,
)
from backend.training.trainer import TrainingState

KEY, MARK = "ab" * 32, bytes(range(32)).hex()


def a_state() -> TrainingState:
    moments = {
        "step": torch.tensor(7.0),
        "exp_avg": torch.randn(2, 8),
        "exp_avg_sq": torch.rand(2, 8),
    }
    parameters = {"token": torch.randn(2, 8), "mid.attn2.to_k.weight": torch.randn(4, 3)}
    return TrainingState(7, parameters, {0: moments}, (0.5, 0.25), True)


def same(one: TrainingState, other: TrainingState) -> bool:
    plain = (one.step, one.losses, one.finished) == (other.step, other.losses, other.finished)
    parameters = one.parameters.keys() == other.parameters.keys() and all(
        torch.equal(value, other.parameters[name]) for name, value in one.parameters.items()
    )
    moments = one.moments.keys() == other.moments.keys() and all(
        torch.equal(value, other.moments[number][name])
        for number, kept in one.moments.items()
        for name, value in kept.items()
    )
    return plain and parameters and moments


def test_a_state_survives_as_a_file_and_equal_states_are_equal_bytes() -> None:
    checkpoint = Checkpoint(a_state(), KEY, MARK)
    content = checkpoint_to_bytes(checkpoint)
    back = checkpoint_from_bytes(content)
    assert same(back.state, checkpoint.state)
    assert all(checkpoint_to_bytes(back) == content for _ in range(5))


def test_a_checkpoint_of_something_else_is_not_gone_on_from() -> None:
    checkpoint = Checkpoint(a_state(), KEY, MARK)
    assert checkpoint.fits(KEY, MARK)
    assert not checkpoint.fits("cd" * 32, MARK)
    assert not checkpoint.fits(KEY, "00" * 32)
    assert Checkpoint(a_state()).fits(KEY, MARK)


def v0_picture(step: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """An unfinished embedding as the pixels of Lamina 0.1.0, and its vector, moments and losses
    (4, d).
    """
    numbers = np.random.default_rng(5).normal(size=(4, 32)).astype("<f4")
    picture = np.zeros((7, 32, 4), np.uint8)
    picture[0].reshape(-1)[:32] = np.frombuffer(bytes.fromhex(KEY), np.uint8)
    picture[1].reshape(-1)[:32] = np.frombuffer(bytes.fromhex(MARK), np.uint8)
    picture[2].reshape(-1)[:12] = np.array([step, 2, 1], "<u4").view(np.uint8)
    picture[3:] = numbers.view(np.uint8).reshape(4, 32, 4)
    return picture, numbers


def test_an_unfinished_embedding_in_pixels_is_read() -> None:
    picture, numbers = v0_picture()
    checkpoint = checkpoint_from_bytes(blob_of_picture(picture))
    state = checkpoint.state
    assert (checkpoint.key, checkpoint.fingerprint) == (KEY, MARK)
    assert (state.step, state.finished) == (7, True)
    assert state.losses == tuple(numbers[3, :2].tolist())
    assert np.array_equal(state.parameters["token"], numbers[0])
    assert np.array_equal(state.moments[0]["exp_avg"], numbers[1])
    assert np.array_equal(state.moments[0]["exp_avg_sq"], numbers[2])
    assert float(state.moments[0]["step"]) == 7
    fresh = checkpoint_from_bytes(blob_of_picture(v0_picture(0)[0]))
    assert fresh.state.moments == {}


def test_a_half_learned_subject_of_the_first_version_is_read() -> None:
    state = a_state()
    tensors = {
        "vectors": state.parameters["token"],
        "weights.mid.attn2.to_k.weight": torch.zeros(4, 3),
    }
    tensors |= {f"optimiser.0.{name}": value for name, value in state.moments[0].items()}
    header = {
        "lamina_half_learned": "1",
        "step": "7",
        "groups": json.dumps([{"lr": 0.1, "params": [0]}]),
    }
    back = checkpoint_from_bytes(safetensors.torch.save(tensors, header))
    assert back.fits(KEY, MARK)
    assert back.state.step == 7
    assert torch.equal(back.state.parameters["token"], state.parameters["token"])
    assert set(back.state.parameters) == {"token", "mid.attn2.to_k.weight"}
    assert all(
        torch.equal(back.state.moments[0][name], value) for name, value in state.moments[0].items()
    )


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 64, safetensors.torch.save({"a": torch.zeros(1)})]
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="half learned"):
        checkpoint_from_bytes(content)
