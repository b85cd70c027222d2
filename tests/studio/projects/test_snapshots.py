"""Named versions of a scene: they come back as they were, and stay until somebody deletes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.errors import RequestError, StaleRevision, StoreError
from backend.studio.projects import snapshots
from backend.studio.studio import Studio
from tests.studio.projects.test_home import make_scene
from tests.studio.workshop import EDITOR, open_studio, scene_with

DAYS = timedelta(days=2)


def open_revision(studio: Studio, project: str) -> int:
    return studio.open_project(project).revision


def test_a_named_version_comes_back_as_it_was(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, digest = make_scene(studio, "First")
        before = studio.open_project(project)
        taken = studio.snapshots.take(project, before.revision, "  Before  the boat ")
        assert taken.name == "Before the boat"
        other, _ = make_scene(studio, "Other", (1, 2, 3))
        gone = scene_with(studio.open_project(other).scene.layers[0].picture or "")
        studio.save(project, before.revision, gone, EDITOR)
        studio.home.delete(other)
        for days in (1, 2):
            studio.upkeep.run(datetime.now(UTC) + days * DAYS)
    with open_studio(tmp_path) as studio:
        (found,) = studio.snapshots.list_all(project)
        assert found == taken
        kept = studio.snapshots.scene_of(found.id)
        assert (kept.project, kept.scene, kept.editor) == (project, before.scene, before.editor)
        assert studio._store.pixels.has(digest)
        assert studio.snapshots.list_all(other) == ()


def test_versions_are_listed_the_newest_first_and_deleted(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        revision = open_revision(studio, project)
        first, second = (studio.snapshots.take(project, revision, name) for name in "ab")
        assert [one.name for one in studio.snapshots.list_all(project)] == ["b", "a"]
        studio.snapshots.delete(first.id)
        assert studio.snapshots.list_all(project) == (second,)
        for verb in (studio.snapshots.delete, studio.snapshots.scene_of):
            with pytest.raises(StoreError, match="gone"):
                verb(first.id)


def test_what_cannot_be_named_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        revision = open_revision(studio, project)
        with pytest.raises(RequestError, match="no name"):
            studio.snapshots.take(project, revision, "   ")
        with pytest.raises(StaleRevision):
            studio.snapshots.take(project, revision - 1, "Old")
        with pytest.raises(StoreError):
            studio.snapshots.take("nobody", 1, "x")
        monkeypatch.setattr(snapshots, "MAX_SNAPSHOTS", 1)
        studio.snapshots.take(project, revision, "One")
        with pytest.raises(RequestError, match="1 named versions") as refused:
            studio.snapshots.take(project, revision, "Two")
        assert refused.value.limit == "It keeps at most 1."
