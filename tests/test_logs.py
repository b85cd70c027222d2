"""The log: levels, the file in the store, and the job in every record."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.logs import (
    FILE_BYTES,
    FILE_NAME,
    FILES_KEPT,
    JobFilter,
    StepTimes,
    configure_logging,
    log_job,
    log_plan,
)

log = logging.getLogger("backend.tests")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Handlers and levels are the process's: they are put back."""
    loggers = [logging.getLogger(name) for name in (None, "backend", "ui")]
    before = [(one, one.level, one.handlers[:], one.propagate) for one in loggers]
    yield
    logging.captureWarnings(False)
    for one, level, handlers, propagate in before:
        for handler in set(one.handlers) - set(handlers):
            handler.close()
        one.setLevel(level)
        one.handlers[:] = handlers
        one.propagate = propagate


def read_log(folder: Path) -> list[str]:
    return (folder / FILE_NAME).read_text(encoding="utf-8").splitlines()


def test_the_terminal_shows_the_level_and_the_file_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("error", tmp_path)
    log.debug("a detail")
    log.info("a step")
    log.error("a fault")
    assert [line.split()[-1] for line in read_log(tmp_path)] == ["step", "fault"]
    shown = capsys.readouterr().err
    assert "a fault" in shown
    assert "a step" not in shown


def test_debug_reaches_both_but_only_from_our_modules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("debug", tmp_path)
    log.debug("a detail")
    logging.getLogger("some.library").debug("its chatter")
    assert len(read_log(tmp_path)) == 1
    assert "a detail" in capsys.readouterr().err


def test_without_a_folder_there_is_no_file(tmp_path: Path) -> None:
    configure_logging("info")
    log.info("a step")
    assert list(tmp_path.iterdir()) == []


def test_every_record_of_a_job_names_it(tmp_path: Path) -> None:
    configure_logging("info", tmp_path)
    log.info("before")
    with log_job("j1"):
        log.info("queued")
        log_plan("0123456789abcdef")
        log.info("planned")
        logging.getLogger("some.library").warning("foreign")
    log.info("after")
    marks = [" ".join(line.split()[4:6]) for line in read_log(tmp_path)]
    planned = "job=j1 plan=0123456789ab"
    assert marks == ["job=- plan=-", "job=j1 plan=-", planned, planned, "job=- plan=-"]


def test_threads_do_not_share_a_job_unless_they_are_handed_it() -> None:
    seen: dict[str, str] = {}

    def note(name: str) -> None:
        record = logging.LogRecord("a", logging.INFO, "", 0, "", None, None)
        assert JobFilter().filter(record)
        seen[name] = vars(record)["job"]

    with log_job("j1"):
        handed = contextvars.copy_context()
        threads = [
            threading.Thread(target=note, args=("own",)),
            threading.Thread(target=handed.run, args=(note, "handed")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {"own": "-", "handed": "j1"}


def test_the_file_rotates_and_stays_small(tmp_path: Path) -> None:
    configure_logging("info", tmp_path)
    for _ in range(6 * FILE_BYTES // 50_000):
        log.info("x" * 50_000)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == FILES_KEPT + 1
    assert max(sizes) <= FILE_BYTES


def test_times_of_steps_are_logged_about_once_a_second(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(0.25 * at for at in range(100))
    monkeypatch.setattr("backend.logs.time.monotonic", lambda: next(now))
    with caplog.at_level(logging.INFO, logger=log.name):
        times = StepTimes(log)
        for done in range(1, 11):
            times.count(done, 10)
        times.finish()
    assert caplog.messages == [
        "step 4 of 10: 250 ms a step",
        "step 8 of 10: 250 ms a step",
        "step 10 of 10: 250 ms a step",
        "10 steps in 2.75 s",
    ]
