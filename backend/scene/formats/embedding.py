"""A learned embedding as a safetensors file, and as the pixels in which Lamina 0.1.0 stored it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import SceneError
from backend.scene.formats.tensor_file import (
    CHECKPOINT,
    MOMENTS,
    PARAMETERS,
    TOKEN,
    explain_damage,
    pack_tensors,
    unpack_tensors,
)

FORMAT = "embedding"
FINGERPRINT_BYTES = 32
V0_ROWS, V0_CHECKPOINT_ROWS = 2, 7
"""Rows of a picture that holds an embedding of Lamina 0.1.0, and of one that holds an unfinished
one.
"""


@dataclass(frozen=True, eq=False)
class Embedding:
    """A word without letters: float32 (d,) in a text encoder's space, and the sha256 of that
    encoder's table.
    """

    vector: NDArray[np.float32] = field(repr=False)
    fingerprint: bytes


def embedding_to_bytes(embedding: Embedding) -> bytes:
    """The embedding as a file; of equal embeddings equal bytes."""
    vector = np.asarray(embedding.vector, np.float32)
    facts = {"format": FORMAT, "fingerprint": embedding.fingerprint.hex()}
    return pack_tensors({TOKEN: vector}, facts)


def embedding_from_bytes(content: bytes) -> Embedding:
    """The embedding that a file holds; a SceneError when it holds none."""
    with explain_damage(lambda _: _no_embedding()):
        file = unpack_tensors(content)
        vector = np.asarray(file.tensors[TOKEN], np.float32)
        if file.facts.get("format") != FORMAT or vector.ndim != 1 or not np.isfinite(vector).all():
            raise ValueError("it is no embedding")
        return Embedding(vector, bytes.fromhex(file.facts["fingerprint"]))


def blob_of_picture(picture: NDArray[np.uint8]) -> bytes:
    """The file of an embedding, finished or not, that Lamina 0.1.0 stored as a picture.

    uint8 (2, d, 4): the model's fingerprint, then the vector, one single precision number a pixel.
    uint8 (7, d, 4): a key, the fingerprint, counts, then vector, moments of AdamW, losses.

    Raises:
        SceneError: the picture is of another shape, or its numbers are not finite.
    """
    if picture.ndim != 3 or picture.shape[2] != 4 or picture.shape[1] * 4 < FINGERPRINT_BYTES:
        raise _no_embedding()
    rows = np.ascontiguousarray(picture)
    if len(rows) == V0_CHECKPOINT_ROWS:
        return _v0_checkpoint(rows)
    vector = _floats(rows[-1])
    if len(rows) != V0_ROWS or not np.isfinite(vector).all():
        raise _no_embedding()
    return embedding_to_bytes(Embedding(vector, rows[0].tobytes()[:FINGERPRINT_BYTES]))


def _v0_checkpoint(rows: NDArray[np.uint8]) -> bytes:
    """A checkpoint's file (``training/checkpoint.py``)."""
    step, count, is_finished = np.frombuffer(rows[2].tobytes()[:12], "<u4").tolist()
    vector, average, square, losses = (_floats(row) for row in rows[3:])
    tensors: dict[str, NDArray[Any]] = {PARAMETERS + TOKEN: vector}
    if step:
        names = {"step": np.float32(step), "exp_avg": average, "exp_avg_sq": square}
        tensors |= {f"{MOMENTS}0.{name}": np.asarray(value) for name, value in names.items()}
    facts: Mapping[str, Any] = {
        "format": CHECKPOINT,
        "key": rows[0].tobytes()[:32].hex(),
        "fingerprint": rows[1].tobytes()[:FINGERPRINT_BYTES].hex(),
        "step": step,
        "losses": losses[:count].tolist(),
        "finished": bool(is_finished),
    }
    return pack_tensors(tensors, facts)


def _floats(row: NDArray[np.uint8]) -> NDArray[np.float32]:
    return row.reshape(-1).view("<f4").astype(np.float32)


def _no_embedding() -> SceneError:
    return SceneError(
        "The learned look of a layer is not one.", remedy="Learn it again, or remove it."
    )
