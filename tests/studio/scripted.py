"""A worker that obeys a script instead of a model, and an offer to go with it: a whole Studio
without torch.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from backend.errors import ModelError, RequestError
from backend.plan.card import KnownEmbedding, TokenSpan
from backend.plan.events import (
    EmbeddingsCheckpoint,
    EmbeddingsLearned,
    Event,
    Image,
    Images,
    JobCancelled,
    JobFinished,
    JobStarted,
    LayersFound,
    Preview,
    Progress,
)
from backend.plan.layer_score import Scores
from backend.plan.plan import DecomposeTask, OneLayer, Plan, PlannedLora, TextualInversionTask
from backend.plan.request import OptionValue
from backend.scene.geometry import PointOrBox
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import Pixels, Scene
from backend.studio.jobs.worker import NOTHING_DONE, WorkDone
from backend.studio.library.examples import ExampleScenes
from backend.studio.storage.disk import Disk
from backend.studio.storage.found_files import ModelFolder
from backend.studio.storage.records import (
    MethodFacts,
    ModelFacts,
    ModelsFound,
    OptionsSchema,
)
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio


def nothing(phase: str) -> None:
    """The script of a worker to which nothing happens."""


def no_scores(seed: int) -> Scores:
    """The scores of a worker that has no network for them."""
    return ()


@dataclass
class ScriptedWorker:
    """Draws flat pictures whose colour is their seed's; a re-roll paints a square over its source.

    ``script`` is called with the name of each phase ("submit", "start", "step 0", …, "decode") and
    may wait, raise, or cancel. ``score`` gives the scores of a seed's picture. ``running`` and
    ``most_running`` count the jobs that run at the same time.
    """

    script: Callable[[str], None] = nothing
    pause_s: float = 0.0
    score: Callable[[int], Scores] = no_scores
    device: str = "cpu"
    submitted: list[str] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(
        self, job_id: str, plan: Plan, pixels: Pixels, done: WorkDone = NOTHING_DONE
    ) -> ScriptedHandle:
        self.script("submit")
        self.submitted.append(job_id)
        return ScriptedHandle(self, plan, pixels, done)

    def cut(self, model: str, picture: Picture, where: PointOrBox) -> Picture:
        """What has exactly the colour of the point, or of the box's corner."""
        x, y = (int(each) for each in where[:2])
        return (picture == picture[y, x]).all(axis=2).astype(np.uint8) * 255

    def enter(self, change: int) -> None:
        with self._lock:
            self.running += change
            self.most_running = max(self.most_running, self.running)


@dataclass
class ScriptedHandle:
    """One job of the scripted worker."""

    worker: ScriptedWorker
    plan: Plan
    pixels: Pixels
    done: WorkDone = NOTHING_DONE
    stop: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        self.stop.set()

    def events(self) -> Iterator[Event]:
        self.worker.enter(1)
        try:
            yield from self._events()
        finally:
            self.worker.enter(-1)

    def _events(self) -> Iterator[Event]:
        self.worker.script("start")
        yield JobStarted(device=self.worker.device)
        task = self.plan.task
        for step in range(self.plan.steps):
            self.worker.script(f"step {step}")
            if isinstance(task, TextualInversionTask) and step == 2:
                yield EmbeddingsCheckpoint(self._embeddings(task, 1))
            if self.stop.wait(self.worker.pause_s):
                yield JobCancelled()
                return
            preview = Preview(jpeg=self._preview(step)) if step % 2 == 0 else None
            yield Progress(done=step + 1, total=self.plan.steps, preview=preview)
        self.worker.script("decode")
        if self.stop.is_set():
            yield JobCancelled()
            return
        if isinstance(task, TextualInversionTask):
            samples = {
                layer_id: picture_for(self.plan, 5, self.pixels) for layer_id in task.layer_ids
            }
            yield EmbeddingsLearned(self._embeddings(task, 10), samples)
            yield JobFinished()
            return
        if isinstance(task, DecomposeTask):
            source = self.pixels.picture(task.source)
            alone = np.zeros_like(source)
            alone[24:72, 16:80] = source[24:72, 16:80]
            yield LayersFound({layer.id: alone for layer in self.plan.layers}, source[..., :3])
            yield JobFinished()
            return
        for offset in range(0, len(self.plan.seeds), self.plan.batch):
            yield self._make(offset)
            if self.stop.is_set():
                yield JobCancelled()
                return
        yield JobFinished()

    def _embeddings(self, task: TextualInversionTask, value: int) -> dict[str, bytes]:
        """An embedding is one row that counts up from where the unfinished one that it goes on
        from began.
        """
        found = {}
        for layer_id in task.layer_ids:
            first_value = (
                self.pixels.blob(task.checkpoints[layer_id])[0]
                if layer_id in task.checkpoints
                else 0
            )
            found[layer_id] = bytes([first_value + value]) * 32
        return found

    def _make(self, offset: int) -> Images:
        seeds = self.plan.seeds[offset : offset + self.plan.batch]
        outside = 0 if isinstance(self.plan.target, OneLayer) else None
        return Images(
            tuple(
                Image(
                    index,
                    picture_for(self.plan, seed, self.pixels),
                    self.worker.score(seed),
                    outside,
                )
                for index, seed in enumerate(seeds, offset)
            )
        )

    def _preview(self, step: int) -> bytes:
        fade = (step + 1) / self.plan.steps
        picture = picture_for(self.plan, self.plan.seeds[0], self.pixels) * fade + 128 * (1 - fade)
        content = io.BytesIO()
        PillowImage.fromarray(picture.astype(np.uint8)).save(content, "JPEG")
        return content.getvalue()


def picture_for(plan: Plan, seed: int, pixels: Pixels) -> Picture:
    """uint8 (h, w, 3): a colour that names the seed, or the source with a square of that colour
    in its middle.
    """
    colour = np.array([seed * 37 % 256, seed * 91 % 256, seed * 53 % 256], np.uint8)
    if isinstance(plan.target, OneLayer):
        picture = pixels.picture(plan.target.source)[:, :, :3].copy()
        height, width = picture.shape[:2]
        picture[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3] = colour
        return picture
    return np.broadcast_to(colour, (plan.height_px, plan.width_px, 3)).copy()


@dataclass(frozen=True)
class ScriptedCard:
    """A small model's facts; every word is one token."""

    id: str = "pocket"
    native_px: int = 128
    cell_px: int = 8
    size_multiple_px: int = 8
    text_length: int = 77
    light_only: float = 0.0
    flat_strength: float = 0.6
    words_widths: tuple[int, ...] = (8,)
    embeddings: tuple[KnownEmbedding, ...] = ()

    def token_spans(self, text: str) -> tuple[TokenSpan, ...]:
        spans, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            spans.append(TokenSpan(start, start + len(word), len(spans) + 1))
            start += len(word)
        return tuple(spans)


class ScriptedOffer:
    """One model, one method with one option of each kind."""

    def __init__(self) -> None:
        self.added: tuple[Path, ...] = ()

    def models(self) -> tuple[ModelFacts, ...]:
        return (ModelFacts(id="pocket", title="Pocket", device="cpu", native_px=128, cell_px=8),)

    def list_found(self) -> ModelsFound:
        folders = (
            ModelFolder(path=str(one), added=True, models=0, refused=0, files=0)
            for one in self.added
        )
        return ModelsFound(models=self.models(), model_folders=tuple(folders))

    def find_loras(self, scene: Scene, weighted: bool = False) -> tuple[PlannedLora, ...]:
        return ()

    def search(self, added: Sequence[Path]) -> None:
        self.added = tuple(added)

    def methods(self) -> tuple[MethodFacts, ...]:
        schema: OptionsSchema = {
            "properties": {
                "region_attention": {
                    "title": "Region attention",
                    "description": "",
                    "type": "boolean",
                    "default": True,
                    "section": "4.2",
                },
                "blur_px": {
                    "title": "Blur",
                    "description": "",
                    "type": "integer",
                    "default": 10,
                    "minimum": 0,
                    "maximum": 64,
                    "unit": "px",
                },
                "share": {
                    "title": "Share",
                    "description": "How much.",
                    "type": "number",
                    "default": 0.5,
                    "minimum": 0,
                    "maximum": 1,
                },
                "resize": {
                    "title": "Resize",
                    "description": "",
                    "type": "string",
                    "default": "area",
                    "enum": ("area", "nearest"),
                },
            }
        }
        return (MethodFacts(id="collage", title="Collage Diffusion", options=schema),)

    def card(self, model: str) -> ScriptedCard:
        if model != "pocket":
            raise ModelError(
                f"There is no model {model!r}.", limit="There is: pocket.", remedy="Choose pocket."
            )
        return ScriptedCard()

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        known = {"region_attention", "blur_px", "share", "resize"}
        if method != "collage" or not set(options) <= known:
            raise RequestError(
                f"{method} {sorted(options)} cannot be used.", remedy="Use collage and its options."
            )


def build_scripted_studio(
    folder: Path, worker: ScriptedWorker, examples: Path | None = None, disk: Disk | None = None
) -> Studio:
    """A Studio on a store in ``folder``; without ``examples`` it begins with an empty scene."""
    store = Storage(folder, disk or Disk())
    return Studio(store, ScriptedOffer(), worker, ExampleScenes(examples or folder / "none"))
