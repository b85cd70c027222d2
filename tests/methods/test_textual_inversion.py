"""Learned looks: the masked loss, one row a layer, batches that equal single runs, stopping,
going on (1.3, 1.9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

import numpy as np
import pytest
import torch

from backend.engine.loop_types import Step
from backend.errors import RequestError
from backend.methods.catalog import method_of
from backend.methods.textual_inversion import examples_of, frame
from backend.models.bundle import ModelBundle
from backend.plan.events import EmbeddingsCheckpoint, EmbeddingsLearned, Result
from backend.plan.plan import TextualInversionTask
from backend.plan.raster import raster
from backend.scene.formats.embedding import Embedding, embedding_to_bytes
from backend.training.prompts import fingerprint, token_table
from backend.training.textual_inversion import (
    EmbeddingRules,
    EmbeddingTrainer,
    LayerExample,
    error_in_mask,
    has_settled,
)
from backend.training.trainer import TrainingState, TrainingStep
from tests.methods.collages import Collage

FEW = EmbeddingRules(steps=6, samples=2, check_every=3)


def examples_for(bundle: ModelBundle) -> tuple[LayerExample, ...]:
    collage = Collage(bundle, seed=1, side_px=bundle.card.native_px)
    return examples_of(collage.compose(), collage.pixels, ["disc1", "disc2"])


def train(
    bundle: ModelBundle,
    examples: Sequence[LayerExample],
    rules: EmbeddingRules = FEW,
    states: Mapping[str, TrainingState] | None = None,
) -> tuple[dict[str, Embedding], list[TrainingStep]]:
    trainer = EmbeddingTrainer(bundle, examples, rules, states)
    steps = list(trainer.steps())
    return trainer.result, steps


def test_the_loss_on_four_cells() -> None:
    """Errors 1, 2, 3, 4 in two channels, mask 1 .5 0 0: (1 + .5 · 4) · 2 channels over 2 · 1.5."""
    error = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 2, 2, 2)
    mask = torch.tensor([[1.0, 0.5], [0.0, 0.0]])[None, None]
    assert float(error_in_mask(error, torch.zeros(1, 2, 2, 2), mask)) == pytest.approx(
        2.0, rel=1e-5
    )


def test_the_gradient_is_zero_outside_the_mask() -> None:
    predicted = torch.randn(3, 4, 6, 6, requires_grad=True)
    mask = torch.zeros(3, 1, 6, 6)
    mask[:, :, 1:3, 2:5] = 0.7
    error_in_mask(predicted, torch.randn(3, 4, 6, 6), mask).sum().backward()
    assert predicted.grad is not None
    outside = (mask == 0).expand_as(predicted)
    assert not predicted.grad[outside].any()
    assert predicted.grad[~outside].all()


def test_a_lesson_shows_its_layer_on_top(tiny1: ModelBundle) -> None:
    """Layers 1…i and the layer's own alpha, whatever lies over it in the scene."""
    collage = Collage(tiny1, seed=1, side_px=tiny1.card.native_px)
    plan = collage.compose()
    first, second = examples_for(tiny1)
    flat = raster(plan, collage.pixels)
    own, other = frame(flat.alphas[1]), frame(flat.alphas[2])
    assert np.array_equal(second.picture, flat.picture[other])
    assert not np.array_equal(first.picture, flat.picture[own])
    assert np.array_equal(first.mask, flat.alphas[1][own])
    assert (first.mask > 0).sum() == (flat.alphas[1] > 0).sum()


def test_a_frame_holds_its_layer_with_room() -> None:
    """Of 64 × 48: a box of 20 rows fits in half the picture, one of 30 does not; the frame stays
    inside.
    """
    alpha = np.zeros((64, 48), np.float32)
    alpha[44:64, 2:10] = 0.5
    assert frame(alpha) == (slice(32, 64), slice(0, 24))
    alpha[34:64, 2:10] = 0.5
    assert frame(alpha) == (slice(16, 64), slice(0, 36))
    assert frame(np.ones((64, 48), np.float32)) == (slice(0, 64), slice(0, 48))


def test_a_layer_without_words_teaches_nothing(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=1, side_px=tiny1.card.native_px)
    for layer_id in ("ground", "nobody"):
        with pytest.raises(RequestError, match="No look can be learned"):
            examples_of(collage.compose(), collage.pixels, [layer_id])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny1", "tiny2"])
def test_a_batch_gives_what_single_runs_give(name: str, request: pytest.FixtureRequest) -> None:
    bundle: ModelBundle = request.getfixturevalue(name)
    examples = examples_for(bundle)
    together, _ = train(bundle, examples)
    for example in examples:
        alone, _ = train(bundle, [example])
        assert (
            np.abs(alone[example.layer_id].vector - together[example.layer_id].vector).max() <= 1e-5
        )


@pytest.mark.slow
def test_examples_of_two_sizes_are_learned_together_as_alone(tiny1: ModelBundle) -> None:
    """An example in its frame and one of the whole picture; what is shown of them has the size of
    the larger.
    """
    collage = Collage(tiny1, seed=1, side_px=tiny1.card.native_px)
    flat = raster(collage.compose(), collage.pixels)
    framed = examples_for(tiny1)[0]
    whole = LayerExample("whole", "blue house", flat.picture, flat.alphas[2])
    assert framed.picture.shape < whole.picture.shape
    together, steps = train(tiny1, (framed, whole))
    for example in (framed, whole):
        alone, _ = train(tiny1, [example])
        assert (
            np.abs(alone[example.layer_id].vector - together[example.layer_id].vector).max() <= 1e-5
        )
    assert steps[0].denoised.shape == (
        2,
        4,
        *(side // tiny1.card.cell_px for side in flat.picture.shape[:2]),
    )


def test_every_look_moves_and_the_model_does_not(tiny1: ModelBundle) -> None:
    before = [
        weight.clone() for weight in (*tiny1.unet.parameters(), *tiny1.text_encoder.parameters())
    ]
    looks, steps = train(tiny1, examples_for(tiny1))
    after = (*tiny1.unet.parameters(), *tiny1.text_encoder.parameters())
    assert all(
        torch.equal(one, other) and other.grad is None
        for one, other in zip(before, after, strict=True)
    )
    begin = (
        token_table(tiny1)[tiny1.tokenizer("a", add_special_tokens=False).input_ids[0]]
        .detach()
        .numpy()
    )
    assert all(np.abs(look.vector - begin).max() > 1e-4 for look in looks.values())
    assert not np.array_equal(looks["disc1"].vector, looks["disc2"].vector)
    assert {look.fingerprint for look in looks.values()} == {fingerprint(tiny1)}
    assert [(step.k, step.total) for step in steps] == [(k, 6) for k in range(6)]
    assert steps[0].denoised.shape[:2] == (2, 4)


@pytest.mark.slow
def test_learning_goes_on_where_it_was_stopped(tiny1: ModelBundle) -> None:
    examples = examples_for(tiny1)
    whole, _ = train(tiny1, examples)
    trainer = EmbeddingTrainer(tiny1, examples, FEW)
    checks = []
    with closing(trainer.steps()) as first:
        for _ in range(4):
            next(first)
            checks.append(len(trainer.state["disc1"].losses))
    assert checks == [0, 0, 1, 1]
    assert not tiny1.text_encoder.get_input_embeddings()._forward_hooks
    rest, steps = train(tiny1, examples, states=trainer.state)
    assert [step.k for step in steps] == [4, 5]
    assert all(np.array_equal(rest[name].vector, whole[name].vector) for name in whole)


def learn(
    collage: Collage, checkpoints: Mapping[str, str] | None = None, steps: int = 30
) -> list[Step | Result]:
    """What the method does for both discs, two steps for the pictures."""
    task = TextualInversionTask(
        layer_ids=("disc1", "disc2"),
        steps=steps,
        checkpoints=dict(checkpoints if checkpoints is not None else {}),
    )
    plan = collage.compose().model_copy(update={"task": task, "steps": 2, "seeds": (3,)})
    return list(method_of("textual_inversion").run(plan, collage.bundle, collage.pixels))


@pytest.mark.slow
def test_the_run_hands_on_unfinished_looks_and_goes_on_from_them(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=1, side_px=tiny1.card.native_px)
    whole = learn(collage)
    kept = next(each for each in whole if isinstance(each, EmbeddingsCheckpoint))
    last = whole[-1]
    assert isinstance(last, EmbeddingsLearned)
    assert {picture.shape for picture in last.samples.values()} == {
        (tiny1.card.native_px, tiny1.card.native_px, 3)
    }
    assert not np.array_equal(last.samples["disc1"], last.samples["disc2"])
    checkpoints = {name: collage.pixels.add_blob(content) for name, content in kept.states.items()}
    rest = learn(collage, checkpoints)
    assert len([each for each in rest if isinstance(each, TrainingStep)]) == 5
    assert isinstance(rest[-1], EmbeddingsLearned)
    assert all(rest[-1].embeddings[name] == last.embeddings[name] for name in checkpoints)


def test_a_loss_that_no_longer_varies_is_settled() -> None:
    falling = [1.0, 0.8, 0.65, 0.5, 0.4]
    assert not has_settled(falling, EmbeddingRules())
    assert not has_settled([1.0 - 0.1 * number for number in range(10)], EmbeddingRules())
    assert has_settled([*falling, 0.39, 0.38, 0.39, 0.38, 0.39], EmbeddingRules())


def test_a_settled_look_leaves_the_batch(tiny1: ModelBundle) -> None:
    """With no patience both looks are finished after two checks, long before the last step."""
    looks, steps = train(
        tiny1,
        examples_for(tiny1),
        EmbeddingRules(steps=50, samples=1, check_every=1, window=1, settled=1e9),
    )
    assert [step.k for step in steps] == [0, 1]
    assert set(looks) == {"disc1", "disc2"}


def test_a_collage_uses_the_looks_of_its_layers(tiny1: ModelBundle) -> None:
    """A look that is the word "blue" before "red cat" makes the picture of a prompt that says
    so.
    """
    collage = Collage(tiny1, seed=1, side_px=tiny1.card.native_px)
    number = tiny1.tokenizer("blue", add_special_tokens=False).input_ids[0]
    look = Embedding(token_table(tiny1)[number].detach().numpy().copy(), fingerprint(tiny1))
    digest = collage.pixels.add_blob(embedding_to_bytes(look))

    def make(prompt: str, phrase: str, with_look: bool, used: bool = True) -> np.ndarray:
        layers = list(collage.scene.layers)
        layers[1] = layers[1].model_copy(
            update={"phrase": phrase, "embedding": digest if with_look else None}
        )
        former = collage.scene
        collage.scene = former.model_copy(update={"prompt": prompt, "layers": tuple(layers)})
        _, (pictures,) = collage.run(collage.compose(options={"embeddings": used}))
        collage.scene = former
        return pictures.pictures[0]

    prompt = "a red cat and a blue house and a red house"
    plain = make(prompt.replace("red cat", "blue red cat"), "blue red cat", False)
    assert np.array_equal(make(prompt, "red cat", True), plain)
    assert not np.array_equal(make(prompt, "red cat", True, used=False), plain)
