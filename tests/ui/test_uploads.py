"""The upload folder: only fresh uploads are read, and nothing else is ever touched."""

from __future__ import annotations

import os
import stat

import pytest

from backend.errors import RefusedError, StoreError
from ui.uploads import prepare_upload_folder


@pytest.fixture
def folder(tmp_path):
    return prepare_upload_folder(tmp_path / "uploads")


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret.txt"
    file.write_text("not for pages")
    return file


def test_it_is_ours_alone_and_empty_at_the_start(tmp_path):
    root = tmp_path / "uploads"
    (root / "old").mkdir(parents=True)
    (root / "old" / "left.bin").write_bytes(b"left behind")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (root / "link").symlink_to(outside)
    prepare_upload_folder(root)
    assert list(root.iterdir()) == []
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert (outside / "kept.txt").read_text() == "kept"


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        prepare_upload_folder(tmp_path / "file" / "uploads")


@pytest.mark.parametrize(
    "escape",
    [
        "{root}/../secret.txt",
        "{root}/./../secret.txt",
        "{secret}",
        "{root}/link.bin",
        "{root}/linked/secret.txt",
        "{root}",
        "{root}/sub",
        "{root}/pipe",
        "{root}/none.bin",
        "{root}/%2e%2e/secret.txt",
        "{root}\\..\\secret.txt",
        "{root}/a\x00b",
        "file://{secret}",
        "http://127.0.0.1/secret.txt",
        "data:text/plain,hello",
        "secret.txt",
        "~/secret.txt",
        "/proc/self/environ",
        "{root}/" + "a" * 4000,
        "{root}/loop",
    ],
)
def test_no_path_leads_out_and_nothing_outside_is_deleted(folder, secret, escape):
    root = folder.root
    (root / "sub").mkdir()
    (root / "link.bin").symlink_to(secret)
    (root / "linked").symlink_to(secret.parent)
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    with pytest.raises(RefusedError):
        folder.take(escape.format(root=root, secret=secret))
    assert secret.read_text() == "not for pages"
    assert (root / "sub").is_dir()


def test_an_upload_is_read_once(folder):
    place = folder.root / "ab12"
    place.mkdir()
    (place / "x.bin").write_bytes(b"pixels")
    assert folder.take(str(place / "x.bin")) == b"pixels"
    assert not place.exists()
    with pytest.raises(RefusedError):
        folder.take(str(place / "x.bin"))


def test_a_neighbour_in_the_same_folder_stays(folder):
    (folder.root / "a.bin").write_bytes(b"a")
    (folder.root / "b.bin").write_bytes(b"b")
    assert folder.take(str(folder.root / "a.bin")) == b"a"
    assert (folder.root / "b.bin").read_bytes() == b"b"
