"""The database: transactions, its refusals, and the rules that it keeps itself."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

import pytest

from backend.errors import StoreError
from backend.studio.storage.database import SCHEMA_VERSION, Database

PROJECT = (
    "INSERT INTO projects (id, revision, scene, editor, turn, created)"
    " VALUES ('p', 1, '{}', '{}', 1, '')"
)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "studio.sqlite")


def add_job(database: Database, state: str) -> None:
    with database.write() as connection:
        connection.execute(PROJECT)
        connection.execute(
            "INSERT INTO jobs VALUES (NULL, 'j', 'p', ?, '', '', 0, 1, '{}', '{}', 0, '', 1)",
            (state,),
        )


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    statements = (
        PROJECT,
        "INSERT INTO nowhere VALUES (1)",
    )
    with pytest.raises(StoreError), database.write() as connection:
        deque(map(connection.execute, statements))
    with database.read() as connection:
        assert connection.execute("SELECT COUNT(*) FROM projects").fetchone()[0] == 0


def test_commits_are_synchronous_and_foreign_keys_hold(database: Database) -> None:
    with database.read() as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2}
    with pytest.raises(StoreError), database.write() as connection:
        connection.execute("INSERT INTO events VALUES ('no such job', 1, 'queued', '{}')")


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled", "interrupted"])
def test_terminal_states_never_change(database: Database, state: str) -> None:
    add_job(database, state)
    with pytest.raises(StoreError, match="has ended"), database.write() as connection:
        connection.execute("UPDATE jobs SET state = 'running'")


def test_the_history_only_grows(database: Database) -> None:
    add_job(database, "finished")
    with database.write() as connection:
        connection.execute(
            "INSERT INTO candidates VALUES (NULL, 'c', 'j', 0, 0, '', 1, 1, '', '', NULL, "
            "'', 1, '', '[]', '')"
        )
        connection.execute("INSERT INTO history VALUES ('c', NULL)")
    for statement in (
        "UPDATE history SET parent = 'c'",
        "DELETE FROM history",
        "UPDATE candidates SET seed = 1",
    ):
        with pytest.raises(StoreError), database.write() as connection:
            connection.execute(statement)


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"newer Lamina .format {SCHEMA_VERSION + 1}"):
        Database(path)
    assert path.read_bytes() == before


def test_an_older_store_gets_what_is_new_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite"
    database = Database(path)
    add_job(database, "finished")
    row = "(NULL, 'c', 'j', 0, 7, '', 1, 1, '', '', NULL, '', 1, '', '[]', '')"
    with database.write() as connection:
        connection.execute(f"INSERT INTO candidates VALUES {row}")
    database.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER history_stays")
        connection.execute("DROP TRIGGER history_grows")
        connection.execute(
            "CREATE TRIGGER history_grows BEFORE UPDATE ON history BEGIN SELECT 1; END"
        )
        connection.execute("DROP TABLE unnamed")
        for table in ("records", "versions", "steps", "snapshots", "recipes", "deleted_pictures"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX history_by_parent")
        connection.execute("DROP TABLE pauses")
        connection.execute("DROP INDEX projects_by_change")
        connection.execute("ALTER TABLE projects DROP COLUMN change")
        connection.execute("ALTER TABLE jobs DROP COLUMN turn")
        connection.execute("ALTER TABLE projects DROP COLUMN place")
        connection.execute("ALTER TABLE projects DROP COLUMN saved_by")
        connection.execute("ALTER TABLE projects DROP COLUMN changed")
        connection.execute("ALTER TABLE projects DROP COLUMN deleted")
        connection.execute("ALTER TABLE candidates DROP COLUMN scores")
        connection.execute("ALTER TABLE candidates DROP COLUMN stage1")
        connection.execute("DROP TABLE stage1_images")
        connection.execute("DROP TABLE retouches")
        connection.execute("DROP TABLE mixes")
        connection.execute("DROP TABLE training_jobs")
        connection.execute("DROP TABLE subjects")
        connection.execute("ALTER TABLE projects RENAME COLUMN editor TO desk")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    for _ in range(2):
        database = Database(path)
        with database.read() as connection:
            found = connection.execute("SELECT seed, scores FROM candidates").fetchall()
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        database.close()
        assert [tuple(one) for one in found] == [(7, "[]")]
        assert version == SCHEMA_VERSION


def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite"
    path.write_bytes(b"this is not a database at all" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged"):
        Database(path)
    assert path.read_bytes() == before


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    add_job(database, "queued")
    with database.write() as writer:
        writer.execute("UPDATE jobs SET state = 'running'")
        with database.read() as reader:
            assert reader.execute("SELECT state FROM jobs").fetchone()[0] == "queued"
    with database.read() as reader:
        assert reader.execute("SELECT state FROM jobs").fetchone()[0] == "running"


def test_many_threads_at_once(database: Database) -> None:
    add_job(database, "running")
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(20):
                with database.write() as connection:
                    connection.execute("UPDATE jobs SET done = done + 1")
                with database.read() as connection:
                    connection.execute("SELECT done FROM jobs").fetchone()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute("SELECT done FROM jobs").fetchone()[0] == 120
    assert failures == []


@pytest.mark.parametrize("mode", ["read", "write"])
def test_rows_that_were_not_read_to_their_end_keep_no_old_view(
    database: Database, mode: str
) -> None:
    with database.write() as connection:
        connection.execute(PROJECT)
        connection.execute(PROJECT.replace("'p'", "'q'"))
    with suppress(KeyError), getattr(database, mode)() as connection:
        rows = connection.execute("SELECT revision FROM projects")
        next(rows)
        raise KeyError
    with database.write() as connection:
        connection.execute("UPDATE projects SET revision = 7")
    with database.read() as connection:
        found = connection.execute("SELECT DISTINCT revision FROM projects").fetchall()
    assert [row[0] for row in found] == [7], f"{rows} still holds its view"
