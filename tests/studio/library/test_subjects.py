"""The library of subjects: made, trained as a job, stopped and gone on with, renamed, deleted;
and every refusal.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from backend.errors import LaminaError, PictureError, RequestError, StoreError
from backend.plan.events import (
    AdapterCheckpoint,
    AdapterTrained,
    Event,
    JobCancelled,
    JobFinished,
    JobStarted,
    Progress,
)
from backend.plan.plan import Plan
from backend.plan.request import TrainingJob, TrainingMethod
from backend.scene.formats.picture_file import encode_png
from backend.scene.scene import Pixels
from backend.studio.jobs.worker import NOTHING_DONE
from backend.studio.library.library import MARGIN, prepare_reference
from backend.studio.library.subjects import LibrarySubject
from backend.studio.studio import Studio
from tests.studio.faulty_disk import FaultyDisk
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import (
    WorkGate,
    open_studio,
    save_scene,
    square_picture,
    until,
    wait_for_end,
)

STEPS = 4


@dataclass
class ScriptedTrainer(ScriptedWorker):
    """Learns by writing down its lesson: half of it when it is stopped. ``lessons`` are those it
    was given.
    """

    jobs: list[TrainingJob] = field(default_factory=list)
    halves: list[bytes] = field(default_factory=list)

    def submit(self, job_id: str, plan: Plan | TrainingJob, pixels: Pixels, done=NOTHING_DONE):
        if isinstance(plan, Plan):
            return super().submit(job_id, plan, pixels, done)
        self.jobs.append(plan)
        if plan.checkpoint is not None:
            self.halves.append(pixels.blob(plan.checkpoint))
        return TrainingScript(self, plan)


@dataclass
class TrainingScript:
    """One lesson."""

    teacher: ScriptedTrainer
    job: TrainingJob
    stop: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        self.stop.set()

    def events(self) -> Iterator[Event]:
        yield JobStarted(device="cpu")
        for step in range(STEPS):
            self.teacher.script(f"step {step}")
            yield Progress(done=step + 1, total=STEPS)
            if self.stop.is_set():
                yield AdapterCheckpoint(f"half of {self.job.class_word}".encode())
                yield JobCancelled()
                return
        yield AdapterTrained(self.job.model_dump_json().encode())
        yield JobFinished()


def pictures(studio: Studio, count: int) -> tuple[str, ...]:
    found = []
    for shade in range(count):
        picture = square_picture((shade, 90, 10))
        found.append(studio.take_picture(encode_png(picture), f"{shade}.png").digest)
    return tuple(found)


def make(studio: Studio, count: int = 3, word: str = "cat") -> LibrarySubject:
    return studio.library.make("Tom", word, "dreambooth_lora", pictures(studio, count))


def subject_of(studio: Studio, subject: str) -> LibrarySubject:
    return next(one for one in studio.library.list_all() if one.id == subject)


def train(studio: Studio) -> LibrarySubject:
    subject = make(studio)
    project, _ = save_scene(studio)
    assert (
        wait_for_end(studio, studio.library.train(project, subject.id, "pocket").job).state
        == "finished"
    )
    return subject_of(studio, subject.id)


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "subjects").iterdir()}


def test_a_subject_is_made_renamed_and_deleted_and_lasts(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        first, second = make(studio), make(studio, 1, "  Red   Mug ")
        assert [one.id for one in studio.library.list_all()] == [second.id, first.id]
        assert (first.state, first.file, first.name, len(first.references)) == ("new", "", "Tom", 3)
        assert second.class_word == "red mug"
        assert studio.library.rename(first.id, " Thomas ").name == "Thomas"
    with open_studio(tmp_path) as studio:
        assert [one.name for one in studio.library.list_all()] == ["Tom", "Thomas"]
        studio.library.delete(second.id)
        assert [one.name for one in studio.library.list_all()] == ["Thomas"]


def test_training_is_a_job_that_leaves_a_file_named_by_its_content(tmp_path: Path) -> None:
    teacher = ScriptedTrainer()
    with open_studio(tmp_path, teacher) as studio:
        subject = train(studio)
        assert (subject.state, subject.model, subject.done, subject.total) == (
            "ready",
            "pocket",
            STEPS,
            STEPS,
        )
        content = (tmp_path / "subjects" / f"{subject.file}.safetensors").read_bytes()
        assert hashlib.sha256(content).hexdigest() == subject.file
        assert TrainingJob.model_validate_json(content) == teacher.jobs[0]
        assert teacher.jobs[0].references == subject.references
        with pytest.raises(StoreError):
            studio.picture_png(subject.file)
        studio.library.delete(subject.id)
    assert files(tmp_path) == set()


def test_a_page_that_opens_does_not_take_a_training_for_a_run(tmp_path: Path) -> None:
    gate = WorkGate("step 1")
    with open_studio(tmp_path, ScriptedTrainer(script=gate)) as studio:
        project, _ = save_scene(studio)
        job = studio.library.train(project, make(studio).id, "pocket").job
        assert gate.reached.wait(30)
        assert studio.open_project(project).job is None
        assert studio.library.list_all()[0].state == "training"
        assert studio.jobs(project)[0].id == job
        gate.opened.set()
        wait_for_end(studio, job)


@pytest.mark.parametrize("steps", [0, 50])
def test_a_stopped_training_goes_on_where_it_stood(tmp_path: Path, steps: int) -> None:
    """With the steps that it was begun with, which need not be said again."""
    gate = WorkGate("step 2")
    teacher = ScriptedTrainer(script=gate)
    with open_studio(tmp_path, teacher) as studio:
        project, _ = save_scene(studio)
        subject = make(studio)
        job = studio.library.train(project, subject.id, "pocket", steps).job
        assert gate.reached.wait(30)
        for act in (
            studio.library.delete,
            lambda one: studio.library.train(project, one, "pocket"),
        ):
            with pytest.raises(RequestError, match="is being trained"):
                act(subject.id)
        studio.cancel(job)
        gate.opened.set()
        assert wait_for_end(studio, job).state == "cancelled"
        stopped = subject_of(studio, subject.id)
        assert (stopped.state, stopped.has_checkpoint, stopped.file) == ("stopped", True, "")
        gate.phase = ""
        wait_for_end(studio, studio.library.train(project, subject.id, "pocket").job)
        assert teacher.halves == [b"half of cat"]
        assert [training.steps for training in teacher.jobs] == [steps, steps]
        ready = subject_of(studio, subject.id)
        assert (ready.state, ready.has_checkpoint) == ("ready", False)
        assert files(tmp_path) == {f"{ready.file}.safetensors"}


def test_other_steps_begin_anew(tmp_path: Path) -> None:
    gate = WorkGate("step 0")
    teacher = ScriptedTrainer(script=gate)
    with open_studio(tmp_path, teacher) as studio:
        project, _ = save_scene(studio)
        subject = make(studio)
        job = studio.library.train(project, subject.id, "pocket", 50).job
        assert gate.reached.wait(30)
        studio.cancel(job)
        gate.opened.set()
        wait_for_end(studio, job)
        gate.phase = ""
        wait_for_end(studio, studio.library.train(project, subject.id, "pocket", 60).job)
        assert [training.checkpoint for training in teacher.jobs] == [None, None]
        assert teacher.jobs[1].steps == 60


def test_a_training_that_waits_is_cancelled_at_once(tmp_path: Path) -> None:
    gate = WorkGate("step 0")
    with open_studio(tmp_path, ScriptedTrainer(script=gate)) as studio:
        project, _ = save_scene(studio)
        jobs = [studio.library.train(project, make(studio).id, "pocket").job for _ in range(2)]
        assert gate.reached.wait(30)
        assert studio.cancel(jobs[1]) == "cancelled"
        assert studio.library.list_all()[0].state == "stopped"
        gate.opened.set()
        wait_for_end(studio, jobs[0])


def test_a_restart_goes_on_with_a_training_from_its_half(tmp_path: Path) -> None:
    gate = WorkGate("step 1")
    teacher = ScriptedTrainer(script=gate)
    with open_studio(tmp_path, teacher) as studio:
        project, _ = save_scene(studio)
        subject = make(studio)
        job = studio.library.train(project, subject.id, "pocket").job
        assert gate.reached.wait(30)
        threading.Timer(0.2, gate.opened.set).start()
    gate.phase = ""
    with open_studio(tmp_path, teacher) as studio:
        wait_for_end(studio, job)
        assert subject_of(studio, subject.id).state == "ready"
        assert len(teacher.halves) == 1


def test_whichever_operation_of_the_disk_fails_the_training_ends_in_words(tmp_path: Path) -> None:
    disk = FaultyDisk(0)
    with open_studio(tmp_path, ScriptedTrainer(), disk) as studio:
        project, _ = save_scene(studio)
        subject = make(studio)
        for number in range(1, 20):
            disk.count, disk.fails_at = 0, number
            wait_for_end(studio, studio.library.train(project, subject.id, "pocket", number).job)
            found = subject_of(studio, subject.id)
            if disk.count < number:
                break
            assert found.state == "failed"
            assert "could not be stored (No space left on device)" in found.error
            assert "Free some space" in found.error
        assert number > 3
        assert found.state == "ready"
        assert files(tmp_path) == {f"{found.file}.safetensors"}


def test_a_state_that_the_disk_does_not_take_is_noted_and_the_training_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk, gate = FaultyDisk(0), WorkGate("step 1")
    with open_studio(tmp_path, ScriptedTrainer(script=gate), disk) as studio:
        project, _ = save_scene(studio)
        subject = make(studio)
        job = studio.library.train(project, subject.id, "pocket").job
        assert gate.reached.wait(30)
        disk.count, disk.fails_at = 0, 1
        studio.cancel(job)
        gate.opened.set()
        ended = wait_for_end(studio, job)
        assert ended.state == "cancelled"
        (note,) = (event.text for event in ended.events if event.kind == "note")
        assert note.startswith("The training goes on, but its state is not saved.")
        assert "No space left on device" in note
        found = subject_of(studio, subject.id)
        assert (found.state, found.has_checkpoint, found.error) == ("stopped", False, note)
    assert "could not be stored" in caplog.text


def test_files_that_nobody_names_go_at_the_next_start(tmp_path: Path) -> None:
    with open_studio(tmp_path, ScriptedTrainer()) as studio:
        kept = train(studio).file
    (tmp_path / "subjects" / f"{'0' * 64}.safetensors").write_bytes(b"left over")
    (tmp_path / "subjects" / ".part-1").write_bytes(b"half written")
    with open_studio(tmp_path, ScriptedTrainer()):
        assert files(tmp_path) == {f"{kept}.safetensors"}


def test_bad_subjects_are_refused_in_words(tmp_path: Path) -> None:
    with open_studio(tmp_path, ScriptedTrainer()) as studio:
        project, _ = save_scene(studio)
        assert len(make(studio, 20).references) == 20
        for count in (0, 21):
            with pytest.raises(RequestError, match=f"{count} reference pictures") as refusal:
                make(studio, count)
            assert "1 to 20" in refusal.value.limit
        for word in ("", "  ", "!?"):
            with pytest.raises(RequestError, match="class word"):
                make(studio, 1, word)
        with pytest.raises(StoreError, match="no picture"):
            studio.library.make("Tom", "cat", "dreambooth", ("f" * 64,))
        nothing = studio.take_picture(encode_png(np.zeros((8, 8, 4), np.uint8)), "air.png").digest
        with pytest.raises(PictureError, match="wholly transparent"):
            studio.library.make("Tom", "cat", "dreambooth", (nothing,))
        with pytest.raises(RequestError, match="no name"):
            studio.library.rename(studio.library.list_all()[0].id, "  ")
        with pytest.raises(LaminaError, match="no model 'gone'"):
            studio.library.train(project, studio.library.list_all()[0].id, "gone")
        for act in (
            studio.library.delete,
            lambda one: studio.library.train(project, one, "pocket"),
        ):
            with pytest.raises(StoreError, match="no subject"):
                act("nobody")


def test_a_cut_out_reference_loses_what_is_around_it(tmp_path: Path) -> None:
    with open_studio(tmp_path, ScriptedTrainer()) as studio:
        picture = np.full((40, 40, 4), 255, np.uint8)
        picture[2:30, 2:30, :3] = (10, 60, 90)
        digest = studio.take_picture(encode_png(picture), "toy.png").digest
        cut = studio.library.cut_out("pocket", digest)
        alpha = studio._store.pixels.picture(cut.digest)[:, :, 3]
        assert (alpha[2:30, 2:30] == 255).all()
        assert (alpha[32:] == 0).all()
        assert cut.opaque is False


def test_references_keep_their_pixels_or_stand_in_a_square_on_grey() -> None:
    whole = np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8)
    whole[:, :, 3] = 255
    assert prepare_reference(whole) is whole
    cut = np.zeros((60, 80, 4), np.uint8)
    cut[10:20, 30:70] = (200, 40, 60, 255)
    square = prepare_reference(cut)
    side = round(40 * (1 + 2 * MARGIN))
    assert square.shape == (side, side, 4)
    inside = square[:, :, 3] == 255
    assert inside.sum() == 10 * 40
    assert (square[inside][:, :3] == (200, 40, 60)).all()
    assert (square[~inside][:, :3] == 128).all()


def test_waiting_is_told(tmp_path: Path) -> None:
    gate = WorkGate("step 0")
    with open_studio(tmp_path, ScriptedTrainer(script=gate)) as studio:
        project, _ = save_scene(studio)
        first, second = make(studio), make(studio)
        job = studio.library.train(project, first.id, "pocket").job
        until(studio, job, {"running"})
        last = studio.library.train(project, second.id, "pocket").job
        assert subject_of(studio, second.id).state == "waiting"
        gate.opened.set()
        wait_for_end(studio, last)


@pytest.mark.parametrize(
    ("method", "steps", "words"),
    [
        ("dreambooth_lora", 20, "20 steps learn the subject, as asked for. Before them 40 steps"),
        ("dreambooth_lora", 0, ""),
        ("textual_inversion", 20, ""),
    ],
)
def test_steps_beside_those_that_were_asked_for_are_explained(
    tmp_path: Path, method: str, steps: int, words: str
) -> None:
    with open_studio(tmp_path, ScriptedTrainer()) as studio:
        project, _ = save_scene(studio)
        subject = studio.library.make("Tom", "cat", TrainingMethod(method), pictures(studio, 3))
        notes = studio.library.train(project, subject.id, "pocket", steps).notes
        assert " ".join(note.text for note in notes).startswith(words)
        assert bool(notes) == bool(words)
        assert subject.class_steps == (40 if method == "dreambooth_lora" else 0)
