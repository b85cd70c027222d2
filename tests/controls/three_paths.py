"""Three paths in one batch on a small bundle: reference, layout, target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.conditioning import Conditioning, embed
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import Control, generator_for
from backend.models.attention import cross_sites, self_sites
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule

PATHS = (("reference", 1), ("layout", 1), ("target", 1))
WORDS = {"reference": "a red cat", "layout": "a blue house", "target": "a red cat"}
NEGATIVE = "blur"
Make = Callable[[Schedule], Sequence[Control]]


@dataclass(frozen=True)
class Trio:
    """A run of three paths; the target begins where the layout does, the reference elsewhere (or
    there, too).
    """

    bundle: ModelBundle
    steps: int = 4
    guidance_scale: float = 3.0
    same_start: bool = False
    words: dict[str, str] = field(default_factory=lambda: dict(WORDS))

    @property
    def schedule(self) -> Schedule:
        return Schedule("ddim", self.bundle.scheduler, self.steps, torch.device("cpu"))

    @property
    def conditioning(self) -> Conditioning:
        embedded = torch.cat([embed(self.bundle, self.words[name]) for name, _ in PATHS])
        return Conditioning(embedded, embed(self.bundle, NEGATIVE), self.guidance_scale, 3, PATHS)

    def alone(self, path: str) -> Conditioning:
        """The conditioning of one path by itself."""
        embedded = embed(self.bundle, self.words[path])
        return Conditioning(
            embedded, embed(self.bundle, NEGATIVE), self.guidance_scale, 1, ((path, 1),)
        )

    @property
    def begin(self) -> Tensor:
        layout = torch.randn(1, 4, 16, 12, generator=generator_for(1))
        reference = (
            layout if self.same_start else torch.randn(1, 4, 16, 12, generator=generator_for(2))
        )
        return torch.cat([reference, layout, layout])

    def states(self, controls: Sequence[Control] = ()) -> list[Tensor]:
        """Every state of the three paths, each (3, c, h, w), the first included."""
        return self._walk(self.conditioning, self.begin, lambda schedule: controls)

    def states_alone(self, path: str, make: Make = lambda schedule: ()) -> list[Tensor]:
        """Every state of one path by itself, each (1, c, h, w), with the controls made for its
        schedule.
        """
        place = self.conditioning.rows.of(path)
        return self._walk(self.alone(path), self.begin[place], make)

    def _walk(self, words: Conditioning, begin: Tensor, make: Make) -> list[Tensor]:
        start, schedule = Start(begin, 0, tuple(generator_for(0) for _ in begin)), self.schedule
        run = denoise(self.bundle.unet, schedule, words, start, make(schedule))
        return [begin, *(step.latents for step in run)]


def every_attention(bundle: ModelBundle) -> tuple[str, ...]:
    """The names of all attention modules."""
    return tuple(site.module for site in (*self_sites(bundle.unet), *cross_sites(bundle.unet)))


def hooks_in(bundle: ModelBundle) -> int:
    """How many hooks the network carries."""
    return sum(
        len(part._forward_hooks) + len(part._forward_pre_hooks) for part in bundle.unet.modules()
    )
