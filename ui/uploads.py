"""The upload folder: where Gradio puts what a page sends, and the only place a page may name a file
in.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from backend.errors import RefusedError, StoreError

MAX_UPLOAD_BYTES = 25 * 1024 * 1024


@dataclass(frozen=True)
class UploadFolder:
    """A folder of ours alone; a file in it is read once and then gone."""

    root: Path

    def take(self, path: str) -> bytes:
        """The content of an uploaded file, which is deleted.

        RefusedError when the path, with every link followed, does not lie inside the folder, when
        it is not a plain file, or when it holds more than 25 MB. Nothing outside the folder is ever
        opened or deleted.
        """
        found = self._inside(path)
        try:
            return _read_capped(found)
        finally:
            _forget(found, self.root.resolve())

    def _inside(self, path: str) -> Path:
        try:
            root = self.root.resolve(strict=True)
            found = Path(path).resolve(strict=True)
            plain = found.is_relative_to(root) and found.is_file()
        except (OSError, ValueError, RuntimeError):
            plain = False
        if not plain:
            raise RefusedError(
                "That is not a file which this page uploaded.",
                limit="Only fresh uploads are read, and each only once.",
                remedy="Drop the file on the canvas again.",
            )
        return found


def prepare_upload_folder(folder: Path) -> UploadFolder:
    """The folder, made if need be, closed to other users of the machine, and emptied of what was
    left behind. A StoreError for a link: what it leads to is somebody else's, and nothing of it is
    touched.
    """
    if folder.is_symlink():
        raise StoreError(
            f"The upload folder {folder} is a link to another folder.",
            limit="Uploads are deleted at each start, and Lamina empties only a folder of its own.",
            remedy="Remove the link, or move the whole store with --store.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.chmod(folder, stat.S_IRWXU)
        for entry in folder.iterdir():
            _remove(entry)
    except OSError as error:
        raise StoreError(
            f"The upload folder {folder} cannot be used: {error.strerror or error}.",
            limit="It must be a folder that Lamina may write to.",
            remedy="Choose another data folder.",
        ) from None
    return UploadFolder(folder)


def _remove(entry: Path) -> None:
    """Delete a file, a link (never what it points to) or a folder."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _read_capped(found: Path) -> bytes:
    """The file's bytes; never reads more than the limit and one byte."""
    try:
        with found.open("rb") as stream:
            content = stream.read(MAX_UPLOAD_BYTES + 1)
    except OSError as error:
        raise StoreError(
            f"The upload cannot be read: {error.strerror or error}.", remedy="Send it again."
        ) from None
    if len(content) > MAX_UPLOAD_BYTES:
        raise RefusedError(
            f"The file is larger than {MAX_UPLOAD_BYTES // 2**20} MB.",
            limit=f"Uploads are limited to {MAX_UPLOAD_BYTES // 2**20} MB.",
            remedy="Export it smaller, or as PNG or JPEG.",
        )
    return content


def _forget(found: Path, root: Path) -> None:
    """Delete the file, and the folder that was made for it alone."""
    with contextlib.suppress(OSError):
        found.unlink()
        if found.parent != root:
            found.parent.rmdir()
