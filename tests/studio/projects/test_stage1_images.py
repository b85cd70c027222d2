"""Drafts in the studio: kept as they come, named by their pictures, refined by their digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import RequestError, StaleRevision, StoreError
from backend.plan.events import (
    Event,
    Image,
    Images,
    JobFinished,
    JobStarted,
    Progress,
    Stage1Image,
    Stage1Images,
)
from backend.plan.layer_score import LayerScore
from backend.plan.plan import Plan
from backend.plan.request import OptionValue
from backend.scene.formats.picture_file import encode_png
from backend.scene.scene import Pixels
from backend.studio.jobs.worker import NOTHING_DONE, WorkDone
from backend.studio.library.examples import ExampleScenes
from backend.studio.storage.disk import Disk
from backend.studio.storage.records import MethodFacts
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio
from tests.studio.scripted import ScriptedOffer, ScriptedWorker, picture_for
from tests.studio.workshop import EDITOR, compose, kinds, save_scene, scene_with, wait_for_end

PER_STAGE1 = 2


@dataclass
class TwoStages:
    """A job whose pictures come in pairs from one draft; from the plan's own draft there are no
    others.
    """

    plan: Plan
    pixels: Pixels

    def cancel(self) -> None:
        pass

    def events(self) -> Iterator[Event]:
        yield JobStarted(device="cpu")
        if self.plan.stage1 is None:
            yield Stage1Images(
                tuple(self.stage1(index) for index in range(0, len(self.plan.seeds), PER_STAGE1))
            )
        yield Progress(done=1, total=1)
        yield Images(tuple(self.image(index, seed) for index, seed in enumerate(self.plan.seeds)))
        yield JobFinished()

    def stage1(self, index: int) -> Stage1Image:
        scores = (LayerScore(layer_id="ball", iou=0.1 * index + 0.2),)
        return Stage1Image(index, picture_for(self.plan, 100 + index, self.pixels), scores)

    def image(self, index: int, seed: int) -> Image:
        own = index - index % PER_STAGE1 if self.plan.stage1 is None else None
        return Image(index, picture_for(self.plan, seed, self.pixels), stage1_index=own)


class TwoStageWorker(ScriptedWorker):
    def submit(
        self, job_id: str, plan: Plan, pixels: Pixels, done: WorkDone = NOTHING_DONE
    ) -> TwoStages:  # type: ignore[override]
        return TwoStages(plan, pixels)


class TwoStageOffer(ScriptedOffer):
    def methods(self) -> tuple[MethodFacts, ...]:
        staged = MethodFacts(id="tcig", title="TCIG", options={"properties": {}}, stage1=True)
        return (*super().methods(), staged)

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        assert method in ("collage", "tcig")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    store = Storage(tmp_path, Disk())
    studio = Studio(store, TwoStageOffer(), TwoStageWorker(), ExampleScenes(tmp_path / "none"))
    yield studio
    studio.close()


def refine(stage1: str, **settings: Any) -> dict[str, Any]:
    return {**compose(method="tcig", **settings), "stage1": stage1}


def test_drafts_are_kept_ranked_and_named_by_their_pictures(studio: Studio) -> None:
    project, revision = save_scene(studio)
    job = studio.generate(project, revision, compose(method="tcig", count=4)).job
    job_events = wait_for_end(studio, job)
    assert kinds(job_events) == [
        "queued",
        "started",
        "stage1_images",
        "progress",
        "images",
        "finished",
    ]
    assert [(stage1.index, stage1.rank) for stage1 in job_events.stage1_images] == [(0, 2), (2, 1)]
    assert [made.stage1 for made in job_events.candidates] == [
        job_events.stage1_images[at // 2].digest for at in range(4)
    ]
    assert all(
        studio.picture_png(stage1.digest).startswith(b"\x89PNG")
        for stage1 in job_events.stage1_images
    )
    reopened = studio.open_project(project)
    assert reopened.stage1_images == job_events.stage1_images
    assert reopened.candidates == job_events.candidates


def test_a_draft_is_refined_by_its_digest_and_its_pictures_say_so(studio: Studio) -> None:
    project, revision = save_scene(studio)
    first = wait_for_end(
        studio, studio.generate(project, revision, compose(method="tcig", count=4)).job
    )
    stage1 = first.stage1_images[1].digest
    again = wait_for_end(studio, studio.generate(project, revision, refine(stage1, seed=50)).job)
    assert again.stage1_images == ()
    assert [made.stage1 for made in again.candidates] == [stage1, stage1]
    assert studio.plan_of(again.candidates[0].id).stage1 == stage1
    assert len({made.plan for made in (*first.candidates, *again.candidates)}) == 2
    assert studio.open_project(project).stage1_images == first.stage1_images


def test_what_cannot_be_refined_is_refused_in_words(studio: Studio) -> None:
    project, revision = save_scene(studio)
    with pytest.raises(RequestError, match="not in the studio's store"):
        studio.generate(project, revision, refine("0" * 64))
    made = wait_for_end(studio, studio.generate(project, revision, compose(method="tcig")).job)
    with pytest.raises(RequestError, match=r"collage does not go on from a draft\. .*TCIG"):
        studio.generate(project, revision, {**compose(), "stage1": made.stage1_images[0].digest})


def test_a_draft_is_cut_along_the_painted_layers_and_nothing_is_changed(studio: Studio) -> None:
    project, revision = save_scene(studio)
    with pytest.raises(RequestError, match="nothing to cut"):
        studio.split_by_masks(
            project, revision, studio.open_project(project).scene.layers[0].picture or ""
        )
    inside = np.zeros((128, 128), np.uint8)
    inside[20:60, 30:110] = 255
    scene = scene_with("")
    scene["layers"][0] |= {"picture": None, "mask": studio.take_mask(encode_png(inside)).digest}
    revision = studio.save(project, revision, scene, EDITOR).revision
    stage1 = wait_for_end(
        studio, studio.generate(project, revision, compose(method="tcig", count=1)).job
    ).stage1_images[0]
    (cut,) = studio.split_by_masks(project, revision, stage1.digest)
    assert cut.layer_id == "ball"
    assert (cut.width_px, cut.height_px, cut.centre_x_px, cut.centre_y_px) == (80, 40, 70.0, 40.0)
    assert studio.picture_png(cut.digest).startswith(b"\x89PNG")
    assert studio.open_project(project).scene.layers[0].picture is None
    with pytest.raises(StaleRevision):
        studio.split_by_masks(project, revision - 1, stage1.digest)
    with pytest.raises(StoreError):
        studio.split_by_masks(project, revision, "0" * 64)


def test_a_method_that_draws_by_class_says_what_its_masks_lack(studio: Studio) -> None:
    project, revision = save_scene(studio)
    scene = scene_with("")
    scene["layers"][0] |= {"picture": None, "mask": None, "phrase": "", "class_label": ""}
    scene["layers"][0]["mask"] = studio.take_mask(encode_png(np.zeros((128, 128), np.uint8))).digest
    plain = studio.save(project, revision, scene, EDITOR)
    staged = studio.save(project, plain.revision, scene, {"settings": {"method": "tcig"}})
    assert [note.code for note in plain.notes if note.layer_id] == ["empty"]
    assert [note.code for note in staged.notes if note.layer_id] == ["no_class", "no_mask"]
    submitted = studio.generate(project, staged.revision, compose(method="tcig"))
    assert [note.code for note in submitted.notes if note.layer_id] == ["no_class", "no_mask"]
