"""kill -9 in the middle of a real run: the next start goes on with it, and its pictures are those
of a run that nobody disturbed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from backend.models.cache import ModelCache
from backend.models.catalog import find_models
from backend.scene.formats.picture_file import encode_png
from backend.studio.library.examples import ExampleScenes
from backend.studio.storage.disk import Disk
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio
from backend.workers import local
from backend.workers.local import LocalWorker
from backend.workers.offer import CatalogOffer
from tests.studio.workshop import EDITOR, compose, scene_with, square_picture, wait_for_end

SPAWN = multiprocessing.get_context("spawn")
REQUEST: dict[str, Any] = compose(steps=12, count=2, sampler="euler_ancestral")


def open_real(folder: Path) -> Studio:
    """A studio with the pocket model."""
    local.CHECKPOINT_EVERY_S = 0.0
    catalog = find_models(())
    worker, offer = LocalWorker(catalog, ModelCache(2**32), "cpu"), CatalogOffer(catalog, "cpu")
    return Studio(Storage(folder, Disk()), offer, worker, ExampleScenes(folder / "none"))


def begin(studio: Studio) -> str:
    """A run of two candidates in 12 steps; its id."""
    digest = studio.take_picture(encode_png(square_picture()), "ball.png").digest
    project = studio.open_latest()
    saved = studio.save(project.id, project.revision, scene_with(digest), EDITOR)
    return studio.generate(project.id, saved.revision, REQUEST).job


def begin_and_die(folder: Path) -> None:
    """In a process of its own: a run, and the end of all in its middle."""
    studio = open_real(folder)
    job = begin(studio)
    while True:
        queue = studio.queue.report().jobs
        if queue and queue[0].id == job and queue[0].done >= 5:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)


@pytest.mark.slow
def test_a_killed_run_goes_on_with_equal_pixels(tmp_path: Path) -> None:
    process = SPAWN.Process(target=begin_and_die, args=(tmp_path / "killed",))
    process.start()
    process.join(240)
    assert process.exitcode == -signal.SIGKILL
    assert list((tmp_path / "killed" / "runs").glob("*.run"))
    studio = open_real(tmp_path / "killed")
    try:
        (record,) = studio.jobs(studio.open_latest().id)
        killed = wait_for_end(studio, record.id, 240)
    finally:
        studio.close()
    whole = open_real(tmp_path / "whole")
    try:
        undisturbed = wait_for_end(whole, begin(whole), 240)
    finally:
        whole.close()
    steps = [event.done for event in killed.events if event.kind == "progress"]
    assert killed.state == undisturbed.state == "finished"
    assert len(steps) <= len(set(steps)) + 3, "steps were computed again"
    assert [one.digest for one in killed.candidates] == [
        one.digest for one in undisturbed.candidates
    ]
    assert list((tmp_path / "killed" / "runs").glob("*.run")) == []
