"""What a page may say: one strict record per verb. Unknown fields, NaN and wrong types are refused
by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backend.errors import RequestError
from backend.plan.request import MAX_TRAINING_STEPS, TrainingMethod
from backend.scene.records import Identifier, Name, PictureDigest, explain_refusal
from backend.scene.scene import Side
from backend.studio.projects.exports import ExportRequest
from backend.studio.projects.steps import SentSteps
from backend.studio.storage.records import GalleryFilter

MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_NUMBER = 2**53

FileName = Annotated[str, Field(max_length=4096)]
"""What a file is called on the person's own disk: no name of a layer or a scene, which is cut."""
UploadPath = Annotated[str, Field(min_length=1, max_length=4096)]
Digest = Annotated[PictureDigest, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=MAX_NUMBER)]


class Message(BaseModel):
    """What stands beside the verb. Whole numbers are whole numbers: ``true`` and ``1.5`` are
    none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Hello(Message):
    """Open a project again; an empty id means the last one, or the first example."""

    project: Identifier | None = None


class Save(Message):
    """The scene as it stands, and the steps of undo that are new; ``revision`` is the one it was
    built on, ``page`` who saves.
    """

    project: Identifier
    revision: Count
    scene: Annotated[dict[str, Any], Field(json_schema_extra={"page": "Scene"})]
    editor: Annotated[dict[str, Any], Field(json_schema_extra={"page": "EditorRecord"})]
    steps: SentSteps | None = None
    page: Annotated[str, Field(max_length=64)] = ""


class ReadSteps(Message):
    """The steps of undo before a place, the newest of them, and if asked for its own and those
    after it.
    """

    project: Identifier
    place: Count
    later: bool = False


class ReadSnapshots(Message):
    """The named versions of a scene."""

    project: Identifier


class TakeSnapshot(Message):
    """Name that revision of the project."""

    project: Identifier
    revision: Count
    name: Name


class ReadSnapshotScene(Message):
    """The scene as it was when it was named."""

    snapshot: Identifier


class DeleteSnapshot(Message):
    """Forget a named version."""

    snapshot: Identifier


class TakePicture(Message):
    """A picture that was just uploaded to ``path``; ``name`` is what the person calls it."""

    path: UploadPath
    name: FileName = ""


class TakeMask(Message):
    """A painted mask that was just uploaded to ``path``: a grey PNG of the canvas' size."""

    path: UploadPath


class OpenOra(Message):
    """A new project from an uploaded file, or from an example: exactly one of the two."""

    path: UploadPath | None = None
    name: FileName = ""
    example: Identifier | None = None


class NewScene(Message):
    """A new project with nothing in it."""

    width_px: Side
    height_px: Side


class ExportOra(Message):
    """The project as an OpenRaster file."""

    project: Identifier


class Export(Message):
    """A file of the saved project: pictures of it, or the scene with its layers."""

    project: Identifier
    request: ExportRequest


class Generate(Message):
    """Make pictures of that revision of the project."""

    project: Identifier
    revision: Count
    request: Annotated[dict[str, Any], Field(json_schema_extra={"page": "AnyRequest"})]


class Autotune(Message):
    """Choose dials from that revision of the project, for one layer or for all."""

    project: Identifier
    revision: Count
    layer: Identifier | None = None


class Select(Message):
    """Cut the object out of a stored picture that fills the canvas, by a point (x, y) or a box (x0,
    y0, x1, y1).
    """

    project: Identifier
    picture: Digest
    point: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    box: Annotated[list[float], Field(min_length=4, max_length=4)] | None = None


class Mix(Message):
    """Paint one candidate into another one, through a stored mask of the canvas' size."""

    project: Identifier
    base: Identifier
    other: Identifier
    mask: Digest


class SplitByMasks(Message):
    """Cut a stored picture that fills the canvas along the painted layers of that revision of the
    project.
    """

    project: Identifier
    revision: Count
    picture: Digest


class Retouch(Message):
    """Retouch a layout of a subject; ``candidate`` is its id."""

    project: Identifier
    candidate: Identifier


class Scenes(Message):
    """All scenes of the store, also those that cannot be read."""


class RenameScene(Message):
    """Give a scene another name."""

    project: Identifier
    name: Name


class DuplicateScene(Message):
    """A new scene that is as this one."""

    project: Identifier


class DeleteScene(Message):
    """Take a scene out of Home; it can be put back until the day is over."""

    project: Identifier


class RestoreScene(Message):
    """Put a deleted scene back."""

    project: Identifier


class SalvageScene(Message):
    """What is there of a scene, as a ZIP file."""

    project: Identifier


class FindPictures(Message):
    """How many pictures a filter finds, where each page of them begins, and what can be filtered
    by.
    """

    filter: GalleryFilter


class ReadGalleryPage(Message):
    """The pictures of one page of a filter; ``key`` is where it begins."""

    filter: GalleryFilter
    key: Count


class ReadPictureScene(Message):
    """The scene as it was when a picture was made."""

    picture: Identifier


class StarPicture(Message):
    """Star a picture, or take its star away."""

    picture: Identifier
    starred: bool


Pictures = Annotated[list[Identifier], Field(min_length=1, max_length=20_000)]


class DeletePictures(Message):
    """Take pictures out of sight; within the day they are gone."""

    pictures: Pictures


class RestorePictures(Message):
    """Put deleted pictures back."""

    pictures: Pictures


class ExportPictures(Message):
    """Ask for a ZIP file of pictures."""

    pictures: Pictures


class ExportPng(Message):
    """Ask for a stored picture as a PNG file with its record; ``name`` is what it is to be called,
    ``scene`` and ``words`` say what goes with it.
    """

    picture: Digest
    name: FileName = ""
    scene: bool = True
    words: bool = False


class ReadPictureFile(Message):
    """The scene that an uploaded PNG carries."""

    path: UploadPath
    name: FileName = ""


class TakeMaskFile(Message):
    """A picture file of any kind that was just uploaded, to be a mask of a canvas of that size."""

    path: UploadPath
    name: FileName = ""
    width_px: Side
    height_px: Side


class CheckPicture(Message):
    """Hold an uploaded picture against its own record."""

    path: UploadPath
    name: FileName = ""


class Subjects(Message):
    """The library of subjects."""


class CutReference(Message):
    """Take away what is around the object of a stored picture, with the SAM of a model."""

    model: Identifier
    picture: Digest


class MakeSubject(Message):
    """A new subject from stored pictures."""

    name: Name = ""
    class_word: Name
    method: Annotated[TrainingMethod, Field(strict=False)] = TrainingMethod.DREAMBOOTH_LORA
    references: Annotated[list[Digest], Field(max_length=100)]


class TrainSubject(Message):
    """Teach a model a subject, or go on where that stopped; 0 steps are the method's own number."""

    project: Identifier
    subject: Identifier
    model: Identifier
    steps: Annotated[int, Field(ge=0, le=MAX_TRAINING_STEPS)] = 0


class RenameSubject(Message):
    """Give a subject another name."""

    subject: Identifier
    name: Name


class DeleteSubject(Message):
    """Take a subject out of the library."""

    subject: Identifier


class SearchModels(Message):
    """Look anew for models in all folders."""


class AddModelFolder(Message):
    """Look for models in a folder or file of the server's machine too."""

    path: UploadPath


class RemoveModelFolder(Message):
    """Look no longer into a folder that was added."""

    path: UploadPath


class Events(Message):
    """What happened to a job after event number ``after``."""

    job: Identifier
    after: int = Field(ge=-1, le=MAX_NUMBER, default=0)


class Cancel(Message):
    """Stop a job within one step."""

    job: Identifier


class MoveJob(Message):
    """Give a waiting job another place among those that wait, counted from 1."""

    job: Identifier
    place: Annotated[int, Field(ge=1, le=MAX_NUMBER)]


class PauseQueue(Message):
    """Pause the queue as a whole, or let it go on."""

    paused: bool


class Jobs(Message):
    """All jobs of a project."""

    project: Identifier


def read_message(record: Mapping[str, Any], kind: type[Message]) -> Message:
    """``record`` (without its verb) as a ``kind``; a RequestError names the first field that is
    wrong.
    """
    remedy = "Reload the page: it may be older than the server."
    with explain_refusal(RequestError, "message", before="In the message, ", remedy=remedy):
        return kind.model_validate(record)


def clean(value: Any) -> Any:
    """A copy of a JSON value without lone surrogates and NUL in its texts.

    RequestError for numbers that are not finite or beyond ±2^53, for nesting beyond 64 and for more
    than 100,000 parts.
    """
    budget = [MAX_VALUES]
    return _clean(value, "message", 0, budget)


def _clean(value: Any, field: str, depth: int, budget: list[int]) -> Any:
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        raise RequestError(
            "The message has too many parts.",
            limit=f"At most {MAX_VALUES} values, nested at most {MAX_DEPTH} deep.",
            remedy="Delete some layers and try again.",
        )
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict):
        return {
            _clean_text(str(key)): _clean(part, str(key), depth + 1, budget)
            for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_clean(part, field, depth + 1, budget) for part in value]
    if isinstance(value, (int, float)) and not _plain_number(value):
        raise RequestError(
            f"{_clean_text(field)[:60]} = {str(value)[:60]} is not a usable number.",
            limit="Numbers are finite and lie within ±2^53.",
            remedy="Enter a number.",
        )
    return value


def _plain_number(value: int | float) -> bool:
    """Whether a number can travel through JSON to a browser and back unchanged (floats: finite)."""
    return math.isfinite(value) if isinstance(value, float) else abs(value) <= MAX_NUMBER


def _clean_text(text: str) -> str:
    """Lone surrogates cannot be written as UTF-8, and NUL ends strings elsewhere: both go."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
