"""What a page is answered, where a verb's answer is not one of the studio's records itself."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from backend.plan.autotune import Tuned
from backend.plan.events import JobState
from backend.plan.request import TrainingMethod
from backend.scene.records import Record
from backend.studio.library.subjects import LibrarySubject
from backend.studio.projects.snapshots import SceneSnapshot
from backend.studio.storage.records import (
    CutLayer,
    Facts,
    GalleryPicture,
    JobRecord,
    Project,
    SceneEntry,
)


class ErrorCode(StrEnum):
    """What kind of error a reply tells of: a class of ``backend/errors.py``, or a fault inside
    Lamina.
    """

    STALE = "stale"
    PICTURE = "picture"
    SCENE = "scene"
    ARCHIVE = "archive"
    REQUEST = "request"
    MODEL = "model"
    ENGINE = "engine"
    STORE = "store"
    REFUSED = "refused"
    LAMINA = "lamina"
    INTERNAL = "internal"
    OFFLINE = "offline"
    """Said by the page itself, where no answer came."""


class ErrorReply(Record):
    """Why the server said no; a stale revision brings the present one, a fault inside Lamina the
    number under which the log has it.
    """

    what: str
    limit: str
    remedy: str
    code: ErrorCode
    current: int | None = None
    incident: str | None = None


class ProjectReply(Facts, Project):
    """A project together with all that the page needs to know about this server."""

    id: str = Field(serialization_alias="project")


class SnapshotsReply(Record):
    """The named versions of a scene, the newest first."""

    snapshots: tuple[SceneSnapshot, ...]


class ExportReply(Record):
    """Where the finished file can be fetched, and what it is called."""

    url: str
    name: str


class PictureFileReply(ExportReply):
    """A file; ``notes`` say what could not go into it."""

    notes: tuple[str, ...]


class ScenesReply(Record):
    """All scenes, the one that was changed last first; ``notes`` tell of the store itself."""

    scenes: tuple[SceneEntry, ...]
    notes: tuple[str, ...]


class GalleryPageReply(Record):
    """The pictures of one page, the newest first."""

    pictures: tuple[GalleryPicture, ...]


class TunedReply(Record):
    """Dials that were chosen, by layer."""

    layers: tuple[Tuned, ...]


class CutReply(Record):
    """Pictures that were cut out, from back to front."""

    layers: tuple[CutLayer, ...]


class SubjectMethod(Record):
    """A way to train a subject."""

    id: TrainingMethod
    title: str


class LibraryReply(Record):
    """The library of subjects, and what a new one may be trained by."""

    subjects: tuple[LibrarySubject, ...]
    methods: tuple[SubjectMethod, ...]


class StateReply(Record):
    """Where a job stands."""

    state: JobState


class JobsReply(Record):
    """All jobs of a project, oldest first."""

    jobs: tuple[JobRecord, ...]


class DoneReply(Record):
    """It is done, and there is nothing to say."""
