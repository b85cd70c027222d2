"""Damaged input of every kind in large numbers: only errors in words come out, and none takes long.

The small forms stand beside what they test and run each time; these are the long ones.
"""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from backend.errors import LaminaError
from backend.models.safetensors_file import read_header
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.archive import pack
from backend.scene.formats.openraster import read_ora, write_ora
from backend.scene.formats.picture_file import decode_picture
from backend.scene.scene import build_scene
from backend.studio.studio import Studio
from tests.reliability.sizes import choose
from tests.scene.drawings import every_setting
from tests.scene.formats.test_picture_file import make_specimens, mutate
from tests.studio.workshop import compose, open_studio, save_scene, wait_for_end
from tests.ui.test_bridge import KNOWN_CODES
from tests.ui.test_bridge import mutate as mutate_value
from ui.bridge import Bridge
from ui.uploads import UploadFolder

PICTURES = choose(150, 12_000, 100_000)
SCENES = choose(300, 20_000, 200_000)
ARCHIVES = choose(60, 5_000, 50_000)
HEADERS = choose(200, 5_000, 50_000)
MESSAGES = choose(300, 8_000, 80_000)
SLOWEST_S = 2.0


@contextmanager
def in_time(what: object) -> Iterator[None]:
    """What takes more than 2 s of this thread's processor time hangs for a person."""
    start = time.thread_time()
    yield
    spent = time.thread_time() - start
    assert spent < SLOWEST_S, f"{what} took {spent:.1f} s"


def count_refusals(number: int, attempt: Callable[[int], object]) -> int:
    """How many of so many attempts were refused in words; whatever else is raised goes through."""
    refused = 0
    for seed in range(number):
        with in_time(seed):
            refused += is_refused(seed, attempt)
    return refused


def is_refused(seed: int, attempt: Callable[[int], object]) -> bool:
    """Whether an attempt was refused in words."""
    error = None
    try:
        attempt(seed)
    except LaminaError as refusal:
        error = refusal
    assert error is None or (error.what and error.remedy)
    return error is not None


def test_damaged_pictures() -> None:
    specimens = make_specimens()

    def decode(seed: int) -> None:
        found = decode_picture(mutate(specimens[seed % len(specimens)], seed), "fuzz").picture
        assert (found.dtype, found.shape[2]) == (np.uint8, 4)

    assert 0.1 * PICTURES < count_refusals(PICTURES, decode) < PICTURES


def test_damaged_scenes() -> None:
    whole = json.loads(every_setting(MemoryPixels()).model_dump_json())
    chance = random.Random(26)

    def build(_: int) -> None:
        record: Any = whole
        for _ in range(chance.choice([1, 1, 2, 4])):
            record = mutate_value(record, chance)
        scene = build_scene(record)
        assert build_scene(json.loads(scene.model_dump_json())) == scene

    assert count_refusals(SCENES, build) > 0.3 * SCENES


def test_damaged_archives() -> None:
    pixels = MemoryPixels()
    whole = write_ora(every_setting(pixels), pixels, {"seed": 0})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    texts = ("stack.xml", "lamina/scene.json")

    def read(seed: int) -> None:
        name = texts[seed % 2]
        inside = pack([*(parts | {name: mutate(parts[name], seed)}).items()])
        read_ora(mutate(whole, seed) if seed % 3 == 0 else inside)

    assert count_refusals(ARCHIVES, read) > 0.2 * ARCHIVES


def test_damaged_headers_of_weights(tmp_path: Path) -> None:
    whole = save({name: np.zeros((4, 4), np.float16) for name in ("down.weight", "up.weight")})
    path = tmp_path / "fuzz.safetensors"

    def read(seed: int) -> None:
        path.write_bytes(mutate(whole[:-32], seed) + whole[-32:])
        read_header(path)

    assert count_refusals(HEADERS, read) > 0.3 * HEADERS


@pytest.mark.slow
def test_damaged_messages_to_a_whole_studio(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_studio(tmp_path / "store") as studio:
        (tmp_path / "uploads").mkdir()
        bridge = Bridge(studio, UploadFolder(tmp_path / "uploads"))
        seeds, chance = list_messages(studio), random.Random(20)
        refused = 0
        for number in range(MESSAGES):
            message: Any = chance.choice(seeds)
            for _ in range(chance.choice([1, 1, 2, 4])):
                message = mutate_value(message, chance)
            with in_time(message):
                reply = bridge.ask(message)
            json.dumps(reply, allow_nan=False).encode("utf-8")
            if isinstance(reply.get("error"), dict):
                refused += 1
                error = reply["error"]
                assert error["code"] in KNOWN_CODES, (number, message, reply)
                assert error["remedy"], (number, message, reply)
        assert refused > 0.4 * MESSAGES
        assert "incident" not in caplog.text
        assert studio.home.list_all()


def list_messages(studio: Studio) -> list[dict[str, Any]]:
    """Sound messages of many verbs about a scene with a run."""
    project, revision = save_scene(studio)
    job = studio.generate(project, revision, compose()).job
    made = wait_for_end(studio, job).candidates
    held = studio.open_project(project)
    scene, editor = held.scene.model_dump(mode="json"), held.editor.model_dump(mode="json")
    steps = {"first": 0, "place": 0, "steps": [{"name": "Open"}]}
    save = {"project": project, "revision": revision, "scene": scene, "editor": editor}
    about = {"project": project}
    return [
        {"verb": "hello", **about},
        {"verb": "save", **save, "steps": steps, "page": "fuzz"},
        {"verb": "generate", **about, "revision": revision, "request": compose()},
        {"verb": "events", "job": job, "after": 0},
        {"verb": "jobs", **about},
        {"verb": "steps", **about, "place": 0, "later": True},
        {"verb": "move_job", "job": job, "place": 1},
        {"verb": "pause_queue", "paused": False},
        {"verb": "gallery", "filter": {"words": "ball", "scene": project}},
        {"verb": "gallery_page", "filter": {"starred": False}, "key": 2**40},
        {"verb": "picture_scene", "picture": made[0].id},
        {"verb": "star_picture", "picture": made[0].id, "starred": True},
        {"verb": "rename_scene", **about, "name": "Toys"},
        {"verb": "take_snapshot", **about, "revision": revision, "name": "Now"},
        {"verb": "snapshots", **about},
        {"verb": "mix", **about, "base": made[0].id, "other": made[1].id, "mask": "0" * 64},
        {"verb": "autotune", **about, "revision": revision},
        {"verb": "export_ora", **about},
    ]
