"""Values made in the background: built once, waited for, and their refusals passed on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from backend.errors import LaminaError, ModelError
from backend.studio.jobs.worker import Offer, Worker
from backend.studio.library.examples import ExampleScenes
from backend.studio.storage.disk import Disk
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio
from backend.workers.future import Future, FutureOffer, FutureWorker
from tests.studio.scripted import ScriptedOffer, ScriptedWorker
from tests.studio.workshop import compose, save_scene, wait_for_end


def late_studio(folder: Path, offer: Future[Offer], worker: Future[Worker]) -> Studio:
    return Studio(
        Storage(folder, Disk()),
        FutureOffer(offer),
        FutureWorker(worker),
        ExampleScenes(folder / "none"),
    )


def test_everyone_waits_for_one_building() -> None:
    started: list[int] = []
    go_on = threading.Event()

    def build() -> str:
        started.append(1)
        assert go_on.wait(60)
        return "built"

    future = Future(build)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(future.get())) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert got == []
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert got == ["built"] * 4
    assert started == [1]


def test_a_building_begins_when_it_is_told_to_or_when_somebody_needs_it() -> None:
    started: list[str] = []
    asked_for, needed = threading.Event(), threading.Event()
    first = Future(lambda: started.append("told"), asked_for)
    second = Future(lambda: started.append("needed"), needed)
    assert started == []
    asked_for.set()
    first.get()
    assert started == ["told"]
    second.get()
    assert started == ["told", "needed"]


def test_the_worker_begins_once_a_page_knows_what_there_is() -> None:
    offer = FutureOffer(Future(ScriptedOffer))
    offer.models()
    assert not offer.asked.is_set()
    offer.methods()
    assert offer.asked.is_set()


def test_a_job_waits_for_its_worker(tmp_path: Path) -> None:
    there = threading.Event()

    def build() -> Worker:
        assert there.wait(60)
        return ScriptedWorker()

    studio = late_studio(tmp_path, Future(ScriptedOffer), Future(build))
    project, revision = save_scene(studio)
    job = studio.generate(project, revision, compose()).job
    there.set()
    assert wait_for_end(studio, job).state == "finished"
    studio.close()


def test_a_worker_that_cannot_be_made_fails_the_job_in_words(tmp_path: Path) -> None:
    def refuse() -> Worker:
        raise ModelError("No model is here.", remedy="Copy one.")

    studio = late_studio(tmp_path, Future(ScriptedOffer), Future(refuse))
    project, revision = save_scene(studio)
    last = wait_for_end(studio, studio.generate(project, revision, compose()).job).events[-1]
    assert (last.kind, last.what, last.remedy) == (
        "failed",
        "No model is here.",
        "Copy one.",
    )
    studio.close()


def test_an_offer_that_broke_is_a_refusal_with_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> Offer:
        raise ZeroDivisionError("inside")

    studio = late_studio(tmp_path, Future(break_down), Future(ScriptedWorker))
    with pytest.raises(LaminaError, match="could not be set up"):
        studio.facts()
    assert "ZeroDivisionError" in caplog.text
    assert "unreadable" in [note.code for note in studio.open_latest().notes]
    studio.close()
