"""Taking a picture apart as a job: the event names the stored parts, from back to front."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import RequestError
from backend.studio.storage.records import FoundLayers
from tests.studio.workshop import compose, kinds, open_studio, save_scene, wait_for_end


def test_the_parts_of_a_picture_are_in_the_store(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        made = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates
        request = {"kind": "decompose", "source": made[0].digest, "settings": {"steps": 4}}
        job_events = wait_for_end(studio, studio.generate(project, revision, request).job)
        assert kinds(job_events)[-2:] == ["layers_found", "finished"]
        reported = job_events.events[-2]
        assert isinstance(reported, FoundLayers)
        (part,) = reported.layers
        assert (part.layer_id, part.x_px, part.y_px) == ("ball", 16, 24)
        assert (part.width_px, part.height_px) == (64, 48)
        assert (reported.width_px, reported.height_px, reported.missing) == (128, 128, ())
        assert studio.picture_png(reported.background)
        assert studio.picture_png(part.picture)
        assert job_events.candidates == ()
        assert studio.jobs(project)[-1].kind == "decompose"


def test_a_picture_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        with pytest.raises(RequestError, match="not in the studio's store"):
            studio.generate(
                project, revision, {"kind": "decompose", "source": "ab" * 32, "settings": {}}
            )
