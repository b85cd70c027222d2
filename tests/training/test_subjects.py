"""Learning a subject: it learns, it repeats, it goes on where it stood, it leaves the network
alone.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.errors import RequestError
from backend.models.adapter import Adapter
from backend.models.bundle import ModelBundle
from backend.plan.request import TrainingMethod
from backend.training.adapters import SubjectExamples, SubjectRules, fit_picture
from backend.training.prompts import embed_subject, mark_subject, plain_prompt, read_subject_prompt
from backend.training.subjects import RULES, SubjectTrainer
from backend.training.trainer import TrainingState, TrainingStep, train
from tests.methods.subjects import build_random_subject

RULE = SubjectRules(steps=4, vector_rate=0.1, weight_rate=0.02, prior_count=2, samples=2)


def build_examples(kind: TrainingMethod, count: int = 2) -> SubjectExamples:
    rng = np.random.default_rng(1)
    pictures = tuple(rng.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(count))
    return SubjectExamples(pictures, "cat", kind)


def rules(kind: TrainingMethod, **changes: int) -> SubjectRules:
    prior = 0 if kind == "textual_inversion" else RULE.prior_count
    return replace(RULE, prior_count=prior, **changes)


def learn(
    bundle: ModelBundle,
    kind: TrainingMethod,
    rule: SubjectRules,
    state: TrainingState | None = None,
) -> Adapter:
    return train(SubjectTrainer(bundle, build_examples(kind), rule, state))


@pytest.mark.slow
@pytest.mark.parametrize("kind", tuple(TrainingMethod))
def test_a_subject_is_learned_and_the_network_left_alone(
    tiny1: ModelBundle, kind: TrainingMethod
) -> None:
    before = {name: value.clone() for name, value in tiny1.unet.named_parameters()}
    trainer = SubjectTrainer(tiny1, build_examples(kind), rules(kind))
    steps = list(trainer.steps())
    own = [step for step in steps if isinstance(step, TrainingStep)]
    assert [step.k for step in own] == [0, 1, 2, 3]
    assert (len(steps) > len(own)) == (kind != "textual_inversion")
    subject = trainer.result
    moved = [float(value.abs().max()) > 0 for value in subject.weights.values()]
    assert all(moved) == (kind != "dreambooth") or sum(moved) > 0.9 * len(moved)
    assert all(torch.equal(value, before[name]) for name, value in tiny1.unet.named_parameters())
    assert not any(value.requires_grad for value in tiny1.unet.parameters())
    assert subject.model == tiny1.card.title


@pytest.mark.slow
def test_learning_lowers_the_loss_on_its_own_picture(tiny1: ModelBundle) -> None:
    rule = replace(RULE, steps=30, samples=8, prior_count=0)
    steps = SubjectTrainer(tiny1, build_examples("custom_diffusion", 1), rule).steps()
    losses = [step.loss for step in steps if isinstance(step, TrainingStep)]
    assert np.mean(losses[-8:]) < np.mean(losses[:8])


@pytest.mark.slow
def test_resumed_learning_ends_the_same(tiny1: ModelBundle) -> None:
    kind: TrainingMethod = "custom_diffusion"
    whole = learn(tiny1, kind, rules(kind))
    trainer = SubjectTrainer(tiny1, build_examples(kind), rules(kind))
    with closing(trainer.steps()) as steps:
        for step in steps:
            if isinstance(step, TrainingStep) and step.k == 1:
                break
    rest = learn(tiny1, kind, rules(kind), trainer.state)
    assert torch.equal(whole.vectors, rest.vectors)
    assert all(torch.equal(whole.weights[name], rest.weights[name]) for name in whole.weights)


def test_bad_lessons_are_refused(tiny1: ModelBundle) -> None:
    for count in (0, 21):
        with pytest.raises(RequestError, match=f"{count} reference"):
            SubjectTrainer(tiny1, build_examples("dreambooth", count), RULE)
    with pytest.raises(RequestError, match="class word"):
        SubjectTrainer(tiny1, replace(build_examples("dreambooth"), class_word=" "), RULE)
    assert set(RULES) == set(TrainingMethod)


@pytest.mark.parametrize("count", [1, 20])
def test_one_reference_and_twenty_are_enough_and_not_too_many(
    tiny1: ModelBundle, count: int
) -> None:
    """Of any sizes and proportions; every one of twenty can be drawn from."""
    rng = np.random.default_rng(2)
    pictures = tuple(
        rng.integers(0, 256, (40 + 3 * place, 70 - place, 3), np.uint8) for place in range(count)
    )
    trainer = SubjectTrainer(
        tiny1, SubjectExamples(pictures, "cat", "custom_diffusion"), replace(RULE, steps=2)
    )
    steps = [step for step in trainer.steps() if isinstance(step, TrainingStep)]
    assert len(steps) == 2
    assert all(np.isfinite(step.loss) for step in steps)


def test_other_objects_in_the_references_count_a_tenth_where_the_subject_is_cut_out(
    tiny1: ModelBundle,
) -> None:
    mask = np.zeros((64, 64), np.float32)
    mask[:, :32] = 1.0
    pictures = build_examples("custom_diffusion").pictures
    weights = SubjectTrainer(
        tiny1, SubjectExamples(pictures, "cat", "custom_diffusion", (mask, 1 - mask)), RULE
    ).masks
    half = weights.shape[-1] // 2
    assert torch.allclose(weights[0, ..., :half], torch.tensor(1.0))
    assert torch.allclose(weights[0, ..., half:], torch.tensor(0.1))
    assert torch.allclose(weights[1, ..., half:], torch.tensor(1.0))
    assert len(SubjectTrainer(tiny1, build_examples("custom_diffusion"), RULE).masks) == 0


@pytest.mark.parametrize("reached", [1, 22, 23])
def test_learning_can_be_left_at_every_phase(tiny1: ModelBundle, reached: int) -> None:
    """While the class is drawn (20 steps), at the first update, and between updates."""
    before = {name: value.clone() for name, value in tiny1.unet.named_parameters()}
    with closing(
        SubjectTrainer(tiny1, build_examples("dreambooth"), rules("dreambooth")).steps()
    ) as run:
        for _ in range(reached):
            step = next(run)
    assert isinstance(step, TrainingStep) == (reached > 20)
    assert all(torch.equal(value, before[name]) for name, value in tiny1.unet.named_parameters())
    assert not any(value.requires_grad for value in tiny1.unet.parameters())


def test_references_of_any_size_are_fitted() -> None:
    tall = np.zeros((90, 40, 4), np.uint8)
    tall[25:65] = 200
    assert fit_picture(tall, 64, 64).shape == (64, 64, 3)
    assert (fit_picture(tall, 64, 64) == 200).all()
    assert fit_picture(np.zeros((64, 64, 3), np.uint8), 64, 32).shape == (32, 64, 3)


def test_the_token_stands_before_the_class_word_or_instead_of_it(tiny1: ModelBundle) -> None:
    kept, instead = build_random_subject(tiny1), build_random_subject(tiny1, "textual_inversion")
    assert plain_prompt("a <*> in snow", "cat") == "a cat in snow"
    assert (
        plain_prompt("a <*> and a <*> in snow", "orange cat")
        == "an orange cat and an orange cat in snow"
    )
    assert plain_prompt("A Cat in snow", "cat") == "A cat in snow"
    assert mark_subject("a catfish and a cat", "cat") == "a catfish and a <*>"
    row = read_subject_prompt(tiny1, "a red <*>", kept)
    plain = tiny1.tokenizer("a red cat").input_ids
    places = [1 + plain[1:].index(plain[-2])]
    assert list(row.row.places) == places
    assert row.tokens == (places[0], places[0] + 1)
    alone = read_subject_prompt(tiny1, "a red <*>", instead)
    assert alone.tokens == alone.row.places == (places[0],)
    first, _ = embed_subject(tiny1, "a red cat", kept)
    second, _ = embed_subject(tiny1, "a red <*>", kept)
    assert torch.equal(first, second)
    with pytest.raises(RequestError, match="where the subject is"):
        mark_subject("a dog", "cat")
    with pytest.raises(RequestError, match="beyond the end"):
        read_subject_prompt(tiny1, "red " * 90 + "<*>", kept)
