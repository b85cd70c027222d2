"""Tiny folders of CLIP pairs and image encoders, with random weights, in the layouts that people
have.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from open_clip.model import CLIP
from safetensors.torch import save_file
from transformers import Dinov2Config, Dinov2Model, ViTConfig, ViTModel

from backend.pocket.networks.perception import (
    build_clip,
    build_image_encoder,
    save_clip,
    save_image_encoder,
)
from backend.pocket.networks.tokenizer import build_tokenizer

VIT_B_32 = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
"""ViT-B-32's description with small numbers; text length and vocabulary are the real ones."""


def pocket_clip(folder: Path) -> Path:
    """A fresh pair of the pocket family."""
    torch.manual_seed(0)
    save_clip(build_clip(build_tokenizer()), build_tokenizer(), folder)
    return folder


def real_clip(folder: Path) -> Path:
    """A folder as open_clip's ViT-B-32: its own tokenizer, no preprocessing said."""
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    save_file(CLIP(**VIT_B_32).state_dict(), folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": VIT_B_32}))
    return folder


def pocket_encoder(folder: Path) -> Path:
    """A fresh image encoder of the pocket family."""
    torch.manual_seed(0)
    save_image_encoder(build_image_encoder(), folder)
    return folder


def dino_vit(folder: Path) -> Path:
    """A folder as facebook/dino-vits16: a ViT whose pooler was never saved."""
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    ViTModel(
        ViTConfig(**sizes, image_size=32, patch_size=16), add_pooling_layer=False
    ).save_pretrained(folder)
    return folder


def dinov2(folder: Path) -> Path:
    """A folder as facebook/dinov2-small: shortest side, then the middle."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 2}
    Dinov2Model(Dinov2Config(**sizes, image_size=28, patch_size=14)).save_pretrained(folder)
    seen = {"size": {"shortest_edge": 42}, "crop_size": {"height": 28, "width": 28}, "resample": 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(seen))
    return folder
