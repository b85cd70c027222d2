"""A self-supervised image encoder: whether two pictures show the same subject. DINO ViTs, DINOv2 or
a small ResNet.

The folder is in the layout of transformers (``config.json``, ``model.safetensors``,
``preprocessor_config.json``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.folder import check_complete, read_json
from backend.models.safetensors_file import check_safetensors
from backend.models.seeing import IMAGENET_MEAN, IMAGENET_STD, Seeing, triple, unit

WEIGHTS, CONFIG, PREPROCESSING = "model.safetensors", "config.json", "preprocessor_config.json"
TYPES = ("resnet", "vit", "dinov2", "dinov2_with_registers", "dinov3_vit")
SIDE_PX = 224  # what DINO and DINOv2 are evaluated at, where the folder says nothing
PUBLISHED_PX = 256
UNUSED = "pooler."
"""Weights that DINO's published ViT folders leave out; the class token before them is what is
compared.
"""


@dataclass(frozen=True)
class ImageEncoder:
    """A loaded encoder. Vectors are float32 on its device, of length 1; dot products are
    cosines.
    """

    network: AutoModel = field(repr=False)
    seeing: Seeing
    device: torch.device
    dtype: torch.dtype

    def encode_image(self, pictures: Tensor) -> Tensor:
        """Unit vectors (n, d) of pictures float (n, 3, h, w) in 0..1; differentiable in the
        pictures.

        The class token of a transformer (as I_DINO is defined, Ruiz et al. 2023), the mean of a
        convolutional map.
        """
        seen = self.seeing.prepare(pictures.to(self.device)).to(self.dtype)
        config = self.network.config
        other = (
            config.model_type == "vit" and config.image_size != seen.shape[-1]
        )  # the other kinds do it unasked
        last: Tensor = self.network(
            seen, **({"interpolate_pos_encoding": True} if other else {})
        ).last_hidden_state
        return unit(last.mean((2, 3)) if last.ndim == 4 else last[:, 0])


def load_image_encoder(folder: Path, device: torch.device, dtype: torch.dtype) -> ImageEncoder:
    """Load a local folder; a ModelError where weights are missing or of another kind."""
    config = read_json(folder / CONFIG)
    if config.get("model_type") not in TYPES or "auto_map" in config:
        raise ModelError(
            f"{folder.name} holds a {config.get('model_type')!r}.",
            limit=f"Image encoders are {', '.join(TYPES)}, without code of their own.",
            remedy="Choose a DINO or DINOv2 folder.",
        )
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder.name}/{WEIGHTS} is missing.",
            remedy="Copy the folder again, with all its files.",
        )
    check_safetensors(folder / WEIGHTS)
    network, found = AutoModel.from_pretrained(
        str(folder),
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    missing = (name for name in found["missing_keys"] if not name.startswith(UNUSED))
    check_complete(folder.name, missing)
    return ImageEncoder(
        network.to(device).eval().requires_grad_(False), _seeing(folder, config), device, dtype
    )


def as_published(encoder: ImageEncoder) -> ImageEncoder:
    """The encoder as the published evaluation of personal subjects feeds it: whole pictures of 256
    px in -1..1.

    (DreamMatcher's script normalises for no network in particular; ImageNet's numbers are what DINO
    was trained with.)
    """
    return replace(
        encoder, seeing=Seeing(PUBLISHED_PX, 0, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bilinear")
    )


def image_encoder_of(bundle: ModelBundle) -> ImageEncoder:
    """The family's image encoder, loaded once; a ModelError when it has none."""
    encoder: ImageEncoder = bundle.members.get("image_encoder")
    return encoder


def _seeing(folder: Path, config: dict[str, Any]) -> Seeing:
    """What ``preprocessor_config.json`` says; a whole picture of the trained size where it says a
    height and width.
    """
    path = folder / PREPROCESSING
    given = read_json(path) if path.exists() else {}
    size, cut = given.get("size"), given.get("crop_size")
    named: dict[str, Any] = size if isinstance(size, dict) else {"height": size}
    own = (
        SIDE_PX
        if config["model_type"].startswith("dinov")
        else int(config.get("image_size", SIDE_PX))
    )
    shorter = int(named.get("shortest_edge") or 0)
    wanted = (cut or {}).get("height") if isinstance(cut, dict) else cut
    return Seeing(
        side_px=int(wanted or named.get("height") or shorter or own),
        shorter_px=shorter,
        mean=triple(given.get("image_mean"), IMAGENET_MEAN),
        std=triple(given.get("image_std"), IMAGENET_STD),
        mode="bilinear"
        if given.get("resample") == 2
        else "bicubic",  # 2 is Pillow's number for bilinear
    )
