"""One configuration of logging: the terminal, a rotating file in the store, and the job in every
record.

Modules log to ``logging.getLogger(__name__)``. What is logged while a job is followed carries the
job's id and its plan's digest, also in threads that :func:`contextvars.copy_context` was handed to.
"""

from __future__ import annotations

import logging
import logging.config
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

LEVELS = ("debug", "info", "warning", "error")
FILE_NAME = "lamina.log"
FILE_BYTES = 2 * 2**20
FILES_KEPT = 3
"""Older files beside the one that is written: 8 MiB of the last days, and never more."""

LINE = "%(asctime)s %(levelname)-7s %(name)s job=%(job)s plan=%(plan)s %(message)s"
NONE = "-"
SHOWN_DIGITS = 12
"""Of a plan's digest; enough to find it in the store."""

STEPS_EVERY_S = 1.0
"""Times of steps are logged at most this often, however short a step is."""

_job: ContextVar[str] = ContextVar("job", default=NONE)
_plan: ContextVar[str] = ContextVar("plan", default=NONE)


class JobFilter(logging.Filter):
    """Puts ``job`` and ``plan`` into every record, "-" outside a job; lets all of them pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.job, record.plan = _job.get(), _plan.get()
        return True


@contextmanager
def log_job(job: str) -> Iterator[None]:
    """Records inside the block carry this job's id."""
    tokens = _job.set(job), _plan.set(NONE)
    try:
        yield
    finally:
        _job.reset(tokens[0])
        _plan.reset(tokens[1])


def log_plan(digest: str) -> None:
    """From now on records of the present job carry this plan's digest, too."""
    _plan.set(digest[:SHOWN_DIGITS] or NONE)


def configure_logging(level: str, folder: Path | None = None) -> None:
    """Set up the root logger of this process; a second call replaces the first.

    Args:
        level: one of ``LEVELS``; what the terminal shows.
        folder: where ``lamina.log`` is written, at ``info`` or at ``level`` where that is finer;
            None for no file.
    """
    logging.config.dictConfig(describe_logging(level, folder))
    logging.captureWarnings(True)


def describe_logging(level: str, folder: Path | None) -> dict[str, Any]:
    """The configuration as ``logging.config.dictConfig`` reads it."""
    name = level.upper()
    kept = "DEBUG" if name == "DEBUG" else "INFO"
    common = {"formatter": "line", "filters": ["job"]}
    handlers: dict[str, dict[str, Any]] = {
        "terminal": {"class": "logging.StreamHandler", "level": name, **common}
    }
    if folder is not None:
        handlers["file"] = {
            "class": "logging.handlers.RotatingFileHandler",
            "level": kept,
            "filename": str(folder / FILE_NAME),
            "maxBytes": FILE_BYTES,
            "backupCount": FILES_KEPT,
            "encoding": "utf-8",
            "delay": True,
            **common,
        }
    ours = kept if folder is not None else name
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": LINE}},
        "filters": {"job": {"()": "backend.logs.JobFilter"}},
        "handlers": handlers,
        "root": {
            "level": "WARNING" if name in ("INFO", "DEBUG") else name,
            "handlers": [*handlers],
        },
        "loggers": {package: {"level": ours} for package in ("backend", "ui")},
    }


class StepTimes:
    """Logs how long the steps of a run take, in lines of about a second each.

    Args:
        log: the logger of whoever follows the run.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._since = self._start = time.monotonic()
        self._counted = self._steps = 0

    def count(self, done: int, total: int) -> None:
        """Step ``done`` of ``total`` has ended."""
        self._counted += 1
        self._steps += 1
        now = time.monotonic()
        if now - self._since >= STEPS_EVERY_S or done >= total:
            each_ms = 1000 * (now - self._since) / self._counted
            self._log.info("step %d of %d: %.0f ms a step", done, total, each_ms)
            self._since, self._counted = now, 0

    def finish(self) -> None:
        """The run has ended: one line for all of it."""
        seconds = time.monotonic() - self._start
        self._log.info("%d steps in %.2f s", self._steps, seconds)
