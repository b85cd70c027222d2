"""kill -9 at random moments under a scripted user: no confirmed step is lost, undo is still
there, and runs go on to the pixels of undisturbed ones.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from backend.models.cache import ModelCache
from backend.models.catalog import find_models
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.request import TrainingJob
from backend.scene.blobs import digest_of
from backend.studio.jobs.jobs import SET_ASIDE, events_after, plan_of_job
from backend.studio.library.subjects import training_of_job
from backend.studio.projects.candidates import candidates_of_job
from backend.studio.storage.disk import Disk
from backend.studio.storage.pixel_files import _with_alpha
from backend.studio.storage.storage import Storage
from backend.workers.local import LocalWorker
from tests.reliability.killed_server import KilledServer
from tests.reliability.scripted_user import RUN_STEPS, ScriptedUser
from tests.reliability.sizes import choose

KILLS = int(os.environ.get("LAMINA_KILLS", choose(3, 20, 200)))
SHORT_S = (0.05, 2.0)
"""Every third life is as short as that, in the middle of starting and loading; the others end in
the middle of a run, however slow the machine is.
"""
COMPARED = choose(1, 12, 60)


@pytest.mark.slow
def test_no_confirmed_step_is_lost_and_runs_go_on_with_equal_pixels(tmp_path: Path) -> None:
    chance = random.Random(15)
    server = KilledServer(tmp_path / "store")
    server.start()
    user = ScriptedUser(server, seed=16)
    user.begin()
    for number in range(KILLS):
        is_short = number % 3 == 1
        if is_short:
            server.kill_after(chance.uniform(*SHORT_S))
        user.live(until_step=0 if is_short else chance.randint(1, RUN_STEPS // 3))
        server.settle()
        server.start()
        user.check()
    states = user.wait_for_all()
    user.check()
    server.stop()
    compared = compare_pixels(tmp_path / "store", states)
    print(f"{server.kills} kills, {user.counts}, {len(states)} runs, {compared} compared")
    assert user.counts["Stroke"] > 0
    assert compared["equal"] > 0


def compare_pixels(folder: Path, states: dict[str, str]) -> dict[str, int]:
    """Each finished run that a kill had interrupted is computed once more in one go; what did not
    finish was set aside in words, after two ends of the server.
    """
    store = Storage(folder, Disk())
    worker = LocalWorker(find_models(()), ModelCache(2**32), "cpu")
    found = {"equal": 0, "set aside": 0, "undisturbed": 0, "more": 0}
    try:
        for job, state in states.items():
            found[judge(store, worker, job, state, found["equal"] < COMPARED)] += 1
    finally:
        store.close()
    return found


def judge(store: Storage, worker: LocalWorker, job: str, state: str, is_due: bool) -> str:
    """What became of one run."""
    with store.database.read() as connection:
        events = events_after(connection, job, 0)
        made = candidates_of_job(connection, job)
        training = training_of_job(connection, job)
        plan: Plan | TrainingJob = plan_of_job(connection, job) if training is None else training
    starts = sum(event.kind == "started" for event in events)
    if state == "failed":
        assert events[-1].model_dump()["what"] == SET_ASIDE.what, events[-1]
        assert starts >= 2
        return "set aside"
    assert state == "finished", (job, state)
    if starts < 2 or not isinstance(plan, Plan):
        return "undisturbed"
    if not is_due:
        return "more"
    assert [one.index for one in made] == list(range(len(plan.seeds)))
    again = worker.submit(job, plan, store.contents).events()
    images = [image for event in again if isinstance(event, Images) for image in event.images]
    assert [one.digest for one in made] == [digest_of(_with_alpha(one.picture)) for one in images]
    return "equal"
