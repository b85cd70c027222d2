"""Learning a subject from a few pictures: textual inversion, DreamBooth (whole or low rank), Custom Diffusion.

All four minimise the loss that the model was trained with, on the references under a sentence with the subject's token;
they differ in what they may change (``models/personal.py: fresh_weights``). DreamBooth (Ruiz et al., 2023) and Custom
Diffusion (Kumari et al., 2023) keep the class as it was: half of each step shows pictures of the class that the plain
model drew, under the class word alone (prior preservation). The network itself is never changed: weights are functions
of its own and of the changes, for the length of a call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import encode_mean
from backend.engine.denoise import Start, denoise
from backend.engine.limits import memory_explained
from backend.engine.looks import encode_rows, token_table
from backend.engine.loop_types import Step, generator_for
from backend.engine.noise import draw, seed_of
from backend.engine.subject_words import MARK, read_sentence
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.noising import Noising, build_noising
from backend.models.personal import Subject, SubjectKind, changes, fingerprint_of, fresh_weights
from backend.models.schedule import Schedule

TEMPLATES = ("a {}", "the {}", "a picture of a {}")
PRIOR_STEPS, PRIOR_GUIDANCE = 20, 5.0
"""How the plain model draws its class: a third of what a person would ask for, for it is only to be remembered."""
MAX_REFERENCES = 20
HALF_SCALE = 1024.0
"""Losses in half precision are multiplied by this while gradients flow."""


@dataclass(frozen=True, eq=False)
class SubjectLesson:
    """One to twenty pictures uint8 (h, w, 3) of any sizes, the class word, and the kind of subject to make.

    ``masks`` float32 (h, w) in 0..1, one a picture or none at all, say where the subject is; the loss is weighed so.
    """

    pictures: tuple[NDArray[np.uint8], ...] = field(repr=False)
    class_word: str
    kind: SubjectKind
    masks: tuple[NDArray[np.float32], ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """A name for what is learned."""
        content = hashlib.sha256(f"{self.kind} {self.class_word}".encode())
        arrays: tuple[NDArray[Any], ...] = (*self.pictures, *self.masks)
        for array in arrays:
            content.update(str(array.shape).encode() + array.tobytes())
        return content.hexdigest()


@dataclass(frozen=True)
class SubjectRules:
    """How long and how fast to learn.

    Rates are shares of the spread of what is changed (the token table's, each weight's own), so that one number suits
    networks of any size. ``samples`` noisy states are seen a step, and as many of ``prior_count`` pictures of the class
    with ``prior_weight`` (1 in both papers).
    """

    steps: int
    vector_rate: float
    weight_rate: float
    prior_count: int
    prior_weight: float = 1.0
    samples: int = 4
    rank: int = 4
    seed: int = 0


RULES: Mapping[SubjectKind, SubjectRules] = MappingProxyType(
    {
        "textual_inversion": SubjectRules(steps=400, vector_rate=0.1, weight_rate=0.0, prior_count=0),
        "custom_diffusion": SubjectRules(steps=250, vector_rate=0.05, weight_rate=0.004, prior_count=8),
        "dreambooth": SubjectRules(steps=200, vector_rate=0.0, weight_rate=0.001, prior_count=8),
        "dreambooth_lora": SubjectRules(steps=300, vector_rate=0.0, weight_rate=0.02, prior_count=8),
    }
)
"""Ours, found on the pocket family. In the papers, by the spread of Stable Diffusion's weights: .35 for a vector (5e-3
over .0142), some .0003 for whole weights (5e-6 to 1e-5), with three to ten times as many steps."""


@dataclass(frozen=True)
class SubjectStep(Step):
    """A step of learning; ``pupil`` holds the live tensors, ``loss`` is of this step's references."""

    pupil: Pupil | None = field(default=None, repr=False)
    loss: float = 0.0


Learning = Generator[Step, None, Subject]


class Pupil:
    """A subject while it is learned. Its tensors are live: write them down before the next step, or not at all."""

    def __init__(self, bundle: ModelBundle, lesson: SubjectLesson, rules: SubjectRules) -> None:
        generator = generator_for(seed_of(rules.seed, lesson.key, 0))
        self.step = 0
        self.bundle, self.lesson = bundle, lesson
        self.vectors = _first_vectors(bundle, lesson, generator)
        self.weights = fresh_weights(bundle.unet, lesson.kind, rules.rank, generator)
        self.optimiser = torch.optim.AdamW(self._groups(rules))

    def subject(self) -> Subject:
        """What was learned so far."""
        weights = {name: value.detach().clone() for name, value in self.weights.items()}
        vectors = self.vectors.detach().float().cpu().clone()
        named = (self.lesson.kind, self.lesson.class_word, self.bundle.card.title, fingerprint_of(self.bundle))
        return Subject(*named, vectors, weights)

    def state(self) -> dict[str, Any]:
        """All that ``resume`` needs, as plain tensors and numbers."""
        return {
            "step": self.step,
            "vectors": self.vectors.detach().clone(),
            "weights": {name: value.detach().clone() for name, value in self.weights.items()},
            "optimiser": deepcopy(self.optimiser.state_dict()),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        with torch.no_grad():
            self.vectors.copy_(state["vectors"])
            for name, value in self.weights.items():
                value.copy_(state["weights"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])

    def predict(self, noisy: Tensor, timesteps: Tensor, words: Tensor) -> Tensor:
        """The network's prediction with the present changes on."""
        named: dict[str, Tensor] = {}
        for name, change in changes(self.weights).items():
            own = self.bundle.unet.get_parameter(name)
            named[name] = own + change.to(own.dtype)
        asked = {"encoder_hidden_states": words, "return_dict": False}
        predicted: Tensor = functional_call(self.bundle.unet, named, (noisy, timesteps), asked)[0]
        return predicted

    def learn(self, scale: float) -> None:
        """One step of the optimiser, with gradients that are ``scale`` times too large."""
        for group in self.optimiser.param_groups:
            for value in group["params"]:
                value.grad = None if value.grad is None else value.grad / scale
        self.optimiser.step()

    def _groups(self, rules: SubjectRules) -> list[dict[str, Any]]:
        """Each tensor with its own rate; nothing decays, for the changes are small and meant to be kept."""
        groups = [_group(self.vectors, rules.vector_rate * _spread(token_table(self.bundle)))]
        for name, value in self.weights.items():
            own = value if float(value.abs().max()) > 0 else _own_weight(self.bundle, name)
            groups.append(_group(value, rules.weight_rate * _spread(own)))
        return [group for group in groups if group["lr"] > 0]


def learn_subject(
    bundle: ModelBundle, lesson: SubjectLesson, rules: SubjectRules, begun: Mapping[str, Any] | None = None
) -> Learning:
    """Yield the steps that draw the class, then a SubjectStep for each update; the generator's value is the subject.

    Closing it ends the learning; give a pupil's ``state()`` as ``begun`` to go on to the same result.
    """
    _check(lesson)
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
    """What all steps share: the references' latents and masks, and what the model thinks of the class."""

    def __init__(self, bundle: ModelBundle, lesson: SubjectLesson, rules: SubjectRules) -> None:
        self.bundle, self.lesson, self.rules = bundle, lesson, rules
        self.noising: Noising = build_noising(bundle.scheduler)
        side = bundle.card.native_px
        self.references = torch.cat([encode_mean(bundle, fitted(picture, side, side)) for picture in lesson.pictures])
        self.masks = self._masks(side // bundle.card.cell_px)
        self.prior = self.references[:0]

    def remember_class(self) -> Generator[Step, None, None]:
        """Draw pictures of the class with the plain model, four at a time."""
        found = []
        for first in range(0, self.rules.prior_count, 4):
            seeds = [
                seed_of(self.rules.seed, "prior", first + i) for i in range(min(4, self.rules.prior_count - first))
            ]
            generators = tuple(generator_for(seed) for seed in seeds)
            schedule = Schedule("ddim", self.bundle.scheduler, PRIOR_STEPS, self.bundle.device)
            words = build_conditioning(self.bundle, f"a {self.lesson.class_word}", "", PRIOR_GUIDANCE, len(seeds))
            noise = draw(self.references[:1].expand(len(seeds), -1, -1, -1), generators)
            with closing(denoise(self.bundle.unet, schedule, words, Start(noise, 0, generators))) as steps:
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
        own, noisy, denoised = self._loss(pupil, self.references, self._words(pupil, template), generator)
        total = own
        if len(self.prior):
            plain = build_conditioning(self.bundle, template.format(self.lesson.class_word), "", 1.0, 1).positive
            total = total + self.rules.prior_weight * self._loss(pupil, self.prior, plain, generator)[0]
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
        return error.mean(), noisy[:1].detach(), self.noising.clean(predicted, noisy, timesteps)[:1].detach()

    def _words(self, pupil: Pupil, template: str) -> Tensor:
        """(1, tokens, width) of the subject's sentence; gradients reach the vectors."""
        given = (self.lesson.kind, self.lesson.class_word, "", "", pupil.vectors)
        sentence = read_sentence(self.bundle, template.format(MARK), Subject(*given))
        return encode_rows(self.bundle, [sentence.row], pupil.vectors)

    def _masks(self, side_lat: int) -> Tensor:
        """float (n, 1, h, w) on the latents' grid, or nothing; the background keeps a tenth of its weight."""
        if not self.lesson.masks:
            return self.references[:0]
        grids = [functional.adaptive_avg_pool2d(torch.from_numpy(mask)[None], side_lat) for mask in self.lesson.masks]
        return (0.1 + 0.9 * torch.stack(grids)).to(self.references)


def fitted(picture: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """The middle of a picture in the wanted proportions, brought to the size: uint8 (height, width, 3)."""
    own_height_px, own_width_px = picture.shape[:2]
    share = min(own_width_px / width_px, own_height_px / height_px)
    wide, high = max(1, round(width_px * share)), max(1, round(height_px * share))
    y, x = (own_height_px - high) // 2, (own_width_px - wide) // 2
    middle = picture[y : y + high, x : x + wide, :3].copy()  # stored pictures are read-only, torch wants to write
    if middle.shape[:2] == (height_px, width_px):
        return middle
    unit = torch.from_numpy(middle).permute(2, 0, 1)[None].float()
    resized = functional.interpolate(unit, size=(height_px, width_px), mode="bicubic", antialias=True)
    return resized[0].clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def _check(lesson: SubjectLesson) -> None:
    count = len(lesson.pictures)
    if not 1 <= count <= MAX_REFERENCES:
        raise RequestError(
            f"{count} reference pictures were given.",
            limit=f"A subject is learned from 1 to {MAX_REFERENCES}.",
            remedy="Choose the clearest ones." if count else "Add a picture of the subject.",
        )
    if not lesson.class_word.strip() or (lesson.masks and len(lesson.masks) != count):
        raise RequestError(
            "The subject lacks a class word, or masks for some of its pictures.",
            remedy="Say what it is (cat, mug, …), and cut out all pictures or none.",
        )


def _first_vectors(bundle: ModelBundle, lesson: SubjectLesson, generator: torch.Generator) -> Tensor:
    """Textual inversion begins as the class word; the others as a rare word: noise of the table's spread."""
    table = token_table(bundle).detach().float()
    rare = torch.randn(1, table.shape[1], generator=generator) * _spread(table)
    if lesson.kind != "textual_inversion":
        return rare.to(bundle.device).requires_grad_(True)
    ids = bundle.tokenizer(lesson.class_word, add_special_tokens=False).input_ids
    return table[ids].mean(0, keepdim=True).clone().requires_grad_(True)


def _group(value: Tensor, rate: float) -> dict[str, Any]:
    value.requires_grad_(True)
    return {"params": [value], "lr": rate, "weight_decay": 0.0}


def _own_weight(bundle: ModelBundle, name: str) -> Tensor:
    """The network's own weight that a change belongs to."""
    place = name.replace(".lora_B.weight", ".weight").replace(".lora_A.weight", ".weight")
    own: Tensor = bundle.unet.get_parameter(place)
    return own


def _spread(values: Tensor) -> float:
    return float(values.detach().float().square().mean().sqrt())
