"""One training: its pace by the clock, the average of its weights, and its checkpoints."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Network = TypeVar("Network", bound=nn.Module)


class MovingAverage(Generic[Network]):
    """Keeps an averaged copy; the decay grows with the number of updates so that early averages are
    not stale.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.network: Network = copy.deepcopy(network)
        self.network.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take one step towards the network's weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, theirs = self.network.state_dict(), network.state_dict()
        names = [name for name, value in mine.items() if value.dtype.is_floating_point]
        torch._foreach_lerp_(
            [mine[name] for name in names], [theirs[name] for name in names], 1 - decay
        )


@dataclass
class Pace:
    """A time budget in seconds that survives stops: ``spent`` is what earlier runs have used of
    it.
    """

    budget_s: float
    spent_s: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        """Seconds of the budget used so far, earlier runs included."""
        return self.spent_s + time.monotonic() - self.started

    @property
    def progress(self) -> float:
        """0 at the start, 1 at the end of the budget."""
        return min(1.0, self.elapsed_s / self.budget_s)


def cosine(progress: float, floor: float = 0.02) -> float:
    """Share of the highest learning rate: a short rise, then a half cosine down to ``floor``."""
    rise = min(1.0, progress / 0.02 + 0.02)
    return rise * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def late_decay(progress: float, decay_share: float = 0.3, floor: float = 0.03) -> float:
    """Share of the highest learning rate: a short rise, a long plateau, a straight line down at the
    end.
    """
    rise = min(1.0, progress / 0.01 + 0.02)
    return rise * max(floor, min(1.0, (1 - progress) / decay_share))


def save_checkpoint(
    path: Path, network: nn.Module, average: MovingAverage[Any], optimiser: Optimizer, pace: Pace
) -> None:
    """Write where a training stands, whole or not at all."""
    kept = {
        "network": network.state_dict(),
        "average": average.network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "spent_s": pace.elapsed_s,
        "step": average.updates,
    }
    fresh = path.with_name(f"{path.name}.new")
    torch.save(kept, fresh)
    os.replace(fresh, path)


def restore_checkpoint(
    path: Path, network: nn.Module, average: MovingAverage[Any], optimiser: Optimizer
) -> float:
    """Go on from a checkpoint; the seconds of the budget that were used before it."""
    kept = torch.load(path, weights_only=True)
    network.load_state_dict(kept["network"])
    average.network.load_state_dict(kept["average"])
    average.updates = kept["step"]
    optimiser.load_state_dict(kept["optimiser"])
    return float(kept["spent_s"])


REPORT_STEPS = 50
KEEP_EVERY_S = 120.0
"""What a stop costs at most."""
LARGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class TrainingPhase:
    """Length and place of a course: seconds of the processor, highest learning rate, checkpoint,
    whether to resume.
    """

    budget_s: float
    rate: float
    kept: Path
    resume: bool = False


class TrainingSchedule(Generic[Network]):
    """AdamW on a cosine over the time budget. Iterate over ``steps`` and hand each loss to
    ``learn``.
    """

    def __init__(self, network: Network, phase: TrainingPhase) -> None:
        self.network, self.phase = network, phase
        self.optimiser = torch.optim.AdamW(
            network.parameters(), phase.rate, betas=(0.9, 0.98), weight_decay=1e-2, fused=True
        )
        self.average = MovingAverage(network, 0.995)
        self.step, self._shown, self._earlier_s, self._saved_s = 0, 0.0, -time.process_time(), 0.0
        if phase.resume and phase.kept.exists():
            self._restore()

    @property
    def spent_s(self) -> float:
        """Processor seconds used so far, earlier runs included."""
        return self._earlier_s + time.process_time()

    @property
    def progress(self) -> float:
        """0 at the start, 1 at the end of the budget."""
        return min(1.0, self.spent_s / self.phase.budget_s)

    def steps(self) -> Iterator[float]:
        """The progress 0..1 before every step, until the budget is spent; the checkpoint is written
        on the way.
        """
        while (progress := self.progress) < 1:
            for group in self.optimiser.param_groups:
                group["lr"] = self.phase.rate * cosine(progress)
            yield progress
            if self.spent_s - self._saved_s > KEEP_EVERY_S:
                self.save()
        self.save()

    def learn(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimiser.step()
        self.average.update(self.network)
        self.step += 1
        self._shown += (float(loss.detach()) - self._shown) / min(self.step, REPORT_STEPS)
        if self.step % REPORT_STEPS == 0:
            print(
                (
                    f"{time.strftime('%T')} step {self.step} {self.progress:.3f} loss "
                    f"{self._shown:.4f}"
                ),
                flush=True,
            )

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        self._saved_s = self.spent_s
        kept = {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "spent_s": self.spent_s,
            "step": self.step,
        }
        fresh = self.phase.kept.with_suffix(".new")
        torch.save(kept, fresh)
        os.replace(fresh, self.phase.kept)

    def _restore(self) -> None:
        kept = torch.load(self.phase.kept, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.average.network.load_state_dict(kept["average"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.average.updates = self.step = kept["step"]
        self._saved_s = kept["spent_s"]
        self._earlier_s += self._saved_s
