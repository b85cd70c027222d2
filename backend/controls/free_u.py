"""FreeU (Si et al., 2023): the decoder's backbone is made stronger, the low frequencies of its
skips weaker.

At the decoder's widest stage, and at the one half as wide (Stable Diffusion's 1280 and 640
channels), before a block joins the two: half of the backbone's channels are multiplied by 1 + (b -
1) · m, m their mean over all channels brought to 0…1 in each picture, and the skip's lowest
frequencies (the 2 × 2 middle of its shifted spectrum) by s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.engine.loop_types import Control, Network
from backend.models.attention import Unet


@dataclass(frozen=True)
class FreeU(Control):
    """Half of the backbone's channels times 1 + (b - 1) · m, the skip's lowest frequencies times s.

    Attributes:
        backbone: b of the widest stage and of the one half as wide; the authors' for Stable
            Diffusion 1.4.
        skip: s of the two stages. All four 1 changes nothing.
    """

    backbone: tuple[float, float] = (1.3, 1.4)
    skip: tuple[float, float] = (0.9, 0.2)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Change what the decoder's blocks join, for the length of a run."""
        if self.backbone == self.skip == (1.0, 1.0):
            return nullcontext()
        return self._install(network.unet)

    @contextmanager
    def _install(self, unet: Unet) -> Iterator[None]:
        with ExitStack() as installed:
            for name, width, stage in joins(unet):
                join = self._join_hook(width, stage)
                installed.callback(unet.get_submodule(name).register_forward_pre_hook(join).remove)
            yield

    def _join_hook(
        self, width: int, stage: int
    ) -> Callable[[object, tuple[Tensor, ...]], tuple[Tensor, ...]]:
        def join(_: object, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            whole, *rest = arguments
            backbone = strengthen(whole[:, :width], self.backbone[stage])
            return torch.cat(
                [backbone, scale_low(whole[:, width:], self.skip[stage])], dim=1
            ), *rest

        return join


def joins(unet: Unet) -> tuple[tuple[str, int, int], ...]:
    """The decoder's blocks that join a backbone of a stage's width with a skip.

    Args:
        unet: the network.

    Returns:
        (module, channels of the backbone, stage 0 or 1) of each.
    """
    widths = list(reversed(unet.config.block_out_channels))
    found = []
    for level, block in enumerate(unet.up_blocks):
        for number in range(len(block.resnets)):
            width = widths[max(0, level - 1)] if number == 0 else widths[level]
            stage = {widths[0]: 0, widths[0] // 2: 1}.get(width)
            if stage is not None:
                found.append((f"up_blocks.{level}.resnets.{number}", width, stage))
    return tuple(found)


def strengthen(backbone: Tensor, factor: float) -> Tensor:
    """A backbone with half of its channels stronger where all of them are strong.

    Args:
        backbone: (b, c, h, w).
        factor: b; 1 changes nothing.

    Returns:
        x · (1 + (b - 1) · m) in the first half of the channels, m the mean over all channels,
        brought to 0..1 in each picture.
    """
    mean = backbone.mean(1, keepdim=True)
    low, high = mean.amin((2, 3), keepdim=True), mean.amax((2, 3), keepdim=True)
    share = (mean - low) / (high - low).clamp_min(torch.finfo(mean.dtype).tiny)
    half = backbone.shape[1] // 2
    return torch.cat([backbone[:, :half] * (1 + (factor - 1) * share), backbone[:, half:]], dim=1)


def scale_low(skip: Tensor, factor: float) -> Tensor:
    """A skip with its lowest frequencies scaled: the 2 × 2 middle of its shifted spectrum.

    Args:
        skip: (b, c, h, w); its spectrum is taken in single precision.
        factor: s.
    """
    spectrum: Tensor = torch.fft.fftshift(torch.fft.fftn(skip.float(), dim=(-2, -1)), dim=(-2, -1))
    row, column = skip.shape[-2] // 2, skip.shape[-1] // 2
    spectrum[..., max(0, row - 1) : row + 1, max(0, column - 1) : column + 1] *= factor
    scaled: Tensor = torch.fft.ifftn(torch.fft.ifftshift(spectrum, dim=(-2, -1)), dim=(-2, -1))
    return scaled.real.to(skip.dtype)
