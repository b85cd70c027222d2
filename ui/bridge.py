"""The only parser of browser data: a message's verb, checked field by field, becomes one call of
the studio.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from backend.errors import (
    ArchiveError,
    EngineError,
    LaminaError,
    ModelError,
    PictureError,
    RefusedError,
    RequestError,
    SceneError,
    StaleRevision,
    StoreError,
)
from backend.plan.request import TRAINING_TITLES
from backend.scene.geometry import PixelBox, PixelPoint, PointOrBox
from backend.studio.library.subjects import LibrarySubject
from backend.studio.projects.picture_check import PictureCheck
from backend.studio.projects.result_files import ExportChoice
from backend.studio.projects.snapshots import SceneSnapshot
from backend.studio.projects.steps import StepsFound
from backend.studio.storage.records import (
    Candidate,
    GalleryIndex,
    JobEvents,
    ModelsFound,
    PictureScene,
    Project,
    QueueReport,
    Saved,
    SceneEntry,
    Submitted,
    TakenMask,
    TakenPicture,
)
from ui import messages
from ui.replies import (
    CutReply,
    DoneReply,
    ErrorCode,
    ErrorReply,
    ExportReply,
    GalleryPageReply,
    JobsReply,
    LibraryReply,
    PictureFileReply,
    ProjectReply,
    ScenesReply,
    SnapshotsReply,
    StateReply,
    SubjectMethod,
    TunedReply,
)
from ui.uploads import UploadFolder

if TYPE_CHECKING:
    from backend.studio.studio import Studio

log = logging.getLogger(__name__)

Reply = dict[str, Any]

NAMED = 4
"""So many verbs does a sentence name: all of them would be too long to read."""

CODES: tuple[tuple[type[LaminaError], ErrorCode], ...] = (
    (StaleRevision, ErrorCode.STALE),
    (PictureError, ErrorCode.PICTURE),
    (SceneError, ErrorCode.SCENE),
    (ArchiveError, ErrorCode.ARCHIVE),
    (RequestError, ErrorCode.REQUEST),
    (ModelError, ErrorCode.MODEL),
    (EngineError, ErrorCode.ENGINE),
    (StoreError, ErrorCode.STORE),
    (RefusedError, ErrorCode.REFUSED),
    (LaminaError, ErrorCode.LAMINA),
)


@dataclass(frozen=True)
class Bridge:
    """Answers messages of pages on behalf of one studio."""

    studio: Studio
    uploads: UploadFolder

    def ask(self, message: Any) -> Reply:
        """The reply to a message, or ``{"error": {what, limit, remedy, code}}``. Raises nothing."""
        try:
            verb, fields = _parse_message(message)
            return _json(verb.answer(self, messages.read_message(fields, verb.message)))
        except LaminaError as error:
            return {"error": describe_error(error)}
        except Exception:
            incident = secrets.token_hex(3)
            log.exception("incident %s", incident)
            return {"error": _incident(incident)}


@dataclass(frozen=True)
class Verb:
    """What a verb carries, who answers it, and the record that the answer is."""

    message: type[messages.Message]
    answer: Callable[[Bridge, Any], BaseModel]
    reply: type[BaseModel]


def describe_error(error: LaminaError) -> Reply:
    """An error as a page shows it; a stale revision carries the current one."""
    reply = ErrorReply(
        what=error.what,
        limit=error.limit,
        remedy=error.remedy,
        code=next(code for kind, code in CODES if isinstance(error, kind)),
        current=error.current if isinstance(error, StaleRevision) else None,
    )
    return cast(Reply, messages.clean(_json(reply, exclude_none=True)))


def _incident(incident: str) -> Reply:
    reply = ErrorReply(
        what=f"Something broke inside Lamina (incident {incident}).",
        limit="",
        remedy=(
            "Your scene is kept. Try once more; the log of the server tells more under that number."
        ),
        code=ErrorCode.INTERNAL,
        incident=incident,
    )
    return _json(reply, exclude_none=True)


def _parse_message(message: Any) -> tuple[Verb, Mapping[str, Any]]:
    """The verb of a message, and its other fields, cleaned."""
    record = messages.clean(message)
    name = record.get("verb") if isinstance(record, dict) else None
    if not isinstance(name, str) or name not in VERBS:
        raise RequestError(
            f"The page asked for {str(name)[:40]!r}.",
            limit=(
                f"This server knows {', '.join(list(VERBS)[:NAMED])} and {len(VERBS) - NAMED} more."
            ),
            remedy="Reload the page: it may be older than the server.",
        )
    return VERBS[name], {key: value for key, value in record.items() if key != "verb"}


def _json(record: BaseModel, *, exclude_none: bool = False) -> Reply:
    return record.model_dump(mode="json", by_alias=True, exclude_none=exclude_none)


def _describe_project(bridge: Bridge, project: Project) -> ProjectReply:
    return ProjectReply(**dict(bridge.studio.facts()), **dict(project))


def _hello(bridge: Bridge, message: messages.Hello) -> ProjectReply:
    studio = bridge.studio
    project = (
        studio.open_latest() if message.project is None else studio.open_project(message.project)
    )
    return _describe_project(bridge, project)


def _save(bridge: Bridge, message: messages.Save) -> Saved:
    return bridge.studio.save(
        message.project,
        message.revision,
        message.scene,
        message.editor,
        message.steps,
        message.page,
    )


def _steps(bridge: Bridge, message: messages.ReadSteps) -> StepsFound:
    return bridge.studio.undo.read(message.project, message.place, later=message.later)


def _snapshots(bridge: Bridge, message: messages.ReadSnapshots) -> SnapshotsReply:
    return SnapshotsReply(snapshots=bridge.studio.snapshots.list_all(message.project))


def _take_snapshot(bridge: Bridge, message: messages.TakeSnapshot) -> SceneSnapshot:
    return bridge.studio.snapshots.take(message.project, message.revision, message.name)


def _snapshot_scene(bridge: Bridge, message: messages.ReadSnapshotScene) -> PictureScene:
    return bridge.studio.snapshots.scene_of(message.snapshot)


def _delete_snapshot(bridge: Bridge, message: messages.DeleteSnapshot) -> DoneReply:
    bridge.studio.snapshots.delete(message.snapshot)
    return DoneReply()


def _take_picture(bridge: Bridge, message: messages.TakePicture) -> TakenPicture:
    return bridge.studio.take_picture(bridge.uploads.take(message.path), message.name)


def _take_mask(bridge: Bridge, message: messages.TakeMask) -> TakenMask:
    return bridge.studio.take_mask(bridge.uploads.take(message.path))


def _open_ora(bridge: Bridge, message: messages.OpenOra) -> ProjectReply:
    if message.path is not None and message.example is None:
        return _describe_project(
            bridge, bridge.studio.open_ora(bridge.uploads.take(message.path), message.name)
        )
    if message.example is not None and message.path is None:
        return _describe_project(bridge, bridge.studio.open_example(message.example))
    raise RequestError(
        "It is not clear which file to open.",
        limit="A message names an uploaded file or an example, exactly one of them.",
        remedy="Choose a file or an example again.",
    )


def _new_scene(bridge: Bridge, message: messages.NewScene) -> ProjectReply:
    return _describe_project(bridge, bridge.studio.begin_scene(message.width_px, message.height_px))


def _export_ora(bridge: Bridge, message: messages.ExportOra) -> ExportReply:
    """The file is built here once so that a refusal is a sentence on the page, and again when it is
    fetched.
    """
    _, name = bridge.studio.export_ora(message.project)
    return ExportReply(url=f"lamina/export/{message.project}.ora", name=name)


def _generate(bridge: Bridge, message: messages.Generate) -> Submitted:
    return bridge.studio.generate(message.project, message.revision, message.request)


def _autotune(bridge: Bridge, message: messages.Autotune) -> TunedReply:
    return TunedReply(
        layers=bridge.studio.autotune(message.project, message.revision, message.layer)
    )


def _select(bridge: Bridge, message: messages.Select) -> TakenMask:
    if (message.point is None) == (message.box is None):
        raise RequestError(
            "It is not clear where to look for the object.",
            limit="A message holds a point or a box, exactly one of them.",
            remedy="Click the object, or draw a box around it.",
        )
    if message.point is not None:
        where: PointOrBox = PixelPoint(*message.point)
    else:
        where = PixelBox(*(message.box or ()))
    return bridge.studio.select(message.project, message.picture, where)


def _mix(bridge: Bridge, message: messages.Mix) -> Candidate:
    return bridge.studio.mix(message.project, message.base, message.other, message.mask)


def _split_by_masks(bridge: Bridge, message: messages.SplitByMasks) -> CutReply:
    return CutReply(
        layers=bridge.studio.split_by_masks(message.project, message.revision, message.picture)
    )


def _retouch(bridge: Bridge, message: messages.Retouch) -> Submitted:
    return bridge.studio.retouch(message.project, message.candidate)


def _scenes(bridge: Bridge, message: messages.Scenes) -> ScenesReply:
    home = bridge.studio.home
    return ScenesReply(scenes=home.list_all(), notes=home.notes)


def _rename_scene(bridge: Bridge, message: messages.RenameScene) -> SceneEntry:
    return bridge.studio.home.rename(message.project, message.name)


def _duplicate_scene(bridge: Bridge, message: messages.DuplicateScene) -> SceneEntry:
    return bridge.studio.home.duplicate(message.project)


def _delete_scene(bridge: Bridge, message: messages.DeleteScene) -> SceneEntry:
    return bridge.studio.home.delete(message.project)


def _restore_scene(bridge: Bridge, message: messages.RestoreScene) -> SceneEntry:
    return bridge.studio.home.restore(message.project)


def _export(bridge: Bridge, message: messages.Export) -> PictureFileReply:
    file = bridge.studio.exports.prepare(message.project, message.request)
    return PictureFileReply(url=f"lamina/file/{file.key}", name=file.name, notes=file.notes)


def _salvage_scene(bridge: Bridge, message: messages.SalvageScene) -> ExportReply:
    """As ``_export_ora``: built once so that a refusal is a sentence on the page."""
    _, name = bridge.studio.home.salvage(message.project)
    return ExportReply(url=f"lamina/salvage/{message.project}.zip", name=name)


def _gallery(bridge: Bridge, message: messages.FindPictures) -> GalleryIndex:
    return bridge.studio.gallery.index(message.filter)


def _gallery_page(bridge: Bridge, message: messages.ReadGalleryPage) -> GalleryPageReply:
    return GalleryPageReply(pictures=bridge.studio.gallery.page(message.filter, message.key))


def _picture_scene(bridge: Bridge, message: messages.ReadPictureScene) -> PictureScene:
    return bridge.studio.gallery.scene_of(message.picture)


def _star_picture(bridge: Bridge, message: messages.StarPicture) -> DoneReply:
    bridge.studio.gallery.star(message.picture, message.starred)
    return DoneReply()


def _delete_pictures(bridge: Bridge, message: messages.DeletePictures) -> DoneReply:
    bridge.studio.gallery.delete(message.pictures)
    return DoneReply()


def _restore_pictures(bridge: Bridge, message: messages.RestorePictures) -> DoneReply:
    bridge.studio.gallery.restore(message.pictures)
    return DoneReply()


def _export_pictures(bridge: Bridge, message: messages.ExportPictures) -> ExportReply:
    name = bridge.studio.gallery.prepare_export(message.pictures)
    return ExportReply(url=f"lamina/pictures/{name}.zip", name="Pictures.zip")


def _export_png(bridge: Bridge, message: messages.ExportPng) -> PictureFileReply:
    choice = ExportChoice(scene=message.scene, words=message.words)
    file = bridge.studio.results.prepare(message.picture, message.name, choice)
    return PictureFileReply(url=f"lamina/result/{file.key}.png", name=file.name, notes=file.notes)


def _read_picture_file(bridge: Bridge, message: messages.ReadPictureFile) -> PictureScene:
    return bridge.studio.results.read_scene(bridge.uploads.take(message.path), message.name)


def _take_mask_file(bridge: Bridge, message: messages.TakeMaskFile) -> TakenMask:
    size = (message.width_px, message.height_px)
    return bridge.studio.results.take_mask(bridge.uploads.take(message.path), message.name, size)


def _check_picture(bridge: Bridge, message: messages.CheckPicture) -> PictureCheck:
    return bridge.studio.results.check(bridge.uploads.take(message.path), message.name)


def _subjects(bridge: Bridge, message: messages.Subjects) -> LibraryReply:
    """The library, and what a new subject may be trained by."""
    methods = tuple(
        SubjectMethod(id=method, title=title) for method, title in TRAINING_TITLES.items()
    )
    return LibraryReply(subjects=bridge.studio.library.list_all(), methods=methods)


def _cut_reference(bridge: Bridge, message: messages.CutReference) -> TakenPicture:
    return bridge.studio.library.cut_out(message.model, message.picture)


def _make_subject(bridge: Bridge, message: messages.MakeSubject) -> LibrarySubject:
    references = tuple(message.references)
    return bridge.studio.library.make(message.name, message.class_word, message.method, references)


def _train_subject(bridge: Bridge, message: messages.TrainSubject) -> Submitted:
    return bridge.studio.library.train(
        message.project, message.subject, message.model, message.steps
    )


def _rename_subject(bridge: Bridge, message: messages.RenameSubject) -> LibrarySubject:
    return bridge.studio.library.rename(message.subject, message.name)


def _delete_subject(bridge: Bridge, message: messages.DeleteSubject) -> DoneReply:
    bridge.studio.library.delete(message.subject)
    return DoneReply()


def _search_models(bridge: Bridge, _: messages.SearchModels) -> ModelsFound:
    return bridge.studio.models.search()


def _add_model_folder(bridge: Bridge, message: messages.AddModelFolder) -> ModelsFound:
    return bridge.studio.models.add(message.path)


def _remove_model_folder(bridge: Bridge, message: messages.RemoveModelFolder) -> ModelsFound:
    return bridge.studio.models.remove(message.path)


def _events(bridge: Bridge, message: messages.Events) -> JobEvents:
    return bridge.studio.events_after(message.job, message.after)


def _cancel(bridge: Bridge, message: messages.Cancel) -> StateReply:
    return StateReply(state=bridge.studio.cancel(message.job))


def _move_job(bridge: Bridge, message: messages.MoveJob) -> QueueReport:
    return bridge.studio.queue.move(message.job, message.place)


def _pause_queue(bridge: Bridge, message: messages.PauseQueue) -> QueueReport:
    return bridge.studio.queue.set_pause(paused=message.paused)


def _jobs(bridge: Bridge, message: messages.Jobs) -> JobsReply:
    return JobsReply(jobs=bridge.studio.jobs(message.project))


VERBS: Mapping[str, Verb] = {
    "hello": Verb(messages.Hello, _hello, ProjectReply),
    "save": Verb(messages.Save, _save, Saved),
    "steps": Verb(messages.ReadSteps, _steps, StepsFound),
    "snapshots": Verb(messages.ReadSnapshots, _snapshots, SnapshotsReply),
    "take_snapshot": Verb(messages.TakeSnapshot, _take_snapshot, SceneSnapshot),
    "snapshot_scene": Verb(messages.ReadSnapshotScene, _snapshot_scene, PictureScene),
    "delete_snapshot": Verb(messages.DeleteSnapshot, _delete_snapshot, DoneReply),
    "take_picture": Verb(messages.TakePicture, _take_picture, TakenPicture),
    "take_mask": Verb(messages.TakeMask, _take_mask, TakenMask),
    "open_ora": Verb(messages.OpenOra, _open_ora, ProjectReply),
    "export_ora": Verb(messages.ExportOra, _export_ora, ExportReply),
    "export": Verb(messages.Export, _export, PictureFileReply),
    "generate": Verb(messages.Generate, _generate, Submitted),
    "autotune": Verb(messages.Autotune, _autotune, TunedReply),
    "select": Verb(messages.Select, _select, TakenMask),
    "mix": Verb(messages.Mix, _mix, Candidate),
    "split_by_masks": Verb(messages.SplitByMasks, _split_by_masks, CutReply),
    "retouch": Verb(messages.Retouch, _retouch, Submitted),
    "subjects": Verb(messages.Subjects, _subjects, LibraryReply),
    "cut_reference": Verb(messages.CutReference, _cut_reference, TakenPicture),
    "make_subject": Verb(messages.MakeSubject, _make_subject, LibrarySubject),
    "train_subject": Verb(messages.TrainSubject, _train_subject, Submitted),
    "rename_subject": Verb(messages.RenameSubject, _rename_subject, LibrarySubject),
    "delete_subject": Verb(messages.DeleteSubject, _delete_subject, DoneReply),
    "search_models": Verb(messages.SearchModels, _search_models, ModelsFound),
    "add_model_folder": Verb(messages.AddModelFolder, _add_model_folder, ModelsFound),
    "remove_model_folder": Verb(messages.RemoveModelFolder, _remove_model_folder, ModelsFound),
    "events": Verb(messages.Events, _events, JobEvents),
    "cancel": Verb(messages.Cancel, _cancel, StateReply),
    "move_job": Verb(messages.MoveJob, _move_job, QueueReport),
    "pause_queue": Verb(messages.PauseQueue, _pause_queue, QueueReport),
    "jobs": Verb(messages.Jobs, _jobs, JobsReply),
    "new_scene": Verb(messages.NewScene, _new_scene, ProjectReply),
    "scenes": Verb(messages.Scenes, _scenes, ScenesReply),
    "rename_scene": Verb(messages.RenameScene, _rename_scene, SceneEntry),
    "duplicate_scene": Verb(messages.DuplicateScene, _duplicate_scene, SceneEntry),
    "delete_scene": Verb(messages.DeleteScene, _delete_scene, SceneEntry),
    "restore_scene": Verb(messages.RestoreScene, _restore_scene, SceneEntry),
    "salvage_scene": Verb(messages.SalvageScene, _salvage_scene, ExportReply),
    "gallery": Verb(messages.FindPictures, _gallery, GalleryIndex),
    "gallery_page": Verb(messages.ReadGalleryPage, _gallery_page, GalleryPageReply),
    "picture_scene": Verb(messages.ReadPictureScene, _picture_scene, PictureScene),
    "star_picture": Verb(messages.StarPicture, _star_picture, DoneReply),
    "delete_pictures": Verb(messages.DeletePictures, _delete_pictures, DoneReply),
    "restore_pictures": Verb(messages.RestorePictures, _restore_pictures, DoneReply),
    "export_pictures": Verb(messages.ExportPictures, _export_pictures, ExportReply),
    "export_png": Verb(messages.ExportPng, _export_png, PictureFileReply),
    "take_mask_file": Verb(messages.TakeMaskFile, _take_mask_file, TakenMask),
    "check_picture": Verb(messages.CheckPicture, _check_picture, PictureCheck),
    "read_picture_file": Verb(messages.ReadPictureFile, _read_picture_file, PictureScene),
}
