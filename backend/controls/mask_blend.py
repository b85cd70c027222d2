"""Adaptive mask blending: inside the mask the target's own features, outside the layout's.

Layout-and-Retouch, section 3.2.2: φ* = M ⊙ φ_t + (1 - M) ⊙ φ_o at the outputs of the decoder's
self-attention, from 60 % of the steps on. The mask joins where the subject's words look (M^c) with
what Segment Anything cuts out of the layout.

What the paper leaves open is read so: a component of M^c that does not touch SAM's cut is noise and
is dropped from the joined mask M^k (a plain OR, as printed, discards nothing); the distance
transform is normalised to 0.5…1 on M^k alone, with 0 outside (over the whole picture the background
would be half subject); the sum with C(M^c) is clamped to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from backend.engine.attention_maps import MapMean, threshold_map
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control, Network, Predict
from backend.engine.reference_branch import ReferenceBranch, source_of, with_reference
from backend.models.attention import Hook, Site, grid, install_hooks

Inside = NDArray[np.bool_]
Joining = Literal["touching", "or", "and"]
_EIGHT = np.ones((3, 3), np.bool_)
"""Neighbours that make a component: diagonal ones too."""


@dataclass(frozen=True)
class MaskRules:
    """How a mask is made.

    Attributes:
        threshold: what of a map brought to 0..1 is inside (MasaCtrl: .1).
        least_share: components of M^c under this share of the picture are dropped from C(M^c)
            (ours: a square of a fourteenth of the side).
        joining: how the two masks meet; "or" is the printed formula.
        background_floor: M outside of both, 0..1 (the literal reading of the paper: .5).
    """

    threshold: float = 0.1
    least_share: float = 0.005
    joining: Joining = "touching"
    background_floor: float = 0.0


def adaptive_mask(
    words: Inside, solid: Inside | None, rules: MaskRules = MaskRules()
) -> NDArray[np.float32]:
    """M of Layout-and-Retouch, section 3.2.2: 0.5 + 0.5 · D(M^k) inside of M^k, and 1 in C(M^c).

    Args:
        words: M^c, where the subject's words look, bool (h, w).
        solid: M_SAM, what was cut out, of the same shape; None without SAM.
        rules: threshold and joining.

    Returns:
        float32 (h, w), 0.5…1 inside and ``background_floor`` outside. Where nothing is found at all
        it is 1 everywhere: no blending is better than no subject.
    """
    joined = join_mask(words, solid, rules.joining)
    if not joined.any():
        return np.ones(words.shape, np.float32)
    depth = ndimage.distance_transform_edt(joined)
    soft: NDArray[np.float64] = np.where(
        joined, 0.5 + 0.5 * depth / depth.max(), rules.background_floor
    )
    summed: NDArray[np.float64] = soft + without_small(words, rules.least_share)
    return np.clip(summed, 0.0, 1.0).astype(np.float32)


def without_small(inside: Inside, least_share: float) -> Inside:
    """C(M): the components (8 neighbours) that fill at least this share of the picture.

    Args:
        inside: bool (h, w).
        least_share: 0..1.
    """
    labels, count = ndimage.label(inside, _EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = sizes >= least_share * inside.size
    large[0] = False
    return np.asarray(large[labels], np.bool_)


def join_mask(words: Inside, solid: Inside | None, joining: Joining) -> Inside:
    """M^k: where the words look and what was cut out, joined.

    Args:
        words: M^c, bool (h, w).
        solid: M_SAM, of the same shape; None leaves the words alone.
        joining: "touching" keeps components of M^c that touch the cut-out, and the cut-out itself;
            "or" all of both; "and" what both found.

    Returns:
        bool (h, w).
    """
    if solid is None:
        return words
    if joining == "and":
        return words & solid
    if joining == "or" or not solid.any():
        return words | solid
    labels, _ = ndimage.label(words, _EIGHT)
    touching = np.unique(labels[solid])
    return solid | np.isin(labels, touching[touching > 0])


class Masks(Protocol):
    """Where a mask comes from."""

    def watching(self, network: Network) -> AbstractContextManager[None]:
        """Whatever must be read from the network's calls."""
        ...

    def at(self, k: int) -> Tensor:
        """M for step k, from what was read before it: float32 (rows, h, w) at any size that shows
        the picture.
        """
        ...


@dataclass(frozen=True)
class FixedMask:
    """The same mask (rows, h, w) at every step."""

    mask: Tensor = field(repr=False, compare=False)

    def watching(self, network: Network) -> AbstractContextManager[None]:
        """Nothing to read."""
        return nullcontext()

    def at(self, k: int) -> Tensor:
        """The mask."""
        return self.mask


@dataclass(frozen=True)
class AdaptiveMask:
    """The paper's mask, of the maps read so far.

    Attributes:
        maps: where the subject's words look in the target.
        solid: M_SAM of the layout, bool (h, w); (0, 0) where there is no SAM.
        within: what bounds it, (h, w) in 0..1: a subject that is a layer stays in its place.
        rules: threshold and joining.
        sides: the other paths, whose calls of the network are not read.
    """

    maps: MapMean = field(repr=False, compare=False)
    solid: Inside = field(repr=False, compare=False)
    within: NDArray[np.float32] | Inside = field(repr=False, compare=False)
    rules: MaskRules = MaskRules()
    sides: ReferenceBranch | None = field(default=None, repr=False, compare=False)

    def watching(self, network: Network) -> AbstractContextManager[None]:
        """Read the subject's maps."""
        return self.maps.watching(network, self.sides)

    def at(self, k: int) -> Tensor:
        """M of the maps up to now; before the first map, of the cut-out alone.

        Args:
            k: the step; the mask follows from what was read before it.

        Returns:
            float32 (rows, h, w) in 0..1, in pixels of the picture.
        """
        masks = [
            adaptive_mask(words, self._solid(), self.rules) * self.within for words in self._words()
        ]
        return torch.from_numpy(np.stack(masks))

    def render(self, k: int) -> NDArray[np.uint8]:
        """M for step k of the last row as a picture: uint8 (h, w), 255 = the subject."""
        picture: NDArray[np.uint8] = (self.at(k)[-1] * 255).round().to(torch.uint8).cpu().numpy()
        return picture

    def blank(self) -> bool:
        """Whether nothing is found, so that M is 1 and nothing is blended."""
        return not any(
            join_mask(words, self._solid(), self.rules.joining).any() for words in self._words()
        )

    def _words(self) -> list[Inside]:
        """M^c of each row."""
        height_px, width_px = self.within.shape
        mean = self.maps.mean()
        if mean is None:
            return [np.zeros(self.within.shape, np.bool_)]
        return [threshold_map(one, (height_px, width_px), self.rules.threshold) for one in mean]

    def _solid(self) -> Inside | None:
        return self.solid if self.solid.size else None


@dataclass(frozen=True)
class MaskBlend(Control):
    """φ* = M ⊙ φ_t + (1 - M) ⊙ φ_o at the outputs of the decoder's self-attention.

    M = 1 leaves the target as it is, M = 0 makes it the layout. The target is the last row of the
    latents.

    Attributes:
        begin: the first step that is blended (the paper: 60 % of the steps).
        sites: where; nothing happens without any.
        masks: where M comes from.
        sides: the layout path, where it is not part of the batch.
        held: the layout's states 0…N; with them the states are blended as well (Photoswap does so;
            ours here): around features of the layout the convolutions would still draw everything
            anew.
    """

    begin: int
    sites: tuple[Site, ...]
    masks: Masks
    sides: ReferenceBranch | None = field(default=None, repr=False, compare=False)
    held: Trajectory | None = field(default=None, repr=False, compare=False)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Blend the outputs of the sites; nothing at all where there are none."""
        return self._install(network) if self.sites else nullcontext()

    @contextmanager
    def _install(self, network: Network) -> Iterator[None]:
        present: dict[int, Tensor] = {}
        hooks = {site.module: self._hook(site, network, present) for site in self.sites}
        with install_hooks(network.unet, hooks), self.masks.watching(network):
            yield

    def wrap(self, predict: Predict) -> Predict:
        """See to it that the side paths are at the step that is predicted."""
        return predict if self.sides is None else with_reference(self.sides, predict)

    def edit(self, latents: Tensor, k: int) -> Tensor:
        """State k of the target inside of M and of the layout outside, where it is to be held.

        Args:
            latents: state k, (rows, c, h, w).
            k: the number of the state, 1 to N.

        Returns:
            The same tensor where nothing is held, up to step ``begin``, and where M is 1.
        """
        if self.held is None or k <= self.begin:
            return latents
        mask = functional.interpolate(
            self.masks.at(k)[:, None], size=latents.shape[-2:], mode="area"
        ).to(latents)
        if bool((mask == 1).all()):
            return latents
        target = mask * latents[-len(mask) :] + (1 - mask) * self.held.states[k]
        return torch.cat([latents[: -len(mask)], target])

    def _hook(self, site: Site, network: Network, present: dict[int, Tensor]) -> Hook:
        sides_lat = grid(network.height_lat, network.width_lat, site.level)
        weights = _weights_of(self.masks, sides_lat, present)

        def blend(_: object, __: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            rows, k = network.moment.rows, network.moment.k
            if k < self.begin or (self.sides is not None and self.sides.recording):
                return None
            mask = weights(k).to(output)
            halves: Tensor = output.unflatten(0, (rows.halves, rows.count)).clone()
            layout = source_of(self.sides, rows, "layout", site.module, halves)
            halves[:, rows.of("target")] = mask * halves[:, rows.of("target")] + (1 - mask) * layout
            return halves.flatten(0, 1)

        return blend


def _weights_of(
    masks: Masks, sides_lat: tuple[int, int], present: dict[int, Tensor]
) -> Callable[[int], Tensor]:
    """M of a step on a site's grid, by area: (rows, n, 1). ``present`` keeps the step's mask for
    all sites.
    """

    def weights(k: int) -> Tensor:
        if k not in present:
            present.clear()
            present[k] = masks.at(k)
        reduced = functional.interpolate(present[k][:, None], size=sides_lat, mode="area")
        return reduced.flatten(1)[..., None]

    return weights
