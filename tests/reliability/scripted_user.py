"""Somebody who strokes, accepts, undoes, generates, trains and pauses, remembers what was
confirmed, and looks for all of it after each end of the server.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from backend.plan.events import TERMINAL
from backend.scene.formats.picture_file import encode_png
from backend.studio.projects.steps import MAX_STEPS
from tests.reliability.killed_server import Gone, KilledServer, is_refusal
from tests.studio.workshop import scene_with, square_picture

SIDE_PX = 128
RUN_STEPS = 20
TRAINING_STEPS = 8
WAITING = 2


@dataclass(frozen=True)
class Work:
    """A step of undo as the user knows it: what the sentence, the mask and the choice were."""

    name: str
    prompt: str
    mask: str = ""
    picked: str = ""


@dataclass
class ScriptedUser:
    """``steps`` are all that were confirmed, by place; ``place`` is where the scene stands.
    ``pending`` is the step and place that were sent and not answered when the server went.
    """

    server: KilledServer
    seed: int
    picture: str = ""
    project: str = ""
    subject: str = ""
    revision: int = 0
    place: int = 0
    oldest: int = 0
    steps: list[Work] = field(default_factory=list)
    pending: tuple[list[Work], int] | None = None
    jobs: set[str] = field(default_factory=set)
    candidates: set[str] = field(default_factory=set)
    masks: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def begin(self) -> None:
        """A scene with one layer, and a subject to train."""
        server = self.server
        path = server.upload(encode_png(square_picture()))
        self.picture = server.ask("take_picture", path=path, name="ball.png")["digest"]
        opened = server.ask("new_scene", width_px=SIDE_PX, height_px=SIDE_PX)
        self.project, self.revision = opened["project"], opened["revision"]
        first = Work("Open", "a red ball on a meadow")
        self._save([first], 0, first=0)
        self.subject = server.ask(
            "make_subject",
            name="Red",
            class_word="ball",
            method="textual_inversion",
            references=[self.picture],
        )["id"]

    def live(self, until_step: int = 0) -> None:
        """Go on until the server is gone; where a step is given, it ends soon after a run has done
        so many.
        """
        gestures = (self.stroke, self.type_words, self.undo, self.accept, self.generate, self.train)
        weights = (8, 4, 3, 3, 3, 1)
        try:
            while True:
                if until_step and self._find_done() >= until_step:
                    self.server.kill_after(self.chance.uniform(0, 0.1))
                    until_step = 0
                do = self.chance.choices((*gestures, self.pause), (*weights, 1))[0]
                do()
                if until_step:
                    self.generate()
        except Gone:
            return

    def stroke(self) -> None:
        """A mask painted over the layer."""
        rng = np.random.default_rng(self.chance.randrange(2**32))
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        top, left = rng.integers(0, SIDE_PX // 2, 2)
        mask[top : top + 60, left : left + 60] = 255
        content = io.BytesIO()
        Image.fromarray(mask).save(content, "PNG")
        digest = self.server.ask("take_mask", path=self.server.upload(content.getvalue()))["digest"]
        self.masks.add(digest)
        self._step("Stroke", mask=digest)

    def type_words(self) -> None:
        """Another prompt."""
        self._step(
            "Prompt", prompt=f"a red ball on a meadow, number {self.chance.randrange(10**6)}"
        )

    def accept(self) -> None:
        """One of the candidates."""
        if self.candidates:
            self._step("Accept", picked=self.chance.choice(sorted(self.candidates)))

    def undo(self) -> None:
        """A few steps back."""
        place = max(0, self.place - self.chance.randint(1, 3))
        if place < self.place:
            self._save([], place, first=len(self.steps))
            self._count("undone")

    def generate(self) -> None:
        """A run, as long as not too many wait; and a look at what the others have made."""
        if self._look() < WAITING:
            settings = {"steps": RUN_STEPS, "count": 2, "seed": self.chance.randrange(10**6)}
            request = {"kind": "compose", "settings": {**settings, "sampler": "euler_ancestral"}}
            self._submit("generate", revision=self.revision, request=request)

    def train(self) -> None:
        """The subject, always by the same steps."""
        if self._look() < WAITING:
            what = {"subject": self.subject, "model": "pocket", "steps": TRAINING_STEPS}
            self._submit("train_subject", **what)

    def pause(self) -> None:
        """The queue stands still for a moment."""
        for paused in (True, False):
            self.server.ask("pause_queue", paused=paused)

    def check(self) -> None:
        """After a restart: all that was confirmed is there, in its order, and can be undone."""
        server = self.server
        server.ask("pause_queue", paused=False)
        opened = server.ask("hello", project=self.project)
        if self.pending is not None and opened["revision"] == self.revision + 1:
            self._keep(*self.pending)
            self.revision += 1
        self.pending = None
        assert opened["revision"] == self.revision, "a confirmed save is lost"
        assert (opened["place"], opened["is_kept"]) == (self.place, True)
        assert self._read_work(opened) == self.steps[self.place]
        self._check_steps()
        made = {one["digest"] for one in opened["candidates"]}
        assert self.candidates <= made, "a picture that was shown is lost"
        known = {
            job["id"]: job["state"] for job in server.ask("jobs", project=self.project)["jobs"]
        }
        assert self.jobs <= known.keys(), "a confirmed run is lost"
        for digest in self.chance.sample(sorted(self.masks), min(5, len(self.masks))):
            assert server.has_picture(digest), "the pixels of a stroke are lost"

    def wait_for_all(self) -> dict[str, str]:
        """Until nothing runs or waits; the states of all confirmed runs."""
        while True:
            jobs = self.server.ask("jobs", project=self.project)["jobs"]
            if all(job["state"] in TERMINAL for job in jobs):
                return {job["id"]: job["state"] for job in jobs}

    def _check_steps(self) -> None:
        """The steps as the server keeps them are those that were confirmed."""
        found: dict[int, Work] = {}
        before, later = self.place, True
        while before > 0 or later:
            reply = self.server.ask("steps", project=self.project, place=before, later=later)
            for step in reply["steps"]:
                scene = {**reply["records"][str(step["scene"])], "layers": []}
                layer = reply["records"][str(step["layers"][0])]
                editor = reply["records"][str(step["editor"])]
                whole = {"scene": {**scene, "layers": [layer]}, "editor": editor}
                found[step["place"]] = self._read_work({**whole, "name": step["name"]})
            before, later = reply["more_before"], False
        kept = {place: work for place, work in enumerate(self.steps) if place >= self.oldest}
        assert found == kept, "steps of undo are lost"

    def _read_work(self, record: dict[str, Any]) -> Work:
        name = record.get("name", self.steps[self.place].name)
        scene, editor = record["scene"], record["editor"]
        mask = scene["layers"][0]["mask"] or ""
        return Work(name, scene["prompt"], mask, editor["picked"])

    def _step(self, name: str, **change: str) -> None:
        now = self.steps[self.place]
        work = Work(name, **{"prompt": now.prompt, "mask": now.mask, "picked": now.picked} | change)
        self._save([work], self.place + 1, first=self.place + 1)
        self._count(name)

    def _save(self, fresh: list[Work], place: int, *, first: int) -> None:
        steps = [*self.steps[:first], *fresh]
        work = steps[place]
        scene = scene_with(self.picture) | {"prompt": work.prompt}
        scene["layers"][0]["mask"] = work.mask or None
        self.pending = (steps, place)
        reply = self.server.ask(
            "save",
            project=self.project,
            revision=self.revision,
            scene=scene,
            editor={"picked": work.picked},
            steps={"first": first, "place": place, "steps": [{"name": one.name} for one in fresh]},
        )
        self._keep(steps, place)
        self.revision, self.pending = reply["revision"], None

    def _keep(self, steps: list[Work], place: int) -> None:
        """These steps were confirmed; the oldest of very many go."""
        self.steps, self.place = steps, place
        self.oldest = max(self.oldest, min(place, len(steps) - MAX_STEPS))

    def _submit(self, verb: str, **fields: Any) -> None:
        reply = self.server.try_ask(verb, project=self.project, **fields)
        if is_refusal(reply):  # a training that waits already, say
            assert reply["error"]["code"] != "internal", reply
            return
        self.jobs.add(reply["job"])
        self._count(verb)

    def _look(self) -> int:
        """How many runs wait or run; their pictures so far are seen."""
        opened = self.server.ask("hello", project=self.project)
        self.candidates |= {one["digest"] for one in opened["candidates"]}
        jobs = self.server.ask("jobs", project=self.project)["jobs"]
        return sum(job["state"] not in TERMINAL for job in jobs)

    def _find_done(self) -> int:
        """The steps that the present run has done."""
        jobs = self.server.ask("jobs", project=self.project)["jobs"]
        return max((job["done"] for job in jobs if job["state"] == "running"), default=0)

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
