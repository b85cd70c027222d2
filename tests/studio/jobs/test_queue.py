"""The queue in a person's hands: other places for what waits, and a pause that outlives a
restart.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import RequestError, StoreError
from backend.studio.runner import CONTINUED, PAUSED, RESUMED, STILL_PAUSED
from backend.studio.studio import Studio
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import (
    WorkGate,
    compose,
    kinds,
    open_studio,
    save_scene,
    until,
    wait_for_end,
)


def submit(studio: Studio, count: int) -> list[str]:
    project, revision = save_scene(studio)
    return [studio.generate(project, revision, compose(seed=index)).job for index in range(count)]


def ids(studio: Studio) -> list[str]:
    return [entry.id for entry in studio.queue.report().jobs]


def test_what_waits_is_moved_and_runs_in_that_order(tmp_path: Path) -> None:
    gate = WorkGate("start")
    worker = ScriptedWorker(gate)
    with open_studio(tmp_path, worker) as studio:
        first, second, third, fourth = submit(studio, 4)
        assert gate.reached.wait(60)
        assert ids(studio) == [first, second, third, fourth]
        moved = studio.queue.move(fourth, 1)
        assert [(one.id, one.place) for one in moved.jobs] == [
            (first, 0),
            (fourth, 1),
            (second, 2),
            (third, 3),
        ]
        assert [one.id for one in studio.queue.move(second, 99).jobs][1:] == [fourth, third, second]
        with pytest.raises(RequestError, match="does not wait: it is running"):
            studio.queue.move(first, 1)
        with pytest.raises(StoreError, match="no job"):
            studio.queue.move("nobody", 1)
        fifth = studio.generate(studio.open_latest().id, studio.open_latest().revision, compose())
        assert ids(studio)[-1] == fifth.job, "what is asked for later is the last"
        gate.opened.set()
        wait_for_end(studio, fifth.job)
    assert worker.submitted == [first, fourth, third, second, fifth.job]


def test_the_order_outlives_a_restart_and_what_ran_is_still_the_first(tmp_path: Path) -> None:
    gate = WorkGate("step 1")
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        first, second, third = submit(studio, 3)
        assert gate.reached.wait(60)
        studio.queue.move(third, 1)
        studio._runner._closing.set()
        gate.opened.set()
    worker = ScriptedWorker()
    with open_studio(tmp_path, worker) as studio:
        wait_for_end(studio, second)
    assert worker.submitted == [first, third, second]


def test_a_pause_keeps_what_runs_and_outlives_a_restart(tmp_path: Path) -> None:
    gate = WorkGate("step 2")
    worker = ScriptedWorker(gate)
    with open_studio(tmp_path, worker) as studio:
        first, second = submit(studio, 2)
        assert gate.reached.wait(60)
        assert studio.queue.set_pause(paused=True).pause == PAUSED
        gate.opened.set()
        until(studio, first, {"queued"})
        assert ids(studio) == [first, second]
        assert [one.done for one in studio.queue.report().jobs] == [2, 0]
    assert worker.submitted == [first]
    with open_studio(tmp_path, worker) as studio:
        assert studio.queue.report().pause == STILL_PAUSED
        studio._runner.wake()
        assert studio.cancel(second) == "cancelled"
        assert worker.submitted == [first]
        assert studio.queue.set_pause(paused=False).pause == ""
        ended = wait_for_end(studio, first)
        assert kinds(ended)[-1] == "finished"
        assert RESUMED in [event.text for event in ended.events if event.kind == "note"]
        with studio._store.database.read() as connection:
            attempts = connection.execute("SELECT attempts FROM jobs WHERE id = ?", (first,))
            assert attempts.fetchone()[0] == 1, "a pause is no attempt"


def test_a_pause_that_is_over_before_the_step_ends_cancels_nothing(tmp_path: Path) -> None:
    gate = WorkGate("step 1")
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        (job,) = submit(studio, 1)
        assert gate.reached.wait(60)
        studio.queue.set_pause(paused=True)
        studio.queue.set_pause(paused=False)
        gate.opened.set()
        ended = wait_for_end(studio, job)
        assert ended.state == "finished"
        assert CONTINUED in [event.text for event in ended.events if event.kind == "note"]
        assert len(ended.candidates) == 2


def test_stop_during_a_pause_stops(tmp_path: Path) -> None:
    gate = WorkGate("step 1")
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        (job,) = submit(studio, 1)
        assert gate.reached.wait(60)
        studio.cancel(job)
        studio.queue.set_pause(paused=True)
        gate.opened.set()
        assert wait_for_end(studio, job).state == "cancelled"
