"""Multi-source attention swap: a target that is first the layout, and then takes its appearance
from a reference.

Layout-and-Retouch, section 3.2.2 and algorithm 1. For k < λ2 queries, keys and values of self- and
cross-attention come from the layout path; afterwards keys and values of the decoder's
self-attention come from the reference path. (The printed algorithm counts i down and asks for i >
λ2, which would copy 40 of 50 steps and leave none for its masks.)

Or, ours, the target keeps its own keys and values, and those of the reference's subject stand
beside them: whatever of the target is like the subject looks at both, all else at its own. Without
its own the target forgets what it was about to draw there, and with the whole reference it draws
the reference's place, too.

The paths share a batch, as rows named ``reference``, ``layout`` and ``target``, or the first two
are side paths. Swaps stay within each half of the guidance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import BatchRows, Control, Network, Predict
from backend.engine.reference_branch import ReferenceBranch, source_of, with_reference
from backend.models.attention import Attend, Hook, grid, install_hooks, replace_processors

COPIED, SWAPPED = ("to_q", "to_k", "to_v"), ("to_k", "to_v")


@dataclass(frozen=True)
class AttentionSwap(Control):
    """First the layout, then a look at the reference (Layout-and-Retouch, algorithm 1).

    For k < λ2: Q_t, K_t, V_t ← Q_o, K_o, V_o in self- and cross-attention; from λ2 on:
    K_t, V_t ← K_r, V_r in the self-attention of the decoder.

    Attributes:
        copy_until: λ2 as a step index, 0 to N.
        copied: attention modules that the layout gives queries, keys and values to.
        swapped: attention modules that the reference gives keys and values to.
        sides: the other paths, where they are not rows of the batch.
        shown: where the reference shows the subject, bool (h, w) of any size: keys and values of
            these cells are added to the target's (of all, where it is empty). None:
            all of the reference's replace the target's, as printed.
        guided: they are added in the half with words alone: guidance then strengthens them, where
            in both halves it would take them for granted.
        weight: what a cell of the reference counts beside one of the target's own, more than 0.
    """

    copy_until: int
    copied: tuple[str, ...]
    swapped: tuple[str, ...]
    sides: ReferenceBranch | None = field(default=None, repr=False, compare=False)
    shown: NDArray[np.bool_] | None = field(default=None, repr=False, compare=False)
    guided: bool = False
    weight: float = 1.0

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Put the other paths' projections into the target's rows; nothing where none is named.

        Args:
            network: the UNet and the present moment.

        Raises:
            EngineError: with ``shown``, a site belongs to another control, or has parts that are
                not known.
        """
        copied = self.copied if self.copy_until > 0 else ()
        return self._install(network, copied) if copied or self.swapped else nullcontext()

    @contextmanager
    def _install(self, network: Network, copied: tuple[str, ...]) -> Iterator[None]:
        replaced = self.swapped if self.shown is None else ()
        sources: dict[str, list[str]] = {}
        for names, parts, path in ((copied, COPIED, "layout"), (replaced, SWAPPED, "reference")):
            for module in (f"{name}.{part}" for name in names for part in parts):
                sources.setdefault(module, []).append(path)
        hooks = {
            module: self._hook(module, tuple(paths), network) for module, paths in sources.items()
        }
        added = () if self.shown is None else self.swapped
        attends = {f"{name}.processor": self._attend(name, network) for name in added}
        owned = replace_processors(network.unet, attends) if attends else nullcontext()
        with install_hooks(network.unet, hooks), owned:
            yield

    def wrap(self, predict: Predict) -> Predict:
        """See to it that the other paths are at the step that is predicted.

        Args:
            predict: the run's own prediction.
        """
        return predict if self.sides is None else with_reference(self.sides, predict)

    def _hook(self, module: str, paths: tuple[str, ...], network: Network) -> Hook:
        moment = network.moment

        def exchange(_: object, __: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            path = "layout" if moment.k < self.copy_until else "reference"
            if path not in paths or (self.sides is not None and self.sides.recording):
                return None
            rows = moment.rows
            halves: Tensor = output.unflatten(0, (rows.halves, rows.count)).clone()
            halves[:, rows.of("target")] = source_of(self.sides, rows, path, module, halves)
            return halves.flatten(0, 1)

        return exchange

    def _attend(self, name: str, network: Network) -> Attend:
        """Attention in which the target looks at the reference's subject beside itself."""
        moment = network.moment

        def attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
            mixed = functional.scaled_dot_product_attention(query, key, value, scale=scale)
            if moment.k < self.copy_until or (self.sides is not None and self.sides.recording):
                return mixed
            rows, target = moment.rows, moment.rows.of("target")
            asking = slice(rows.halves - 1 if self.guided else 0, rows.halves)
            cells = self._cells(_grid_of(network, key.shape[2])).to(key.device)
            own = [part.unflatten(0, (rows.halves, rows.count)) for part in (query, key, value)]
            keys, values = (
                torch.cat(
                    [part[:, target], self._reference(f"{name}.{to}", rows, part)[..., cells, :]],
                    -2,
                )[asking]
                for to, part in zip(SWAPPED, own[1:], strict=True)
            )
            counted = keys.new_zeros(1, keys.shape[-2])
            counted[:, key.shape[2] :] = math.log(self.weight)
            halves: Tensor = mixed.unflatten(0, (rows.halves, rows.count)).clone()
            halves[asking, target] = functional.scaled_dot_product_attention(
                own[0][asking, target], keys, values, counted, scale=scale
            )
            return halves.flatten(0, 1)

        return attend

    def _reference(self, module: str, rows: BatchRows, part: Tensor) -> Tensor:
        """The reference's projection, (halves, 1, heads, n, d) as its rows in ``part`` are."""
        if self.sides is None:
            return part[:, rows.of("reference")]
        kept = self.sides.feature("reference", module)
        heads: Tensor = kept.unflatten(-1, (part.shape[2], -1))
        return heads.transpose(2, 3)

    def _cells(self, sides_lat: tuple[int, int]) -> Tensor:
        """The cells of a grid that show the subject: half covered or more, or, where none is, those
        covered most.
        """
        assert self.shown is not None
        unit = torch.from_numpy(self.shown.astype(np.float32))[None, None]
        covered = functional.interpolate(unit, size=sides_lat, mode="area").flatten()
        return torch.nonzero(covered >= min(0.5, float(covered.max())))[:, 0]


def _grid_of(network: Network, count: int) -> tuple[int, int]:
    """The grid of a site with so many cells: each level has about a quarter of the one before."""
    grids = (grid(network.height_lat, network.width_lat, level) for level in range(8))
    return next(sides_lat for sides_lat in grids if sides_lat[0] * sides_lat[1] == count)
