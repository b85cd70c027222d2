"""The plain model around the subject: after the step blend each model draws what it knows best
(ours).

Step-blended denoising (Layout-and-Retouch, section 3.2.1) parts the models in time: whatever the
personalised one spoils, companions that take on the subject's look, a place that slips into the
references', it spoils in all of its steps. Here they are parted in space, too: ε = M ⊙ ε_personal +
(1 - M) ⊙ ε_plain, with M where the subject's words have looked so far. It costs one more call of
the network a step; in the later ones there is little left to spoil.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.attention_maps import Aside, MapMean, threshold_map
from backend.engine.loop_types import Control, Network, Predict

MARGIN = 1 / 16
"""How far M reaches beyond the found cells, as a share of the shorter side: a cell of the maps."""


@dataclass(frozen=True)
class PlainAround(Control):
    """ε = M ⊙ ε_personal + (1 - M) ⊙ ε_plain in the steps ``begin`` ≤ k < ``until``.

    Before the first map, and where nothing is found, the run's own prediction stands.

    Attributes:
        plain: the plain model's prediction.
        maps: of the subject's words, read from the run's own prediction alone.
        begin: the first step that is parted.
        until: the step from which on none is.
        threshold: what of the maps, brought to 0..1, is the subject.
        aside: says that a call of the network is the plain model's.
    """

    plain: Predict = field(repr=False, compare=False)
    maps: MapMean = field(repr=False, compare=False)
    begin: int
    until: int
    threshold: float
    aside: Aside = field(default_factory=Aside, repr=False, compare=False)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Read the subject's maps."""
        return self.maps.watching(network, self.aside)

    def wrap(self, predict: Predict) -> Predict:
        """The two predictions, each in its place. The run's own comes last, for whoever keeps
        features.
        """

        def separate(latents: Tensor, k: int) -> Tensor:
            mean = self.maps.mean() if self.begin <= k < self.until else None
            if mean is None:
                return predict(latents, k)
            with self._aside():
                around = self.plain(latents, k)
            inside = subject_weights(mean, latents, self.threshold)
            return inside * predict(latents, k) + (1 - inside) * around

        return separate

    @contextmanager
    def _aside(self) -> Iterator[None]:
        self.aside.recording = True
        try:
            yield
        finally:
            self.aside.recording = False


def subject_weights(mean: Tensor, latents: Tensor, threshold: float) -> Tensor:
    """M on the latents' grid: the found cells and a margin around them, softened.

    Args:
        mean: maps (b, h, w) on any grid.
        latents: (b, c, h, w), whose size is taken.
        threshold: what of a map brought to 0..1 is the subject.

    Returns:
        (b, 1, h, w) in 0..1; 1 everywhere in rows where nothing is found.
    """
    sides_lat = (latents.shape[-2], latents.shape[-1])
    margin = max(1, round(min(sides_lat) * MARGIN))
    rows = []
    for one in mean:
        found = torch.from_numpy(threshold_map(one, sides_lat, threshold)).to(latents)
        rows.append(found if bool(found.any()) else torch.ones_like(found))
    grown = functional.max_pool2d(
        torch.stack(rows)[:, None], 2 * margin + 1, stride=1, padding=margin
    )
    framed = functional.pad(grown, (margin,) * 4, mode="replicate")
    return functional.avg_pool2d(framed, 2 * margin + 1, stride=1)
