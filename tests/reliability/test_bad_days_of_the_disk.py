"""Bad days of a store: read-only, moved away, damaged row by row, and a clock that jumps."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from backend.errors import StoreError
from backend.scene.formats.picture_file import encode_png
from backend.studio.storage import backups, database
from backend.studio.storage.disk import Disk
from backend.studio.storage.records import GalleryFilter
from backend.studio.studio import Studio
from tests.studio.projects.test_home import make_scene
from tests.studio.workshop import (
    compose,
    open_studio,
    save_scene,
    scene_with,
    square_picture,
    wait_for_end,
)
from ui.bridge import Bridge
from ui.uploads import UploadFolder


class ReadOnlyDisk(Disk):
    """A disk that takes nothing as long as it ``is_shut``."""

    is_shut = False

    def write(self, descriptor: int, content: memoryview) -> int:
        if self.is_shut:
            raise OSError(errno.EROFS, "Read-only file system")
        return super().write(descriptor, content)


@contextmanager
def shut(studio: Studio, disk: ReadOnlyDisk) -> Iterator[None]:
    """The store as it is after the system has remounted its disk read-only."""
    writer = studio._store.database._writer
    disk.is_shut = True
    writer.execute("PRAGMA query_only = ON")
    yield
    writer.execute("PRAGMA query_only = OFF")
    disk.is_shut = False


def test_a_store_that_becomes_read_only_refuses_in_words_and_goes_on_by_itself(
    tmp_path: Path,
) -> None:
    disk = ReadOnlyDisk()
    with open_studio(tmp_path, disk=disk) as studio:
        project, revision = save_scene(studio)
        digest = str(studio.open_project(project).scene.layers[0].picture)
        with shut(studio, disk):
            for refused in (
                lambda: studio.save(project, revision, scene_with(digest, "Later"), {}),
                lambda: studio.take_picture(encode_png(square_picture((1, 2, 3))), "new.png"),
                lambda: studio.generate(project, revision, compose()),
                lambda: studio.home.rename(project, "Other"),
            ):
                with pytest.raises(StoreError, match=r"(?i)read-?only") as refusal:
                    refused()
                assert "permissions" in refusal.value.remedy
            assert studio.home.list_all()[0].name == "Toys"
        assert studio.save(project, revision, scene_with(digest, "Later"), {}).revision > revision


@pytest.mark.slow
def test_a_run_waits_for_a_read_only_store_and_loses_no_picture(tmp_path: Path) -> None:
    disk = ReadOnlyDisk()
    with open_studio(tmp_path, disk=disk) as studio:
        project, revision = save_scene(studio)
        with shut(studio, disk):
            studio._runner.wake()
            deadline = time.monotonic() + 20
            while not studio.queue.report().trouble:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert "stands still" in studio.queue.report().trouble
        job = studio.generate(project, revision, compose()).job
        assert wait_for_end(studio, job).state == "finished"
        assert studio.queue.report().trouble == ""


def test_a_store_that_is_moved_away_is_said_and_nothing_is_split(tmp_path: Path) -> None:
    store, away = tmp_path / "store", tmp_path / "elsewhere"
    with open_studio(store) as studio:
        project, revision = save_scene(studio)
        digest = str(studio.open_project(project).scene.layers[0].picture)
        bridge = Bridge(studio, UploadFolder(tmp_path))
        store.rename(away)
        save = {"verb": "save", "project": project, "revision": revision, "editor": {}}
        request = {"project": project, "revision": revision, "request": compose()}
        (tmp_path / "new.png").write_bytes(encode_png(square_picture((1, 2, 3))))
        for message in (
            {"verb": "take_picture", "path": str(tmp_path / "new.png")},
            {**save, "scene": scene_with(digest, "Later")},
            {"verb": "generate", **request},
        ):
            error = bridge.ask(message)["error"]
            assert (error["code"], "is not where it was" in error["what"]) == ("store", True), error
            assert "--store" in error["remedy"]
        assert not (store / "pixels").exists(), "a second store begins where the first one was"
        away.rename(store)
        assert studio.take_picture(encode_png(square_picture((1, 2, 3))), "new.png").digest
        assert studio.save(project, revision, scene_with(digest, "Later"), {}).revision > revision
    store.rename(away)
    with open_studio(away) as studio:
        assert studio.open_latest().scene.name == "Later"


TEXTS = (
    ("projects", ("scene", "editor")),
    ("jobs", ("request", "plan")),
    ("events", ("body",)),
    ("candidates", ("plan", "scores")),
    ("steps", ("name",)),
    ("records", ("body",)),
    ("versions", ("layers",)),
    ("recipes", ("words",)),
)
DAMAGES = ("", "{", "null", "[1]", '{"a": ' * 400, "\ufffd\x00", '{"layers": [{"id": 3}]}')


@pytest.mark.slow
@pytest.mark.parametrize(("table", "columns"), TEXTS)
def test_damaged_rows_hide_nothing_that_is_sound(
    tmp_path: Path, table: str, columns: tuple[str, ...]
) -> None:
    with open_studio(tmp_path) as studio:
        bad, revision = save_scene(studio)
        job = studio.generate(bad, revision, compose()).job
        wait_for_end(studio, job)
        good, _ = make_scene(studio, "Sound")
        with studio._store.database.write() as connection:
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for row in connection.execute(triggers).fetchall():
                connection.execute(f"DROP TRIGGER {row['name']}")
        for damage in DAMAGES:
            with studio._store.database.write() as connection:
                for column in columns:
                    where = "" if table != "projects" else f" WHERE id = '{bad}'"
                    connection.execute(f"UPDATE {table} SET {column} = ?{where}", (damage,))
            check_sound(studio, tmp_path, good)
            check_in_words(studio, tmp_path, bad, job)


def check_sound(studio: Studio, folder: Path, good: str) -> None:
    """Home, gallery, queue and the other scene are there."""
    ask = Bridge(studio, UploadFolder(folder)).ask
    assert "error" not in ask({"verb": "hello"})
    assert "Sound" in {entry["name"] for entry in ask({"verb": "scenes"})["scenes"]}
    opened = ask({"verb": "hello", "project": good})
    assert "error" not in opened, opened
    saved = ask(
        {
            "verb": "save",
            **{name: opened[name] for name in ("scene", "editor")},
            "project": opened["project"],
            "revision": opened["revision"],
        }
    )
    assert "error" not in saved, saved
    assert studio.queue.report().jobs == ()
    assert studio.upkeep.run() is not None


def check_in_words(studio: Studio, folder: Path, bad: str, job: str) -> None:
    """What is damaged opens as far as it goes, or is refused in words; never an incident."""
    ask = Bridge(studio, UploadFolder(folder)).ask
    for message in (
        {"verb": "hello", "project": bad},
        {"verb": "jobs", "project": bad},
        {"verb": "steps", "project": bad, "place": 0, "later": True},
        {"verb": "gallery", "filter": {}},
        {"verb": "gallery_page", "filter": {}, "key": 2**40},
        {"verb": "salvage_scene", "project": bad},
        {"verb": "snapshots", "project": bad},
        {"verb": "events", "job": job, "after": 0},
    ):
        reply = ask(message)
        assert reply.get("error", {}).get("code") != "internal", (message, reply)


class SetClock(datetime):
    """A clock that somebody has set."""

    shift = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.shift


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[SetClock]]:
    for module in (database, backups):
        monkeypatch.setattr(module, "datetime", SetClock)
    yield SetClock
    SetClock.shift = timedelta()


def test_a_clock_that_is_set_back_changes_no_order(tmp_path: Path, clock: type[SetClock]) -> None:
    with open_studio(tmp_path) as studio:
        old, revision = save_scene(studio)
        make_scene(studio, "Yesterday")
        studio.upkeep.run()
    clock.shift = timedelta(days=-1)
    for _ in range(4):
        with open_studio(tmp_path) as studio:
            scene = studio.open_project(old).scene.model_copy(update={"name": "This minute"})
            revision = studio.save(old, revision, scene.model_dump(mode="json"), {}).revision
            job = studio.generate(old, revision, compose()).job
            assert [one.n for one in wait_for_end(studio, job).events] == list(range(1, 9))
            assert studio.home.list_all()[0].name == "This minute"
            newest = studio.gallery.page(GalleryFilter(), 2**50)[0]
            assert newest.job == job
    kept = studio._store.backups.list_all()
    assert read_revision(kept[-1], old) == revision - 1, "the newest copy is of the last start"


def read_revision(path: Path, project: str) -> int:
    with sqlite3.connect(path) as connection:
        query = "SELECT revision FROM projects WHERE id = ?"
        return int(connection.execute(query, (project,)).fetchone()[0])


def test_ten_years_ahead_nothing_goes_that_nobody_deleted(
    tmp_path: Path, clock: type[SetClock]
) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        made = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates
        clock.shift = timedelta(days=3650)
        studio.upkeep.run(datetime.now(UTC) + clock.shift)
        assert studio.open_project(project).revision == revision
        assert all(studio.picture_png(one.digest) for one in made)
        studio.home.delete(project)
        clock.shift = timedelta()
        assert studio.home.restore(project).deleted == ""


def test_places_of_the_world_write_the_same_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        moments.append(datetime.fromisoformat(database.now()))
    monkeypatch.delenv("TZ")
    time.tzset()
    assert all(moment.utcoffset() == timedelta() for moment in moments)
    assert moments[-1] - moments[0] < timedelta(minutes=1)
    assert os.environ.get("TZ") is None
