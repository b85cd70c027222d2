"""What every adapter of a subject is trained from and by: its pictures, its rules, and the tensors
that change.

Weights are functions of the network's own and of the changes, for the length of a call: the network
is never changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from backend.engine.loop_types import generator_for
from backend.engine.noise import seed_of
from backend.errors import RequestError
from backend.models.adapter import DOWN, UP, WHOLE, Adapter, model_fingerprint, weight_changes
from backend.models.bundle import ModelBundle
from backend.plan.request import TrainingMethod
from backend.scene.formats.tensor_file import TOKEN
from backend.training.prompts import token_table
from backend.training.trainer import TrainingState, copy_moments, restore_moments, root_mean_square

MAX_REFERENCES = 20

BuildWeights = Callable[[nn.Module, int, torch.Generator], dict[str, Tensor]]
"""(UNet, rank, generator) → changes that change nothing yet, float32, by the names of an
adapter's file.
"""


@dataclass(frozen=True, eq=False)
class SubjectExamples:
    """One to twenty pictures uint8 (h, w, 3) of any sizes, the class word, and the kind of adapter
    to train.

    ``masks`` float32 (h, w) in 0..1, one a picture or none at all, say where the subject is; the
    loss is weighed so.
    """

    pictures: tuple[NDArray[np.uint8], ...] = field(repr=False)
    class_word: str
    kind: TrainingMethod
    masks: tuple[NDArray[np.float32], ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """A name for what is learned."""
        content = hashlib.sha256(f"{self.kind} {self.class_word}".encode())
        arrays: tuple[NDArray[Any], ...] = (*self.pictures, *self.masks)
        for array in arrays:
            content.update(str(array.shape).encode() + array.tobytes())
        return content.hexdigest()

    def check(self) -> None:
        """A RequestError when there are no pictures or too many, or words or masks are missing."""
        count = len(self.pictures)
        if not 1 <= count <= MAX_REFERENCES:
            raise RequestError(
                f"{count} reference pictures were given.",
                limit=f"A subject is learned from 1 to {MAX_REFERENCES}.",
                remedy="Choose the clearest ones." if count else "Add a picture of the subject.",
            )
        if not self.class_word.strip() or (self.masks and len(self.masks) != count):
            raise RequestError(
                "The subject lacks a class word, or masks for some of its pictures.",
                remedy="Say what it is (cat, mug, …), and cut out all pictures or none.",
            )


@dataclass(frozen=True)
class SubjectRules:
    """How long and how fast to learn.

    Rates are shares of the spread of what is changed (the token table's, each weight's own), so
    that one number suits networks of any size. ``samples`` noisy states are seen a step, and as
    many of ``prior_count`` pictures of the class with ``prior_weight`` (1 in both papers).
    """

    steps: int
    vector_rate: float
    weight_rate: float
    prior_count: int
    prior_weight: float = 1.0
    samples: int = 2
    rank: int = 4
    vectors: int = 3
    seed: int = 0


class TrainableAdapter:
    """An adapter while it is trained: token vectors (n, d), float32 changes of weights, and
    their optimiser.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        examples: SubjectExamples,
        rules: SubjectRules,
        build_weights: BuildWeights,
    ) -> None:
        """Begin with random vectors, and with changes that change nothing yet; both follow from
        the rules' seed.
        """
        generator = generator_for(seed_of(rules.seed, examples.key, 0))
        self.step = 0
        self.vectors = _build_vectors(bundle, examples, rules.vectors, generator)
        self.weights = build_weights(bundle.unet, rules.rank, generator)
        self._bundle, self._examples, self._steps = bundle, examples, rules.steps
        self._optimiser = torch.optim.AdamW(self._groups(rules))
        self._rates = [float(group["lr"]) for group in self._optimiser.param_groups]

    @property
    def adapter(self) -> Adapter:
        """What was learned so far."""
        return Adapter(
            self._examples.kind,
            self._examples.class_word,
            self._bundle.card.title,
            model_fingerprint(self._bundle),
            self.vectors.detach().float().cpu().clone(),
            {name: value.detach().clone() for name, value in self.weights.items()},
        )

    @property
    def state(self) -> TrainingState:
        """A copy of where it stands."""
        parameters = {TOKEN: self.vectors.detach().clone()}
        parameters |= {name: value.detach().clone() for name, value in self.weights.items()}
        return TrainingState(self.step, parameters, copy_moments(self._optimiser))

    def resume(self, state: TrainingState) -> None:
        """Go on from there."""
        with torch.no_grad():
            self.vectors.copy_(state.parameters[TOKEN])
            for name, value in self.weights.items():
                value.copy_(state.parameters[name])
        restore_moments(self._optimiser, state.moments)
        self.step = state.step

    def predict(self, noisy: Tensor, timesteps: Tensor, words: Tensor) -> Tensor:
        """The network's prediction with the present changes applied: latents (b, c, h, w), words
        (b, tokens, width).
        """
        named: dict[str, Tensor] = {}
        for name, change in weight_changes(self.weights).items():
            own = self._bundle.unet.get_parameter(name)
            named[name] = own + change.to(own.dtype)
        asked = {"encoder_hidden_states": words, "return_dict": False}
        predicted: Tensor = functional_call(self._bundle.unet, named, (noisy, timesteps), asked)[0]
        return predicted

    def zero_grad(self) -> None:
        """Forget the gradients of the step before."""
        self._optimiser.zero_grad()

    def update(self, scale: float) -> None:
        """One step of AdamW, with gradients that are ``scale`` times too large.

        Rates fall evenly to nothing: what a few pictures and random levels push about comes to rest
        (ours).
        """
        left = 1 - self.step / self._steps
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * left
            for value in group["params"]:
                value.grad = None if value.grad is None else value.grad / scale
        self._optimiser.step()
        self.step += 1

    def _groups(self, rules: SubjectRules) -> list[dict[str, Any]]:
        """Each tensor with its own rate; nothing decays, for the changes are small and meant to
        be kept.
        """
        groups = [
            _group(self.vectors, rules.vector_rate * root_mean_square(token_table(self._bundle)))
        ]
        for name, value in self.weights.items():
            own = value if float(value.abs().max()) > 0 else _own_weight(self._bundle, name)
            groups.append(_group(value, rules.weight_rate * root_mean_square(own)))
        return [group for group in groups if group["lr"] > 0]


def _build_vectors(
    bundle: ModelBundle, examples: SubjectExamples, count: int, generator: torch.Generator
) -> Tensor:
    """Rare words: noise of the table's spread. The last one of textual inversion begins as the
    class word.
    """
    table = token_table(bundle).detach().float()
    noise = torch.randn(count, table.shape[1], generator=generator)
    vectors = (noise * root_mean_square(table)).to(bundle.device)
    if examples.kind == TrainingMethod.TEXTUAL_INVERSION:
        ids = bundle.tokenizer(examples.class_word, add_special_tokens=False).input_ids
        vectors[-1] = table[ids].mean(0)
    return vectors


def fit_picture(picture: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """The middle of a picture in the wanted proportions, brought to the size: uint8 (height,
    width, 3).
    """
    own_height_px, own_width_px = picture.shape[:2]
    share = min(own_width_px / width_px, own_height_px / height_px)
    wide, high = max(1, round(width_px * share)), max(1, round(height_px * share))
    y, x = (own_height_px - high) // 2, (own_width_px - wide) // 2
    middle = picture[
        y : y + high, x : x + wide, :3
    ].copy()  # stored pictures are read-only, torch wants to write
    if middle.shape[:2] == (height_px, width_px):
        return middle
    unit = torch.from_numpy(middle).permute(2, 0, 1)[None].float()
    resized = functional.interpolate(
        unit, size=(height_px, width_px), mode="bicubic", antialias=True
    )
    return resized[0].clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def _group(value: Tensor, rate: float) -> dict[str, Any]:
    value.requires_grad_(True)
    return {"params": [value], "lr": rate, "weight_decay": 0.0}


def _own_weight(bundle: ModelBundle, name: str) -> Tensor:
    """The network's own weight that a change belongs to."""
    own: Tensor = bundle.unet.get_parameter(name.replace(UP, WHOLE).replace(DOWN, WHOLE))
    return own
