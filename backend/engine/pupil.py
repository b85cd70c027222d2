"""A subject while it is learned: the tensors that change, and who changes them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from backend.engine.looks import token_table
from backend.engine.loop_types import generator_for
from backend.engine.noise import seed_of
from backend.engine.subject_lesson import SubjectLesson, SubjectRules
from backend.models.bundle import ModelBundle
from backend.models.personal import Subject, changes, fingerprint_of, fresh_weights


class Pupil:
    """A subject while it is learned. Its tensors are live: write them down before the next step, or
    not at all.
    """

    def __init__(self, bundle: ModelBundle, lesson: SubjectLesson, rules: SubjectRules) -> None:
        generator = generator_for(seed_of(rules.seed, lesson.key, 0))
        self.step = 0
        self.bundle, self.lesson = bundle, lesson
        self.vectors = _first_vectors(bundle, lesson, rules.vectors, generator)
        self.weights = fresh_weights(bundle.unet, lesson.kind, rules.rank, generator)
        self.optimiser = torch.optim.AdamW(self._groups(rules))
        self._rates, self._steps = (
            [float(group["lr"]) for group in self.optimiser.param_groups],
            rules.steps,
        )

    def subject(self) -> Subject:
        """What was learned so far."""
        weights = {name: value.detach().clone() for name, value in self.weights.items()}
        vectors = self.vectors.detach().float().cpu().clone()
        named = (
            self.lesson.kind,
            self.lesson.class_word,
            self.bundle.card.title,
            fingerprint_of(self.bundle),
        )
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
        """One step of the optimiser, with gradients that are ``scale`` times too large.

        Rates fall evenly to nothing: what a few pictures and random levels push about comes to rest
        (ours).
        """
        left = 1 - self.step / self._steps
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * left
            for value in group["params"]:
                value.grad = None if value.grad is None else value.grad / scale
        self.optimiser.step()

    def _groups(self, rules: SubjectRules) -> list[dict[str, Any]]:
        """Each tensor with its own rate; nothing decays, for the changes are small and meant to be
        kept.
        """
        groups = [_group(self.vectors, rules.vector_rate * _spread(token_table(self.bundle)))]
        for name, value in self.weights.items():
            own = value if float(value.abs().max()) > 0 else _own_weight(self.bundle, name)
            groups.append(_group(value, rules.weight_rate * _spread(own)))
        return [group for group in groups if group["lr"] > 0]


def _first_vectors(
    bundle: ModelBundle, lesson: SubjectLesson, count: int, generator: torch.Generator
) -> Tensor:
    """Rare words: noise of the table's spread. The last one of textual inversion begins as the
    class word.
    """
    table = token_table(bundle).detach().float()
    vectors = (torch.randn(count, table.shape[1], generator=generator) * _spread(table)).to(
        bundle.device
    )
    if lesson.kind == "textual_inversion":
        ids = bundle.tokenizer(lesson.class_word, add_special_tokens=False).input_ids
        vectors[-1] = table[ids].mean(0)
    return vectors.requires_grad_(True)


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
