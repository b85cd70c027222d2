"""MasaCtrl (Cao et al., 2023): from a start step on, the target looks at the reference instead of
at itself.

In the decoder's self-attention queries are the target's, keys and values the reference's (equation
5). With masks (equations 6 to 8) the target's foreground looks at the reference's foreground only,
its background at the rest: O = M ⊙ O_f + (1 - M) ⊙ O_b, M where the subject's words look in the
target, in the steps so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.attention_maps import MapMean
from backend.engine.loop_types import Control, Network, Predict
from backend.engine.reference_branch import ReferenceBranch
from backend.models.attention import Attend, Site, grid, replace_processors

THRESHOLD = 0.1
"""Of a map brought to 0…1, as the authors cut theirs."""


@dataclass(frozen=True)
class MutualMasks:
    """Where the subject is.

    Attributes:
        maps: where its words look in the target; they grow with every step.
        reference: where they looked in the reference, float (h, w) in 0..1.
    """

    maps: MapMean = field(repr=False, compare=False)
    reference: Tensor = field(repr=False, compare=False)

    def cells(self, sides_lat: tuple[int, int]) -> tuple[Tensor, Tensor] | None:
        """M of the target and of the reference on a grid.

        Args:
            sides_lat: rows and columns.

        Returns:
            Two bool (n,); None before the first map, and while either shows nothing or all.
        """
        mean = self.maps.mean()
        if mean is None:
            return None
        both = tuple(_over(one, sides_lat) for one in (mean[0], self.reference))
        return (
            None
            if any(bool(one.all()) or not bool(one.any()) for one in both)
            else (both[0], both[1])
        )


@dataclass(frozen=True)
class MutualAttention(Control):
    """Attention(Q_t, K_r, V_r) in the decoder (MasaCtrl, equation 5).

    With masks it is M ⊙ O_f + (1 - M) ⊙ O_b. One target at a time.

    Attributes:
        begin: the first step in which the target looks at the reference.
        sites: where; nothing happens without any.
        sides: the reference path, which holds ``to_k`` and ``to_v`` at these sites.
        masks: None for the whole picture.
    """

    begin: int
    sites: tuple[Site, ...]
    sides: ReferenceBranch = field(repr=False, compare=False)
    masks: MutualMasks | None = None

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Take over the sites; nothing at all where there are none.

        Args:
            network: the UNet and the size of its latents.

        Raises:
            EngineError: a site belongs to another control, or has parts that are not known.
        """
        return self._install(network) if self.sites else nullcontext()

    @contextmanager
    def _install(self, network: Network) -> Iterator[None]:
        watching = (
            nullcontext() if self.masks is None else self.masks.maps.watching(network, self.sides)
        )
        attends = {site.name: self._attend(site, network) for site in self.sites}
        with replace_processors(network.unet, attends), watching:
            yield

    def wrap(self, predict: Predict) -> Predict:
        """See to it that the side paths are at the step that is predicted."""

        def run_reference(latents: Tensor, k: int) -> Tensor:
            self.sides.advance(k)
            return predict(latents, k)

        return run_reference

    def _attend(self, site: Site, network: Network) -> Attend:
        sides_lat = grid(network.height_lat, network.width_lat, site.level)

        def attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
            if network.moment.k < self.begin or self.sides.recording:
                return functional.scaled_dot_product_attention(query, key, value, scale=scale)
            key, value = (
                self._reference(f"{site.module}.{part}", query) for part in ("to_k", "to_v")
            )
            cells = None if self.masks is None else self.masks.cells(sides_lat)
            return (
                mutual(query, key, value, scale)
                if cells is None
                else attend_by_masks(query, key, value, scale, cells)
            )

        return attend

    def _reference(self, module: str, query: Tensor) -> Tensor:
        """A projection of the reference, (halves, heads, n, d) as the query is."""
        found = self.sides.feature("reference", module).flatten(0, 1)
        heads: Tensor = found.unflatten(-1, (query.shape[1], -1))
        return heads.transpose(1, 2)


def mutual(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Attention of the target's queries to the reference, (halves, heads, n, d) each.

    Args:
        query: the target's.
        key: the reference's.
        value: the reference's.
        scale: of the scores, 1/√d.
    """
    return functional.scaled_dot_product_attention(query, key, value, scale=scale)


def attend_by_masks(
    query: Tensor, key: Tensor, value: Tensor, scale: float, cells: tuple[Tensor, Tensor]
) -> Tensor:
    """Foreground looks at foreground, background at background (MasaCtrl, equations 6 to 8).

    Args:
        query: the target's, (halves, heads, n, d).
        key: the reference's, of that shape.
        value: the reference's, of that shape.
        scale: of the scores, 1/√d.
        cells: M of the target and of the reference, bool (n,) each, neither empty nor full.
    """
    inside, shown = (one.to(query.device) for one in cells)
    front, rest = (
        functional.scaled_dot_product_attention(
            query, key, value, attn_mask=allowed[None, None, None], scale=scale
        )
        for allowed in (shown, ~shown)
    )
    return torch.where(inside[:, None], front, rest)


def _over(found: Tensor, sides_lat: tuple[int, int]) -> Tensor:
    low, high = found.min(), found.max()
    unit = (found - low) / (high - low).clamp_min(torch.finfo(found.dtype).tiny)
    return (
        functional.interpolate(unit[None, None], size=sides_lat, mode="area").flatten() > THRESHOLD
    )
