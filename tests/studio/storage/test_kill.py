"""kill -9 at any moment: what was confirmed is there, and everything that is there can be read."""

from __future__ import annotations

import multiprocessing
import os
import random
import select
import signal
from pathlib import Path

import numpy as np
import pytest

from backend.scene.formats.picture_file import encode_png
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import (
    WorkGate,
    compose,
    kinds,
    open_studio,
    save_scene,
    scene_with,
    wait_for_end,
)

KILLS = 20
FORK = multiprocessing.get_context("fork")


def save_for_ever(folder: Path, confirmed: int) -> None:
    """In a process of its own: a new picture and a new revision, again and again; each confirmed on
    a pipe.
    """
    rng = np.random.default_rng(os.getpid())
    with open_studio(folder, ScriptedWorker()) as studio:
        project = studio.open_latest()
        revision = project.revision
        while True:
            picture = rng.integers(0, 256, (40, 40, 4), np.uint8)
            digest = studio.take_picture(encode_png(picture), "").digest
            revision = studio.save(
                project.id, revision, scene_with(digest, f"scene {revision + 1}"), {}
            ).revision
            os.write(confirmed, f"{revision}\n".encode())


def last_confirmed(folder: Path, after_s: float) -> int:
    """Start a writer, kill it ``after_s`` after its first confirmation; the last revision that it
    confirmed.
    """
    reader, writer = os.pipe()
    process = FORK.Process(target=save_for_ever, args=(folder, writer))
    process.start()
    os.close(writer)
    assert select.select([reader], [], [], 60)[0]
    process.join(after_s)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with os.fdopen(reader) as lines:
        return int(lines.read().splitlines()[-1])


def run_until(folder: Path, phase: str, submitted: int) -> None:
    """In a process of its own: two jobs, the first of which stops at ``phase`` for ever."""
    gate = WorkGate(phase)
    with open_studio(folder, ScriptedWorker(gate)) as studio:
        project, revision = save_scene(studio)
        jobs = [studio.generate(project, revision, compose()).job for _ in range(2)]
        gate.reached.wait(60)
        os.write(submitted, " ".join(jobs).encode())
        signal.pause()


@pytest.mark.parametrize("phase", ["submit", "start", "step 2", "decode"])
def test_a_job_whose_process_was_killed_goes_on_and_then_the_next(
    tmp_path: Path, phase: str
) -> None:
    reader, writer = os.pipe()
    process = FORK.Process(target=run_until, args=(tmp_path, phase, writer))
    process.start()
    os.close(writer)
    first, second = os.read(reader, 1000).decode().split()
    os.close(reader)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with open_studio(tmp_path) as studio:
        killed = wait_for_end(studio, first)
        assert [event.n for event in killed.events] == list(range(1, len(killed.events) + 1))
        assert kinds(killed)[-1] == "finished"
        assert [one.index for one in killed.candidates] == [0, 1]
        assert wait_for_end(studio, second).state == "finished"


@pytest.mark.slow
def test_no_confirmed_save_is_lost(tmp_path: Path) -> None:
    times = random.Random(11)
    for _ in range(KILLS):
        confirmed = last_confirmed(tmp_path, times.uniform(0, 0.06))
        with open_studio(tmp_path) as studio:
            project = studio.open_latest()
            assert project.revision >= confirmed
            assert project.scene.name == f"scene {project.revision}"
            assert [note.code for note in project.notes if note.code == "unreadable"] == []
            assert studio._store.pixels.picture(str(project.scene.layers[0].picture)).shape == (
                40,
                40,
                4,
            )
        assert list(tmp_path.rglob(".part-*")) == []
