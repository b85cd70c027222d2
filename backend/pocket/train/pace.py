"""Training by the clock: the learning rate follows elapsed time, because other work on the machine
varies the speed.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


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
