"""Learning looks: the loop over updates, for all lessons of a scene at once (Collage Diffusion,
section 4.3).

For layer i with words c_i, the vector a_i before them is learned from the composite x of layers 1…i
and the layer's alpha m, by

    a_i* = argmin E_{n, t} [ Σ m · (target - D(x_t, t, (a_i, c_i)))² / (channels · Σ m) ].

Equation (1) lacks the square and is written for clean pictures; the released code compares
predictions of the noise, as here (velocities for models that predict them). Dividing by the mask's
area makes small layers learn as fast as large ones. Lessons of one size go through the network
together, and none knows of the others: a batch gives what single runs give.

The released code wraps the words in 27 templates for photographs and jitters colours; our scenes
are drawings, and one picture has one colour, so there are two plain templates and no jitter.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.decode import encode
from backend.engine.limits import memory_explained
from backend.engine.look_learning import (
    USUAL,
    Lesson,
    LookState,
    LookStep,
    Rules,
    masked_error,
    settled,
    updated,
)
from backend.engine.looks import encode_rows, fingerprint, token_row, token_table
from backend.engine.loop_types import generator_for
from backend.engine.noise import seed_of
from backend.models.bundle import ModelBundle
from backend.models.noising import Noising, build_noising
from backend.scene.look import Look
from backend.scene.mask import resize_area

TEMPLATES = ("{}", "a {}")
FIRST_WORD = "a"
"""A look begins as this word's vector (released code)."""
CHECKS = 8
"""States of the fixed set that tells whether the loss still varies."""
CALL_CELLS = 32_768
"""Latent cells in one call of the network: eight pictures of Stable Diffusion with what their
gradients need.
"""
HALF_SCALE = 1024.0
"""Losses in half precision are multiplied by this while gradients flow."""

Learning = Generator[LookStep, None, dict[str, Look]]


def learn_looks(
    bundle: ModelBundle,
    lessons: Sequence[Lesson],
    rules: Rules = USUAL,
    begun: Mapping[str, LookState] | None = None,
) -> Learning:
    """Yield a step for each update of all looks that still learn; the generator's value is the
    looks by layer.

    Closing it ends the learning; give the last step's ``states`` as ``begun`` to go on. The network
    is left as it was.
    """
    classroom = _Classroom.built(bundle, lessons, rules)
    states = {lesson.layer_id: classroom.beginning() for lesson in lessons} | dict(
        begun if begun is not None else {}
    )
    for k in range(rules.steps):
        taught = [lesson for lesson in lessons if not states[lesson.layer_id].finished]
        taught = [lesson for lesson in taught if states[lesson.layer_id].step == k]
        if not taught:
            continue
        with memory_explained(), torch.enable_grad():
            fresh, noisy, denoised = classroom.taught(taught, states, k)
        states = states | fresh
        yield LookStep(k, rules.steps, 0, noisy, denoised, states)
    mark = fingerprint(bundle)
    return {name: Look(state.vector.cpu().numpy(), mark) for name, state in states.items()}


def finished(learning: Learning) -> dict[str, Look]:
    """The looks, for a caller that does not watch the steps."""
    while True:
        try:
            next(learning)
        except StopIteration as end:
            looks: dict[str, Look] = end.value
            return looks


@dataclass(frozen=True, eq=False)
class _Batch:
    """States of lessons of one size: clean, noise, masks (b, …, h, w) and timesteps (b,)."""

    clean: Tensor
    noise: Tensor
    timesteps: Tensor
    masks: Tensor

    def part(self, rows: slice) -> _Batch:
        """Some of the rows."""
        return _Batch(self.clean[rows], self.noise[rows], self.timesteps[rows], self.masks[rows])


@dataclass(frozen=True, eq=False)
class _Classroom:
    """What all steps share: latents (1, c, h, w) and masks (1, 1, h, w) by the lesson's layer."""

    bundle: ModelBundle
    rules: Rules
    noising: Noising
    latents: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]
    size: float
    """Root mean square of the first word's vector."""

    @classmethod
    def built(cls, bundle: ModelBundle, lessons: Sequence[Lesson], rules: Rules) -> _Classroom:
        latents, masks = {}, {}
        for lesson in lessons:
            clean = encode(
                bundle, lesson.picture, [generator_for(seed_of(rules.seed, lesson.key, 0))]
            )
            height_lat, width_lat = clean.shape[-2:]
            mask = torch.from_numpy(resize_area(lesson.mask, width_lat, height_lat))
            latents[lesson.layer_id], masks[lesson.layer_id] = clean, mask[None, None].to(clean)
        size = float(_first_vector(bundle).square().mean().sqrt())
        return cls(bundle, rules, build_noising(bundle.scheduler), latents, masks, size)

    def beginning(self) -> LookState:
        """A look before its first step."""
        vector = _first_vector(self.bundle)
        return LookState(vector, torch.zeros_like(vector), torch.zeros_like(vector))

    def taught(
        self, lessons: Sequence[Lesson], states: Mapping[str, LookState], k: int
    ) -> tuple[dict[str, LookState], Tensor, Tensor]:
        """The states after step k, and one noisy and one foreseen latent of every lesson."""
        vectors = torch.stack(
            [states[lesson.layer_id].vector for lesson in lessons]
        ).requires_grad_(True)
        batches = self._drawn(lessons, k)
        _, predictions = self.losses(lessons, vectors, batches, TEMPLATES[k % len(TEMPLATES)])
        gradients = torch.zeros_like(vectors) if vectors.grad is None else vectors.grad
        rate = self.rules.rate_share * self.size
        fresh = {
            lesson.layer_id: updated(states[lesson.layer_id], gradients[number], rate)
            for number, lesson in enumerate(lessons)
        }
        if (k + 1) % self.rules.check_every == 0:
            fresh = self._checked(lessons, fresh)
        noisy, denoised = [], []
        for batch, predicted in zip(
            (batch.part(slice(1)) for batch in batches), predictions, strict=True
        ):
            noisy.append(self.noising.noised(batch.clean, batch.noise, batch.timesteps))
            denoised.append(self.noising.clean(predicted[:1], noisy[-1], batch.timesteps))
        return fresh, _alike(noisy), _alike(denoised)

    def losses(
        self, lessons: Sequence[Lesson], vectors: Tensor, batches: Sequence[_Batch], template: str
    ) -> tuple[Tensor, list[Tensor]]:
        """Each lesson's mean loss (n,), and what is predicted for its states; adds to
        ``vectors.grad`` where wanted.

        The network is called in parts, so that what gradients need of it fits into memory.
        """
        words = self._words(lessons, vectors, template)
        leaf = words.detach().requires_grad_(words.requires_grad)
        repeats = len(batches[0].clean)
        scale = HALF_SCALE if leaf.dtype == torch.float16 else 1.0
        losses, predictions = torch.zeros(len(lessons)), [torch.empty(0)] * len(lessons)
        for numbers in _by_size(batches):
            joined, owners = (
                _joined([batches[number] for number in numbers]),
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

    def _errors(self, batch: _Batch, words: Tensor) -> tuple[Tensor, Tensor]:
        """Masked squared error of each state, and the prediction."""
        noisy = self.noising.noised(batch.clean, batch.noise, batch.timesteps)
        predicted = self.bundle.unet(
            noisy, batch.timesteps, encoder_hidden_states=words, return_dict=False
        )[0]
        target = self.noising.target(batch.clean, batch.noise, batch.timesteps)
        return masked_error(predicted, target, batch.masks), predicted

    def _words(self, lessons: Sequence[Lesson], vectors: Tensor, template: str) -> Tensor:
        """(n, tokens, width): each lesson's words with its vector before them."""
        before = (
            len(self.bundle.tokenizer(template.format(""), add_special_tokens=False).input_ids) + 1
        )
        rows = [
            token_row(self.bundle, template.format(lesson.phrase), [before]) for lesson in lessons
        ]
        return encode_rows(self.bundle, rows, vectors)

    def _drawn(self, lessons: Sequence[Lesson], k: int) -> list[_Batch]:
        """Random states for step k: a function of the lesson, the seed and k alone."""
        batches = []
        for lesson in lessons:
            generator = generator_for(seed_of(self.rules.seed, lesson.key, k + 1))
            timesteps = torch.randint(
                0, self.noising.steps, (self.rules.samples,), generator=generator
            )
            batches.append(self._states(lesson, timesteps, generator))
        return batches

    def _fixed(self, lessons: Sequence[Lesson]) -> list[_Batch]:
        """The same states at every check: timesteps spread evenly, noise by the lesson."""
        spread = (torch.arange(CHECKS) + 0.5) / CHECKS * self.noising.steps
        generators = [
            generator_for(seed_of(self.rules.seed, "check " + lesson.key, 0)) for lesson in lessons
        ]
        pairs = zip(lessons, generators, strict=True)
        return [self._states(lesson, spread.long(), generator) for lesson, generator in pairs]

    def _states(self, lesson: Lesson, timesteps: Tensor, generator: torch.Generator) -> _Batch:
        clean = self.latents[lesson.layer_id].expand(len(timesteps), -1, -1, -1)
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        mask = self.masks[lesson.layer_id].expand(len(timesteps), -1, -1, -1)
        return _Batch(clean, noise, timesteps.to(clean.device), mask)

    def _checked(
        self, lessons: Sequence[Lesson], states: Mapping[str, LookState]
    ) -> dict[str, LookState]:
        """The states with their loss on the fixed set, and whether it has settled."""
        vectors = torch.stack([states[lesson.layer_id].vector for lesson in lessons])
        with torch.no_grad():
            losses, _ = self.losses(lessons, vectors, self._fixed(lessons), TEMPLATES[0])
        checked = {}
        for lesson, loss in zip(lessons, losses.tolist(), strict=True):
            kept = (*states[lesson.layer_id].losses, loss)
            checked[lesson.layer_id] = replace(
                states[lesson.layer_id], losses=kept, finished=settled(kept, self.rules)
            )
        return checked


def _first_vector(bundle: ModelBundle) -> Tensor:
    first = bundle.tokenizer(FIRST_WORD, add_special_tokens=False).input_ids[0]
    return token_table(bundle)[first].detach().float().clone()


def _by_size(batches: Sequence[_Batch]) -> list[Tensor]:
    """The numbers of the lessons of each size."""
    found: dict[torch.Size, list[int]] = {}
    for number, batch in enumerate(batches):
        found.setdefault(batch.clean.shape, []).append(number)
    return [torch.tensor(numbers) for numbers in found.values()]


def _joined(parts: Sequence[_Batch]) -> _Batch:
    return _Batch(
        torch.cat([part.clean for part in parts]),
        torch.cat([part.noise for part in parts]),
        torch.cat([part.timesteps for part in parts]),
        torch.cat([part.masks for part in parts]),
    )


def _alike(rows: Sequence[Tensor]) -> Tensor:
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
