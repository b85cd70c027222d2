"""How near each pixel is, as a depth network of the transformers layout sees it (DPT, Depth
Anything, ZoeDepth).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import AutoModelForDepthEstimation

from backend.models.bundle import ModelBundle
from backend.models.folder import check_complete, read_json
from backend.models.seeing import IMAGENET_MEAN, IMAGENET_STD, triple

CONFIG, PREPROCESSING = "config.json", "preprocessor_config.json"
SIDE_PX = 384
"""The side that DPT was trained at, where the folder names none."""
METRIC = ("zoedepth",)
"""Networks that tell a distance; the others tell its inverse, up to scale and shift."""


@dataclass(frozen=True)
class Depth:
    """A loaded network.

    Attributes:
        network: of the transformers layout.
        mean: of the colours that it expects.
        std: of the colours that it expects.
        side_px: of the square that it looks at.
        metric: it tells a distance, not its inverse.
    """

    network: AutoModelForDepthEstimation = field(repr=False)
    mean: tuple[float, ...]
    std: tuple[float, ...]
    side_px: int
    metric: bool

    @torch.no_grad()
    def nearness(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How near each pixel is, as ControlNets expect it.

        Args:
            picture: uint8 (h, w, 3).

        Returns:
            float32 (h, w): 0 what is farthest, 1 what is nearest; 0 everywhere where nothing is
            nearer than the rest.
        """
        weight = next(self.network.parameters())
        seen = (
            torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].to(weight.device).float() / 255
        )
        mean, std = (
            torch.tensor(values).view(1, -1, 1, 1).to(seen) for values in (self.mean, self.std)
        )
        shown = functional.interpolate(
            seen, size=(self.side_px, self.side_px), mode="bicubic", antialias=True
        )
        found = self.network(((shown - mean) / std).to(weight.dtype)).predicted_depth.float()
        near = functional.interpolate(found[:, None], size=picture.shape[:2], mode="bilinear")[0, 0]
        near = -near if self.metric else near
        low, high = near.min(), near.max()
        return ((near - low) / (high - low).clamp_min(1e-6)).cpu().numpy()


def load_depth(folder: Path, device: torch.device, dtype: torch.dtype) -> Depth:
    """A depth network from its folder.

    Args:
        folder: the member's own.
        device: where it shall be.
        dtype: its precision.

    Raises:
        ModelError: weights are missing.
    """
    config = read_json(folder / CONFIG)
    network, found = AutoModelForDepthEstimation.from_pretrained(
        str(folder),
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    check_complete(folder.name, found["missing_keys"])
    path = folder / PREPROCESSING
    given = read_json(path) if path.exists() else {}
    size = given.get("size") or {}
    side = size.get("height") or size.get("shortest_edge") if isinstance(size, dict) else size
    mean, std = (
        triple(given.get("image_mean"), IMAGENET_MEAN),
        triple(given.get("image_std"), IMAGENET_STD),
    )
    network = network.to(device).eval().requires_grad_(False)
    return Depth(network, mean, std, int(side or SIDE_PX), config.get("model_type") in METRIC)


def depth_of(bundle: ModelBundle) -> Depth:
    """The family's depth network, loaded once.

    Args:
        bundle: the model.

    Raises:
        ModelError: it has none, or it cannot be loaded.
    """
    member: Depth = bundle.members.get("depth")
    return member
