"""Long work: memory, files and threads stay as they are, what is deleted leaves the disk, and no
storm of stops ever has two runs at once.
"""

from __future__ import annotations

import os
import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.scene.formats.picture_file import encode_png
from backend.studio.projects.steps import SentSteps
from backend.studio.studio import Studio
from tests.reliability.sizes import choose
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import (
    EDITOR,
    compose,
    open_studio,
    save_scene,
    scene_with,
    square_picture,
    wait_for_end,
)

JOBS = choose(60, 500, 3000)
LEVEL_AT = choose(20, 50, 50)
CANCELS = choose(40, 200, 2000)
STROKES = choose(40, 500, 500)
STEPS_OF_UNDO = choose(300, 2000, 10_000)
GROWTH = 1.05
LATER = timedelta(days=2)


def measure() -> dict[str, float]:
    """What this process holds: MB of memory, open files, threads."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def weigh(folder: Path) -> int:
    """Bytes of all files of a store."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_hundreds_of_runs_leave_no_trace_but_their_pictures(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        level = measure()
        for number in range(JOBS):
            asked = compose(seed=number, count=1, steps=2)
            wait_for_end(studio, studio.generate(project, revision, asked).job)
            if number == LEVEL_AT:
                level = measure()
        for name, value in measure().items():
            assert value <= GROWTH * level[name] + 1, f"{name}: {level[name]} became {value}"
        assert list((tmp_path / "runs").iterdir()) == []
        assert list(tmp_path.rglob(".part-*")) == []
        full = weigh(tmp_path)
        studio.home.delete(project)
        purge(studio)
        left = weigh(tmp_path)
    assert left < 0.35 * full, f"{full} bytes became {left}"


def purge(studio: Studio) -> None:
    """What the upkeep does within two days."""
    for wait in (timedelta(), LATER, 2 * LATER):
        studio.upkeep.run(datetime.now(UTC) + wait)


@pytest.mark.slow
def test_never_two_runs_at_once_in_a_storm_of_stops(tmp_path: Path) -> None:
    chance = random.Random(7)
    worker = ScriptedWorker(pause_s=0.0005)
    with open_studio(tmp_path, worker) as studio:
        project, revision = save_scene(studio)
        stopped = 0
        while stopped < CANCELS:
            jobs = [studio.generate(project, revision, compose()).job for _ in range(20)]
            chance.shuffle(jobs)
            stops = [threading.Thread(target=studio.cancel, args=(job,)) for job in jobs * 2]
            for stop in stops:
                stop.start()
            for stop in stops:
                stop.join()
            ends = [wait_for_end(studio, job).state for job in jobs]
            assert set(ends) <= {"cancelled", "finished"}
            stopped += ends.count("cancelled")
    assert worker.most_running == 1


def build_strokes(studio: Studio, count: int) -> str:
    """So many strokes as the page sends them, each a mask, a save and a step; the project."""
    digest = studio.take_picture(encode_png(square_picture()), "ball.png").digest
    opened = studio.open_latest()
    revision, chance = opened.revision, random.Random(3)
    mask = square_picture(side=128)[:, :, 3].copy()
    for number in range(count):
        top, left = chance.randrange(100), chance.randrange(100)
        mask[top : top + 20, left : left + 20] = 255 * (number % 2)
        scene = scene_with(digest)
        scene["layers"][0]["mask"] = studio.take_mask(encode_png(mask)).digest
        steps = {"first": number, "place": number, "steps": [{"name": "Stroke"}]}
        revision = studio.save(
            opened.id, revision, scene, EDITOR, SentSteps.model_validate(steps)
        ).revision
    return opened.id


@pytest.mark.slow
def test_strokes_that_undo_does_not_need_leave_the_disk(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project = build_strokes(studio, STROKES)
        full = weigh(tmp_path / "pixels")
        with studio._store.database.write() as connection:
            gone = ("DELETE FROM steps WHERE project = ? AND place < ?", (project, STROKES - 4))
            connection.execute(*gone)
        purge(studio)
        assert weigh(tmp_path / "pixels") < 0.25 * full
        assert studio.open_project(project).notes == ()


@pytest.mark.slow
def test_the_ten_thousandth_step_is_as_much_work_as_the_first(tmp_path: Path) -> None:
    """Work is counted in steps of SQLite's machine, which no other program slows down."""
    counts: list[int] = []
    with open_studio(tmp_path) as studio:
        digest = studio.take_picture(encode_png(square_picture()), "ball.png").digest
        opened = studio.open_latest()
        writer = studio._store.database._writer
        revision, worked = opened.revision, [0]

        def count() -> int:
            worked[0] += 1
            return 0

        writer.set_progress_handler(count, 10)
        for number in range(STEPS_OF_UNDO):
            worked[0] = 0
            scene = scene_with(digest) | {"prompt": f"a red ball on meadow {number}"}
            steps = {"first": number, "place": number, "steps": [{"name": "Prompt"}]}
            revision = studio.save(
                opened.id, revision, scene, EDITOR, SentSteps.model_validate(steps)
            ).revision
            counts.append(worked[0])
        writer.set_progress_handler(None, 0)
    early, late = sorted(counts[20:120])[50], sorted(counts[-100:])[50]
    assert late <= 1.2 * early + 2, f"{early} became {late} (tens of steps of the machine)"
