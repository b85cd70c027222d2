"""Pictures and masks as PNG files named by the digest of their pixels."""

from __future__ import annotations

import io
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from backend.errors import StoreError
from backend.scene.blobs import digest_of
from backend.scene.formats.picture_file import encode_png
from backend.scene.imaging.arrays import Picture
from backend.scene.records import PictureDigest
from backend.studio.storage.disk import Disk, refuse_gone, require_space, write_file

KEPT_BYTES = 256 * 2**20
"""How many decoded pixels stay in memory: about sixty layers of 1024 x 1024."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class PixelFiles:
    """Pixels by digest in two levels of folders. Implements ``backend.scene.scene.Pixels``; safe
    from any thread.
    """

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._recent = _Recent(KEPT_BYTES)
        self._sound: dict[str, tuple[int, int]] = {}
        self._damaged: set[str] = set()

    def add_picture(self, picture: Picture) -> PictureDigest:
        """Store uint8 (h, w, 3|4) sRGB, opaque where it has no alpha; returns the digest of its (h,
        w, 4) pixels.
        """
        return self._add(_with_alpha(picture))

    def add_mask(self, mask: Picture) -> PictureDigest:
        """Store uint8 (h, w), 255 = inside; returns the digest of its pixels."""
        return self._add(mask)

    def has(self, digest: PictureDigest) -> bool:
        return _DIGEST.fullmatch(digest) is not None and self._path(digest).is_file()

    def require_folder(self) -> None:
        """A StoreError where the files are gone as a whole, as when the store was moved."""
        if not self._folder.is_dir():
            raise refuse_gone(self._folder)

    def is_damaged(self, digest: str) -> bool:
        """Whether the file of that digest was found damaged and has not been written anew since."""
        return digest in self._damaged

    def list_digests(self) -> frozenset[str]:
        """The digests of all stored files."""
        return frozenset(
            path.stem for path in self._folder.rglob("*.png") if _DIGEST.fullmatch(path.stem)
        )

    def size_of(self, digest: str) -> int:
        """The bytes of the stored file; 0 where there is none."""
        path = self._path(digest)
        return path.stat().st_size if path.is_file() else 0

    def has_sound(self, digest: str) -> bool:
        """Whether the file is there and holds what was stored."""
        try:
            _decode(self.png(digest), digest)
        except StoreError:
            return False
        return True

    def remove(self, digests: Collection[str]) -> None:
        """Delete these files, where they are there."""
        for digest in digests:
            if _DIGEST.fullmatch(digest):
                self._path(digest).unlink(missing_ok=True)
                self._marks_path(digest).unlink(missing_ok=True)
                self._sound.pop(digest, None)
                self._damaged.discard(digest)

    def png(self, digest: str) -> bytes:
        """The stored file as it is; a StoreError when there is none."""
        try:
            return (
                self._path(digest).read_bytes() if _DIGEST.fullmatch(digest) else _missing(digest)
            )
        except FileNotFoundError:
            self.require_folder()
            return _missing(digest)
        except OSError as error:
            raise _damage_error(digest, error.strerror or str(error)) from error

    def picture(self, digest: PictureDigest) -> Picture:
        """uint8 (h, w, 4), straight alpha, read-only; a StoreError when missing, damaged or a
        mask.
        """
        return self._decode(digest, "RGBA")

    def mask(self, digest: PictureDigest) -> Picture:
        """uint8 (h, w), read-only; a StoreError when missing, damaged or a picture."""
        return self._decode(digest, "L")

    def put_marks(self, digest: str, content: bytes) -> None:
        """Keep what the file of a stored picture said of itself beside its pixels, once."""
        path = self._marks_path(digest)
        if not path.is_file():
            write_file(self._disk, path, content)

    def marks(self, digest: str) -> bytes | None:
        """What was kept beside a picture; None where nothing was, or it cannot be read."""
        try:
            return self._marks_path(digest).read_bytes() if _DIGEST.fullmatch(digest) else None
        except OSError:
            return None

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:4] / f"{digest}.png"

    def _marks_path(self, digest: str) -> Path:
        return self._path(digest).with_suffix(".json")

    def _add(self, array: Picture) -> PictureDigest:
        digest = digest_of(array)
        path = self._path(digest)
        if self._is_sound(digest):
            os.utime(path)
        else:
            content = encode_png(array)
            require_space(self._disk, self._folder, len(content))
            write_file(self._disk, path, content)
            self._damaged.discard(digest)
        self._sound[digest] = _stamp(path)
        return digest

    def _is_sound(self, digest: str) -> bool:
        """Whether the file is there and holds these pixels; looked at once for each version."""
        path = self._path(digest)
        if not path.is_file():
            return False
        if self._sound.get(digest) == _stamp(path):
            return True
        return self.has_sound(digest)

    def _decode(self, digest: str, mode: Literal["RGBA", "L"]) -> Picture:
        array = self._recent.get(digest)
        if array is None:
            try:
                array = _decode(self.png(digest), digest)
            except StoreError:
                self._damaged.add(digest)
                raise
            self._recent.put(digest, array)
        if (array.ndim == 3) != (mode == "RGBA"):
            raise _damage_error(digest, f"its pixels are not {mode}")
        return array


class _Recent:
    """The decoded arrays used last, within a budget of bytes."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._arrays: OrderedDict[str, Picture] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> Picture | None:
        with self._lock:
            if digest in self._arrays:
                self._arrays.move_to_end(digest)
            return self._arrays.get(digest)

    def put(self, digest: str, array: Picture) -> None:
        with self._lock:
            if digest in self._arrays:
                return
            self._arrays[digest] = array
            self._held += array.nbytes
            while self._held > self._budget and len(self._arrays) > 1:
                self._held -= self._arrays.popitem(last=False)[1].nbytes


def _with_alpha(picture: Picture) -> Picture:
    if picture.shape[2] == 4:
        return picture
    alpha = np.full((*picture.shape[:2], 1), 255, np.uint8)
    return np.concatenate([picture, alpha], axis=2)


def _decode(content: bytes, digest: str) -> Picture:
    """The pixels of a stored PNG; damage is found by the digest, which is over pixels."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            array = np.asarray(image if image.mode in ("L", "RGBA") else image.convert("RGBA"))
    except (OSError, ValueError, SyntaxError) as error:
        raise _damage_error(digest, "its file is damaged") from error
    if digest_of(array) != digest:
        raise _damage_error(digest, "its pixels are not those that were stored")
    array.setflags(write=False)
    return array


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when somebody else writes the file: its time and size."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _missing(digest: str) -> bytes:
    raise StoreError(
        f"There is no picture {digest[:12]!r} in the studio's store.",
        remedy="Add the picture to the scene again.",
    )


def _damage_error(digest: str, reason: str) -> StoreError:
    return StoreError(
        f"The stored picture {digest[:12]} cannot be used: {reason}.",
        remedy="Add the picture to the scene again.",
    )
