"""Embeddings as files, and those that Lamina 0.1.0 stored in pixels."""

from __future__ import annotations

import numpy as np
import pytest

from backend.errors import SceneError
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.embedding import (
    Embedding,
    blob_of_picture,
    embedding_from_bytes,
    embedding_to_bytes,
)
from backend.scene.formats.tensor_file import pack_tensors, unpack_tensors


def an_embedding(size: int = 32) -> Embedding:
    vector = np.random.default_rng(3).normal(0, 1e-2, size).astype(np.float32)
    return Embedding(vector, bytes(range(32)))


def v0_picture(embedding: Embedding) -> np.ndarray:
    """The pixels in which Lamina 0.1.0 stored an embedding."""
    picture = np.zeros((2, embedding.vector.size, 4), np.uint8)
    picture[0].reshape(-1)[:32] = np.frombuffer(embedding.fingerprint, np.uint8)
    picture[1] = embedding.vector.astype("<f4").view(np.uint8).reshape(-1, 4)
    return picture


def test_an_embedding_survives_as_a_blob_bit_for_bit() -> None:
    pixels, embedding = MemoryPixels(), an_embedding()
    back = embedding_from_bytes(pixels.blob(pixels.add_blob(embedding_to_bytes(embedding))))
    assert np.array_equal(back.vector, embedding.vector)
    assert back.fingerprint == embedding.fingerprint


def test_equal_embeddings_are_equal_bytes() -> None:
    assert len({embedding_to_bytes(an_embedding()) for _ in range(10)}) == 1


def test_an_embedding_in_pixels_becomes_the_same_file() -> None:
    embedding = an_embedding()
    assert blob_of_picture(v0_picture(embedding)) == embedding_to_bytes(embedding)


@pytest.mark.parametrize("shape", [(1, 32, 4), (3, 32, 4), (2, 4, 4), (2, 32), (2, 32, 3)])
def test_other_pictures_are_no_embeddings(shape: tuple[int, ...]) -> None:
    with pytest.raises(SceneError, match="look"):
        blob_of_picture(np.zeros(shape, np.uint8))


def test_numbers_that_are_not_finite_are_refused() -> None:
    picture = v0_picture(an_embedding())
    picture[1, 5] = np.array([np.nan], "<f4").view(np.uint8)
    with pytest.raises(SceneError):
        blob_of_picture(picture)
    with pytest.raises(SceneError):
        embedding_from_bytes(embedding_to_bytes(Embedding(np.array([np.inf]), bytes(32))))


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"\xff" * 64, pack_tensors({"token": np.zeros(3)}, {"format": "adapter"})],
)
def test_other_files_are_no_embeddings(content: bytes) -> None:
    with pytest.raises(SceneError, match="look"):
        embedding_from_bytes(content)


def test_a_blob_that_is_not_there_is_named() -> None:
    with pytest.raises(SceneError, match="aaaaaaaaaaaa"):
        MemoryPixels().blob("a" * 64)


def test_a_tensor_file_keeps_shapes_and_facts() -> None:
    facts = {"format": "x", "count": 3, "losses": [0.5, 0.25], "name": "Kätzchen"}
    tensors = {"step": np.float32(7), "rows": np.arange(6.0, dtype=np.float32).reshape(2, 3)}
    file = unpack_tensors(pack_tensors(tensors, facts))
    assert dict(file.facts) == facts
    assert file.tensors["step"].shape == ()
    assert np.array_equal(file.tensors["rows"], tensors["rows"])
    with pytest.raises(ValueError, match="tensor file"):
        unpack_tensors(b"nothing")
