"""What all trainings share: the protocol of a trainer, the state that a checkpoint keeps, the
noise of a step.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from backend.engine.loop_types import Step

HALF_SCALE = 1024.0
"""Losses in half precision are multiplied by this while gradients flow."""

State = TypeVar("State", covariant=True)
Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Where a training stands: enough to go on from here to the same result.

    ``parameters`` are the trained tensors by name; ``moments`` what the torch optimiser remembers
    of each of its parameters, by their number, after ``step`` updates (its rates follow from the
    rules). ``losses`` are those of the checks so far, ``finished`` whether one of them ended the
    training.
    """

    step: int
    parameters: Mapping[str, Tensor] = field(repr=False)
    moments: Mapping[int, Mapping[str, Tensor]] = field(repr=False)
    losses: tuple[float, ...] = ()
    finished: bool = False


@dataclass(frozen=True)
class TrainingStep(Step):
    """An update: ``latents`` are noisy examples, ``denoised`` what is predicted of them,
    ``loss`` their mean loss.
    """

    loss: float = 0.0


class Trainer(Protocol[State, Result]):
    """One training on a leased bundle, whose networks it leaves as they were.

    A trainer is iterated by whoever watches it; between two steps it can be asked for its state, at
    the end for its result. Closing the iterator ends the training.
    """

    def steps(self) -> Generator[Step, None, None]:
        """Train; a ``TrainingStep`` for each update, and other steps for pictures that are drawn
        on the way.
        """
        ...

    @property
    def state(self) -> State:
        """A copy of what a later trainer goes on from."""
        ...

    @property
    def result(self) -> Result:
        """What was learned so far."""
        ...


def train(trainer: Trainer[Any, Result]) -> Result:
    """The result of a training that nobody watches."""
    with closing(trainer.steps()) as steps:
        for _ in steps:
            pass
    return trainer.result


def copy_moments(optimiser: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """What an optimiser remembers of each parameter, by its number."""
    found: dict[int, dict[str, Tensor]] = deepcopy(optimiser.state_dict()["state"])
    return found


def restore_moments(
    optimiser: torch.optim.Optimizer, moments: Mapping[int, Mapping[str, Tensor]]
) -> None:
    """Let an optimiser of the same parameters remember that; its rates stay its own."""
    state = {
        number: {name: value.clone() for name, value in kept.items()}
        for number, kept in moments.items()
    }
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )


def loss_scale(dtype: torch.dtype) -> float:
    """What losses of that precision are multiplied by before they flow back."""
    return HALF_SCALE if dtype == torch.float16 else 1.0


def root_mean_square(values: Tensor) -> float:
    """The size of a tensor's values; learning rates are shares of it."""
    return float(values.detach().float().square().mean().sqrt())
