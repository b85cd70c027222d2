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
from backend.plan.lesson import TITLES
from ui import messages
from ui.uploads import UploadFolder

if TYPE_CHECKING:
    from backend.studio.studio import Studio

log = logging.getLogger(__name__)

Reply = dict[str, Any]

NAMED = 4
"""So many verbs does a sentence name: all of them would be too long to read."""

CODES: tuple[tuple[type[LaminaError], str], ...] = (
    (StaleRevision, "stale"),
    (PictureError, "picture"),
    (SceneError, "scene"),
    (ArchiveError, "archive"),
    (RequestError, "request"),
    (ModelError, "model"),
    (EngineError, "engine"),
    (StoreError, "store"),
    (RefusedError, "refused"),
    (LaminaError, "lamina"),
)


@dataclass(frozen=True)
class Bridge:
    """Answers messages of pages on behalf of one studio."""

    studio: Studio
    uploads: UploadFolder

    def ask(self, message: Any) -> Reply:
        """The reply to a message, or ``{"error": {what, limit, remedy, code}}``. Raises nothing."""
        try:
            verb, fields = _opened(message)
            return verb.answer(self, messages.read_message(fields, verb.message))
        except LaminaError as error:
            return {"error": told(error)}
        except Exception:
            incident = secrets.token_hex(3)
            log.exception("incident %s", incident)
            return {"error": _incident(incident)}


@dataclass(frozen=True)
class Verb:
    """What a verb carries and who answers it."""

    message: type[messages.Message]
    answer: Callable[[Bridge, Any], Reply]


def told(error: LaminaError) -> dict[str, Any]:
    """An error as a page shows it; a stale revision carries the current one."""
    code = next(code for kind, code in CODES if isinstance(error, kind))
    record: dict[str, Any] = {
        "what": error.what,
        "limit": error.limit,
        "remedy": error.remedy,
        "code": code,
    }
    if isinstance(error, StaleRevision):
        record["current"] = error.current
    return cast(dict[str, Any], messages.clean(record))


def _incident(incident: str) -> dict[str, Any]:
    return {
        "what": f"Something broke inside Lamina (incident {incident}).",
        "limit": "",
        "remedy": (
            "Your scene is kept. Try once more; the log of the server tells more under that number."
        ),
        "code": "internal",
        "incident": incident,
    }


def _opened(message: Any) -> tuple[Verb, Mapping[str, Any]]:
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


def _json(record: BaseModel) -> Reply:
    return record.model_dump(mode="json")


def _opened_project(bridge: Bridge, project: BaseModel) -> Reply:
    """A project together with all that the page needs to know about this server."""
    reply = {**_json(bridge.studio.facts()), **_json(project)}
    reply["project"] = reply.pop("id")
    return reply


def _hello(bridge: Bridge, message: messages.Hello) -> Reply:
    studio = bridge.studio
    project = (
        studio.open_latest() if message.project is None else studio.open_project(message.project)
    )
    return _opened_project(bridge, project)


def _save(bridge: Bridge, message: messages.Save) -> Reply:
    return _json(bridge.studio.save(message.project, message.revision, message.scene, message.desk))


def _take_picture(bridge: Bridge, message: messages.TakePicture) -> Reply:
    return _json(bridge.studio.take_picture(bridge.uploads.take(message.path), message.name))


def _take_mask(bridge: Bridge, message: messages.TakeMask) -> Reply:
    return _json(bridge.studio.take_mask(bridge.uploads.take(message.path)))


def _open_ora(bridge: Bridge, message: messages.OpenOra) -> Reply:
    if message.path is not None and message.example is None:
        return _opened_project(
            bridge, bridge.studio.open_ora(bridge.uploads.take(message.path), message.name)
        )
    if message.example is not None and message.path is None:
        return _opened_project(bridge, bridge.studio.open_example(message.example))
    raise RequestError(
        "It is not clear which file to open.",
        limit="A message names an uploaded file or an example, exactly one of them.",
        remedy="Choose a file or an example again.",
    )


def _new_scene(bridge: Bridge, message: messages.NewScene) -> Reply:
    return _opened_project(bridge, bridge.studio.begin_scene(message.width_px, message.height_px))


def _export_ora(bridge: Bridge, message: messages.ExportOra) -> Reply:
    """The file is built here once so that a refusal is a sentence on the page, and again when it is
    fetched.
    """
    _, name = bridge.studio.export_ora(message.project)
    return {"url": f"lamina/export/{message.project}.ora", "name": name}


def _generate(bridge: Bridge, message: messages.Generate) -> Reply:
    return _json(bridge.studio.generate(message.project, message.revision, message.request))


def _autotune(bridge: Bridge, message: messages.Autotune) -> Reply:
    tuned = bridge.studio.autotune(message.project, message.revision, message.layer)
    return {"layers": [_json(layer) for layer in tuned]}


def _select(bridge: Bridge, message: messages.Select) -> Reply:
    given = [where for where in (message.point, message.box) if where is not None]
    if len(given) != 1:
        raise RequestError(
            "It is not clear where to look for the object.",
            limit="A message holds a point or a box, exactly one of them.",
            remedy="Click the object, or draw a box around it.",
        )
    return _json(bridge.studio.select(message.project, message.picture, given[0]))


def _mix(bridge: Bridge, message: messages.Mix) -> Reply:
    return _json(bridge.studio.mix(message.project, message.base, message.other, message.mask))


def _cut_apart(bridge: Bridge, message: messages.CutApart) -> Reply:
    cut = bridge.studio.cut_apart(message.project, message.revision, message.picture)
    return {"layers": [_json(layer) for layer in cut]}


def _retouch(bridge: Bridge, message: messages.Retouch) -> Reply:
    return _json(bridge.studio.retouch(message.project, message.candidate))


def _subjects(bridge: Bridge, message: messages.Subjects) -> Reply:
    """The library, and what a new subject may be trained by."""
    methods = [{"id": method, "title": title} for method, title in TITLES.items()]
    return {
        "subjects": [_json(subject) for subject in bridge.studio.library.listed()],
        "methods": methods,
    }


def _cut_reference(bridge: Bridge, message: messages.CutReference) -> Reply:
    return _json(bridge.studio.library.cut_out(message.model, message.picture))


def _make_subject(bridge: Bridge, message: messages.MakeSubject) -> Reply:
    references = tuple(message.references)
    return _json(
        bridge.studio.library.make(message.name, message.class_word, message.method, references)
    )


def _train_subject(bridge: Bridge, message: messages.TrainSubject) -> Reply:
    return _json(
        bridge.studio.library.train(message.project, message.subject, message.model, message.steps)
    )


def _rename_subject(bridge: Bridge, message: messages.RenameSubject) -> Reply:
    return _json(bridge.studio.library.rename(message.subject, message.name))


def _delete_subject(bridge: Bridge, message: messages.DeleteSubject) -> Reply:
    bridge.studio.library.delete(message.subject)
    return {}


def _events(bridge: Bridge, message: messages.Events) -> Reply:
    return _json(bridge.studio.news(message.job, message.after))


def _cancel(bridge: Bridge, message: messages.Cancel) -> Reply:
    return {"state": bridge.studio.cancel(message.job)}


def _jobs(bridge: Bridge, message: messages.Jobs) -> Reply:
    return {"jobs": [_json(job) for job in bridge.studio.jobs(message.project)]}


VERBS: Mapping[str, Verb] = {
    "hello": Verb(messages.Hello, _hello),
    "save": Verb(messages.Save, _save),
    "take_picture": Verb(messages.TakePicture, _take_picture),
    "take_mask": Verb(messages.TakeMask, _take_mask),
    "open_ora": Verb(messages.OpenOra, _open_ora),
    "export_ora": Verb(messages.ExportOra, _export_ora),
    "generate": Verb(messages.Generate, _generate),
    "autotune": Verb(messages.Autotune, _autotune),
    "select": Verb(messages.Select, _select),
    "mix": Verb(messages.Mix, _mix),
    "cut_apart": Verb(messages.CutApart, _cut_apart),
    "retouch": Verb(messages.Retouch, _retouch),
    "subjects": Verb(messages.Subjects, _subjects),
    "cut_reference": Verb(messages.CutReference, _cut_reference),
    "make_subject": Verb(messages.MakeSubject, _make_subject),
    "train_subject": Verb(messages.TrainSubject, _train_subject),
    "rename_subject": Verb(messages.RenameSubject, _rename_subject),
    "delete_subject": Verb(messages.DeleteSubject, _delete_subject),
    "events": Verb(messages.Events, _events),
    "cancel": Verb(messages.Cancel, _cancel),
    "jobs": Verb(messages.Jobs, _jobs),
    "new_scene": Verb(messages.NewScene, _new_scene),
}
