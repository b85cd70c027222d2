"""Files are written whole or not at all, whichever operation fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import StoreError
from backend.studio.storage.disk import Disk, require_space, sweep, write_file
from tests.studio.faulty_disk import FaultyDisk, FullDisk


def refusal_of(disk: Disk, path: Path) -> StoreError | None:
    try:
        write_file(disk, path, b"new" * 2000)
    except StoreError as error:
        return error
    return None


def test_whichever_operation_fails_the_old_or_the_new_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "ab" / "cd" / "file"
    number = 1
    write_file(Disk(), path, b"old" * 1000)
    while refusal := refusal_of(FaultyDisk(number), path):
        assert "No space left" in refusal.what
        assert refusal.remedy
        assert path.read_bytes() in (b"old" * 1000, b"new" * 2000)
        assert [file.name for file in path.parent.iterdir()] == ["file"]
        write_file(Disk(), path, b"old" * 1000)
        number += 1
    assert path.read_bytes() == b"new" * 2000
    assert number == 5  # write, sync, rename, sync of the folder


def test_a_short_write_is_continued(tmp_path: Path) -> None:
    class ShortDisk(Disk):
        def write(self, descriptor: int, content: memoryview) -> int:
            return super().write(descriptor, content[:7])

    write_file(ShortDisk(), tmp_path / "file", bytes(range(100)))
    assert (tmp_path / "file").read_bytes() == bytes(range(100))


def test_new_folders_are_private_and_synced(tmp_path: Path) -> None:
    disk = FaultyDisk(0)
    write_file(disk, tmp_path / "a" / "b" / "file", b"x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert disk.count == 6  # a in its parent, b in a, then write, sync, rename, sync of b


def test_leftovers_are_swept(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / ".part-0123").write_bytes(b"half")
    (tmp_path / "ab" / "kept.png").write_bytes(b"whole")
    assert sweep(tmp_path) == 1
    assert [file.name for file in (tmp_path / "ab").iterdir()] == ["kept.png"]


def test_a_nearly_full_disk_takes_no_more_pictures(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There are 100 MB free .* 257 MB are needed"):
        require_space(FullDisk(100 * 2**20), tmp_path, 1000)
    require_space(FullDisk(300 * 2**20), tmp_path, 1000)
