"""Blobs: what a scene or a job refers to that is no picture, by the digest of its bytes.

Each kind of content has a digest type of its own: pictures and masks are named by their pixels,
everything else by its bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, Protocol

from backend.scene.scene import Pixels

PictureDigest = NewType("PictureDigest", str)
MaskDigest = NewType("MaskDigest", str)
EmbeddingDigest = NewType("EmbeddingDigest", str)
AdapterDigest = NewType("AdapterDigest", str)
CheckpointDigest = NewType("CheckpointDigest", str)
BlobDigest = EmbeddingDigest | AdapterDigest | CheckpointDigest


class MediaType(StrEnum):
    """What the bytes of a stored file are."""

    SAFETENSORS = "application/x-safetensors"
    PNG = "image/png"


@dataclass(frozen=True)
class Blob:
    """Bytes under their digest, the SHA-256 of ``content``."""

    digest: str
    media_type: MediaType
    content: bytes = field(repr=False)


class Blobs(Protocol):
    """Where embeddings, adapters and checkpoints are found by digest."""

    def blob(self, digest: str) -> bytes:
        """The bytes of that digest; a LaminaError when they are missing or damaged."""
        ...


class Contents(Pixels, Blobs, Protocol):
    """All that a plan refers to by digest: pictures, masks and blobs."""


def blob_digest(content: bytes) -> str:
    """The SHA-256 that names these bytes."""
    return hashlib.sha256(content).hexdigest()
