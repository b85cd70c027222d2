"""Subjects in runs and layers: what is planned, what is refused, layouts that are retouched,
masks that are kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import RequestError, StoreError
from backend.plan.events import Event, Images
from backend.plan.plan import OneLayer, Plan
from backend.plan.request import OptionValue, TrainingJob
from backend.scene.blobs import Contents
from backend.studio.jobs.worker import NOTHING_DONE
from backend.studio.library.examples import ExampleScenes
from backend.studio.library.subjects import LibrarySubject
from backend.studio.storage.disk import Disk
from backend.studio.storage.records import MethodFacts, ModelFacts
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio
from tests.studio.library.test_subjects import ScriptedTrainer, subject_of, train
from tests.studio.scripted import ScriptedCard, ScriptedHandle, ScriptedOffer
from tests.studio.workshop import EDITOR, compose, reroll, save_scene, scene_with, wait_for_end

MASK = np.eye(128, dtype=np.uint8) * 255


class SubjectOffer(ScriptedOffer):
    """Two models and, beside collage, the method that draws subjects."""

    def models(self) -> tuple[ModelFacts, ...]:
        other = ModelFacts(
            id="other", title="The other one", device="cpu", native_px=128, cell_px=8
        )
        return (*super().models(), other)

    def methods(self) -> tuple[MethodFacts, ...]:
        return (
            *super().methods(),
            MethodFacts(
                id="layout_retouch", title="Layout-and-Retouch", options={"properties": {}}
            ),
        )

    def card(self, model: str) -> ScriptedCard:
        return ScriptedCard(id=model) if model == "other" else super().card(model)

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        if method != "layout_retouch":
            super().check_options(method, options)


class Retoucher(ScriptedTrainer):
    """Draws, and finds the subject on the diagonal of what it retouches; ``plans`` are those it
    was given.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[Plan] = []

    def submit(self, job_id: str, plan: Plan | TrainingJob, pixels: Contents, done=NOTHING_DONE):
        if isinstance(plan, TrainingJob):
            return super().submit(job_id, plan, pixels, done)
        self.plans.append(plan)
        if plan.subject is not None:
            pixels.blob(plan.subject.subject)
        return Finding(self, plan, pixels)


class Finding(ScriptedHandle):
    """One job, with masks for what is retouched."""

    def events(self) -> Iterator[Event]:
        for event in super().events():
            retouched = self.plan.options.get("stage") == "retouch"
            if isinstance(event, Images) and retouched:
                event = replace(event, images=(replace(event.images[0], subject_mask=MASK),))
            yield event


@pytest.fixture
def worker() -> Retoucher:
    return Retoucher()


@pytest.fixture
def studio(tmp_path: Path, worker: Retoucher) -> Iterator[Studio]:
    found = Studio(
        Storage(tmp_path, Disk()), SubjectOffer(), worker, ExampleScenes(tmp_path / "none")
    )
    yield found
    found.close()


def reference_to(subject: LibrarySubject) -> dict[str, str]:
    return {"subject": subject.file, "reference": subject.references[0]}


def build_layouts(subject: LibrarySubject, **settings: Any) -> dict[str, Any]:
    request = compose(method="layout_retouch", **settings)
    return request | {"subject": reference_to(subject)}


def with_subject_layer(studio: Studio, subject: str, phrase: str = "red ball") -> tuple[str, int]:
    """The usual scene, whose layer is now one of the subject."""
    project, revision = save_scene(studio)
    scene = scene_with(str(studio.open_project(project).scene.layers[0].picture))
    scene["layers"][0] |= {"subject": subject, "phrase": phrase}
    return project, studio.save(project, revision, scene, EDITOR).revision


def test_layouts_are_retouched_by_their_own_recipe_and_keep_where_the_subject_was_found(
    studio: Studio, worker: Retoucher
) -> None:
    subject = train(studio)
    project, revision = save_scene(studio)
    request = build_layouts(subject, seed=7, options={"stage": "layouts", "plain_share": 0.06})
    layouts = wait_for_end(studio, studio.generate(project, revision, request).job).candidates
    assert [one.layout for one in layouts] == [True, True]
    studio.save(
        project,
        revision,
        scene_with(str(studio.open_project(project).scene.layers[0].picture), "Else"),
        EDITOR,
    )
    made = wait_for_end(studio, studio.retouch(project, layouts[1].id).job).candidates
    before, after = worker.plans[-2:]
    assert (after.seeds, after.options) == ((8,), {"stage": "retouch", "plain_share": 0.06})
    changed = {"seeds", "batch", "options"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert (made[0].layout, made[0].seed) == (False, 8)
    assert (studio._store.pixels.mask(made[0].mask) == MASK).all()
    assert [one.mask != "" for one in studio.open_project(project).candidates] == [
        False,
        False,
        True,
    ]


def test_only_layouts_of_the_project_and_of_living_subjects_are_retouched(studio: Studio) -> None:
    subject = train(studio)
    project, revision = save_scene(studio)
    plain = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates[0]
    request = build_layouts(subject, options={"stage": "layouts"})
    layout = wait_for_end(studio, studio.generate(project, revision, request).job).candidates[0]
    with pytest.raises(RequestError, match="cannot be retouched"):
        studio.retouch(project, plain.id)
    with pytest.raises(RequestError, match="cannot be retouched"):
        studio.retouch("nowhere", layout.id)
    with pytest.raises(StoreError, match="no candidate"):
        studio.retouch(project, "nothing")
    studio.library.delete(subject.id)
    with pytest.raises(RequestError, match="no longer in the library"):
        studio.retouch(project, layout.id)
    assert len(studio.jobs(project)) == 2 + 1  # the training was asked for from here too


def test_a_re_roll_of_a_subject_layer_is_drawn_with_its_subject_whatever_the_method(
    studio: Studio, worker: Retoucher
) -> None:
    subject = train(studio)
    project, revision = with_subject_layer(studio, subject.id)
    source = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates[0]
    assert worker.plans[-1].method == "collage"
    request = reroll(source.digest, options={"blur_px": 3}, sampler="euler")
    made = wait_for_end(studio, studio.generate(project, revision, request).job).candidates
    plan = worker.plans[-1]
    assert (plan.method, plan.sampler, plan.options) == (
        "layout_retouch",
        "ddim",
        {"stage": "retouch"},
    )
    assert plan.subject is not None
    assert plan.subject.model_dump() == reference_to(subject)
    assert plan.prompt == "a <*> on a meadow"
    assert isinstance(plan.target, OneLayer)
    assert (made[0].layer_id, made[0].source) == ("ball", source.digest)


def test_options_of_the_desk_go_along_when_they_are_the_methods_own(
    studio: Studio, worker: Retoucher
) -> None:
    subject = train(studio)
    project, revision = with_subject_layer(studio, subject.id)
    source = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates[0]
    request = reroll(
        source.digest, method="layout_retouch", options={"stage": "layouts", "copy_share": 0.3}
    )
    wait_for_end(studio, studio.generate(project, revision, request).job)
    assert worker.plans[-1].options == {"stage": "retouch", "copy_share": 0.3}


def test_a_subject_of_another_model_is_refused_with_both_names(studio: Studio) -> None:
    subject = train(studio)
    project, revision = with_subject_layer(studio, subject.id)
    source = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates[0]
    for request in (build_layouts(subject, model="other"), reroll(source.digest, model="other")):
        with pytest.raises(RequestError, match="Tom was trained on Pocket") as refusal:
            studio.generate(project, revision, request)
        assert "The other one" in refusal.value.limit
        assert "train the subject again with The other one" in refusal.value.remedy
    wait_for_end(studio, studio.library.train(project, subject.id, "other").job)
    again = subject_of(studio, subject.id)
    assert again.model == "other"
    assert (
        wait_for_end(
            studio, studio.generate(project, revision, build_layouts(again, model="other")).job
        ).state
        == "finished"
    )


def test_subjects_that_are_gone_or_untrained_are_refused_in_words(studio: Studio) -> None:
    subject = train(studio)
    project, revision = with_subject_layer(studio, subject.id)
    source = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates[0]
    fresh = studio.library.make("New", "ball", "dreambooth", subject.references)
    studio.library.delete(subject.id)
    for request in (build_layouts(subject), reroll(source.digest)):
        with pytest.raises(StoreError, match="no subject"):
            studio.generate(project, revision, request)
    project, revision = with_subject_layer(studio, fresh.id)
    with pytest.raises(RequestError, match="New was not trained yet"):
        studio.generate(project, revision, reroll(source.digest))
    project, revision = with_subject_layer(studio, fresh.id, "green frog")
    wait_for_end(studio, studio.library.train(project, fresh.id, "pocket").job)
    with pytest.raises(RequestError, match="“green frog” does not stand in the prompt"):
        studio.generate(project, revision, reroll(source.digest))


def until_planned(worker: Retoucher) -> Plan:
    """The plan of Layout-and-Retouch, once the worker has it."""
    limit = time.monotonic() + 30
    while not worker.plans or worker.plans[-1].method != "layout_retouch":
        assert time.monotonic() < limit
        time.sleep(0.005)
    return worker.plans[-1]


def test_a_whole_picture_says_what_becomes_of_subject_layers(
    studio: Studio, worker: Retoucher
) -> None:
    subject = train(studio)
    project, revision = with_subject_layer(studio, subject.id)
    placed = studio.generate(project, revision, compose()).notes[0]
    assert (placed.code, placed.text[:4]) == ("subject_later", "Tom:")
    alone = studio.generate(project, revision, build_layouts(subject)).notes[0]
    assert alone.code == "subject_alone"
    assert until_planned(worker).layers == ()
    project, revision = save_scene(studio)
    assert not [
        note
        for note in studio.generate(project, revision, compose()).notes
        if "subject" in note.code
    ]


def test_a_re_roll_of_an_unknown_layer_is_still_refused_by_its_name(studio: Studio) -> None:
    project, revision = save_scene(studio)
    source = wait_for_end(studio, studio.generate(project, revision, compose()).job).candidates[0]
    with pytest.raises(RequestError, match="no layer 'nobody'"):
        studio.generate(project, revision, reroll(source.digest) | {"layer_id": "nobody"})
