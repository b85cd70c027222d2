"""What the studio's tests share: scenes, requests, and waiting for the end of a job."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from backend.plan.events import TERMINAL
from backend.scene.formats.picture_file import encode_png
from backend.scene.imaging.arrays import Picture
from backend.studio.storage.disk import Disk
from backend.studio.storage.records import JobEvents
from backend.studio.studio import Studio
from tests.studio.scripted import ScriptedWorker, build_scripted_studio

EDITOR: dict[str, Any] = {"settings": {"steps": 4, "count": 2}}


@contextmanager
def open_studio(
    folder: Path, worker: ScriptedWorker | None = None, disk: Disk | None = None
) -> Iterator[Studio]:
    studio = build_scripted_studio(folder, worker or ScriptedWorker(), disk=disk)
    try:
        yield studio
    finally:
        studio.close()


def square_picture(colour: tuple[int, int, int] = (200, 30, 40), side: int = 48) -> Picture:
    """A transparent picture with a square of one colour in its middle, (side, side, 4)."""
    picture = np.zeros((side, side, 4), np.uint8)
    picture[side // 6 : -side // 6, side // 6 : -side // 6] = (*colour, 255)
    return picture


def scene_with(digest: str, name: str = "Toys") -> dict[str, Any]:
    """One layer with that picture in the middle of a canvas of 128 x 128."""
    placement = {"centre_x_px": 64, "centre_y_px": 64}
    layer = {
        "id": "ball",
        "name": "Ball",
        "picture": digest,
        "placement": placement,
        "phrase": "red ball",
    }
    return {
        "name": name,
        "width_px": 128,
        "height_px": 128,
        "prompt": "a red ball on a meadow",
        "layers": [layer],
    }


def save_scene(studio: Studio) -> tuple[str, int]:
    """A project with one layer; its id and revision."""
    digest = studio.take_picture(encode_png(square_picture()), "ball.png").digest
    project = studio.open_latest()
    saved = studio.save(project.id, project.revision, scene_with(digest), EDITOR)
    return project.id, saved.revision


def compose(**settings: Any) -> dict[str, Any]:
    return {"kind": "compose", "settings": {"steps": 4, "count": 2, **settings}}


def reroll(source: str, **settings: Any) -> dict[str, Any]:
    return {
        "kind": "reroll",
        "layer_id": "ball",
        "source": source,
        "settings": {"steps": 4, "count": 2, **settings},
    }


def wait_for_end(studio: Studio, job: str, within_s: float = 60.0) -> JobEvents:
    """All the news of a job, once it has ended."""
    return until(studio, job, TERMINAL, within_s)


def until(
    studio: Studio, job: str, states: frozenset[str] | set[str], within_s: float = 60.0
) -> JobEvents:
    limit = time.monotonic() + within_s
    while True:
        job_events = studio.events_after(job, 0)
        if job_events.state in states:
            return job_events
        assert time.monotonic() < limit, f"job is still {job_events.state}: {job_events.events}"
        time.sleep(0.005)


def kinds(job_events: JobEvents) -> list[str]:
    return [str(event.kind) for event in job_events.events]


class WorkGate:
    """A script that stops the worker at one phase until it is let through."""

    def __init__(self, phase: str) -> None:
        self.phase = phase
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, phase: str) -> None:
        if phase == self.phase:
            self.reached.set()
            assert self.opened.wait(60)
