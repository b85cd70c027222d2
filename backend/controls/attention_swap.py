"""Multi-source attention swap: a target that is first the layout, and then takes its appearance from a reference.

Layout-and-Retouch, section 3.2.2 and algorithm 1. For k < λ2 queries, keys and values of self- and cross-attention come
from the layout path; afterwards keys and values of the decoder's self-attention come from the reference path. (The
printed algorithm counts i down and asks for i > λ2, which would copy 40 of 50 steps and leave none for its masks.)

Of the reference only its subject may be taken (ours), and put where the layout has the subject: everywhere else the
target keeps its own keys and values, or it would see the reference's place around the subject and draw that, too.

The paths share a batch, as rows named ``reference``, ``layout`` and ``target``, or the first two are side paths. Swaps
stay within each half of the guidance.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.fit import Fit
from backend.engine.loop_types import Control, Network, Predict
from backend.engine.side_paths import SidePaths, source_of
from backend.models.attention import Hook, grid, hooks_installed

COPIED, SWAPPED = ("to_q", "to_k", "to_v"), ("to_k", "to_v")


@dataclass(frozen=True)
class AttentionSwap(Control):
    """``copied`` and ``swapped`` name attention modules; ``copy_until`` is λ2 as a step index.

    Nothing happens where both are empty. ``sides`` holds the other paths where they are not rows of the batch.
    Without ``fit`` the whole reference is taken, cell by cell.
    """

    copy_until: int
    copied: tuple[str, ...]
    swapped: tuple[str, ...]
    sides: SidePaths | None = field(default=None, repr=False, compare=False)
    fit: Fit | None = field(default=None, repr=False, compare=False)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Put the other paths' outputs of the projections into the target's rows."""
        copied = self.copied if self.copy_until > 0 else ()
        if not copied and not self.swapped:
            return nullcontext()
        sources: dict[str, list[str]] = {}
        for names, parts, path in ((copied, COPIED, "layout"), (self.swapped, SWAPPED, "reference")):
            for module in (f"{name}.{part}" for name in names for part in parts):
                sources.setdefault(module, []).append(path)
        hooks = {module: self._hook(module, tuple(paths), network) for module, paths in sources.items()}
        return hooks_installed(network.unet, hooks)

    def wrap(self, predict: Predict) -> Predict:
        """See to it that the side paths are at the step that is predicted."""
        sides = self.sides
        if sides is None:
            return predict

        def beside(latents: Tensor, k: int) -> Tensor:
            sides.bring(k)
            return predict(latents, k)

        return beside

    def _hook(self, module: str, paths: tuple[str, ...], network: Network) -> Hook:
        moment = network.moment

        def exchange(_: object, __: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            path = "layout" if moment.k < self.copy_until else "reference"
            if path not in paths or (self.sides is not None and self.sides.recording):
                return None
            rows = moment.rows
            halves = output.unflatten(0, (rows.halves, rows.count)).clone()
            source = source_of(self.sides, rows, path, module, halves)
            if path == "reference" and self.fit is not None:
                index, taken = self.fit.cells(_grid_of(network, output.shape[1]))
                source = torch.where(taken[:, None], source[..., index, :], halves[:, rows.of("target")])
            halves[:, rows.of("target")] = source
            return halves.flatten(0, 1)

        return exchange


def _grid_of(network: Network, count: int) -> tuple[int, int]:
    """The grid of a site with so many cells: each level has about a quarter of the one before."""
    grids = (grid(network.height_lat, network.width_lat, level) for level in range(8))
    return next(sides_lat for sides_lat in grids if sides_lat[0] * sides_lat[1] == count)
