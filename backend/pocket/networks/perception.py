"""The networks that compare: the CLIP pair (open_clip's classes and folder) and the image encoder
(transformers').
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from open_clip.model import CLIP
from open_clip.transformer import text_global_pool
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTokenizer, ResNetConfig, ResNetModel

from backend.pocket.networks.configs import TEXT_LENGTH

SEEN_PX = 64
"""Both networks see pictures and cut-outs of this side: half the family's, a quarter of the work.
"""
DIMENSION = 128
MEAN = STD = (0.5, 0.5, 0.5)

IMAGE_TOWER: Mapping[str, Any] = {
    "image_size": SEEN_PX,
    "layers": [1, 1, 1, 1],
    "width": 24,
    "head_width": 64,
}
"""A ModifiedResNet that ends in 2 × 2 cells of 768 channels and CLIP's attention pool."""
TEXT_TOWER: Mapping[str, Any] = {
    "context_length": TEXT_LENGTH,
    "width": 128,
    "heads": 2,
    "layers": 3,
}
OWN_TOKENIZER = "tokenizer in this folder"
"""open_clip only asks whether ``hf_tokenizer_name`` is there: the files are those beside the
weights.
"""

ENCODER: Mapping[str, Any] = {
    "embedding_size": 32,
    "hidden_sizes": [32, 64, 128, 256],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
}


def clip_sizes(tokenizer: CLIPTokenizer) -> dict[str, Any]:
    """The ``model_cfg`` of open_clip for the family's vocabulary."""
    text = {**TEXT_TOWER, "vocab_size": len(tokenizer), "hf_tokenizer_name": OWN_TOKENIZER}
    return {"embed_dim": DIMENSION, "vision_cfg": dict(IMAGE_TOWER), "text_cfg": text}


def build_clip(tokenizer: CLIPTokenizer) -> CLIP:
    """A fresh pair; the end token has the largest id, so CLIP's pooling finds it."""
    return CLIP(**clip_sizes(tokenizer))


def build_image_encoder() -> ResNetModel:
    """A fresh image encoder."""
    return ResNetModel(ResNetConfig(**ENCODER))


def read_text(clip: CLIP, ids: Tensor) -> Tensor:
    """Features float (n, d) of token ids (n, t) with any t up to the context: what ``encode_text``
    gives, for less.

    Attention is causal, so what follows the end token cannot matter; the explicit kernel is faster
    in training.
    """
    length = ids.shape[1]
    tokens = clip.token_embedding(ids) + clip.positional_embedding[:length]
    with sdpa_kernel(SDPBackend.MATH):
        tokens = clip.transformer(tokens, attn_mask=clip.attn_mask[:length, :length])
    features: Tensor = (
        text_global_pool(clip.ln_final(tokens), ids, clip.text_pool_type) @ clip.text_projection
    )
    return features


def prepare(pictures: Tensor) -> Tensor:
    """Pictures float in 0..1 as both networks take them."""
    return (pictures - MEAN[0]) / STD[0]


def _weights(network: torch.nn.Module) -> dict[str, Tensor]:
    values = network.state_dict().items()
    return {name: (v.half() if v.is_floating_point() else v).contiguous() for name, v in values}


def save_clip(clip: CLIP, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write a folder that ``open_clip.create_model("local-dir:...")`` opens: half-precision
    weights, own tokenizer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    save_file(_weights(clip), folder / "open_clip_model.safetensors")
    seen = {"mean": MEAN, "std": STD, "interpolation": "bilinear", "resize_mode": "squash"}
    record = {"model_cfg": clip_sizes(tokenizer), "preprocess_cfg": seen}
    (folder / "open_clip_config.json").write_text(json.dumps(record, indent=2) + "\n")


def save_image_encoder(encoder: ResNetModel, folder: Path) -> None:
    """Write a transformers folder with half-precision weights and the numbers of its
    preprocessing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_weights(encoder), folder / "model.safetensors", metadata={"format": "pt"})
    config = {**encoder.config.to_diff_dict(), "architectures": ["ResNetModel"], "dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    size = {"height": SEEN_PX, "width": SEEN_PX}
    seen = {"size": size, "image_mean": MEAN, "image_std": STD, "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps(seen, indent=2) + "\n")
