"""DeepLabv3 of torchvision as a member: TCIG's own guide (the 20 classes of Pascal VOC).

The folder holds ``deeplab.safetensors`` and ``config.json`` (``architecture`` names torchvision's
function, ``classes`` the channels). ``lamina convert deeplab FILE`` makes it of torchvision's
published .pth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import segmentation

from backend.errors import ModelError
from backend.models.folder import explain_torch_file, read_json
from backend.models.segmenter import IMAGENET_MEAN, IMAGENET_STD

WEIGHTS, CONFIG = "deeplab.safetensors", "config.json"
SHORT_SIDE_PX = 520  # of torchvision's preset for its segmenters
VOC = (
    "__background__,aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,"
    "pottedplant,sheep,sofa,train,tvmonitor"
)
"""The channels of COCO_WITH_VOC_LABELS_V1, in order."""
ARCHITECTURES: Mapping[str, Any] = MappingProxyType(
    {
        "deeplabv3_resnet101": segmentation.deeplabv3_resnet101,
        "deeplabv3_resnet50": segmentation.deeplabv3_resnet50,
        "deeplabv3_mobilenet_v3_large": segmentation.deeplabv3_mobilenet_v3_large,
    }
)
ARCHITECTURE = "deeplabv3_resnet101"
"""TCIG's own guide."""


@dataclass(frozen=True)
class DeepLab:
    """A DeepLabv3 in evaluation mode; ``vocabulary[i]`` names channel i."""

    network: nn.Module = field(repr=False)
    vocabulary: tuple[str, ...]
    short_side_px: int = SHORT_SIDE_PX

    def logits(self, pictures: Tensor) -> Tensor:
        """Scores (n, classes, h, w), float32, of pictures (n, 3, h, w) in 0..1, with their
        gradients.
        """
        height_px, width_px = pictures.shape[-2:]
        factor = self.short_side_px / min(height_px, width_px)
        size = (round(height_px * factor), round(width_px * factor))
        shown = functional.interpolate(
            pictures, size=size, mode="bilinear", align_corners=False, antialias=True
        )
        mean, std = (
            torch.tensor(v).view(1, 3, 1, 1).to(pictures) for v in (IMAGENET_MEAN, IMAGENET_STD)
        )
        dtype = next(self.network.parameters()).dtype
        scores = self.network(((shown - mean) / std).to(dtype))["out"].float()
        return functional.interpolate(
            scores, size=(height_px, width_px), mode="bilinear", align_corners=False
        )


def load_deeplab(folder: Path, device: torch.device, dtype: torch.dtype) -> DeepLab:
    """The DeepLab of a folder; a ModelError names an architecture that is not known."""
    record = read_json(folder / CONFIG)
    name, classes = str(record.get("architecture")), tuple(record.get("classes", ()))
    network = _build(name, len(classes))
    network.load_state_dict(load_file(folder / WEIGHTS), strict=True)
    side_px = int(record.get("short_side_px", SHORT_SIDE_PX))
    return DeepLab(network.to(device, dtype).eval().requires_grad_(False), classes, side_px)


def _build(name: str, classes: int) -> nn.Module:
    if name not in ARCHITECTURES:
        raise ModelError(
            f"There is no segmenter {name!r}.",
            limit=f"Known are {', '.join(ARCHITECTURES)}.",
            remedy="Correct architecture in config.json.",
        )
    network: nn.Module = ARCHITECTURES[name](
        weights=None, weights_backbone=None, num_classes=classes, aux_loss=False
    )
    return network


def convert_weights(weights: Path, name: str, folder: Path) -> None:
    """Torchvision's published weights (a plain state dict, read without running code) as a member
    folder.
    """
    with explain_torch_file(weights.name):
        state: Mapping[str, Tensor] = torch.load(weights, map_location="cpu", weights_only=True)
    kept = {
        key: value.contiguous()
        for key, value in state.items()
        if not key.startswith("aux_classifier.")
    }
    classes = VOC.split(",")
    try:
        _build(name, len(classes)).load_state_dict(kept, strict=True)
    except RuntimeError as error:
        raise ModelError(
            f"{weights.name} does not fit {name} ({str(error).splitlines()[0][:120]}).",
            limit="Its channels are the 21 classes of Pascal VOC.",
            remedy="Name the architecture that the file was made for with --architecture.",
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    save_file(kept, folder / WEIGHTS)
    record = {"architecture": name, "classes": classes, "short_side_px": SHORT_SIDE_PX}
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def convert_deeplab(weights: Path, folder: Path, architecture: str = ARCHITECTURE) -> str:
    """Write torchvision's published .pth with VOC labels as a member folder.

    Args:
        weights: the file, a plain state dict.
        folder: where ``deeplab.safetensors`` and ``config.json`` are written.
        architecture: the name of torchvision's function.

    Returns:
        One line about what was written.

    Raises:
        ModelError: the file cannot be read, or does not fit the architecture.
    """
    convert_weights(weights, architecture, folder)
    return f"{folder}: {architecture}. Put the folder into a model's folder."
