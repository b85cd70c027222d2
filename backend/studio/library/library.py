"""The library of subjects as a front end uses it: make, train, rename, delete, and put to use in
a request.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import numpy as np

from backend.errors import PictureError, RequestError, StoreError
from backend.plan.events import AdapterCheckpoint, AdapterTrained, JobNote
from backend.plan.notes import prompt_alone_notes
from backend.plan.plan import Note, Plan
from backend.plan.request import (
    CLASS_STEPS,
    MAX_REFERENCES,
    Compose,
    Reroll,
    Sampler,
    SubjectRef,
    TrainingJob,
    TrainingMethod,
)
from backend.plan.subjects import personal_scene
from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Picture
from backend.scene.records import PictureDigest
from backend.scene.scene import Scene
from backend.studio.jobs.jobs import append_event
from backend.studio.jobs.worker import Offer, Worker
from backend.studio.library import subjects
from backend.studio.library.subjects import LibrarySubject, SubjectState
from backend.studio.projects.candidates import METHOD
from backend.studio.projects.cutting import BEHIND
from backend.studio.storage.records import Submitted, TakenPicture
from backend.studio.storage.storage import Storage

MARGIN = 0.12
"""Free space around a cut-out, a share of its longer side: the subject about as large as in
somebody's photograph.
"""


def prepare_reference(picture: Picture) -> Picture:
    """A reference uint8 (h, w, 4): its alpha says where the subject is, its colours lie on grey
    where that is 0.

    A picture without transparent parts stays as it is. A PictureError for one that can nowhere be
    seen.
    """
    alpha = picture[:, :, 3]
    if (alpha == 255).all():
        return picture
    rows, columns = np.nonzero(alpha.any(axis=1))[0], np.nonzero(alpha.any(axis=0))[0]
    if not len(rows):
        raise PictureError(
            "A reference picture is wholly transparent.",
            limit="The subject must be seen in it.",
            remedy="Choose another picture.",
        )
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height_px, width_px = cut.shape[:2]
    side_px = round(max(height_px, width_px) * (1 + 2 * MARGIN))
    square = np.zeros((side_px, side_px, 4), np.uint8)
    top, left = (side_px - height_px) // 2, (side_px - width_px) // 2
    square[top : top + height_px, left : left + width_px] = cut
    share = square[:, :, 3:].astype(np.float32) / 255
    square[:, :, :3] = np.rint(square[:, :, :3] * share + BEHIND * (1 - share)).astype(np.uint8)
    return square


def with_alpha(picture: Picture, mask: Picture) -> Picture:
    """A picture uint8 (h, w, 4) cut out by a mask uint8 (h, w), 255 = inside."""
    alpha = np.minimum(picture[:, :, 3], mask)
    return np.dstack([picture[:, :, :3], alpha])


log = logging.getLogger(__name__)

CENTRE_SHARE = 0.2
"""Where a subject is looked for in a reference: in the picture without a fifth at each side. On
twelve drawn pictures the pocket SAM's cuts overlap the truth by .97 so, by .96 from the middle
point, and not at all from a box of .1.
"""

_WORD = re.compile(r"\w(?:[\w' -]*\w)?")


class Library:
    """The subjects of a store. Every verb may be called from any thread; every refusal is a
    LaminaError.
    """

    def __init__(
        self, store: Storage, offer: Offer, worker: Worker, wake: Callable[[], None]
    ) -> None:
        """``wake`` tells the queue that a job was queued."""
        self._store = store
        self._offer = offer
        self._worker = worker
        self._wake = wake

    def list_all(self) -> tuple[LibrarySubject, ...]:
        """All subjects, the newest first."""
        with self._store.database.read() as connection:
            return subjects.list_subjects(connection)

    def cut_out(self, model: str, digest: PictureDigest) -> TakenPicture:
        """A stored picture without what is around its object, as the model's SAM sees it; stored in
        its turn.

        A LaminaError when the model has no SAM, nothing is found, or the device is busy.
        """
        picture = self._store.pixels.picture(digest)
        height_px, width_px = picture.shape[:2]
        x, y = width_px * CENTRE_SHARE, height_px * CENTRE_SHARE
        box = PixelBox(x, y, width_px - x, height_px - y)
        mask = self._worker.cut(model, picture[:, :, :3], box)
        if not mask.any():
            raise RequestError(
                "No object was found in the middle of this picture.",
                limit="The subject should fill a good part of it.",
                remedy="Use the picture as it is, or choose another.",
            )
        cut = with_alpha(picture, mask)
        kept = self._store.pixels.add_picture(cut)
        return TakenPicture(
            digest=kept, width_px=width_px, height_px=height_px, opaque=False, notes=()
        )

    def make(
        self,
        name: str,
        class_word: str,
        method: TrainingMethod,
        references: tuple[PictureDigest, ...],
    ) -> LibrarySubject:
        """A new subject from stored pictures, named by digest; nothing is learned yet."""
        word = " ".join(class_word.split()).lower()
        if not _WORD.fullmatch(word):
            raise RequestError(
                f"{class_word[:40]!r} is no class word."
                if word
                else "The subject has no class word.",
                limit="It is what one calls such things: cat, mug, backpack.",
                remedy="Say what it is.",
            )
        wanted = tuple(dict.fromkeys(references))
        if not 1 <= len(wanted) <= MAX_REFERENCES:
            raise RequestError(
                f"{len(wanted)} reference pictures were given.",
                limit=f"A subject is learned from 1 to {MAX_REFERENCES}; three to six are best.",
                remedy="Choose the clearest ones." if wanted else "Add pictures of the subject.",
            )
        kept = tuple(
            self._store.pixels.add_picture(prepare_reference(self._store.pixels.picture(one)))
            for one in wanted
        )
        with self._store.database.write() as connection:
            subject = subjects.insert_subject(connection, name.strip() or word, word, method, kept)
            return subjects.read_subject(connection, subject)

    def train(self, project: str, subject: str, model: str, steps: int = 0) -> Submitted:
        """Queue a training; one that stopped half-way goes on where it stood, unless other steps
        are asked for.

        0 steps are as many as were asked for when it stopped, else the method's own number.
        """
        self._offer.card(model)
        with self._store.database.write() as connection:
            found = self._resting(subjects.read_subject(connection, subject), "trained")
            before = (
                subjects.training_of_job(connection, found.job) if found.has_checkpoint else None
            )
            training = TrainingJob(
                model=model,
                method=found.method,
                class_word=found.class_word,
                references=found.references,
                steps=before.steps if before is not None and steps == 0 else steps,
            )
            if before is not None and before.model_copy(update={"checkpoint": None}) == training:
                training = training.model_copy(
                    update={"checkpoint": subjects.checkpoint_of(connection, subject)}
                )
            job = subjects.insert_training(connection, project, subject, training)
        self._wake()
        return Submitted(job=job, notes=_explain_class_steps(training))

    def rename(self, subject: str, name: str) -> LibrarySubject:
        """Give a subject another name; a RequestError for an empty one."""
        if not name.strip():
            raise RequestError("The subject has no name.", remedy="Give it one.")
        with self._store.database.write() as connection:
            subjects.read_subject(connection, subject)
            subjects.rename_subject(connection, subject, name.strip())
            return subjects.read_subject(connection, subject)

    def delete(self, subject: str) -> None:
        """Take a subject out of the library and its files from the disk; its pictures stay with
        the scenes.
        """
        with self._store.database.write() as connection:
            found = self._resting(subjects.read_subject(connection, subject), "deleted")
            checkpoint = subjects.checkpoint_of(connection, subject)
            subjects.delete_subject(connection, subject)
            still = subjects.list_files(connection)
        self._store.subjects.remove({found.file, checkpoint} - still)

    def personal(self, scene: Scene, asked: Compose | Reroll) -> tuple[Scene, Compose | Reroll]:
        """The scene and the request as they are planned when a subject is drawn, checked; otherwise
        both as they are.

        A re-roll of a subject layer is drawn by Layout-and-Retouch with that layer's subject,
        whatever method the desk is set to. A LaminaError when the subject is gone, was not trained,
        or belongs to another model.
        """
        wanted = asked.layer_id if isinstance(asked, Reroll) else ""
        layer = next((each for each in scene.layers if each.id == wanted), None)
        model, method = asked.settings.model, asked.settings.method
        if (
            layer is not None
            and layer.subject is not None
            and method in {each.id for each in self._offer.methods()}
        ):
            with self._store.database.read() as connection:
                subject = self._require_trained(
                    subjects.read_subject(connection, layer.subject), model
                )
            own = asked.settings.options if method == METHOD else {}
            drawn = {
                "method": METHOD,
                "sampler": Sampler.DDIM,
                "options": {**own, "stage": "retouch"},
            }
            update = {
                "settings": asked.settings.model_copy(update=drawn),
                "subject": _reference(subject),
            }
            return personal_scene(scene, layer, subject.class_word), asked.model_copy(update=update)
        if asked.subject is not None:
            with self._store.database.read() as connection:
                self._require_trained(
                    subjects.subject_of_file(connection, asked.subject.subject), model
                )
            if (
                isinstance(asked, Compose) and method == METHOD
            ):  # no layer has a part in it, so none is scored either
                return scene.model_copy(update={"layers": ()}), asked
        return scene, asked

    def list_notes(self, scene: Scene, asked: Compose) -> tuple[Note, ...]:
        """What a person should know of a whole picture where subjects are concerned."""
        if asked.settings.method == METHOD:
            if asked.subject is None:  # said with the notes of the scene, which has its layers
                return ()
            return prompt_alone_notes(scene, "Layout-and-Retouch")
        names = {subject.id: subject.name for subject in self.list_all()}
        placed = dict.fromkeys(
            names[layer.subject] for layer in scene.visible_layers() if layer.subject in names
        )
        if not placed:
            return ()
        called = " and ".join(placed)
        text = (
            f"{called}: a whole picture is drawn from words and pixels; re-roll the layer "
            "to draw the subject."
        )
        return (Note(code="subject_later", text=text),)

    def require(self, plan: Plan) -> None:
        """A RequestError when the subject that a plan draws is no longer in the library."""
        if plan.subject is not None and not self._store.subjects.has(plan.subject.subject):
            raise RequestError(
                "The subject of this layout is no longer in the library.",
                limit="It was deleted, or trained again since.",
                remedy="Generate new layouts with a subject that is there.",
            )

    def _require_trained(self, subject: LibrarySubject, model: str) -> LibrarySubject:
        if not subject.file:
            raise RequestError(
                f"{subject.name} was not trained yet.",
                remedy="Train it first, in the subjects panel.",
            )
        if subject.model != model:
            theirs, ours = self._title(subject.model), self._title(model)
            raise RequestError(
                f"{subject.name} was trained on {theirs}.",
                limit=f"It does not fit {ours}.",
                remedy=f"Choose the model {theirs}, or train the subject again with {ours}.",
            )
        return subject

    def _title(self, model: str) -> str:
        return next((each.title for each in self._offer.models() if each.id == model), model)

    def _resting(self, subject: LibrarySubject, done: str) -> LibrarySubject:
        """The subject, when no job works on it."""
        if subject.state in (SubjectState.WAITING, SubjectState.TRAINING):
            raise RequestError(
                f"{subject.name} is being trained.",
                limit=f"It can be {done} when that has ended.",
                remedy="Wait, or stop the training.",
            )
        return subject


def _note_unsaved(store: Storage, job: str, error: StoreError) -> None:
    """Tell the person that a stop or a crash would now cost what was learned; where not even that
    can be stored, the log alone has it.
    """
    note = JobNote(text=f"The training goes on, but its state is not saved. {error.sentence}")
    try:
        with store.database.write() as connection:
            append_event(connection, job, note)
    except StoreError:
        log.exception("the note could not be stored either")


def keep_adapter(store: Storage, job: str, event: AdapterTrained | AdapterCheckpoint) -> None:
    """Store what a job has learned, all or half of it; a StoreError when all of it finds no
    room.
    """
    finished = isinstance(event, AdapterTrained)
    try:
        digest = store.subjects.add(event.content)
    except StoreError as error:
        if finished:
            raise
        log.warning("what was learned so far could not be stored; the training goes on")
        _note_unsaved(store, job, error)
        return
    with store.database.write() as connection:
        before = subjects.list_files(connection)
        training = subjects.training_of_job(connection, job)
        if finished and training is not None:
            subjects.set_adapter(connection, job, digest, training.model)
        else:
            subjects.set_checkpoint(connection, job, digest)
        gone = before - subjects.list_files(connection)
    store.subjects.remove(gone)


def sweep(store: Storage) -> int:
    """At start: delete the files that no subject names, which a crash between two writes leaves.
    Returns how many.
    """
    with store.database.read() as connection:
        named = subjects.list_files(connection)
    return store.subjects.keep_only(named)


def _reference(subject: LibrarySubject) -> SubjectRef:
    return SubjectRef(subject=subject.file, reference=subject.references[0])


def _explain_class_steps(training: TrainingJob) -> tuple[Note, ...]:
    """Why more steps are counted than were asked for."""
    drawn = CLASS_STEPS[training.method]
    if not drawn or not training.steps or training.checkpoint is not None:
        return ()
    text = (
        f"{training.steps} steps learn the subject, as asked for. Before them {drawn} steps draw "
        f"pictures of a {training.class_word}, so that the model does not forget what others look "
        "like; textual inversion needs none."
    )
    return (Note(code="class_steps", text=text),)
