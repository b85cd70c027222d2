"""A VQGAN in miniature: each code is a colour, each cell a square of it; a linear decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.models.seeing import Seeing
from backend.models.vqgan import Vqgan

CELL_PX = 4


def _book() -> Tensor:
    steps = torch.linspace(-1, 1, 5)
    return torch.cartesian_prod(steps, steps, steps)


@dataclass(frozen=True)
class ToyCodes:
    """125 colours; ``book`` may be another."""

    book: Tensor = field(default_factory=_book)
    reduction: int = CELL_PX

    @property
    def codebook(self) -> Tensor:
        return self.book

    def snap(self, z: Tensor) -> Tensor:
        snapped: Tensor = Vqgan.snap(self, z)  # type: ignore[arg-type]
        return snapped

    def encode(self, pictures: Tensor) -> Tensor:
        return functional.avg_pool2d(pictures, self.reduction)

    def decode(self, z: Tensor) -> Tensor:
        return functional.interpolate(z, scale_factor=CELL_PX)


class ToySegmenter(nn.Module):
    """Names pixels by the colour around them: a fixed 3×3 convolution. Grey is the background."""

    def __init__(
        self, words: Sequence[str] = ("background", "cat", "house"), sharpness: float = 6.0
    ) -> None:
        super().__init__()
        self.vocabulary = tuple(words)
        colours = torch.tensor(
            [[0.5, 0.5, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
        )[: len(words)]
        self.conv = nn.Conv2d(3, len(words), 3, padding=1, padding_mode="replicate")
        with torch.no_grad():
            self.conv.weight.copy_(
                (2 * sharpness * colours / 9)[:, :, None, None].expand(-1, -1, 3, 3)
            )
            self.conv.bias.copy_(-sharpness * colours.square().sum(1))
        self.requires_grad_(False)

    def logits(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.conv(pictures)
        return scores


@dataclass(frozen=True)
class ToyClip:
    """Embeds a picture by its mean colour in each quarter, and a text by its letters."""

    seeing: Seeing = field(
        default_factory=lambda: Seeing(16, 16, (0.0,) * 3, (1.0,) * 3, "bilinear")
    )

    def encode_image(self, pictures: Tensor) -> Tensor:
        return functional.normalize(
            functional.adaptive_avg_pool2d(pictures, 2).flatten(1) + 0.1, dim=-1
        )

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        rows = [
            torch.rand(12, generator=torch.Generator().manual_seed(sum(map(ord, text))))
            for text in texts
        ]
        return functional.normalize(torch.stack(rows), dim=-1)


def half_masks(side_px: int) -> Tensor:
    """Two masks (2, side, side): the left third and the right third."""
    masks = torch.zeros(2, side_px, side_px)
    masks[0, :, : side_px // 3] = 1
    masks[1, :, -(side_px // 3) :] = 1
    return masks
