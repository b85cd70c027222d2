"""Backups of the database: taken at each start and each day, and put back when it is lost."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.errors import StoreError
from backend.studio.storage.backups import DAYS, NEWEST, Backups
from backend.studio.storage.disk import Disk
from backend.studio.storage.storage import Storage
from tests.studio.projects.test_home import make_scene
from tests.studio.workshop import open_studio


def backups_of(folder: Path) -> list[Path]:
    return sorted((folder / "backups").glob("studio-*.sqlite"))


def names_in(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT json_extract(scene, '$.name') FROM projects").fetchall()
    connection.close()
    return {name for (name,) in rows}


def test_each_start_copies_what_changed(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        make_scene(studio, "First")
    assert backups_of(tmp_path) == []
    with open_studio(tmp_path):
        pass
    (copy,) = backups_of(tmp_path)
    assert names_in(copy) == {"First"}
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_lost_database_comes_back_from_its_newest_copy(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        make_scene(studio, "First")
    with open_studio(tmp_path) as studio:
        make_scene(studio, "Second")
    for loss in (b"", None, b"not a database at all" * 400):
        path = tmp_path / "studio.sqlite"
        path.unlink()
        if loss is not None:
            path.write_bytes(loss)
        with open_studio(tmp_path) as studio:
            assert "First" in {entry.name for entry in studio.home.list_all()}
            (note,) = studio.home.notes
            assert "was put back" in note
            assert studio.upkeep.run(datetime.now(UTC) + timedelta(days=9)).files == 0
    assert len(list(tmp_path.glob("damaged-*.sqlite"))) == 1


def test_pictures_without_scenes_are_told_and_kept(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        _, digest = make_scene(studio, "First")
    (tmp_path / "studio.sqlite").write_bytes(b"")
    for copy in backups_of(tmp_path):
        copy.unlink()
    with open_studio(tmp_path) as studio:
        assert "pictures but no scenes" in studio.home.notes[0]
        studio.upkeep.run(datetime.now(UTC) + timedelta(days=1))
        studio.upkeep.run(datetime.now(UTC) + timedelta(days=9))
        assert studio.picture_png(digest)


def test_a_damaged_database_without_a_copy_is_refused_as_before(tmp_path: Path) -> None:
    (tmp_path / "studio.sqlite").write_bytes(b"not a database at all" * 400)
    with pytest.raises(StoreError, match="damaged"):
        Storage(tmp_path, Disk())


def test_damaged_pages_push_no_sound_copy_out(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        for number in range(30):
            make_scene(studio, f"Scene {number} {'x' * 150}")
    with open_studio(tmp_path) as studio:
        studio.home.list_all()
    (sound,) = backups_of(tmp_path)
    path = tmp_path / "studio.sqlite"
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    place = content.rfind(b"Scene 17 ") // page * page
    content[place : place + page] = os.urandom(page)
    path.write_bytes(bytes(content))
    with open_studio(tmp_path) as studio:
        assert "damaged in places" in studio.home.notes[0]
        listed = studio.home.list_all()
    assert backups_of(tmp_path) == [sound]
    assert sum(entry.is_readable for entry in listed) > 10


def test_the_newest_copies_and_one_of_each_day_stay(tmp_path: Path) -> None:
    database = tmp_path / "studio.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    backups = Backups(tmp_path / "backups", database, Disk())
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for half_day in range(24):
        moment = start + timedelta(hours=12 * half_day)
        stamp = moment.strftime("%Y%m%dT%H%M%S%fZ")
        (tmp_path / "backups" / f"studio-{stamp}.sqlite").write_bytes(b"old")
        os.utime(tmp_path / "backups" / f"studio-{stamp}.sqlite", (1, 1))
    newest = backups.take()
    assert newest is not None
    assert backups.take() is None
    kept = backups_of(tmp_path)
    assert kept[-1] == newest
    assert len(kept) == DAYS + NEWEST - 2
    assert backups.take_daily() is None
