"""Learning a subject from a few pictures: textual inversion, DreamBooth (whole or low rank), Custom
Diffusion.

All four minimise the loss that the model was trained with, on the references under a sentence with
the subject's token; they differ in what they may change (``models/personal.py: fresh_weights``).
DreamBooth (Ruiz et al., 2023) and Custom Diffusion (Kumari et al., 2023) keep the class as it was:
half of each step shows pictures of the class that the plain model drew, under the class word alone
(prior preservation). The network itself is never changed: weights are functions of its own and of
the changes, for the length of a call.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import encode_mean
from backend.engine.denoise import Start, denoise
from backend.engine.limits import memory_explained
from backend.engine.looks import encode_rows
from backend.engine.loop_types import Step, generator_for
from backend.engine.noise import draw, seed_of
from backend.engine.pupil import Pupil
from backend.engine.subject_lesson import SubjectLesson, SubjectRules, check_lesson, fitted
from backend.engine.subject_words import MARK, read_sentence
from backend.models.bundle import ModelBundle
from backend.models.noising import Noising, build_noising
from backend.models.personal import Subject
from backend.models.schedule import Schedule

TEMPLATES = ("a {}", "the {}", "a picture of a {}")
PRIOR_STEPS, PRIOR_GUIDANCE = 20, 5.0
"""How the plain model draws its class: a third of what a person would ask for, for it is only to be
remembered.
"""
HALF_SCALE = 1024.0
"""Losses in half precision are multiplied by this while gradients flow."""


@dataclass(frozen=True)
class SubjectStep(Step):
    """A step of learning; ``pupil`` holds the live tensors, ``loss`` is of this step's
    references.
    """

    pupil: Pupil | None = field(default=None, repr=False)
    loss: float = 0.0


Learning = Generator[Step, None, Subject]


def learn_subject(
    bundle: ModelBundle,
    lesson: SubjectLesson,
    rules: SubjectRules,
    begun: Mapping[str, Any] | None = None,
) -> Learning:
    """Yield the steps that draw the class, then a SubjectStep for each update; the generator's
    value is the subject.

    Closing it ends the learning; give a pupil's ``state()`` as ``begun`` to go on to the same
    result.
    """
    check_lesson(lesson)
    school = _School(bundle, lesson, rules)
    yield from school.remember_class()
    pupil = Pupil(bundle, lesson, rules)
    if begun is not None:
        pupil.resume(begun)
    while pupil.step < rules.steps:
        k = pupil.step
        with memory_explained(), torch.enable_grad():
            loss, noisy, denoised = school.taught(pupil, k)
        pupil.step += 1
        yield SubjectStep(k, rules.steps, 0, noisy, denoised, pupil, loss)
    return pupil.subject()


class _School:
    """What all steps share: the references' latents and masks, and what the model thinks of the
    class.
    """

    def __init__(self, bundle: ModelBundle, lesson: SubjectLesson, rules: SubjectRules) -> None:
        self.bundle, self.lesson, self.rules = bundle, lesson, rules
        self.noising: Noising = build_noising(bundle.scheduler)
        side = bundle.card.native_px
        self.references = torch.cat(
            [encode_mean(bundle, fitted(picture, side, side)) for picture in lesson.pictures]
        )
        self.masks = self._masks(side // bundle.card.cell_px)
        self.prior = self.references[:0]

    def remember_class(self) -> Generator[Step, None, None]:
        """Draw pictures of the class with the plain model, four at a time."""
        found = []
        for first in range(0, self.rules.prior_count, 4):
            seeds = [
                seed_of(self.rules.seed, "prior", first + i)
                for i in range(min(4, self.rules.prior_count - first))
            ]
            generators = tuple(generator_for(seed) for seed in seeds)
            schedule = Schedule("ddim", self.bundle.scheduler, PRIOR_STEPS, self.bundle.device)
            words = build_conditioning(
                self.bundle, f"a {self.lesson.class_word}", "", PRIOR_GUIDANCE, len(seeds)
            )
            noise = draw(self.references[:1].expand(len(seeds), -1, -1, -1), generators)
            with closing(
                denoise(self.bundle.unet, schedule, words, Start(noise, 0, generators))
            ) as steps:
                for step in steps:
                    latents = step.latents
                    yield step
            found.append(latents)
        self.prior = torch.cat(found) if found else self.prior

    def taught(self, pupil: Pupil, k: int) -> tuple[float, Tensor, Tensor]:
        """One update; the loss on the references, and a noisy state with what is foreseen of it."""
        generator = generator_for(seed_of(self.rules.seed, self.lesson.key, k + 1))
        template = TEMPLATES[k % len(TEMPLATES)]
        pupil.optimiser.zero_grad()
        own, noisy, denoised = self._loss(
            pupil, self.references, self._words(pupil, template), generator
        )
        total = own
        if len(self.prior):
            plain = build_conditioning(
                self.bundle, template.format(self.lesson.class_word), "", 1.0, 1
            ).positive
            total = (
                total + self.rules.prior_weight * self._loss(pupil, self.prior, plain, generator)[0]
            )
        scale = HALF_SCALE if self.references.dtype == torch.float16 else 1.0
        (scale * total).backward()
        pupil.learn(scale)
        return float(own.detach()), noisy, denoised

    def _loss(
        self, pupil: Pupil, latents: Tensor, words: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        count = self.rules.samples
        chosen = torch.randint(0, len(latents), (count,), generator=generator)
        timesteps = torch.randint(0, self.noising.steps, (count,), generator=generator)
        noise = torch.randn((count, *latents.shape[1:]), generator=generator).to(latents)
        clean, timesteps = latents[chosen.to(latents.device)], timesteps.to(latents.device)
        noisy = self.noising.noised(clean, noise, timesteps)
        predicted = pupil.predict(noisy, timesteps, words.expand(count, -1, -1))
        error = (predicted.float() - self.noising.target(clean, noise, timesteps).float()).square()
        if latents is self.references and len(self.masks):
            weights = self.masks[chosen.to(latents.device)]
            error = error * weights / weights.mean((1, 2, 3), keepdim=True).clamp_min(1e-3)
        return (
            error.mean(),
            noisy[:1].detach(),
            self.noising.clean(predicted, noisy, timesteps)[:1].detach(),
        )

    def _words(self, pupil: Pupil, template: str) -> Tensor:
        """(1, tokens, width) of the subject's sentence; gradients reach the vectors."""
        given = (self.lesson.kind, self.lesson.class_word, "", "", pupil.vectors)
        sentence = read_sentence(self.bundle, template.format(MARK), Subject(*given))
        return encode_rows(self.bundle, [sentence.row], pupil.vectors)

    def _masks(self, side_lat: int) -> Tensor:
        """float (n, 1, h, w) on the latents' grid, or nothing; the background keeps a tenth of its
        weight.
        """
        if not self.lesson.masks:
            return self.references[:0]
        grids = [
            functional.adaptive_avg_pool2d(torch.from_numpy(mask)[None], side_lat)
            for mask in self.lesson.masks
        ]
        return (0.1 + 0.9 * torch.stack(grids)).to(self.references)
