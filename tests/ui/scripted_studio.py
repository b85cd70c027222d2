"""A studio in memory for tests of the page: real records and checks, but pictures drawn by
arithmetic.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import threading
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from backend.errors import PictureError, RequestError, SceneError, StaleRevision, StoreError
from backend.plan.autotune import Tuned
from backend.plan.events import JobCancelled, JobFinished, JobQueued, JobStarted, Progress
from backend.plan.request import Compose, Reroll, build_request
from backend.scene.geometry import PointOrBox
from backend.scene.scene import build_scene
from backend.studio.storage.records import (
    Candidate,
    CutLayer,
    EditorState,
    Example,
    Facts,
    JobEvents,
    JobRecord,
    MethodFacts,
    ModelFacts,
    Project,
    Saved,
    StoredEvent,
    StoredImages,
    Submitted,
    TakenMask,
    TakenPicture,
)

SIDE_PX = 64


@dataclass
class ScriptedRun:
    """A job: its record's parts, its events so far, its candidates."""

    project: str
    request: Compose | Reroll
    state: str = "queued"
    done: int = 0
    events: list[StoredEvent] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)

    def tell(self, event: StoredEvent) -> None:
        self.events.append(event.model_copy(update={"n": len(self.events) + 1}))


class ScriptedStudio:
    """The verbs of ``backend.studio.studio.Studio``; a job advances by one step whenever its news
    are asked for.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pictures: dict[str, bytes] = {}
        self.projects: dict[str, Project] = {}
        self.running: dict[str, ScriptedRun] = {}
        self.numbers = itertools.count(1)
        self.explode = False

    def facts(self) -> Facts:
        return Facts(
            version="0.0.0",
            models=(
                ModelFacts(id="pocket", title="Pocket", device="cpu", native_px=SIDE_PX, cell_px=8),
            ),
            methods=(
                MethodFacts(
                    id="collage",
                    title="Collage Diffusion",
                    options={
                        "properties": {
                            "harmonise": {
                                "title": "Harmonise",
                                "description": "",
                                "type": "boolean",
                                "default": True,
                            }
                        }
                    },
                ),
            ),
            samplers=("ddim", "euler"),
            examples=(Example(id="ball", title="Ball"),),
            limits={"layers": 256, "upload_bytes": 25 * 2**20, "side_px": 8192},
        )

    def open_latest(self) -> Project:
        with self.lock:
            return (
                next(reversed(self.projects.values()))
                if self.projects
                else self.open_example("ball")
            )

    def open_project(self, project: str) -> Project:
        if project not in self.projects:
            raise StoreError(f"There is no project {project!r}.", remedy="Open another.")
        return self.projects[project]

    def open_example(self, example: str) -> Project:
        if example != "ball":
            raise StoreError(
                f"There is no example {example!r}.",
                limit="There is ball.",
                remedy="Choose that one.",
            )
        taken = self.take_picture(_ball(), "ball.png")
        centre = SIDE_PX / 2
        layer = {
            "id": "ball",
            "name": "ball",
            "picture": taken.digest,
            "phrase": "red ball",
            "placement": {"centre_x_px": centre, "centre_y_px": centre},
        }
        scene = {
            "width_px": SIDE_PX,
            "height_px": SIDE_PX,
            "prompt": "a red ball",
            "layers": [layer],
        }
        return self._begin(scene)

    def open_ora(self, content: bytes, name: str) -> Project:
        if not content.startswith(b"PK"):
            raise SceneError(
                f"{name or 'The file'} is no OpenRaster file.", remedy="Choose an .ora file."
            )
        return self.open_example("ball")

    def _begin(self, scene: dict) -> Project:
        with self.lock:
            project = f"p{next(self.numbers)}"
            self.projects[project] = Project(
                id=project, revision=1, scene=build_scene(scene), editor=EditorState(), job=None,
                candidates=(), coverage=(), notes=(),
            )  # fmt: skip
            return self.projects[project]

    def save(
        self, project: str, revision: int, scene: dict, editor: dict, steps=None, page: str = ""
    ) -> Saved:
        if self.explode:
            raise ZeroDivisionError("a canary that no page may see")
        with self.lock:
            held = self.open_project(project)
            if revision != held.revision:
                raise StaleRevision(revision, held.revision)
            try:
                state = EditorState.model_validate(editor)
            except ValueError:
                raise SceneError(
                    "The desk's own record cannot be used.", remedy="Reload the page."
                ) from None
            parts = {"revision": revision + 1, "scene": build_scene(scene), "editor": state}
            self.projects[project] = held.model_copy(update=parts)
            return Saved(
                revision=revision + 1, digest=parts["scene"].digest(), coverage=(), notes=()
            )

    def take_picture(self, content: bytes, name: str) -> TakenPicture:
        try:
            with Image.open(io.BytesIO(content), formats=["PNG", "JPEG", "WEBP"]) as file:
                if max(file.size) > 8192:
                    raise PictureError(
                        f"{name} is {file.size[0]} px wide.", limit="8192 px.", remedy="Shrink it."
                    )
                picture = np.asarray(file.convert("RGBA"))
        except PictureError:
            raise
        except Exception:
            raise PictureError(
                f"{name or 'The file'} is no picture.", remedy="Use PNG, JPEG or WebP."
            ) from None
        height, width = picture.shape[:2]
        return TakenPicture(
            digest=self._keep(picture),
            width_px=width,
            height_px=height,
            opaque=bool((picture[..., 3] == 255).all()),
            notes=(),
        )

    def take_mask(self, content: bytes) -> TakenMask:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as file:
            mask = np.asarray(file)
        return TakenMask(digest=self._keep(mask), width_px=mask.shape[1], height_px=mask.shape[0])

    def _keep(self, picture: np.ndarray) -> str:
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "PNG")
        digest = hashlib.sha256(f"{picture.shape}".encode() + picture.tobytes()).hexdigest()
        self.pictures[digest] = stream.getvalue()
        return digest

    def export_ora(self, project: str) -> tuple[bytes, str]:
        scene = self.open_project(project).scene
        return b"PK" + scene.model_dump_json().encode(), f"{scene.name}.ora"

    def generate(self, project: str, revision: int, request: dict) -> Submitted:
        with self.lock:
            held = self.open_project(project)
            if revision != held.revision:
                raise StaleRevision(revision, held.revision)
            asked = build_request(request)
            if not held.scene.prompt.strip():
                raise RequestError("The prompt is empty.", remedy="Write what the picture shows.")
            job = f"j{next(self.numbers)}"
            self.running[job] = ScriptedRun(project, asked)
            self.running[job].tell(JobQueued())
            return Submitted(job=job, notes=())

    def autotune(self, project: str, revision: int, layer: str | None = None) -> tuple[Tuned, ...]:
        with self.lock:
            held = self.open_project(project)
            if revision != held.revision:
                raise StaleRevision(revision, held.revision)
            return tuple(
                Tuned(layer_id=each.id, strength=0.5, attention_positive=1.0,
                  attention_negative=1.0, structure=0.3,
                      reasons=("Strength 0.50: a reason.",))
                for each in held.scene.layers if layer in (None, each.id)
            )  # fmt: skip

    def select(self, project: str, picture: str, where: PointOrBox) -> TakenMask:
        self.open_project(project)
        self.picture_png(picture)
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        x, y = (round(each) for each in where[:2])
        mask[y : y + 8, x : x + 8] = 255
        return TakenMask(digest=self._keep(mask), width_px=SIDE_PX, height_px=SIDE_PX)

    def split_by_masks(self, project: str, revision: int, picture: str) -> tuple[CutLayer, ...]:
        with self.lock:
            held = self.open_project(project)
            if revision != held.revision:
                raise StaleRevision(revision, held.revision)
            self.picture_png(picture)
            return tuple(
                CutLayer(
                    layer_id=layer.id,
                    digest=picture,
                    width_px=8,
                    height_px=8,
                    centre_x_px=4.0,
                    centre_y_px=4.0,
                )
                for layer in held.scene.layers
            )

    def events_after(self, job: str, after: int) -> JobEvents:
        with self.lock:
            running = self._running(job)
            self._advance(job, running)
            events = tuple(event for event in running.events if event.n > after)
            return JobEvents(
                state=running.state, events=events, candidates=tuple(running.candidates)
            )

    def _running(self, job: str) -> ScriptedRun:
        if job not in self.running:
            raise StoreError(f"There is no job {job!r}.", remedy="Generate again.")
        return self.running[job]

    def _advance(self, job: str, running: ScriptedRun) -> None:
        settings = running.request.settings
        if running.state == "queued":
            running.state = "running"
            running.tell(JobStarted(device="cpu"))
        elif running.state == "running" and running.done < settings.steps:
            running.done += 1
            running.tell(Progress(done=running.done, total=settings.steps))
        elif running.state == "running":
            running.candidates += [
                self._candidate(job, running, index) for index in range(settings.count)
            ]
            running.tell(StoredImages(candidates=tuple(made.id for made in running.candidates)))
            running.tell(JobFinished())
            running.state = "finished"
            held = self.projects[running.project]
            self.projects[running.project] = held.model_copy(
                update={"candidates": (*held.candidates, *running.candidates)}
            )

    def _candidate(self, job: str, running: ScriptedRun, index: int) -> Candidate:
        request = running.request
        seed = request.settings.seed + index
        picture = np.random.default_rng(seed).integers(
            0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8
        )
        whole = isinstance(request, Compose)
        return Candidate(
            id=f"{job}-{index}", job=job, index=index, seed=seed, digest=self._keep(picture),
            width_px=SIDE_PX, height_px=SIDE_PX, layer_id="" if whole else request.layer_id,
            source="" if whole else request.source, changed_outside=None if whole else 0,
            plan="0" * 64, batch=request.settings.count, created="2026-01-01T00:00:00Z",
        )  # fmt: skip

    def cancel(self, job: str) -> str:
        with self.lock:
            running = self._running(job)
            if running.state in ("queued", "running"):
                running.state = "cancelled"
                running.tell(JobCancelled())
            return running.state

    def jobs(self, project: str) -> tuple[JobRecord, ...]:
        self.open_project(project)
        return tuple(
            JobRecord(id=job, project=project, state=running.state, layer_id="", done=running.done,
                total=running.request.settings.steps, created="2026-01-01T00:00:00Z")
            for job, running in self.running.items() if running.project == project
        )  # fmt: skip

    def picture_png(self, digest: str) -> bytes:
        if digest not in self.pictures:
            raise StoreError(
                f"There is no picture {digest[:12]}….", remedy="Add the picture again."
            )
        return self.pictures[digest]

    def close(self) -> None:
        self.running.clear()


def _ball() -> bytes:
    y, x = np.mgrid[:32, :32] - 15.5
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[np.hypot(x, y) < 15] = (200, 40, 40, 255)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()
