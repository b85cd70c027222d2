"""Blobs on the disk: named by their bytes, whole or not at all whichever operation fails."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from backend.errors import StoreError
from backend.scene.blobs import MediaType
from backend.studio.storage.blobs import BlobFiles
from backend.studio.storage.disk import Disk
from tests.studio.faulty_disk import FaultyDisk

CONTENT = b"what was learned"
OPERATIONS = 4
"""Of the disk, for one file: write, sync, rename, and the folder's sync."""
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def blobs(folder: Path, disk: Disk | None = None) -> BlobFiles:
    folder.mkdir(exist_ok=True)
    return BlobFiles(folder, Disk() if disk is None else disk, "What was learned")


def test_bytes_are_named_by_their_digest_and_kept_once(tmp_path: Path) -> None:
    store = blobs(tmp_path / "blobs")
    assert store.add(CONTENT) == store.add(CONTENT) == DIGEST
    assert [path.name for path in (tmp_path / "blobs").iterdir()] == [f"{DIGEST}.safetensors"]
    found = blobs(tmp_path / "blobs").read(DIGEST)
    assert (found.content, found.media_type, found.digest) == (
        CONTENT,
        MediaType.SAFETENSORS,
        DIGEST,
    )


def test_the_media_type_is_kept(tmp_path: Path) -> None:
    store = blobs(tmp_path)
    digest = store.add(b"\x89PNG", MediaType.PNG)
    assert store.read(digest).media_type is MediaType.PNG


def test_damage_and_absence_are_said(tmp_path: Path) -> None:
    store = blobs(tmp_path)
    store.add(CONTENT)
    (tmp_path / f"{DIGEST}.safetensors").write_bytes(CONTENT[:-1])
    with pytest.raises(StoreError, match="not what was stored"):
        store.read(DIGEST)
    for digest in ("f" * 64, "../../etc/passwd", ""):
        assert not store.has(digest)
        with pytest.raises(StoreError, match="not in the store"):
            store.read(digest)


def test_whichever_operation_fails_nothing_is_left_and_the_next_try_stores_it(
    tmp_path: Path,
) -> None:
    for number in range(1, OPERATIONS + 1):
        folder = tmp_path / str(number)
        store = blobs(folder, FaultyDisk(number))
        with pytest.raises(StoreError, match=r"What was learned .*No space left"):
            store.add(CONTENT)
        assert not store.has(DIGEST)
        assert list(folder.iterdir()) == []
        assert store.read(store.add(CONTENT)).content == CONTENT
    disk = FaultyDisk(0)
    assert blobs(tmp_path / "whole", disk).add(CONTENT) == DIGEST
    assert disk.count == OPERATIONS


def test_only_what_is_named_stays(tmp_path: Path) -> None:
    store = blobs(tmp_path)
    first, second = store.add(b"one"), store.add(b"two")
    assert store.keep_only({second}) == 1
    assert (store.has(first), store.has(second)) == (False, True)
    store.remove((second, "no digest"))
    assert list(tmp_path.iterdir()) == []
