"""Learning looks as a job: progress, looks in the store, cancel, going on, and scenes that carry
them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import RequestError, SceneError
from backend.scene.formats.embedding import embedding_from_bytes
from backend.scene.formats.openraster import read_ora
from backend.studio.studio import Studio
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import (
    EDITOR,
    WorkGate,
    kinds,
    open_studio,
    save_scene,
    scene_with,
    wait_for_end,
)


def learn(*layer_ids: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "learn",
        "layer_ids": list(layer_ids or ("ball",)),
        "settings": {"steps": 4},
        **more,
    }


def look_of(studio: Studio, digest: str) -> int:
    """The number that the scripted worker wrote into a look."""
    return studio._store.contents.blob(digest)[0]


def test_a_learned_look_is_in_the_store_with_a_picture_of_it_alone(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        job = studio.generate(project, revision, learn()).job
        job_events = wait_for_end(studio, job)
        assert kinds(job_events)[-2:] == ["embeddings_learned", "finished"]
        assert job_events.candidates == ()
        (reported,) = job_events.events[-2].embeddings
        assert (reported.layer_id, reported.phrase) == ("ball", "red ball")
        assert look_of(studio, reported.embedding) == 10
        assert studio.picture_png(reported.sample)
        opened = studio.open_project(project)
        assert [look.embedding for look in opened.embeddings] == [reported.embedding]
        assert studio.jobs(project)[0].kind == "learn"


def test_looks_are_known_in_every_project(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        wait_for_end(studio, studio.generate(project, revision, learn()).job)
        content, _ = studio.export_ora(project)
        assert len(studio.open_ora(content, "other.ora").embeddings) == 1


def test_a_stopped_learning_goes_on_from_what_was_kept(tmp_path: Path) -> None:
    gate = WorkGate("step 3")
    with open_studio(tmp_path, ScriptedWorker(script=gate)) as studio:
        project, revision = save_scene(studio)
        job = studio.generate(project, revision, learn()).job
        assert gate.reached.wait(30)
        studio.cancel(job)
        gate.opened.set()
        reported = kinds(wait_for_end(studio, job))
        assert "embeddings_checkpoint" in reported
        assert reported[-1] == "cancelled"
        job_events = wait_for_end(studio, studio.generate(project, revision, learn()).job)
        (first,) = job_events.events[-2].embeddings
        assert look_of(studio, first.embedding) == 11  # went on from 1
        job_events = wait_for_end(studio, studio.generate(project, revision, learn()).job)
        (second,) = job_events.events[-2].embeddings
        assert look_of(studio, second.embedding) == 10  # a finished look is learned anew


def test_a_scene_with_a_look_is_exported_and_opened_with_it(tmp_path: Path) -> None:
    with open_studio(tmp_path / "one") as studio:
        project, revision = save_scene(studio)
        job_events = wait_for_end(studio, studio.generate(project, revision, learn()).job)
        (reported,) = job_events.events[-2].embeddings
        scene = studio.open_project(project).scene.model_dump(mode="json")
        scene["layers"][0]["embedding"] = reported.embedding
        studio.save(project, revision, scene, EDITOR)
        content, _ = studio.export_ora(project)
    assert read_ora(content).pixels.blob(reported.embedding)[0] == 10
    with open_studio(tmp_path / "two") as other:
        opened = other.open_ora(content, "toys.ora")
        assert opened.scene.layers[0].embedding == reported.embedding
        assert look_of(other, reported.embedding) == 10


def test_a_scene_with_a_look_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        scene = scene_with(studio.open_project(project).scene.layers[0].picture or "")
        scene["layers"][0]["embedding"] = "ab" * 32
        with pytest.raises(SceneError, match="not in the studio's store"):
            studio.save(project, revision, scene, EDITOR)


def test_a_request_without_layers_is_refused(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        with pytest.raises(RequestError, match="Layers ="):
            studio.generate(project, revision, {**learn(), "layer_ids": []})


def v0_look() -> np.ndarray:
    """A learned look as Lamina 0.1.0 stored it: a fingerprint, then the vector, in pixels."""
    picture = np.zeros((2, 32, 4), np.uint8)
    picture[0].reshape(-1)[:32] = range(32)
    picture[1] = np.linspace(-1, 1, 32, dtype="<f4").view(np.uint8).reshape(32, 4)
    return picture


def test_a_look_in_pixels_is_kept_under_its_name_and_leaves_as_a_blob(tmp_path: Path) -> None:
    """A store of Lamina 0.1.0: the scene goes on naming it, a file names it by its bytes."""
    with open_studio(tmp_path / "one") as studio:
        project, revision = save_scene(studio)
        old = studio._store.pixels.add_picture(v0_look())
        scene = studio.open_project(project).scene.model_dump(mode="json")
        scene["layers"][0]["embedding"] = old
        studio.save(project, revision, scene, EDITOR)
        content, _ = studio.export_ora(project)
        assert studio.open_project(project).scene.layers[0].embedding == old
    opened = read_ora(content)
    new = opened.scene.layers[0].embedding
    assert new not in (None, old)
    embedding = embedding_from_bytes(opened.pixels.blob(str(new)))
    assert np.array_equal(embedding.vector, np.linspace(-1, 1, 32, dtype=np.float32))
    assert embedding.fingerprint == bytes(range(32))
    with open_studio(tmp_path / "two") as other:
        taken = other.open_ora(content, "toys.ora")
        assert taken.scene.layers[0].embedding == new
        assert (tmp_path / "two" / "embeddings" / f"{new}.safetensors").is_file()
