"""Watching where words look, without touching anything."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from backend.engine.attention_maps import MapMeans
from backend.engine.loop_types import Control, Network


@dataclass(frozen=True)
class WatchWords(Control):
    """Fills ``maps`` while a run goes on; the run itself is what it would be without.

    Attributes:
        maps: the running means, which belong to one run.
    """

    maps: MapMeans = field(repr=False, compare=False)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Read the maps of every call.

        Args:
            network: the UNet and the size of its latents.
        """
        return self.maps.watching(network)
