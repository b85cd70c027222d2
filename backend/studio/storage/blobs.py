"""Embeddings, adapters and checkpoints as files named by the digest of their bytes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from backend.errors import StoreError
from backend.scene.blobs import Blob, MediaType, blob_digest
from backend.scene.formats.embedding import blob_of_picture
from backend.scene.imaging.arrays import Picture
from backend.scene.records import BlobDigest, PictureDigest
from backend.studio.storage.disk import Disk, require_space, write_file
from backend.studio.storage.pixel_files import PixelFiles

ENDINGS: Mapping[MediaType, str] = MappingProxyType(
    {MediaType.SAFETENSORS: ".safetensors", MediaType.PNG: ".png"}
)
"""What a file of each media type is called after its digest."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class BlobFiles:
    """One folder of blobs; safe from any thread."""

    def __init__(self, folder: Path, disk: Disk, what: str) -> None:
        """``what`` the blobs are, for sentences that a person reads."""
        self._folder = folder
        self._disk = disk
        self._what = what

    def add(self, content: bytes, media_type: MediaType = MediaType.SAFETENSORS) -> BlobDigest:
        """Store bytes whole or not at all.

        Returns:
            The digest: SHA-256 of the bytes.

        Raises:
            StoreError: the disk does not take them.
        """
        digest = blob_digest(content)
        if not self.has(digest):
            require_space(self._disk, self._folder, len(content))
            try:
                write_file(self._disk, self._path(digest, media_type), content, self._what)
            except StoreError:
                self.remove((digest,))
                raise
        return digest

    def has(self, digest: BlobDigest) -> bool:
        """Whether bytes of that digest are stored."""
        return self._find(digest) is not None

    def read(self, digest: BlobDigest) -> Blob:
        """The stored bytes; a StoreError when they are gone or not what was stored."""
        found = self._find(digest)
        if found is None:
            raise self._unusable(digest, "it is not in the store")
        path, media_type = found
        try:
            content = path.read_bytes()
        except OSError as error:
            raise self._unusable(digest, error.strerror or str(error)) from error
        if blob_digest(content) != digest:
            raise self._unusable(digest, "it is not what was stored")
        return Blob(digest, media_type, content)

    def remove(self, digests: Collection[str]) -> None:
        """Delete these blobs, where they are there."""
        for digest in digests:
            if _DIGEST.fullmatch(digest):
                for media_type in ENDINGS:
                    self._path(digest, media_type).unlink(missing_ok=True)

    def list_digests(self) -> frozenset[str]:
        """The digests of all stored files."""
        return frozenset(
            path.stem for path in self._folder.iterdir() if _DIGEST.fullmatch(path.stem)
        )

    def keep_only(self, digests: Collection[str]) -> int:
        """Delete all blobs but these; returns how many were deleted."""
        endings = set(ENDINGS.values())
        gone = [
            path
            for path in self._folder.iterdir()
            if path.suffix in endings and path.stem not in digests
        ]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def _find(self, digest: str) -> tuple[Path, MediaType] | None:
        if not _DIGEST.fullmatch(digest):
            return None
        paths = ((self._path(digest, media_type), media_type) for media_type in ENDINGS)
        return next((found for found in paths if found[0].is_file()), None)

    def _path(self, digest: str, media_type: MediaType) -> Path:
        return self._folder / f"{digest}{ENDINGS[media_type]}"

    def _unusable(self, digest: str, reason: str) -> StoreError:
        return StoreError(
            f"{self._what} ({digest[:12]}) cannot be used: {reason}.", remedy="Train it again."
        )


@dataclass(frozen=True)
class StoredContents:
    """What a job may ask for by digest: pictures, masks, embeddings and what subjects have.

    Implements ``Contents``. Embeddings that Lamina 0.1.0 stored in pixels are
    converted as they are read; the recipes that name them by their pixels' digest stay as they
    are.
    """

    pixels: PixelFiles
    embeddings: BlobFiles
    subjects: BlobFiles

    def picture(self, digest: PictureDigest) -> Picture:
        """The stored picture uint8 (h, w, 4)."""
        return self.pixels.picture(digest)

    def mask(self, digest: PictureDigest) -> Picture:
        """The stored mask uint8 (h, w)."""
        return self.pixels.mask(digest)

    def has_blob(self, digest: BlobDigest) -> bool:
        """Whether ``blob`` has something to answer with."""
        held = any(store.has(digest) for store in (self.embeddings, self.subjects))
        return held or self.pixels.has(PictureDigest(digest))

    def blob(self, digest: BlobDigest) -> bytes:
        """The stored bytes; a StoreError or SceneError when they are missing or damaged."""
        for store in (self.embeddings, self.subjects):
            if store.has(digest):
                return store.read(digest).content
        picture = PictureDigest(digest)  # Lamina 0.1.0 named blobs as the pictures they were in
        if self.pixels.has(picture):
            return blob_of_picture(self.pixels.picture(picture))
        return self.subjects.read(digest).content
