"""Training a subject's adapter from a few pictures: textual inversion, DreamBooth, Custom
Diffusion.

All four minimise the loss that the model was trained with, on the references under a sentence with
the subject's token; they differ in what they may change. DreamBooth and Custom Diffusion keep the
class as it was: half of each step shows pictures of the class that the plain model drew
(``dreambooth.py``).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import encode_mean
from backend.engine.loop_types import Step, explain_memory, generator_for
from backend.engine.noise import seed_of
from backend.models.adapter import Adapter
from backend.models.bundle import ModelBundle
from backend.models.schedule import Noising, build_noising
from backend.plan.request import TrainingMethod
from backend.training.adapters import (
    BuildWeights,
    SubjectExamples,
    SubjectRules,
    TrainableAdapter,
    fit_picture,
)
from backend.training.custom_diffusion import CUSTOM_DIFFUSION, build_key_value_weights
from backend.training.dreambooth import (
    DREAMBOOTH,
    DREAMBOOTH_LORA,
    build_low_rank_weights,
    build_whole_weights,
    draw_class,
)
from backend.training.prompts import MARK, encode_rows, read_subject_prompt
from backend.training.trainer import TrainingState, TrainingStep, loss_scale

TEMPLATES = ("a {}", "the {}", "a picture of a {}")
BACKGROUND_WEIGHT = 0.1
"""What pixels outside the subject's mask count, where it is cut out."""

INVERSION = SubjectRules(steps=300, vector_rate=0.1, weight_rate=0.0, prior_count=0)
RULES: Mapping[TrainingMethod, SubjectRules] = MappingProxyType(
    {
        TrainingMethod.TEXTUAL_INVERSION: INVERSION,
        TrainingMethod.CUSTOM_DIFFUSION: CUSTOM_DIFFUSION,
        TrainingMethod.DREAMBOOTH: DREAMBOOTH,
        TrainingMethod.DREAMBOOTH_LORA: DREAMBOOTH_LORA,
    }
)
"""Ours, found on the pocket family (a decision in ``backend/README.md`` says what was compared). In
the papers, by the spread of Stable Diffusion's weights: .35 for a vector (5e-3 over .0142), some
.0003 for whole weights (5e-6 to 1e-5), with three to ten times as many steps. Vectors learn in
every kind: the released DreamBooth trains its text encoder.
"""


def build_no_weights(unet: nn.Module, rank: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Textual inversion changes no weights."""
    return {}


BUILD_WEIGHTS: Mapping[TrainingMethod, BuildWeights] = MappingProxyType(
    {
        TrainingMethod.TEXTUAL_INVERSION: build_no_weights,
        TrainingMethod.CUSTOM_DIFFUSION: build_key_value_weights,
        TrainingMethod.DREAMBOOTH: build_whole_weights,
        TrainingMethod.DREAMBOOTH_LORA: build_low_rank_weights,
    }
)


def build_weights(
    unet: nn.Module, kind: TrainingMethod, rank: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Changes that change nothing yet, float32, for the parts of the network that a kind trains."""
    return BUILD_WEIGHTS[kind](unet, rank, generator)


class _ReferenceBatch(NamedTuple):
    """Latents (n, c, h, w) to learn from under these words (1, tokens, width); ``masks`` (n, 1,
    h, w) or none.
    """

    latents: Tensor
    words: Tensor
    masks: Tensor


class SubjectTrainer:
    """Trains one adapter; ``steps`` first draws the class where the kind keeps it."""

    def __init__(
        self,
        bundle: ModelBundle,
        examples: SubjectExamples,
        rules: SubjectRules,
        state: TrainingState | None = None,
    ) -> None:
        """Prepare a training; nothing is learned before ``steps`` is iterated.

        Args:
            bundle: a leased model; it is left as it was.
            examples: the subject's pictures, and what kind of adapter is wanted.
            rules: how long and how fast to learn.
            state: where an earlier trainer of the same examples and rules stopped.

        Raises:
            RequestError: the examples are too few, too many or incomplete, or the model has two
            text encoders.
        """
        examples.check()
        self._bundle, self._examples, self._rules = bundle, examples, rules
        self._noising: Noising = build_noising(bundle.scheduler)
        side = bundle.card.native_px
        pictures = [
            encode_mean(bundle, fit_picture(picture, side, side)) for picture in examples.pictures
        ]
        self.references = torch.cat(pictures)
        self.masks = self._build_masks(side // bundle.card.cell_px)
        self._adapter = TrainableAdapter(bundle, examples, rules, BUILD_WEIGHTS[examples.kind])
        if state is not None:
            self._adapter.resume(state)

    def steps(self) -> Generator[Step, None, None]:
        """The steps that draw the class, then a TrainingStep for each update."""
        prior = yield from draw_class(
            self._bundle, self._examples.class_word, self._rules, self.references[:1]
        )
        while self._adapter.step < self._rules.steps:
            with explain_memory(), torch.enable_grad():
                step = self._update(prior)
            yield step

    @property
    def state(self) -> TrainingState:
        """A copy of where the adapter stands."""
        return self._adapter.state

    @property
    def result(self) -> Adapter:
        """The adapter as it is now."""
        return self._adapter.adapter

    def _update(self, prior: Tensor) -> TrainingStep:
        """One update, from the references and, where there are some, the pictures of the class."""
        k = self._adapter.step
        generator = generator_for(seed_of(self._rules.seed, self._examples.key, k + 1))
        template = TEMPLATES[k % len(TEMPLATES)]
        self._adapter.zero_grad()
        references = _ReferenceBatch(self.references, self._words(template), self.masks)
        own, noisy, denoised = self._loss(references, generator)
        total = own
        if len(prior):
            plain = build_conditioning(
                self._bundle, template.format(self._examples.class_word), "", 1.0, 1
            ).positive
            class_loss, _, _ = self._loss(_ReferenceBatch(prior, plain, self.masks[:0]), generator)
            total = total + self._rules.prior_weight * class_loss
        scale = loss_scale(self.references.dtype)
        (scale * total).backward()
        self._adapter.update(scale)
        return TrainingStep(k, self._rules.steps, 0, noisy, denoised, float(own.detach()))

    def _loss(
        self, batch: _ReferenceBatch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The mean loss of some noisy states, one of them, and what is predicted of it."""
        count, latents = self._rules.samples, batch.latents
        chosen = torch.randint(0, len(latents), (count,), generator=generator)
        timesteps = torch.randint(0, self._noising.steps, (count,), generator=generator)
        noise = torch.randn((count, *latents.shape[1:]), generator=generator).to(latents)
        clean, timesteps = latents[chosen.to(latents.device)], timesteps.to(latents.device)
        noisy = self._noising.add_noise(clean, noise, timesteps)
        predicted = self._adapter.predict(noisy, timesteps, batch.words.expand(count, -1, -1))
        error = (predicted.float() - self._noising.target(clean, noise, timesteps).float()).square()
        if len(batch.masks):
            weights = batch.masks[chosen.to(latents.device)]
            error = error * weights / weights.mean((1, 2, 3), keepdim=True).clamp_min(1e-3)
        denoised = self._noising.clean(predicted, noisy, timesteps)
        return error.mean(), noisy[:1].detach(), denoised[:1].detach()

    def _words(self, template: str) -> Tensor:
        """(1, tokens, width) of the subject's sentence; gradients reach the vectors."""
        vectors = self._adapter.vectors
        unnamed = Adapter(self._examples.kind, self._examples.class_word, "", "", vectors)
        prompt = read_subject_prompt(self._bundle, template.format(MARK), unnamed)
        return encode_rows(self._bundle, [prompt.row], vectors)

    def _build_masks(self, side_lat: int) -> Tensor:
        """float (n, 1, h, w) on the latents' grid, or none."""
        if not self._examples.masks:
            return self.references[:0]
        masks = [torch.from_numpy(mask)[None] for mask in self._examples.masks]
        grids = [functional.adaptive_avg_pool2d(mask, side_lat) for mask in masks]
        return (BACKGROUND_WEIGHT + (1 - BACKGROUND_WEIGHT) * torch.stack(grids)).to(
            self.references
        )
