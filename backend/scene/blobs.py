"""What is stored by content: blobs, by the digest of their bytes, and pixels, by the digest of what
they show; a store of both in memory.

Each kind of content has a digest type of its own, for pictures and masks are named by their pixels,
everything else by its bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

from backend.errors import SceneError
from backend.scene.imaging.arrays import Picture
from backend.scene.records import BlobDigest, PictureDigest
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


def digest_of(array: Picture) -> PictureDigest:
    """SHA-256 of pixel content, whatever file it came from.

    ``array`` is uint8 (h, w, 4) or (h, w). Hashed are a head line (``rgba8 W H`` or ``grey8 W H``)
    and the raw bytes.
    """
    kind = "rgba8" if array.ndim == 3 else "grey8"
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or (array.ndim == 3 and array.shape[2] != 4)
    ):
        raise ValueError(
            f"pixels must be uint8 (h, w, 4) or (h, w), not {array.dtype} {array.shape}"
        )
    height_px, width_px = array.shape[:2]
    content = hashlib.sha256(f"{kind} {width_px} {height_px}\n".encode())
    content.update(np.ascontiguousarray(array).data)
    return PictureDigest(content.hexdigest())


class MemoryPixels:
    """Pixels and blobs kept in memory; what goes in is copied and comes out read-only.

    Implements ``Contents``.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Picture] = {}
        self._blobs: dict[str, bytes] = {}

    def __contains__(self, digest: str) -> bool:
        return digest in self._kept

    def add_picture(self, rgba: Picture) -> PictureDigest:
        """Keep uint8 (h, w, 4), straight alpha; the digest that names it."""
        if rgba.ndim != 3:
            raise ValueError(f"a picture is (h, w, 4), not {rgba.shape}")
        return self._keep(rgba)

    def add_mask(self, grey: Picture) -> PictureDigest:
        """Keep uint8 (h, w), 255 = inside; the digest that names it."""
        if grey.ndim != 2:
            raise ValueError(f"a mask is (h, w), not {grey.shape}")
        return self._keep(grey)

    def picture(self, digest: PictureDigest) -> Picture:
        """The picture (h, w, 4) of that digest, or a SceneError."""
        return self._find(digest, 3, "picture")

    def mask(self, digest: PictureDigest) -> Picture:
        """The mask (h, w) of that digest, or a SceneError."""
        return self._find(digest, 2, "mask")

    def add_blob(self, content: bytes) -> BlobDigest:
        """Keep bytes; the digest that names them."""
        digest = BlobDigest(hashlib.sha256(content).hexdigest())
        self._blobs[digest] = content
        return digest

    def blob(self, digest: BlobDigest) -> bytes:
        """The bytes of that digest, or a SceneError."""
        if digest not in self._blobs:
            raise SceneError(
                f"The learned file {digest[:12]}… is not here.",
                remedy="Learn it again, or remove it.",
            )
        return self._blobs[digest]

    def _keep(self, array: Picture) -> PictureDigest:
        digest = digest_of(array)
        if digest not in self._kept:
            copy = np.array(array, order="C")
            copy.setflags(write=False)
            self._kept[digest] = copy
        return digest

    def _find(self, digest: str, dimensions: int, kind: str) -> Picture:
        found = self._kept.get(digest)
        if found is None or found.ndim != dimensions:
            raise SceneError(
                f"The {kind} {digest[:12]}… is not here.",
                remedy="Add the picture to the scene again.",
            )
        return found
