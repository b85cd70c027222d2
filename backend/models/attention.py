"""The attention seam: which sites a UNet has, how large their grids are, and a processor that lets
a control attend.

A site's grid follows from the latents' height and width, halved with rounding up at every level; it
is never taken as a square root. Processors are installed for the length of a run and the very same
objects are put back afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from torch import Tensor, nn

from backend.errors import EngineError

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from diffusers.models.attention_processor import Attention

Unet: TypeAlias = "UNet2DConditionModel"
AttentionModule: TypeAlias = "Attention"

Attend = Callable[[Tensor, Tensor, Tensor, float], Tensor]
"""(query (b, heads, n, d), key and value (b, heads, tokens, d), scale) → (b, heads, n, d)."""


@dataclass(frozen=True)
class Site:
    """An attention of the UNet.

    Attributes:
        name: of its processor.
        level: how often the latents were halved before it; 0 is full size.
    """

    name: str
    level: int

    @property
    def module(self) -> str:
        """The name of the attention itself, whose processor ``name`` is."""
        return self.name.removesuffix(".processor")

    @property
    def in_decoder(self) -> bool:
        return self.name.startswith("up_blocks.")


def cross_sites(unet: Unet) -> tuple[Site, ...]:
    """The cross-attention sites in the order of the UNet's modules.

    Args:
        unet: the network.
    """
    return _sites(unet, ".attn2.")


def self_sites(unet: Unet) -> tuple[Site, ...]:
    """The self-attention sites in the order of the UNet's modules.

    Args:
        unet: the network.
    """
    return _sites(unet, ".attn1.")


def detail_sites(unet: Unet) -> tuple[Site, ...]:
    """The decoder's self-attention sites, without its coarsest level where it has several.

    In Stable Diffusion 1.x and 2.x these are the layers 10 to 15 of MasaCtrl and DreamMatcher.

    Args:
        unet: the network.
    """
    decoder = [site for site in self_sites(unet) if site.in_decoder]
    coarsest, finest = (pick((site.level for site in decoder), default=0) for pick in (max, min))
    return tuple(site for site in decoder if site.level < coarsest or coarsest == finest)


def detail_modules(unet: Unet) -> tuple[str, ...]:
    """The names of the attentions at ``detail_sites``."""
    return tuple(site.module for site in detail_sites(unet))


def attention_modules(unet: Unet) -> tuple[str, ...]:
    """The names of all attentions, self-attention first."""
    return tuple(site.module for site in (*self_sites(unet), *cross_sites(unet)))


def _sites(unet: Unet, kind: str) -> tuple[Site, ...]:
    levels = len(unet.config.block_out_channels)
    names = (name for name in unet.attn_processors if kind in name)
    return tuple(Site(name, _level(name, levels)) for name in names)


def _level(name: str, levels: int) -> int:
    place, _, rest = name.partition(".")
    if place == "mid_block":
        return levels - 1
    index = int(rest.partition(".")[0])
    return index if place == "down_blocks" else levels - 1 - index


def grid(height_lat: int, width_lat: int, level: int) -> tuple[int, int]:
    """The grid of a site: the latents' sides halved ``level`` times, rounded up.

    Args:
        height_lat: rows of the latents.
        width_lat: columns of the latents.
        level: of the site, 0 or more.

    Returns:
        Rows and columns.
    """
    divisor = 2**level
    return -(-height_lat // divisor), -(-width_lat // divisor)


class SiteProcessor:
    """A cross-attention processor that is the stock one except that ``attend`` combines query, key
    and value.
    """

    def __init__(self, attend: Attend) -> None:
        self._attend = attend

    def __call__(
        self,
        attn: AttentionModule,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """(b, n, channels) and (b, tokens, text) → (b, n, channels)."""
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        count, length, _ = hidden_states.shape
        projected: tuple[Tensor, ...] = (
            attn.to_q(hidden_states),
            attn.to_k(context),
            attn.to_v(context),
        )
        width = projected[1].shape[-1] // attn.heads
        query, key, value = (
            part.view(count, -1, attn.heads, width).transpose(1, 2) for part in projected
        )
        mixed = self._attend(query, key, value, width**-0.5)
        mixed = mixed.transpose(1, 2).reshape(count, length, attn.heads * width)
        result: Tensor = attn.to_out[1](attn.to_out[0](mixed))
        return result


Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]
"""(module, its arguments, its output) → another output, or None to leave it."""


@contextmanager
def install_hooks(unet: Unet, hooks: Mapping[str, Hook]) -> Iterator[None]:
    """Let hooks see and change outputs until the end of the block, beside any processor.

    Args:
        unet: the network.
        hooks: by the name of a module.
    """
    with ExitStack() as installed:
        for name, hook in hooks.items():
            installed.callback(unet.get_submodule(name).register_forward_hook(hook).remove)
        yield


@contextmanager
def replace_processors(unet: Unet, attends: Mapping[str, Attend]) -> Iterator[None]:
    """Let attentions of our own act until the end of the block; then the former ones are back.

    Args:
        unet: the network.
        attends: by the name of a site.

    Raises:
        EngineError: a site belongs to another control already, or has parts that are not known.
    """
    former = dict(unet.attn_processors)
    taken = [name for name in attends if isinstance(former[name], SiteProcessor)]
    if taken:
        raise EngineError(
            f"The attention site {taken[0]} is already taken by another control.",
            remedy="Use only one control of attention at a time.",
        )
    _check_plain(unet, attends)
    try:
        unet.set_attn_processor(
            former | {name: SiteProcessor(attend) for name, attend in attends.items()}
        )
        yield
    finally:
        unet.set_attn_processor(dict(former))


def _check_plain(unet: Unet, attends: Mapping[str, Attend]) -> None:
    """The processor above knows the attention of Stable Diffusion 1.x and 2.x; refuse what it would
    leave out.
    """
    for name in attends:
        site = cast(AttentionModule, unet.get_submodule(name.removesuffix(".processor")))
        extras = (site.norm_cross, site.spatial_norm, site.group_norm, site.norm_q, site.norm_k)
        if any(extras) or site.residual_connection or site.rescale_output_factor != 1.0:
            raise EngineError(
                f"The attention at {name} has parts that Lamina does not know.",
                remedy="Turn attention control off for this model.",
            )
