"""Semantic segmenters in the transformers layout: TCIG's experts, the pocket guide and real ones by
the same door.

A folder holds ``config.json`` (``architectures`` names the class, ``id2label`` the vocabulary),
safetensors and, where its pictures are not normalised as ImageNet's, ``preprocessor_config.json``
with ``image_mean`` and ``image_std``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSemanticSegmentation

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.folder import check_complete, explain_loading, read_json
from backend.models.seeing import fit_area

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Red, green, blue of ImageNet's pictures in 0..1: what nearly all published segmenters were
trained with.
"""
PREPROCESSOR = "preprocessor_config.json"


@dataclass(frozen=True)
class Segmenter:
    """A network that names what is under every pixel.

    Attributes:
        network: without gradients of its own weights.
        vocabulary: names channel i; several spellings may be set apart by commas.
        mean: (1, 3, 1, 1), in the units of pictures in 0..1.
        std: of that shape.
        side_px: of pictures of a larger area than this square it sees a reduced copy; None: of
            none.
    """

    network: nn.Module
    vocabulary: tuple[str, ...]
    mean: Tensor
    std: Tensor
    side_px: int | None = None

    def logits(self, pictures: Tensor) -> Tensor:
        """Class scores with their gradients; answers of a smaller size are enlarged bilinearly.

        Args:
            pictures: float (n, 3, h, w) in 0..1.

        Returns:
            float32 (n, classes, h, w), before the softmax.
        """
        shown = (self._shrink(pictures) - self.mean.to(pictures)) / self.std.to(pictures)
        scores = self.network(pixel_values=shown.to(self.dtype)).logits.float()
        return F.interpolate(scores, size=pictures.shape[-2:], mode="bilinear", align_corners=False)

    def _shrink(self, pictures: Tensor) -> Tensor:
        sides = tuple(pictures.shape[-2:])
        fitted = sides if self.side_px is None else fit_area(sides, self.side_px)
        return pictures if fitted == sides else F.interpolate(pictures, size=fitted, mode="area")

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the network runs in."""
        return next(self.network.parameters()).dtype

    def label(self, name: str) -> int:
        """The channel of a class by any of its spellings, in any case.

        Args:
            name: the class.

        Raises:
            ModelError: it is not known; the sentence lists what is.
        """
        wanted = name.strip().casefold()
        for number, known in enumerate(self.vocabulary):
            if wanted in {
                known.casefold(),
                *(part.strip().casefold() for part in known.split(",")),
            }:
                return number
        raise ModelError(
            f"The segmenter knows no {name!r}.",
            limit=f"It knows {', '.join(self.vocabulary)}.",
            remedy="Choose one of these words.",
        )


def load_segmenter(folder: Path, device: torch.device, dtype: torch.dtype) -> Segmenter:
    """A segmenter from its folder, by the class that its config names.

    Args:
        folder: the member's own.
        device: where it shall be.
        dtype: its precision.

    Raises:
        ModelError: it is no semantic segmenter, or lacks weights.
    """
    with explain_loading(
        f"{folder.name} is no semantic segmenter that can be loaded",
        limit="Its config.json names a class such as SegformerForSemanticSegmentation.",
        remedy="Choose another folder, or copy this one again.",
    ):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        network, found = AutoModelForSemanticSegmentation.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    check_complete(folder.name, found["missing_keys"])
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in _normal(folder))
    return Segmenter(
        network.to(device).eval().requires_grad_(False),
        _vocabulary(folder, config.id2label),
        mean,
        std,
        _side_px(folder),
    )


def segmenter_of(bundle: ModelBundle) -> Segmenter:
    """The guide of a family, loaded once.

    Args:
        bundle: the model.

    Raises:
        ModelError: it has none, or it cannot be loaded.
    """
    guide: Segmenter = bundle.members.get("guide")
    return guide


def save_normal(folder: Path, side_px: int) -> None:
    """Write beside a network how it wants to see pictures, as transformers' processors keep it."""
    record = {
        "do_normalize": True,
        "do_resize": True,
        "size": {"height": side_px, "width": side_px},
        "image_mean": IMAGENET_MEAN,
        "image_std": IMAGENET_STD,
    }
    (folder / PREPROCESSOR).write_text(json.dumps(record, indent=2) + "\n")


def _vocabulary(folder: Path, labels: dict[Any, str]) -> tuple[str, ...]:
    names = {int(number): str(name) for number, name in labels.items()}
    if sorted(names) != list(range(len(names))):
        raise ModelError(
            (
                f"{folder.name}/config.json has gaps in id2label ({len(names)} labels up to "
                f"{max(names)})."
            ),
            remedy="Copy the folder again.",
        )
    return tuple(names[number] for number in range(len(names)))


def _normal(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each colour in 0..1."""
    if not (folder / PREPROCESSOR).exists():
        return IMAGENET_MEAN, IMAGENET_STD
    record = read_json(folder / PREPROCESSOR)
    if not record.get("do_normalize", True):
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return tuple(record.get("image_mean", IMAGENET_MEAN)), tuple(
        record.get("image_std", IMAGENET_STD)
    )


def _side_px(folder: Path) -> int | None:
    """The side of the square that the folder's processor resizes pictures to, where it does."""
    if not (folder / PREPROCESSOR).exists():
        return None
    record = read_json(folder / PREPROCESSOR)
    if not record.get("do_resize", False):
        return None
    size = record.get("size")
    sides = size.values() if isinstance(size, dict) else [size]
    known = [int(side) for side in sides if isinstance(side, int) and side > 0]
    return max(known) if known else None
