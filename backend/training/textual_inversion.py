"""Textual inversion of layers: one embedding for each layer of a scene (Collage Diffusion, section
4.3).

For layer i with words c_i, the vector a_i before them is learned from the composite x of layers 1…i
and the layer's alpha m, by

    a_i* = argmin E_{n, t} [ Σ m · (target - D(x_t, t, (a_i, c_i)))² / (channels · Σ m) ].

Equation (1) lacks the square and is written for clean pictures; the released code compares
predictions of the noise, as here (velocities for models that predict them). Dividing by the mask's
area makes small layers learn as fast as large ones. Layers of one size go through the network
together, and none knows of the others: a batch gives what single runs give.

The released code wraps the words in 27 templates for photographs and jitters colours; our scenes
are drawings, and one picture has one colour, so there are two plain templates and no jitter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.engine.decode import encode
from backend.engine.loop_types import explain_memory, generator_for
from backend.engine.noise import seed_of
from backend.models.bundle import ModelBundle
from backend.models.schedule import Noising, build_noising
from backend.scene.formats.embedding import Embedding
from backend.scene.formats.tensor_file import TOKEN
from backend.scene.imaging.mask import resize_area
from backend.training.prompts import encode_rows, fingerprint, token_row, token_table
from backend.training.trainer import (
    TrainingState,
    TrainingStep,
    copy_moments,
    loss_scale,
    restore_moments,
    root_mean_square,
)

BETAS, EPSILON, DECAY, CLIP = (0.9, 0.999), 1e-8, 1e-2, 1.0
"""AdamW and gradient clipping of the released code."""
TEMPLATES = ("{}", "a {}")
FIRST_WORD = "a"
"""An embedding begins as this word's vector (released code)."""
CHECKS = 8
"""States of the fixed set that tells whether the loss still varies."""
CALL_CELLS = 32_768
"""Latent cells in one call of the network: eight pictures of Stable Diffusion with what their
gradients need.
"""


@dataclass(frozen=True, eq=False)
class LayerExample:
    """What a layer's embedding is learned from.

    ``phrase`` are the layer's words, ``picture`` uint8 (h, w, 3) shows layers 1…i, ``mask`` float32
    (h, w) in 0..1 is what is seen of the layer.
    """

    layer_id: str
    phrase: str
    picture: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.float32] = field(repr=False)

    @property
    def key(self) -> str:
        """A name for what is learned, whatever the layer is called."""
        parts = (self.phrase.encode(), self.picture.tobytes(), self.mask.tobytes())
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


@dataclass(frozen=True)
class EmbeddingRules:
    """How long and how carefully to learn.

    At most ``steps`` with ``samples`` states each. (The released code has 4. On seven drawn
    collages 2 gave embeddings as good after as many steps for less time, and small calls gain more
    from being batched.) From ``window`` checks on, one every ``check_every`` steps, an embedding is
    finished when the variance of its last ``window`` losses on the fixed set falls below
    ``settled`` of the variance of all of them (the criterion of Voronov et al., 2023, with their
    .15). ``rate_share`` is the learning rate in units of the first word's size: the released 4e-4
    over the .0142 of Stable Diffusion's vectors.
    """

    steps: int = 250
    samples: int = 2
    check_every: int = 10
    window: int = 5
    settled: float = 0.15
    rate_share: float = 0.028
    seed: int = 0


DEFAULT_RULES = EmbeddingRules()


class TrainableEmbedding:
    """One vector (d,) while it is learned, with an optimiser of its own: it may stop, or go on,
    before the others.
    """

    def __init__(self, vector: Tensor, rate: float) -> None:
        """Begin at ``vector``, float32 (d,), with the learning rate ``rate``."""
        self.vector = torch.nn.Parameter(vector.clone())
        self.optimiser = torch.optim.AdamW(
            [self.vector], lr=rate, betas=BETAS, eps=EPSILON, weight_decay=DECAY
        )
        self.step = 0
        self.losses: tuple[float, ...] = ()
        self.finished = False

    @property
    def state(self) -> TrainingState:
        """A copy of where it stands."""
        parameters = {TOKEN: self.vector.detach().clone()}
        return TrainingState(
            self.step, parameters, copy_moments(self.optimiser), self.losses, self.finished
        )

    def resume(self, state: TrainingState) -> None:
        """Go on from there."""
        with torch.no_grad():
            self.vector.copy_(state.parameters[TOKEN])
        restore_moments(self.optimiser, state.moments)
        self.step, self.losses, self.finished = state.step, state.losses, state.finished

    def update(self, gradient: Tensor) -> None:
        """One step of AdamW, with the gradient clipped as in the released code."""
        self.vector.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_([self.vector], CLIP)
        self.optimiser.step()
        self.vector.grad = None
        self.step += 1


class EmbeddingTrainer:
    """Learns the embeddings of several layers at once; see the module's equation."""

    def __init__(
        self,
        bundle: ModelBundle,
        examples: Sequence[LayerExample],
        rules: EmbeddingRules = DEFAULT_RULES,
        states: Mapping[str, TrainingState] | None = None,
    ) -> None:
        """Prepare the latents of all examples; nothing is learned before ``steps`` is iterated.

        Args:
            bundle: a leased model; it is left as it was.
            examples: one for each layer.
            rules: how long to learn.
            states: by layer, where an earlier trainer of the same examples stopped.

        Raises:
            RequestError: the model reads words with two text encoders.
        """
        first = _first_vector(bundle)
        rate = rules.rate_share * root_mean_square(first)
        self._examples, self._rules = tuple(examples), rules
        self._embeddings = {
            example.layer_id: TrainableEmbedding(first, rate) for example in examples
        }
        for layer_id, state in (states if states is not None else {}).items():
            self._embeddings[layer_id].resume(state)
        self._fingerprint = fingerprint(bundle)
        self._loss = _MaskedLoss(bundle, examples, rules)

    def steps(self) -> Generator[TrainingStep, None, None]:
        """A step for each update of all embeddings that still learn.

        ``denoised`` is what the network predicts for each of them. Progress counts to the last step
        that is allowed; most embeddings are finished before.
        """
        for k in range(self._rules.steps):
            learning = [example for example in self._examples if self._learns(example, k)]
            if learning:
                with explain_memory(), torch.enable_grad():
                    step = self._update(learning, k)
                yield step

    @property
    def state(self) -> dict[str, TrainingState]:
        """Where each layer's embedding stands."""
        return {layer_id: embedding.state for layer_id, embedding in self._embeddings.items()}

    @property
    def result(self) -> dict[str, Embedding]:
        """The embeddings by layer."""
        return {
            layer_id: Embedding(embedding.vector.detach().cpu().numpy().copy(), self._fingerprint)
            for layer_id, embedding in self._embeddings.items()
        }

    def _learns(self, example: LayerExample, k: int) -> bool:
        embedding = self._embeddings[example.layer_id]
        return not embedding.finished and embedding.step == k

    def _update(self, examples: Sequence[LayerExample], k: int) -> TrainingStep:
        vectors = self._vectors(examples).requires_grad_(True)
        batches = self._loss.draw(examples, k)
        losses, predictions = self._loss.losses(
            examples, vectors, batches, TEMPLATES[k % len(TEMPLATES)]
        )
        gradients = torch.zeros_like(vectors) if vectors.grad is None else vectors.grad
        for example, gradient in zip(examples, gradients, strict=True):
            self._embeddings[example.layer_id].update(gradient)
        if (k + 1) % self._rules.check_every == 0:
            self._check(examples)
        noisy, denoised = self._loss.previews(batches, predictions)
        return TrainingStep(k, self._rules.steps, 0, noisy, denoised, float(losses.mean()))

    def _check(self, examples: Sequence[LayerExample]) -> None:
        """Note the losses on the fixed set, and whether they have settled."""
        with torch.no_grad():
            losses, _ = self._loss.losses(
                examples,
                self._vectors(examples),
                self._loss.build_fixed_set(examples),
                TEMPLATES[0],
            )
        for example, loss in zip(examples, losses.tolist(), strict=True):
            embedding = self._embeddings[example.layer_id]
            embedding.losses = (*embedding.losses, loss)
            embedding.finished = has_settled(embedding.losses, self._rules)

    def _vectors(self, examples: Sequence[LayerExample]) -> Tensor:
        """(n, d), copies."""
        return torch.stack(
            [self._embeddings[example.layer_id].vector.detach() for example in examples]
        )


@dataclass(frozen=True, eq=False)
class _NoisedBatch:
    """States of examples of one size: clean, noise, masks (b, …, h, w) and timesteps (b,)."""

    clean: Tensor
    noise: Tensor
    timesteps: Tensor
    masks: Tensor

    def part(self, rows: slice) -> _NoisedBatch:
        """Some of the rows."""
        return _NoisedBatch(
            self.clean[rows], self.noise[rows], self.timesteps[rows], self.masks[rows]
        )


class _MaskedLoss:
    """The loss of equation (1), with the latents (1, c, h, w) and masks (1, 1, h, w) of all
    layers.
    """

    def __init__(
        self, bundle: ModelBundle, examples: Sequence[LayerExample], rules: EmbeddingRules
    ) -> None:
        self._bundle, self._rules = bundle, rules
        self._noising: Noising = build_noising(bundle.scheduler)
        self._latents: dict[str, Tensor] = {}
        self._masks: dict[str, Tensor] = {}
        for example in examples:
            clean = encode(
                bundle, example.picture, [generator_for(seed_of(rules.seed, example.key, 0))]
            )
            height_lat, width_lat = clean.shape[-2:]
            mask = torch.from_numpy(resize_area(example.mask, width_lat, height_lat))
            self._latents[example.layer_id] = clean
            self._masks[example.layer_id] = mask[None, None].to(clean)

    def draw(self, examples: Sequence[LayerExample], k: int) -> list[_NoisedBatch]:
        """Random states for step k: a function of the example, the seed and k alone."""
        batches = []
        for example in examples:
            generator = generator_for(seed_of(self._rules.seed, example.key, k + 1))
            timesteps = torch.randint(
                0, self._noising.steps, (self._rules.samples,), generator=generator
            )
            batches.append(self._states(example, timesteps, generator))
        return batches

    def build_fixed_set(self, examples: Sequence[LayerExample]) -> list[_NoisedBatch]:
        """The same states at every check: timesteps spread evenly, noise by the example."""
        spread = (torch.arange(CHECKS) + 0.5) / CHECKS * self._noising.steps
        seeds = [seed_of(self._rules.seed, "check " + example.key, 0) for example in examples]
        pairs = zip(examples, seeds, strict=True)
        return [
            self._states(example, spread.long(), generator_for(seed)) for example, seed in pairs
        ]

    def losses(
        self,
        examples: Sequence[LayerExample],
        vectors: Tensor,
        batches: Sequence[_NoisedBatch],
        template: str,
    ) -> tuple[Tensor, list[Tensor]]:
        """Each example's mean loss (n,), and what is predicted for its states; adds to
        ``vectors.grad`` where wanted.

        The network is called in parts, so that what gradients need of it fits into memory.
        """
        words = self._words(examples, vectors, template)
        leaf = words.detach().requires_grad_(words.requires_grad)
        repeats = len(batches[0].clean)
        scale = loss_scale(leaf.dtype)
        losses, predictions = torch.zeros(len(examples)), [torch.empty(0)] * len(examples)
        for numbers in _group_by_size(batches):
            joined, owners = (
                _join([batches[number] for number in numbers]),
                numbers.repeat_interleave(repeats),
            )
            size = max(1, CALL_CELLS // joined.clean[0, 0].numel())
            errors, predicted = [], []
            for start in range(0, len(owners), size):
                part = slice(start, start + size)
                error, seen = self._errors(joined.part(part), leaf[owners[part]])
                if leaf.requires_grad:
                    (scale / repeats * error.sum()).backward()
                errors.append(error.detach())
                predicted.append(seen.detach())
            losses[numbers] = torch.cat(errors).view(-1, repeats).mean(1).cpu()
            for number, own in zip(
                numbers.tolist(), torch.cat(predicted).split(repeats), strict=True
            ):
                predictions[number] = own
        if leaf.requires_grad and leaf.grad is not None:
            words.backward(leaf.grad / scale)
        return losses, predictions

    def previews(
        self, batches: Sequence[_NoisedBatch], predictions: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """One noisy and one predicted clean latent of every example, all at the size of the
        largest.
        """
        noisy, denoised = [], []
        for batch, predicted in zip(
            (batch.part(slice(1)) for batch in batches), predictions, strict=True
        ):
            noisy.append(self._noising.add_noise(batch.clean, batch.noise, batch.timesteps))
            denoised.append(self._noising.clean(predicted[:1], noisy[-1], batch.timesteps))
        return _stack_sizes(noisy), _stack_sizes(denoised)

    def _errors(self, batch: _NoisedBatch, words: Tensor) -> tuple[Tensor, Tensor]:
        """Masked squared error of each state, and the prediction."""
        noisy = self._noising.add_noise(batch.clean, batch.noise, batch.timesteps)
        predicted = self._bundle.unet(
            noisy, batch.timesteps, encoder_hidden_states=words, return_dict=False
        )[0]
        target = self._noising.target(batch.clean, batch.noise, batch.timesteps)
        return error_in_mask(predicted, target, batch.masks), predicted

    def _words(self, examples: Sequence[LayerExample], vectors: Tensor, template: str) -> Tensor:
        """(n, tokens, width): each example's words with its vector before them."""
        before = (
            len(self._bundle.tokenizer(template.format(""), add_special_tokens=False).input_ids) + 1
        )
        rows = [
            token_row(self._bundle, template.format(example.phrase), [before])
            for example in examples
        ]
        return encode_rows(self._bundle, rows, vectors)

    def _states(
        self, example: LayerExample, timesteps: Tensor, generator: torch.Generator
    ) -> _NoisedBatch:
        clean = self._latents[example.layer_id].expand(len(timesteps), -1, -1, -1)
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        mask = self._masks[example.layer_id].expand(len(timesteps), -1, -1, -1)
        return _NoisedBatch(clean, noise, timesteps.to(clean.device), mask)


def error_in_mask(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error inside the mask (b, 1, h, w) of each row of (b, c, h, w), in single
    precision: (b,).
    """
    error = (predicted.float() - target.float()).square()
    area = predicted.shape[1] * mask.float().sum((1, 2, 3)) + 1e-6
    return (error * mask.float()).sum((1, 2, 3)) / area


def has_settled(losses: Sequence[float], rules: EmbeddingRules) -> bool:
    """Whether the losses on the fixed set no longer vary."""
    if len(losses) < 2 * rules.window:
        return False
    everything = float(np.var(losses))
    return float(np.var(losses[-rules.window :])) <= rules.settled * everything


def _first_vector(bundle: ModelBundle) -> Tensor:
    first = bundle.tokenizer(FIRST_WORD, add_special_tokens=False).input_ids[0]
    return token_table(bundle)[first].detach().float().clone()


def _group_by_size(batches: Sequence[_NoisedBatch]) -> list[Tensor]:
    """The numbers of the batches of each size."""
    found: dict[torch.Size, list[int]] = {}
    for number, batch in enumerate(batches):
        found.setdefault(batch.clean.shape, []).append(number)
    return [torch.tensor(numbers) for numbers in found.values()]


def _join(parts: Sequence[_NoisedBatch]) -> _NoisedBatch:
    return _NoisedBatch(
        torch.cat([part.clean for part in parts]),
        torch.cat([part.noise for part in parts]),
        torch.cat([part.timesteps for part in parts]),
        torch.cat([part.masks for part in parts]),
    )


def _stack_sizes(rows: Sequence[Tensor]) -> Tensor:
    """Latents (1, c, h, w) of any sizes in one batch, for the eye: all at the size of the
    largest.
    """
    sides = tuple(max(row.shape[axis] for row in rows) for axis in (-2, -1))
    return torch.cat(
        [
            functional.interpolate(row, size=sides) if row.shape[-2:] != sides else row
            for row in rows
        ]
    )
