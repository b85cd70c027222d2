"""Structure per layer: a ControlNet's residuals, weighted where each layer lies.

Collage Diffusion, section 4.3 (its extension of ControlNet). With residual r of the ControlNet at
strength 1 and w the weight of the layer seen at each pixel, the UNet gets r · w, where w is resized
bilinearly (align_corners = False, as in the released code) to the size of r. A uniform w of 1 is
diffusers' ControlNet, bit for bit; w = 0 calls no ControlNet.

Several kinds of structure (edges, soft edges, depth) are several of these controls; their residuals
add up.

The residuals are coarse and the UNet sees far, so a weight acts a little beyond its layer too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from backend.engine.loop_types import Control, Network
from backend.models.controlnet import ControlNet

DOWN, MIDDLE = "down_block_additional_residuals", "mid_block_additional_residual"
"""What diffusers' UNet calls them."""


@dataclass(frozen=True)
class StructureMap(Control):
    """The UNet gets r · w: a ControlNet's residuals, weighted where each layer lies.

    Attributes:
        controlnet: the network.
        hint: what it sees, (1, 3, h, w) in 0..1 at the picture's size.
        weights: w, float (h, w) in 0..1 at the picture's size; 0 everywhere calls no ControlNet.
        first: the control acts in the steps ``first`` ≤ k < ``end``, in all of them by default.
        end: the first step in which it acts no more.
    """

    controlnet: ControlNet = field(repr=False, compare=False)
    hint: Tensor = field(repr=False, compare=False)
    weights: Tensor = field(repr=False, compare=False)
    first: int = 0
    end: int = 1_000_000

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Hand residuals to every call of the UNet; nothing at all where every weight is 0.

        Args:
            network: the UNet and the present moment.
        """
        return self._hook(network) if bool((self.weights > 0).any()) else nullcontext()

    @contextmanager
    def _hook(self, network: Network) -> Iterator[None]:
        def add_residuals(unet: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
            if not self.first <= network.moment.k < self.end:
                return given, named
            words, added = named["encoder_hidden_states"], named.get("added_cond_kwargs")
            made = self.controlnet.residuals(given[0], given[1], words, self.hint, added)
            down, middle = (
                [weight(part, self.weights) for part in made.down],
                weight(made.middle, self.weights),
            )
            if DOWN in named:  # another kind of structure came before
                down = [own + other for own, other in zip(down, named[DOWN], strict=True)]
                middle = middle + named[MIDDLE]
            return given, named | {DOWN: tuple(down), MIDDLE: middle}

        hook = network.unet.register_forward_pre_hook(add_residuals, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()


def weight(residual: Tensor, weights: Tensor) -> Tensor:
    """A residual times the weight map, which is resized bilinearly (align_corners = False).

    Args:
        residual: (b, c, h, w).
        weights: float (H, W) in 0..1, at the picture's size.

    Returns:
        (b, c, h, w); for a uniform map exactly the residual times its number.
    """
    if weights.amin() == weights.amax():  # what interpolation must not round
        return residual * weights.flatten()[0].to(residual)
    sized = functional.interpolate(
        weights[None, None].float(), size=residual.shape[-2:], mode="bilinear"
    )
    return residual * sized.to(residual)
