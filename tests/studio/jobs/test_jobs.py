"""The life of a job: events without gaps, cancel in each phase, failures in words, restarts."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.errors import EngineError, LaminaError, RequestError, StaleRevision, StoreError
from backend.plan.events import TERMINAL, Event, JobStarted
from backend.plan.layer_score import LayerScore, Scores
from backend.plan.plan import Plan
from backend.scene.scene import Pixels
from backend.studio import runner
from backend.studio.jobs import jobs
from backend.studio.jobs.worker import NOTHING_DONE, WorkDone
from backend.studio.storage.disk import Disk
from backend.studio.studio import Studio
from tests.studio.scripted import ScriptedHandle, ScriptedWorker
from tests.studio.workshop import (
    WorkGate,
    compose,
    kinds,
    open_studio,
    reroll,
    save_scene,
    until,
    wait_for_end,
)


def submit(studio: Studio, count: int = 1) -> list[str]:
    project, revision = save_scene(studio)
    return [studio.generate(project, revision, compose(seed=index)).job for index in range(count)]


def test_a_job_runs_to_its_end(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        (job,) = submit(studio)
        job_events = wait_for_end(studio, job)
        assert kinds(job_events) == ["queued", "started", *["progress"] * 4, "images", "finished"]
        assert [event.n for event in job_events.events] == list(range(1, 9))
        assert job_events.events[1].device == "cpu"
        assert [(event.done, event.total) for event in job_events.events[2:6]] == [
            (1, 4),
            (2, 4),
            (3, 4),
            (4, 4),
        ]
        assert job_events.events[6].candidates == tuple(made.id for made in job_events.candidates)
        assert [candidate.seed for candidate in job_events.candidates] == [0, 1]
        assert studio.jobs(studio.open_latest().id)[0].state == "finished"
        assert studio.open_latest().job is None


def test_news_begins_after_a_number(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        (job,) = submit(studio)
        wait_for_end(studio, job)
        assert [event.n for event in studio.events_after(job, 6).events] == [7, 8]
        assert studio.events_after(job, 8).events == ()


def test_only_the_newest_preview_is_carried(tmp_path: Path) -> None:
    gate = WorkGate("step 3")
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        (job,) = submit(studio)
        assert gate.reached.wait(60)
        job_events = until(studio, job, {"running"})
        events = job_events.model_dump(mode="json")["events"]
        shown = {event["n"]: event.get("preview") for event in events}
        gate.opened.set()
        assert [n for n, preview in shown.items() if preview] == [5]
        assert shown[5]["jpeg"].startswith("data:image/jpeg;base64,/9j/")
        assert not any(
            getattr(event, "preview", None) for event in wait_for_end(studio, job).events
        )


def test_jobs_run_one_at_a_time_and_in_order(tmp_path: Path) -> None:
    worker = ScriptedWorker(pause_s=0.001)
    with open_studio(tmp_path, worker) as studio:
        submitted = submit(studio, 5)
        for job in submitted:
            wait_for_end(studio, job)
        assert worker.submitted == submitted
        assert worker.most_running == 1


@pytest.mark.parametrize("phase", ["submit", "start", "step 0", "step 2", "decode"])
def test_cancel_in_each_phase(tmp_path: Path, phase: str) -> None:
    gate = WorkGate(phase)
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        (job,) = submit(studio)
        assert gate.reached.wait(60)
        assert studio.cancel(job) == "running"
        gate.opened.set()
        job_events = wait_for_end(studio, job)
        assert job_events.state == "cancelled"
        assert kinds(job_events)[-1] == "cancelled"
        assert job_events.candidates == ()
        assert studio.cancel(job) == "cancelled"
        assert len(studio.events_after(job, 0).events) == len(job_events.events)


def test_cancel_while_queued_never_reaches_the_worker(tmp_path: Path) -> None:
    gate = WorkGate("start")
    worker = ScriptedWorker(gate)
    with open_studio(tmp_path, worker) as studio:
        first, second, third = submit(studio, 3)
        assert gate.reached.wait(60)
        assert studio.cancel(second) == "cancelled"
        gate.opened.set()
        assert wait_for_end(studio, third).state == "finished"
        assert worker.submitted == [first, third]
        assert kinds(studio.events_after(second, 0)) == ["queued", "cancelled"]


def test_a_storm_of_cancels(tmp_path: Path) -> None:
    worker = ScriptedWorker(pause_s=0.0005)
    with open_studio(tmp_path, worker) as studio:
        for _ in range(2):
            project, revision = save_scene(studio)
            submitted = [studio.generate(project, revision, compose()).job for _ in range(20)]
            threads = [threading.Thread(target=studio.cancel, args=(job,)) for job in submitted * 3]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for job in submitted:
                job_events = wait_for_end(studio, job)
                assert job_events.state in ("cancelled", "finished")
                assert [event.n for event in job_events.events] == list(
                    range(1, len(job_events.events) + 1)
                )
    assert worker.most_running == 1


def failing_with(error: BaseException, at: str = "step 1") -> ScriptedWorker:
    def script(phase: str) -> None:
        if phase == at:
            raise error

    return ScriptedWorker(script)


def test_a_refusal_arrives_in_its_three_parts(tmp_path: Path) -> None:
    worker = failing_with(
        EngineError("No valid picture came out.", limit="Step 2 of 4.", remedy="Try another seed.")
    )
    with open_studio(tmp_path, worker) as studio:
        (job,) = submit(studio)
        last = wait_for_end(studio, job).events[-1]
        assert (last.kind, last.what) == ("failed", "No valid picture came out.")
        assert (last.limit, last.remedy) == ("Step 2 of 4.", "Try another seed.")


@pytest.mark.parametrize("at", ["submit", "start", "step 1", "decode"])
@pytest.mark.parametrize("kind", [ZeroDivisionError, SystemExit])
def test_an_unexpected_error_fails_with_a_code_and_the_queue_goes_on(
    tmp_path: Path, at: str, kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    worker = failing_with(kind("secret of the inside"), at)
    with open_studio(tmp_path, worker) as studio:
        (job,) = submit(studio)
        last = wait_for_end(studio, job).events[-1]
        worker.script = lambda phase: None
        (second,) = submit(studio)
        assert wait_for_end(studio, second).state == "finished"
    assert last.kind == "failed"
    assert re.fullmatch("[0-9a-f]{6}", last.code)
    assert "secret" not in last.model_dump_json()
    assert last.code in caplog.text
    assert "secret of the inside" in caplog.text


class QuietWorker(ScriptedWorker):
    """Its events end without a terminal one."""

    def submit(
        self, job_id: str, plan: Plan, pixels: Pixels, done: WorkDone = NOTHING_DONE
    ) -> ScriptedHandle:
        handle = super().submit(job_id, plan, pixels)
        return QuietHandle(handle.worker, plan, pixels)


class QuietHandle(ScriptedHandle):
    def events(self) -> Iterator[Event]:
        yield JobStarted(device="cpu")


def test_a_worker_that_goes_silent_is_a_failure(tmp_path: Path) -> None:
    with open_studio(tmp_path, QuietWorker()) as studio:
        (job,) = submit(studio)
        last = wait_for_end(studio, job).events[-1]
        assert last.kind == "failed"
        assert last.what == "The worker stopped without an answer."


def test_a_closed_studio_goes_on_with_what_ran_and_then_with_what_waited(tmp_path: Path) -> None:
    worker = ScriptedWorker(pause_s=0.05)
    with open_studio(tmp_path, worker) as studio:
        first, second = submit(studio, 2)
        until(studio, first, {"running"})
    with open_studio(tmp_path) as studio:
        assert kinds(wait_for_end(studio, first))[-1] == "finished"
        assert wait_for_end(studio, second).state == "finished"
        assert [one.index for one in studio.events_after(first, 0).candidates] == [0, 1]


def test_a_restart_goes_on_with_what_ran_and_then_with_what_waited(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        first, second = submit(studio, 2)
        wait_for_end(studio, second)
        project = studio.open_latest().id
    rewind(tmp_path, {first: "running", second: "queued"})
    gate = WorkGate("start")
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        assert gate.reached.wait(60)
        assert kinds(studio.events_after(first, 0)) == ["queued", "started", "queued", "note"]
        shown = studio.open_latest().job
        assert shown is not None
        assert (shown.id, shown.state) == (first, "running")
        gate.opened.set()
        for job in (first, second):
            job_events = wait_for_end(studio, job)
            assert [event.n for event in job_events.events] == list(
                range(1, len(job_events.events) + 1)
            )
        assert [job.state for job in studio.jobs(project)] == ["finished", "finished"]


def test_a_job_with_which_lamina_ended_twice_is_set_aside(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        first, second = submit(studio, 2)
        wait_for_end(studio, second)
    rewind(tmp_path, {first: "running", second: "queued"})
    set_attempts(tmp_path, first, jobs.MAX_ATTEMPTS)
    with sqlite3.connect(tmp_path / "studio.sqlite") as connection:
        connection.execute("INSERT INTO events VALUES (?, 100, 'started', '{}')", (first,))
    with open_studio(tmp_path) as studio:
        last = studio.events_after(first, 0).events[-1]
        assert (last.kind, last.what) == ("failed", "This run was set aside.")
        assert last.limit
        assert last.remedy
        assert wait_for_end(studio, second).state == "finished"


@pytest.mark.parametrize(
    ("before", "after", "goes_on"), [(0, 5, True), (5, 6, True), (6, 6, False), (6, 2, False)]
)
def test_a_job_that_comes_further_each_time_is_not_at_fault(
    tmp_path: Path, before: int, after: int, goes_on: bool
) -> None:
    with open_studio(tmp_path) as studio:
        (job,) = submit(studio)
        wait_for_end(studio, job)
    rewind(tmp_path, {job: "running"})
    set_attempts(tmp_path, job, jobs.MAX_ATTEMPTS)
    with sqlite3.connect(tmp_path / "studio.sqlite") as connection:
        for n, steps in ((10, before), (20, after)):
            rows = [(job, n, "started", '{"device": "cpu"}')]
            rows.append((job, n + 1, "progress", f'{{"done": {steps}, "total": 9}}'))
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
    with open_studio(tmp_path) as studio:
        assert (wait_for_end(studio, job).state == "finished") == goes_on


def test_stopping_on_purpose_is_no_attempt(tmp_path: Path) -> None:
    for _ in range(jobs.MAX_ATTEMPTS + 1):
        with open_studio(tmp_path, ScriptedWorker(pause_s=0.05)) as studio:
            found = studio.jobs(studio.open_latest().id)
            job = found[0].id if found else submit(studio)[0]
            until(studio, job, {"running"})
    with open_studio(tmp_path) as studio:
        assert wait_for_end(studio, job).state == "finished"


def test_a_run_that_cannot_be_stored_is_refused_before_it_begins(tmp_path: Path) -> None:
    class SmallDisk(Disk):
        free = 2**40

        def free_bytes(self, folder: Path) -> int:
            return self.free

    disk = SmallDisk()
    with open_studio(tmp_path, disk=disk) as studio:
        project, revision = save_scene(studio)
        disk.free = 2**28 + 1000
        with pytest.raises(StoreError, match="MB free") as refused:
            studio.generate(project, revision, compose())
        assert "needed" in refused.value.limit
        assert studio.jobs(project) == ()


def test_a_run_that_takes_too_long_is_stopped_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RUN_LIMIT_S", 0.2)
    with open_studio(tmp_path, ScriptedWorker(pause_s=0.15)) as studio:
        (job,) = submit(studio)
        last = wait_for_end(studio, job).events[-1]
        assert (last.kind, last.what) == ("failed", "The run was stopped.")


def set_attempts(folder: Path, job: str, attempts: int) -> None:
    """As if Lamina had ended so many times while the job ran."""
    with sqlite3.connect(folder / "studio.sqlite") as connection:
        connection.execute("UPDATE jobs SET attempts = ? WHERE id = ?", (attempts, job))


def rewind(folder: Path, states: dict[str, str]) -> None:
    """Put the store into the state that a killed process leaves: jobs running or queued, nothing
    made yet.
    """
    connection = sqlite3.connect(folder / "studio.sqlite")
    connection.executescript(
        "DROP TRIGGER terminal_states_stay; DROP TRIGGER history_stays; DELETE FROM history;"
    )
    connection.execute("DELETE FROM candidates")
    for job, state in states.items():
        connection.execute("UPDATE jobs SET state = ? WHERE id = ?", (state, job))
        connection.execute(
            "DELETE FROM events WHERE job = ? AND n > ?", (job, 2 if state == "running" else 1)
        )
    connection.commit()
    connection.close()


def test_a_job_that_an_older_lamina_left_interrupted_is_shown_until_a_newer_one(
    tmp_path: Path,
) -> None:
    with open_studio(tmp_path) as studio:
        (job,) = submit(studio)
        wait_for_end(studio, job)
    rewind(tmp_path, {job: "interrupted"})
    with open_studio(tmp_path) as studio:
        project = studio.open_latest()
        assert project.job is not None
        assert project.job.state == "interrupted"
        assert (
            wait_for_end(studio, studio.generate(project.id, project.revision, compose()).job).state
            == "finished"
        )
        assert studio.open_latest().job is None


def test_a_stale_revision_is_not_generated_from(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        with pytest.raises(StaleRevision):
            studio.generate(project, revision - 1, compose())
        assert studio.jobs(project) == ()


def test_too_many_waiting_jobs_are_refused(tmp_path: Path) -> None:
    gate = WorkGate("start")
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        project, revision = save_scene(studio)
        studio.generate(project, revision, compose())
        assert gate.reached.wait(60)
        for _ in range(32):
            studio.generate(project, revision, compose())
        with pytest.raises(RequestError, match="32 jobs are waiting already"):
            studio.generate(project, revision, compose())
        for job in studio.jobs(project):
            studio.cancel(job.id)
        gate.opened.set()


def test_the_end_of_a_job_is_written_when_the_disk_takes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that refuses writes for a while delays the end of a job; it does not lose it."""
    monkeypatch.setattr("backend.studio.runner.RETRY_S", 0.01)
    gate = WorkGate("decode")
    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        (job,) = submit(studio)
        assert gate.reached.wait(60)
        writer = studio._store.database._writer
        writer.execute("PRAGMA query_only = ON")
        gate.opened.set()
        limit = time.monotonic() + 60
        while "could not be written" not in caplog.text:
            assert time.monotonic() < limit
            time.sleep(0.005)
        running = studio.events_after(job, 0)
        assert running.state == "running"
        assert running.trouble.startswith("The end of the run could not be written: ")
        writer.execute("PRAGMA query_only = OFF")
        ended = wait_for_end(studio, job)
        assert (ended.state, ended.trouble) == ("failed", "")


def test_a_queue_that_cannot_be_read_is_told_to_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that does not let a job begin says so on the page, and the job runs later."""
    monkeypatch.setattr("backend.studio.runner.RETRY_S", 0.01)
    claim, refuses = jobs.claim_next, threading.Event()

    def refuse(connection: sqlite3.Connection) -> str:
        if refuses.is_set():
            raise sqlite3.DatabaseError("database disk image is malformed")
        return claim(connection)

    monkeypatch.setattr("backend.studio.runner.claim_next", refuse)
    with open_studio(tmp_path) as studio:
        refuses.set()
        (job,) = submit(studio)
        limit = time.monotonic() + 60
        while not studio.events_after(job, 0).trouble:
            assert time.monotonic() < limit
            time.sleep(0.005)
        waiting = studio.events_after(job, 0)
        assert waiting.state == "queued"
        assert waiting.trouble.startswith("The queue stands still: ")
        assert "malformed" in waiting.trouble
        refuses.clear()
        ended = wait_for_end(studio, job)
        assert (ended.state, ended.trouble) == ("finished", "")
    assert "the queue could not be read" in caplog.text


def test_unknown_names_are_refused_in_words(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        for verb in (
            lambda: studio.events_after("nothing", 0),
            lambda: studio.cancel("nothing"),
            lambda: studio.open_project("nothing"),
            lambda: studio.open_example("nothing"),
            lambda: studio.picture_png("../../etc/passwd"),
            lambda: studio.picture_png("0" * 64),
            lambda: studio.save("nothing", 1, {"width_px": 64, "height_px": 64}, {}),
            lambda: studio.plan_of("nothing"),
        ):
            with pytest.raises(StoreError) as refusal:
                verb()
            assert refusal.value.remedy
        for request in (
            compose(method="magic"),
            compose(options={"nonsense": 1}),
            compose(model="enormous"),
            compose(steps=0),
            compose(guidance_scale=float("nan")),
            reroll("0" * 64),
            {"kind": "?"},
            {},
        ):
            with pytest.raises(LaminaError) as refused:
                studio.generate(project, revision, request)
            assert refused.value.what
            assert refused.value.remedy
            assert len(refused.value.sentence) <= 250
        assert studio.jobs(project) == ()


def test_terminal_states_are_those_of_the_events(tmp_path: Path) -> None:
    assert {"finished", "failed", "cancelled", "interrupted"} == TERMINAL


def passing_from(seed: int) -> Callable[[int], Scores]:
    """Scores of a worker whose pictures pass from that seed on."""

    def score(present: int) -> Scores:
        failed = "" if present >= seed else "no ball found where asked"
        return (LayerScore(layer_id="ball", text=0.5 + present / 100, iou=0.1, failed=failed),)

    return score


def make_picture(studio: Studio) -> tuple[str, int, str]:
    """A project, its revision, and a whole picture made of it."""
    project, revision = save_scene(studio)
    return (
        project,
        revision,
        wait_for_end(studio, studio.generate(project, revision, compose()).job)
        .candidates[0]
        .digest,
    )


def test_candidates_carry_their_scores_and_ranks(tmp_path: Path) -> None:
    with open_studio(tmp_path, ScriptedWorker(score=passing_from(1))) as studio:
        (job,) = submit(studio)
        made = wait_for_end(studio, job).candidates
        assert [candidate.scores[0].failed for candidate in made] == [
            "no ball found where asked",
            "",
        ]
        assert [candidate.rank for candidate in made] == [2, 1]
        again = studio.open_latest().candidates
        assert again == made


@pytest.mark.parametrize(("passing", "images"), [(0, 2), (3, 4), (99, 8)])
def test_a_layer_is_made_again_until_it_passes_or_the_tries_are_used_up(
    tmp_path: Path, passing: int, images: int
) -> None:
    worker = ScriptedWorker(score=passing_from(passing))
    with open_studio(tmp_path, worker) as studio:
        project, revision, source = make_picture(studio)
        job = studio.generate(project, revision, {**reroll(source), "tries": 4}).job
        job_events = wait_for_end(studio, job)
        assert job_events.state == "finished"
        assert [candidate.seed for candidate in job_events.candidates] == list(range(images))
        assert studio.plan_of(job_events.candidates[-1].id).seeds[images - 1] == images - 1


def test_pictures_that_nobody_can_score_are_tried_once(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision, source = make_picture(studio)
        job_events = wait_for_end(
            studio, studio.generate(project, revision, {**reroll(source), "tries": 4}).job
        )
        assert (job_events.state, len(job_events.candidates)) == ("finished", 2)
        assert [(candidate.scores, candidate.rank) for candidate in job_events.candidates] == [
            ((), 0)
        ] * 2


def test_tries_can_be_cancelled_and_are_bounded(tmp_path: Path) -> None:
    worker = ScriptedWorker(score=passing_from(99))
    with open_studio(tmp_path, worker) as studio:
        project, revision, source = make_picture(studio)
        with pytest.raises(RequestError, match="Tries = 1000"):
            studio.generate(project, revision, {**reroll(source), "tries": 1000})
        gate = WorkGate("step 1")
        worker.script = gate
        job = studio.generate(project, revision, {**reroll(source), "tries": 4}).job
        assert gate.reached.wait(60)
        studio.cancel(job)
        gate.opened.set()
        assert wait_for_end(studio, job).state == "cancelled"
