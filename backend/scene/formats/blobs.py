"""Blobs: what a scene or a job refers to that is no picture, by the digest of its bytes.

Each kind of content has a digest type of its own: pictures and masks are named by their pixels,
everything else by its bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from backend.scene.records import BlobDigest
from backend.scene.scene import Pixels


class MediaType(StrEnum):
    """What the bytes of a stored file are."""

    SAFETENSORS = "application/x-safetensors"
    PNG = "image/png"


@dataclass(frozen=True)
class Blob:
    """Bytes under their digest, the SHA-256 of ``content``."""

    digest: BlobDigest
    media_type: MediaType
    content: bytes = field(repr=False)


class Blobs(Protocol):
    """Where embeddings, adapters and checkpoints are found by digest."""

    def blob(self, digest: BlobDigest) -> bytes:
        """The bytes of that digest; a LaminaError when they are missing or damaged."""
        ...


class Contents(Pixels, Blobs, Protocol):
    """All that a plan refers to by digest: pictures, masks and blobs."""


def blob_digest(content: bytes) -> BlobDigest:
    """The SHA-256 that names these bytes."""
    return BlobDigest(hashlib.sha256(content).hexdigest())
