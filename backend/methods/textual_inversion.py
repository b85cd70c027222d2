"""Learned looks: textual inversion, one modifier token per layer (Collage Diffusion, section 4.3, equation 1).

For layer i with words c_i, the vector a_i before them is learned from the composite x of layers 1…i and the layer's
alpha m, by

    a_i* = argmin E_{n, t} [ Σ m · (target - D(x_t, t, (a_i, c_i)))² / (channels · Σ m) ].

Equation (1) lacks the square and is written for clean pictures; the released code compares predictions of the noise, as
here (velocities for models that predict them). Dividing by the mask's area makes small layers learn as fast as large
ones. All layers of a scene are learned in one batch, and none knows of the others: a batch gives what single runs give.

The released code wraps the words in 27 templates for photographs and jitters colours; our scenes are drawings, and one
picture has one colour, so there are two plain templates and no jitter.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from backend.engine.begin import begin_from_noise
from backend.engine.begin import finished as ended
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode, encode
from backend.engine.denoise import denoise
from backend.engine.limits import memory_explained
from backend.engine.look_learning import (
    USUAL,
    Lesson,
    LookState,
    LookStep,
    Rules,
    masked_error,
    read_state,
    settled,
    state_picture,
    updated,
)
from backend.engine.looks import embed_with_looks, encode_rows, fingerprint, token_row, token_table
from backend.engine.loop_types import Happening, Looks, Run, Step, generator_for
from backend.engine.noise import seed_of
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.noising import Noising, build_noising
from backend.plan.plan import LookTask, Plan
from backend.plan.raster import stacked
from backend.scene.look import Look, look_picture
from backend.scene.mask import resize_area
from backend.scene.scene import Picture, Pixels

TEMPLATES = ("{}", "a {}")
FIRST_WORD = "a"
"""A look begins as this word's vector (released code)."""
CHECKS = 8
"""States of the fixed set that tells whether the loss still varies."""
CALL_CELLS = 32_768
"""Latent cells in one call of the network: eight pictures of Stable Diffusion with what their gradients need."""
HALF_SCALE = 1024.0
"""Losses in half precision are multiplied by this while gradients flow."""


KEEP_EVERY = 25
"""Steps after which unfinished looks are handed on, so that a stop loses a tenth of the learning at most."""
SHOWN_TOGETHER = 8
"""Looks that are drawn alone in one batch."""

Learning = Generator[LookStep, None, dict[str, Look]]


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps of learning with unfinished looks in between, then the looks and what each draws alone."""
    if not isinstance(plan.task, LookTask):
        raise RequestError("Looks are learned for layers of a scene.", remedy="Choose the layers to learn from.")
    lessons = lessons_of(plan, pixels, plan.task.layer_ids)
    rules = replace(USUAL, steps=plan.task.steps, seed=plan.seeds[0])
    begun = _begun(plan.task, bundle, lessons, pixels)
    looks = yield from _kept(learn_looks(bundle, lessons, rules, begun), bundle, lessons)
    shown: dict[str, Picture] = {}
    for start in range(0, len(lessons), SHOWN_TOGETHER):
        part = lessons[start : start + SHOWN_TOGETHER]
        pictures = yield from _drawn_alone(plan, bundle, part, looks)
        shown |= dict(zip((lesson.layer_id for lesson in part), pictures, strict=True))
    yield Looks({name: look_picture(look) for name, look in looks.items()}, shown, True)


def _kept(
    learning: Learning, bundle: ModelBundle, lessons: Sequence[Lesson]
) -> Generator[Happening, None, dict[str, Look]]:
    """The steps, and the states of all looks now and then; the generator's value is the looks."""
    mark = fingerprint(bundle)
    with closing(learning):
        while True:
            try:
                step = next(learning)
            except StopIteration as end:
                looks: dict[str, Look] = end.value
                return looks
            yield step
            if (step.k + 1) % KEEP_EVERY == 0:
                pictures = {one.layer_id: state_picture(step.states[one.layer_id], one.key, mark) for one in lessons}
                yield Looks(pictures, {}, False)


def _begun(task: LookTask, bundle: ModelBundle, lessons: Sequence[Lesson], pixels: Pixels) -> dict[str, LookState]:
    """The looks that can be gone on with: of the same picture and words, and of this model."""
    read = {
        lesson.layer_id: read_state(pixels.picture(task.begun[lesson.layer_id]), lesson.key, fingerprint(bundle))
        for lesson in lessons
        if lesson.layer_id in task.begun
    }
    return {name: state.on(bundle.device) for name, state in read.items() if state is not None}


def _drawn_alone(
    plan: Plan, bundle: ModelBundle, lessons: Sequence[Lesson], looks: Mapping[str, Look]
) -> Generator[Step, None, tuple[Picture, ...]]:
    """A picture of each look before its layer's words and of nothing else, all from one seed."""
    seeds = plan.seeds[:1] * len(lessons)
    begun = begin_from_noise(bundle, plan, seeds)
    said = [embed_with_looks(bundle, lesson.phrase, [(1, looks[lesson.layer_id])]) for lesson in lessons]
    conditioning = build_conditioning(bundle, "", plan.negative, plan.guidance_scale, len(seeds))
    conditioning = replace(conditioning, positive=torch.cat(said))
    latents = yield from ended(denoise(bundle.unet, begun.schedule, conditioning, begun.start), begun.start)
    return decode(bundle, latents)


def lessons_of(plan: Plan, pixels: Pixels, layer_ids: Sequence[str]) -> tuple[Lesson, ...]:
    """The lessons of these layers of a plan; a RequestError for one that takes no part or lacks words or pixels."""
    flats = stacked(plan, pixels)
    lessons = []
    for layer_id in layer_ids:
        found = [(layer, flat) for layer, flat in zip(plan.layers, flats, strict=True) if layer.layer_id == layer_id]
        if not found or not found[0][0].phrase.strip() or found[0][0].picture is None:
            raise RequestError(
                f"No look can be learned for layer {layer_id!r}.",
                limit="A layer needs a picture that is seen, and words.",
                remedy="Give it both and try again.",
            )
        layer, (picture, alpha) = found[0]
        lessons.append(Lesson(layer_id, layer.phrase.strip(), picture, alpha))
    return tuple(lessons)


def learn_looks(
    bundle: ModelBundle,
    lessons: Sequence[Lesson],
    rules: Rules = USUAL,
    begun: Mapping[str, LookState] | None = None,
) -> Learning:
    """Yield a step for each update of all looks that still learn; the generator's value is the looks by layer.

    Closing it ends the learning; give the last step's ``states`` as ``begun`` to go on. The network is left as it was.
    """
    classroom = _Classroom.built(bundle, lessons, rules)
    states = {lesson.layer_id: classroom.beginning() for lesson in lessons} | dict(begun if begun is not None else {})
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


@dataclass(frozen=True, eq=False)
class _Batch:
    """States of several lessons: all (n · samples, …), a lesson's samples side by side."""

    clean: Tensor
    noise: Tensor
    timesteps: Tensor
    masks: Tensor


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
            clean = encode(bundle, lesson.picture, [generator_for(seed_of(rules.seed, lesson.key, 0))])
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
        vectors = torch.stack([states[lesson.layer_id].vector for lesson in lessons]).requires_grad_(True)
        batch = self._drawn(lessons, k)
        _, predicted = self.losses(lessons, vectors, batch, TEMPLATES[k % len(TEMPLATES)])
        gradients = torch.zeros_like(vectors) if vectors.grad is None else vectors.grad
        rate = self.rules.rate_share * self.size
        fresh = {
            lesson.layer_id: updated(states[lesson.layer_id], gradients[number], rate)
            for number, lesson in enumerate(lessons)
        }
        if (k + 1) % self.rules.check_every == 0:
            fresh = self._checked(lessons, fresh)
        noisy = self.noising.noised(batch.clean, batch.noise, batch.timesteps)
        shown = slice(0, None, self.rules.samples)
        denoised = self.noising.clean(predicted, noisy, batch.timesteps)
        return fresh, noisy[shown], denoised[shown]

    def losses(self, lessons: Sequence[Lesson], vectors: Tensor, batch: _Batch, template: str) -> tuple[Tensor, Tensor]:
        """The mean loss of each lesson (n,) and what the network predicts; adds to ``vectors.grad`` where it is wanted.

        The network is called in parts, so that what gradients need of it fits into memory.
        """
        words = self._words(lessons, vectors, template)
        leaf = words.detach().requires_grad_(words.requires_grad)
        repeats = len(batch.clean) // len(lessons)
        scale = HALF_SCALE if leaf.dtype == torch.float16 else 1.0
        errors, predictions = [], []
        size = max(1, CALL_CELLS // batch.clean[0, 0].numel())
        for start in range(0, len(batch.clean), size):
            part = slice(start, start + size)
            spoken = leaf.repeat_interleave(repeats, dim=0)[part]
            error, predicted = self._errors(batch, part, spoken)
            if leaf.requires_grad:
                (scale / repeats * error.sum()).backward()
            errors.append(error.detach())
            predictions.append(predicted.detach())
        if leaf.requires_grad and leaf.grad is not None:
            words.backward(leaf.grad / scale)
        return torch.cat(errors).view(len(lessons), repeats).mean(1), torch.cat(predictions)

    def _errors(self, batch: _Batch, part: slice, words: Tensor) -> tuple[Tensor, Tensor]:
        """Masked squared error of each state, and the prediction."""
        clean, noise, timesteps, mask = (
            value[part] for value in (batch.clean, batch.noise, batch.timesteps, batch.masks)
        )
        noisy = self.noising.noised(clean, noise, timesteps)
        predicted = self.bundle.unet(noisy, timesteps, encoder_hidden_states=words, return_dict=False)[0]
        target = self.noising.target(clean, noise, timesteps)
        return masked_error(predicted, target, mask), predicted

    def _words(self, lessons: Sequence[Lesson], vectors: Tensor, template: str) -> Tensor:
        """(n, tokens, width): each lesson's words with its vector before them."""
        before = len(self.bundle.tokenizer(template.format(""), add_special_tokens=False).input_ids) + 1
        rows = [token_row(self.bundle, template.format(lesson.phrase), [before]) for lesson in lessons]
        return encode_rows(self.bundle, rows, vectors)

    def _drawn(self, lessons: Sequence[Lesson], k: int) -> _Batch:
        """Random states for step k: a function of the lesson, the seed and k alone."""
        parts = []
        for lesson in lessons:
            generator = generator_for(seed_of(self.rules.seed, lesson.key, k + 1))
            timesteps = torch.randint(0, self.noising.steps, (self.rules.samples,), generator=generator)
            parts.append(self._states(lesson, timesteps, generator))
        return _joined(parts)

    def _fixed(self, lessons: Sequence[Lesson]) -> _Batch:
        """The same states at every check: timesteps spread evenly, noise by the lesson."""
        spread = (torch.arange(CHECKS) + 0.5) / CHECKS * self.noising.steps
        generators = [generator_for(seed_of(self.rules.seed, "check " + lesson.key, 0)) for lesson in lessons]
        pairs = zip(lessons, generators, strict=True)
        return _joined([self._states(lesson, spread.long(), generator) for lesson, generator in pairs])

    def _states(self, lesson: Lesson, timesteps: Tensor, generator: torch.Generator) -> _Batch:
        clean = self.latents[lesson.layer_id].expand(len(timesteps), -1, -1, -1)
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        mask = self.masks[lesson.layer_id].expand(len(timesteps), -1, -1, -1)
        return _Batch(clean, noise, timesteps.to(clean.device), mask)

    def _checked(self, lessons: Sequence[Lesson], states: Mapping[str, LookState]) -> dict[str, LookState]:
        """The states with their loss on the fixed set, and whether it has settled."""
        vectors = torch.stack([states[lesson.layer_id].vector for lesson in lessons])
        with torch.no_grad():
            losses, _ = self.losses(lessons, vectors, self._fixed(lessons), TEMPLATES[0])
        checked = {}
        for lesson, loss in zip(lessons, losses.tolist(), strict=True):
            kept = (*states[lesson.layer_id].losses, loss)
            checked[lesson.layer_id] = replace(states[lesson.layer_id], losses=kept, finished=settled(kept, self.rules))
        return checked


def _first_vector(bundle: ModelBundle) -> Tensor:
    first = bundle.tokenizer(FIRST_WORD, add_special_tokens=False).input_ids[0]
    return token_table(bundle)[first].detach().float().clone()


def finished(learning: Learning) -> dict[str, Look]:
    """The looks, for a caller that does not watch the steps."""
    while True:
        try:
            next(learning)
        except StopIteration as end:
            looks: dict[str, Look] = end.value
            return looks


def _joined(parts: Sequence[_Batch]) -> _Batch:
    return _Batch(
        torch.cat([part.clean for part in parts]),
        torch.cat([part.noise for part in parts]),
        torch.cat([part.timesteps for part in parts]),
        torch.cat([part.masks for part in parts]),
    )
