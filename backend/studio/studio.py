"""The one object that a front end holds. Its verbs order the calls; every refusal is a
LaminaError.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from backend import __version__
from backend.errors import LaminaError, PictureError, RequestError, StoreError
from backend.plan.autotune import Tuned, autotune
from backend.plan.build import plan_survey
from backend.plan.events import TERMINAL, JobState
from backend.plan.plan import Note, Plan
from backend.plan.request import (
    NEW_SCENE,
    Compose,
    LearnEmbeddings,
    Reroll,
    Sampler,
    build_request,
)
from backend.plan.survey import survey
from backend.scene.cut_outs import cut_outs
from backend.scene.formats.found_recipe import read_recipe
from backend.scene.formats.openraster import OpenedScene, write_ora
from backend.scene.formats.picture_file import Limits, decode_exact, decode_photograph
from backend.scene.formats.scene_file import read_scene_file
from backend.scene.geometry import PointOrBox
from backend.scene.imaging.detail import is_plain
from backend.scene.records import PictureDigest
from backend.scene.scene import MAX_LAYERS, MAX_SIDE_PX, MIN_SIDE_PX, Scene
from backend.studio.jobs import jobs
from backend.studio.jobs.queue import JobQueue
from backend.studio.jobs.worker import Offer, Worker
from backend.studio.library import embeddings
from backend.studio.library.examples import ExampleScenes
from backend.studio.library.library import Library, sweep
from backend.studio.library.model_folders import ModelFolders
from backend.studio.projects import candidates, history, pictures, projects
from backend.studio.projects.candidates import mix_candidates, pair_of
from backend.studio.projects.cutting import on_canvas, store_cut
from backend.studio.projects.damage import naming_layers
from backend.studio.projects.exports import EXPORTERS, Exports
from backend.studio.projects.file_origins import FileOrigins
from backend.studio.projects.file_settings import read_settings
from backend.studio.projects.gallery import Gallery, keep_recipe
from backend.studio.projects.history import insert_retouch
from backend.studio.projects.home import Home
from backend.studio.projects.result_files import ResultFiles, keep_marks
from backend.studio.projects.snapshots import Snapshots
from backend.studio.projects.steps import (
    SentSteps,
    UndoSteps,
    find_standing,
    keep_steps,
    parse_steps,
)
from backend.studio.projects.survey import SceneSurvey
from backend.studio.runner import Runner
from backend.studio.storage.records import (
    Candidate,
    CutLayer,
    EditorState,
    Facts,
    JobEvents,
    JobRecord,
    Project,
    Saved,
    Submitted,
    TakenMask,
    TakenPicture,
)
from backend.studio.storage.storage import Storage
from backend.studio.upkeep import Upkeep

log = logging.getLogger(__name__)

RUN_BYTES = 2**24
"""What a run may write beside its pictures: where it stands, and what happens."""

LIMITS: Mapping[str, int] = {
    "layers": MAX_LAYERS,
    "min_side_px": MIN_SIDE_PX,
    "max_side_px": MAX_SIDE_PX,
    "waiting": jobs.MAX_WAITING,
}


class Studio:
    """Projects, pictures and jobs of one store, run by one worker. Every verb may be called from
    any thread.

    ``library`` holds the subjects, which belong to no project; ``queue`` is what runs and waits;
    ``home`` lists the projects, ``gallery`` the pictures of all of them, ``undo`` has their
    steps, ``snapshots`` their named versions, ``results`` writes pictures with their records,
    ``exports`` all files that people take away, and ``upkeep`` lets the deleted ones go.
    """

    def __init__(
        self, store: Storage, offer: Offer, worker: Worker, examples: ExampleScenes
    ) -> None:
        self._store = store
        self._offer = offer
        self._examples = examples
        self._survey = SceneSurvey(store, offer)
        self._worker = worker
        sweep(store)
        self._runner = Runner(store, worker)
        self.library = Library(store, offer, worker, self._runner.wake)
        self.models = ModelFolders(store, offer)
        self.queue = JobQueue(store, self._runner)
        self.home = Home(store, self._runner.cancel)
        self.gallery = Gallery(store)
        self._origins = FileOrigins(store)
        self.undo = UndoSteps(store)
        self.snapshots = Snapshots(store)
        self.results = ResultFiles(store, offer, self._survey.keep_contents)
        self.exports = Exports(store, self.results)
        self.upkeep = Upkeep(store, self.undo)
        self._opening = threading.Lock()

    def facts(self) -> Facts:
        """What the page has to know of this server."""
        return Facts(
            version=__version__,
            **dict(self._offer.list_found()),
            methods=self._offer.methods(),
            samplers=tuple(Sampler),
            exporters=tuple(exporter.facts for exporter in EXPORTERS),
            examples=self._examples.list_all(),
            limits=dict(LIMITS),
        )

    def open_latest(self) -> Project:
        """The project opened last that can be read, with notes about those that cannot; without
        one the first example, or an empty scene when there is none.
        """
        with self._opening:  # or two pages at once would make two projects
            with self._store.database.read() as connection:
                latest = projects.list_latest(connection)
            skipped: list[Note] = []
            for project in latest:
                try:
                    opened = self.open_project(project)
                except LaminaError as error:
                    log.warning("the project %s cannot be opened: %s", project, error.what)
                    skipped.append(Note(code="skipped", text=_tell_skipped(error)))
                else:
                    return opened.model_copy(update={"notes": (*skipped, *opened.notes)})
            first = self._examples.find_first()
            fresh = (
                self.open_example(first)
                if first
                else self._begin(Scene(width_px=512, height_px=512))
            )
            return fresh.model_copy(update={"notes": (*skipped, *fresh.notes)})

    def open_project(self, project: str) -> Project:
        """A saved project with everything made from it."""
        with self._store.database.write() as connection:
            projects.touch_project(connection, project)
        try:
            return self._project(project, ())
        except ValueError as error:
            log.exception("what was made of the project %s cannot be read", project)
            raise StoreError(
                "What was made from this scene cannot be read.",
                limit="Its rows in the database are damaged.",
                remedy="Export what is there in Home, or put a backup of the store back.",
            ) from error

    def open_example(self, example: str) -> Project:
        """A new project with a copy of an example."""
        opened = self._examples.open(example)
        settings = {**opened.settings, "weighted_prompt": NEW_SCENE.weighted_prompt}
        return self._take(replace(opened, settings=settings))

    def begin_scene(self, width_px: int, height_px: int) -> Project:
        """A new project with nothing in it."""
        return self._begin(Scene(width_px=width_px, height_px=height_px))

    def open_ora(self, content: bytes, name: str) -> Project:
        """A new project from an OpenRaster, Photoshop or Krita file; the file's ``name`` serves a
        scene that has none.
        """
        opened = projects.with_name(read_scene_file(content, name, self._origins.find), name)
        project = self._take(opened)
        self.results.keep_members(content, opened.scene)
        return project

    def save(
        self,
        project: str,
        revision: int,
        scene: Mapping[str, Any],
        editor: Mapping[str, Any],
        steps: SentSteps | None = None,
        page: str = "",
    ) -> Saved:
        """Keep scene and editor when ``revision`` is the present one, with the steps of undo that
        are new; StaleRevision otherwise. ``page`` names who saves.
        """
        kept, state = projects.scene_of(scene), projects.build_editor_state(editor)
        self._survey.require_pixels(kept)
        read = parse_steps(steps, kept, state, self._survey) if steps is not None else ()
        with self._store.database.write() as connection:
            projects.check_revision(connection, project, revision, page)
            revision = projects.update_project(connection, project, kept, state, page)
            if steps is not None:
                keep_steps(connection, project, steps, read)
        report = self._survey.report(kept, state)
        return Saved(
            revision=revision, digest=kept.digest(), coverage=report.coverage, notes=report.notes
        )

    def take_picture(self, content: bytes, name: str) -> TakenPicture:
        """Decode a picture file and store its pixels; a PictureError says why one cannot be
        used.
        """
        decoded = decode_photograph(content, name)
        height, width = decoded.picture.shape[:2]
        digest = self._store.pixels.add_picture(decoded.picture)
        brought = keep_marks(self._store.pixels, digest, content)
        return TakenPicture(
            digest=digest,
            width_px=width,
            height_px=height,
            opaque=bool((decoded.picture[:, :, 3] == 255).all()),
            plain=is_plain(decoded.picture),
            recipe=read_recipe(content),
            has_scene=brought.has_scene,
            notes=(*decoded.notes, *projects.explain_cut_name(name, "layer"), *brought.notes),
        )

    def take_mask(self, content: bytes) -> TakenMask:
        """Store a painted mask, an 8-bit grey PNG (255 = inside); a PictureError says why one
        cannot be used.
        """
        mask = decode_exact(content, "The mask", Limits())
        if mask.ndim != 2:
            raise PictureError(
                "The mask has colours.",
                limit="A mask is a grey PNG with 8 bits a pixel.",
                remedy="Reload the page: it may be older than the server.",
            )
        return TakenMask(
            digest=self._store.pixels.add_mask(mask),
            width_px=mask.shape[1],
            height_px=mask.shape[0],
        )

    def export_ora(self, project: str) -> tuple[bytes, str]:
        """The saved project as an OpenRaster file, and a file name for it."""
        with self._store.database.read() as connection:
            saved = projects.read_project(connection, project)
        settings = saved.editor.settings.model_dump(mode="json")
        stem = re.sub(r"[^\w .()-]+", "", saved.scene.name).strip(" .")[:80]
        with naming_layers(saved.scene, self._store.pixels):
            more = partial(self.results.list_members, saved.scene)
            content = write_ora(saved.scene, self._store.contents, settings, more)
        return content, f"{stem or 'scene'}.ora"

    def generate(self, project: str, revision: int, request: Mapping[str, Any]) -> Submitted:
        """Decide the plan of a request and queue it; StaleRevision when the page's scene is not
        the saved one.
        """
        asked = build_request(request)
        with self._store.database.read() as connection:
            projects.check_revision(connection, project, revision)
            saved = projects.read_project(connection, project)
            scene = saved.scene
            if isinstance(asked, LearnEmbeddings):
                asked = asked.model_copy(
                    update={
                        "checkpoints": embeddings.find_checkpoints(
                            connection, project, asked.layer_ids
                        )
                    }
                )
        planned = scene
        if isinstance(asked, Compose | Reroll):
            planned, asked = self.library.personal(scene, asked)
            self._offer.check_options(asked.settings.method, asked.settings.options)
        self._survey.require_source(asked)
        if isinstance(asked, Compose):
            self._survey.require_stage1(asked)
        with naming_layers(scene, self._store.pixels):
            seen = survey(planned, self._offer.card(asked.settings.model), self._store.pixels)
            loras = self._offer.find_loras(planned, asked.settings.weighted_prompt)
            plan = plan_survey(seen, asked, self._store.pixels, loras)
        self._store.runs.require_room(
            RUN_BYTES + 4 * len(plan.seeds) * plan.width_px * plan.height_px
        )
        with self._store.database.write() as connection:
            projects.check_revision(connection, project, revision)
            job = jobs.insert_job(connection, project, asked, plan)
            keep_recipe(connection, job, plan, scene, saved.editor)
        self._runner.wake()
        subject_notes = self.library.list_notes(scene, asked) if isinstance(asked, Compose) else ()
        return Submitted(
            job=job,
            notes=(*subject_notes, *self._survey.add_notes(seen, asked.settings, plan.notes)),
        )

    def retouch(self, project: str, candidate: str) -> Submitted:
        """Queue the retouch of a layout of a subject, by its own recipe; a RequestError for any
        other candidate.
        """
        with self._store.database.write() as connection:
            job, plan = insert_retouch(connection, project, candidate)
            self.library.require(plan)
            saved = projects.read_project(connection, project)
            keep_recipe(connection, job, plan, saved.scene, saved.editor)
        self._runner.wake()
        return Submitted(job=job, notes=plan.notes)

    def autotune(self, project: str, revision: int, layer: str | None = None) -> tuple[Tuned, ...]:
        """Dials chosen from the saved scene, each with its reason, for one layer or for all that
        take part.

        Nothing is changed. StaleRevision when the page's scene is not the saved one; a RequestError
        for a layer that takes no part.
        """
        with self._store.database.read() as connection:
            projects.check_revision(connection, project, revision)
            saved = projects.read_project(connection, project)
        tuned = autotune(
            saved.scene, self._offer.card(saved.editor.settings.model), self._store.pixels
        )
        asked = tuple(one for one in tuned if layer is None or one.layer_id == layer)
        if layer is not None and not asked:
            raise RequestError(
                "That layer takes no part in the picture.",
                limit="Only layers that can be seen have dials to choose.",
                remedy="Show the layer, move it onto the canvas, or make it larger.",
            )
        return asked

    def select(self, project: str, picture: PictureDigest, where: PointOrBox) -> TakenMask:
        """Store the mask of the object at a point (x, y) or in a box (x0, y0, x1, y1), in pixels of
        the canvas.

        ``picture`` is the digest of what the person looks at; it fills the canvas, whatever its
        size. Answers in the calling thread; a LaminaError when the model has no SAM, the point lies
        outside, or the device is busy.
        """
        with self._store.database.read() as connection:
            saved = projects.read_project(connection, project)
        canvas_picture = on_canvas(
            self._store.pixels.picture(picture), saved.scene.width_px, saved.scene.height_px
        )
        mask = self._worker.cut(saved.editor.settings.model, canvas_picture, where)
        return TakenMask(
            digest=self._store.pixels.add_mask(mask),
            width_px=mask.shape[1],
            height_px=mask.shape[0],
        )

    def mix(self, project: str, base: str, other: str, mask: PictureDigest) -> Candidate:
        """A new candidate: the candidate ``other`` painted into ``base`` (their ids) through a
        stored mask (a digest).

        Where the mask is 0 every pixel is the base's. A LaminaError when one of the three is
        unknown, the pictures differ in size, or nothing is painted.
        """
        with self._store.database.read() as connection:
            pair = pair_of(candidates.candidates_of_project(connection, project), base, other)
        painted = mix_candidates(self._store.pixels, *pair, mask)
        with self._store.database.write() as connection:
            candidate = candidates.insert_mix(connection, pair[0], painted)
            history.append_entry(connection, candidate)
        return candidate

    def split_by_masks(
        self, project: str, revision: int, picture: PictureDigest
    ) -> tuple[CutLayer, ...]:
        """Cut a stored picture that fills the canvas, a draft say, along the painted layers of the
        saved scene.

        One RGBA picture each, from back to front; the scene is not changed. StaleRevision when the
        page's scene is not the saved one; a RequestError when no painted layer shows anything.
        """
        with self._store.database.read() as connection:
            projects.check_revision(connection, project, revision)
            scene = projects.read_project(connection, project).scene
        seen = on_canvas(self._store.pixels.picture(picture), scene.width_px, scene.height_px)
        cut = cut_outs(scene, seen, self._store.pixels)
        if not cut:
            raise RequestError(
                "There is nothing to cut the draft along.",
                limit="Only painted layers that can be seen become pictures.",
                remedy="Paint a region, or show one that is hidden.",
            )
        return tuple(store_cut(self._store.pixels, one, picture) for one in cut)

    def events_after(self, job: str, after: int) -> JobEvents:
        """What happened to a job after event number ``after``, with all its candidates so far."""
        with self._store.database.read() as connection:
            state = jobs.state_of(connection, job)
            events = jobs.events_after(connection, job, after)
            made = candidates.candidates_of_job(connection, job)
            stage1 = pictures.stage1_of_job(connection, job)
        newest = self._runner.preview(job)
        shown = tuple(
            event.model_copy(update={"preview": newest.preview}) if event.n == newest.n else event
            for event in events
        )
        trouble = "" if state in TERMINAL else self._runner.trouble
        return JobEvents(
            state=state,
            events=shown,
            candidates=made,
            stage1_images=stage1,
            trouble=trouble,
            left_s=self._runner.find_left_s(job),
        )

    def cancel(self, job: str) -> JobState:
        """Stop a job: at once while it waits, within a step while it runs. Returns its state
        now.
        """
        return self._runner.cancel(job)

    def jobs(self, project: str) -> tuple[JobRecord, ...]:
        """All jobs of a project, oldest first."""
        with self._store.database.read() as connection:
            return jobs.list_jobs(connection, project)

    def plan_of(self, candidate: str) -> Plan:
        """The recipe of a candidate, rebuilt from the history."""
        with self._store.database.read() as connection:
            return history.plan_of(connection, candidate)

    def picture_png(self, digest: str) -> bytes:
        """Stored pixels as a PNG file."""
        return self._store.pixels.png(digest)

    def close(self) -> None:
        """Stop the worker after its present step, then the store. Queued jobs wait for the next
        start.
        """
        self.upkeep.close()
        self._runner.close()
        self._store.close()

    def _take(self, opened: OpenedScene) -> Project:
        self._survey.keep_contents(opened.scene, opened.pixels)
        kept = read_settings(opened.settings or {"weighted_prompt": True}, self._offer)
        notes = _build_notes((*opened.notes, *kept.notes))
        return self._begin(opened.scene, EditorState(settings=kept.settings), notes)

    def _begin(
        self, scene: Scene, editor: EditorState | None = None, notes: tuple[Note, ...] = ()
    ) -> Project:
        with self._store.database.write() as connection:
            project = projects.insert_project(
                connection, scene, editor or EditorState(settings=NEW_SCENE)
            )
        return self._project(project, notes)

    def _project(self, project: str, opening_notes: tuple[Note, ...]) -> Project:
        with self._store.database.read() as connection:
            saved = projects.read_project(connection, project)
            job = jobs.present_job(connection, project)
            made = candidates.candidates_of_project(connection, project)
            stage1 = pictures.stage1_of_project(connection, project)
            learned = embeddings.find_embeddings(connection)
            standing = find_standing(connection, saved)
        report = self._survey.report(saved.scene, saved.editor)
        return Project(
            id=saved.id,
            revision=saved.revision,
            scene=saved.scene,
            editor=saved.editor,
            job=job,
            candidates=made,
            stage1_images=stage1,
            coverage=report.coverage,
            notes=(*opening_notes, *_build_notes(saved.notes), *report.notes),
            embeddings=learned,
            place=standing.place,
            is_kept=standing.is_kept,
            saved_by=saved.saved_by,
        )


def _build_notes(sentences: tuple[str, ...]) -> tuple[Note, ...]:
    """What had to be changed while a scene was opened, as notes."""
    return tuple(Note(code="opened", text=sentence) for sentence in sentences)


def _tell_skipped(error: LaminaError) -> str:
    parts = ("The scene that was opened last cannot be read.", error.what, error.limit)
    return " ".join(filter(None, (*parts, "It is listed in Home.")))
