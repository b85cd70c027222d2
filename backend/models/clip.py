"""CLIP (Radford et al. 2021): pictures and words as vectors of one space; open_clip's classes and
local folders.

The folder holds ``open_clip_config.json`` (``model_cfg``, ``preprocess_cfg``),
``open_clip_model.safetensors`` and, where ``text_cfg`` has a ``hf_tokenizer_name``, the tokenizer's
files; else open_clip's own tokenizer is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from torch import Tensor

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.folder import read_json
from backend.models.safetensors_file import check_safetensors
from backend.models.seeing import Seeing, triple, unit

WEIGHTS, CONFIG = "open_clip_model.safetensors", "open_clip_config.json"
UNKNOWN_TOWERS = ("hf_model_name", "timm_model_name")
"""Towers that open_clip would fetch from the network or take from another library."""


@dataclass(frozen=True)
class Clip:
    """A loaded pair. Vectors have length 1; dot products are cosines.

    Attributes:
        network: both towers.
        tokenizer: of the text tower.
        seeing: how pictures are prepared.
        device: of the network.
        dtype: of the network.
    """

    network: open_clip.CLIP = field(repr=False)
    tokenizer: open_clip.SimpleTokenizer = field(repr=False)
    seeing: Seeing
    device: torch.device
    dtype: torch.dtype

    def encode_image(self, pictures: Tensor) -> Tensor:
        """Vectors of pictures, differentiable in them.

        Args:
            pictures: float (n, 3, h, w) in 0..1.

        Returns:
            Unit vectors float32 (n, d).
        """
        seen = self.seeing.prepare(pictures.to(self.device))
        return unit(self.network.encode_image(seen.to(self.dtype)))

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Vectors of sentences; what is beyond the network's text length is cut off.

        Args:
            texts: at least one.

        Returns:
            Unit vectors float32 (n, d).
        """
        return unit(self.network.encode_text(self.tokenizer(list(texts)).to(self.device)))


def load_clip(folder: Path, device: torch.device, dtype: torch.dtype) -> Clip:
    """The pair of a local folder.

    Args:
        folder: in open_clip's layout.
        device: where it shall be.
        dtype: its precision.

    Raises:
        ModelError: weights or parts are missing (open_clip would go on with random ones), or come
            from elsewhere.
    """
    record = read_json(folder / CONFIG)
    _check_towers(folder, record)
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder.name}/{WEIGHTS} is missing.",
            remedy="Copy the folder again, with all its files.",
        )
    check_safetensors(folder / WEIGHTS)
    name = f"local-dir:{folder}"
    network = open_clip.create_model(name, device="cpu", require_pretrained=True)
    tokenizer = open_clip.get_tokenizer(name)
    _check_vocabulary(folder, record["model_cfg"]["text_cfg"], tokenizer)
    network = network.to(device, dtype).eval().requires_grad_(False)
    if device.type == "cpu":
        network.visual.to(memory_format=torch.channels_last)  # a third faster there
    return Clip(network, tokenizer, _seeing(record), device, dtype)


def clip_of(bundle: ModelBundle) -> Clip:
    """The family's pair, loaded once.

    Args:
        bundle: the model.

    Raises:
        ModelError: it has none, or it cannot be loaded.
    """
    clip: Clip = bundle.members.get("clip")
    return clip


def _check_towers(folder: Path, record: Mapping[str, Any]) -> None:
    towers = record.get("model_cfg") or {}
    if not isinstance(towers, dict) or not {"embed_dim", "vision_cfg", "text_cfg"} <= set(towers):
        raise ModelError(
            f"{folder.name}/{CONFIG} describes no CLIP pair.", remedy="Copy the folder again."
        )
    unknown = [
        key
        for tower in ("vision_cfg", "text_cfg")
        for key in UNKNOWN_TOWERS
        if towers[tower].get(key)
    ]
    if (
        unknown
        or "trust_remote_code" in (towers["text_cfg"].get("tokenizer_kwargs") or {})
        or any(folder.glob("*.py"))
    ):
        raise ModelError(
            (
                f"{folder.name} is built of parts from elsewhere "
                f"({', '.join(unknown) or 'its own code'})."
            ),
            limit="Lamina runs the towers of open_clip itself and loads nothing from the network.",
            remedy="Choose a folder such as ViT-B-32 in open_clip's layout.",
        )


def _check_vocabulary(
    folder: Path, text: Mapping[str, Any], tokenizer: open_clip.SimpleTokenizer
) -> None:
    known = int(text.get("vocab_size", 49408))  # the default of open_clip's CLIPTextCfg
    largest = int(tokenizer(["a"]).max())  # the end token is the last one of CLIP's vocabularies
    if largest >= known:
        raise ModelError(
            (
                f"{folder.name}: its tokenizer's end token is {largest}, its text tower knows "
                f"{known} tokens."
            ),
            remedy=(
                "Set hf_tokenizer_name in the description and put the tokenizer's files beside it."
            ),
        )


def _seeing(record: Mapping[str, Any]) -> Seeing:
    """open_clip's preprocessing: OpenAI's numbers, bicubic, shortest side, where the folder does
    not say otherwise.
    """
    given = record.get("preprocess_cfg") or {}
    side = record["model_cfg"]["vision_cfg"].get(
        "image_size", 224
    )  # the default of open_clip's CLIPVisionCfg
    how = given.get("resize_mode", "shortest")
    if not isinstance(side, int) or how not in ("shortest", "squash"):
        raise ModelError(
            f"Pictures of size {side!r} resized by {how!r} are not supported.",
            limit="Square pictures, resized by shortest or squash.",
            remedy="Choose another CLIP folder.",
        )
    return Seeing(
        side_px=side,
        shorter_px=side if how == "shortest" else 0,
        mean=triple(given.get("mean"), OPENAI_DATASET_MEAN),
        std=triple(given.get("std"), OPENAI_DATASET_STD),
        mode="bilinear" if given.get("interpolation") == "bilinear" else "bicubic",
    )
