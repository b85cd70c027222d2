"""Small random networks in Stable Diffusion's folder layout, as its 1.x, 2.x and XL releases lie on
a disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from backend.pocket.networks.tokenizer import byte_symbols

TEXT_LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"
WHOLE_WORDS = ("red", "blue", "cat", "house")

_UNET: dict[str, Any] = {
    "sample_size": 16,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "cross_attention_dim": 32,
    "attention_head_dim": 2,
}
_AUTOENCODER: dict[str, Any] = {
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (8, 8, 16),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 4,
    "sample_size": 64,
}
_SCHEDULER_1 = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
_SCHEDULER_2 = {
    "_class_name": "DDIMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
_SCHEDULER_XL = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "interpolation_type": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
    "use_karras_sigmas": False,
}
_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.6.0",
    "feature_extractor": [None, None],
    "safety_checker": [None, None],
    "requires_safety_checker": False,
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def build_tiny_1(folder: Path) -> Path:
    """A folder like SD 1.x: noise prediction, a PNDM configuration, a tokenizer of vocabulary and
    merges.
    """
    return _build(folder, {}, _SCHEDULER_1, seed=1)


def build_tiny_2(folder: Path) -> Path:
    """A folder like SD 2.x: velocity prediction, linear projections, heads per level,
    half-precision files.
    """
    unet = {"use_linear_projection": True, "attention_head_dim": (1, 2)}
    return _build(folder, unet, _SCHEDULER_2, seed=2, variant="fp16")


def build_tiny_xl(folder: Path) -> Path:
    """A folder like SDXL base: two text encoders of unequal width, a pooled vector, sizes told to
    the UNet.
    """
    unet = {
        "use_linear_projection": True,
        "attention_head_dim": (1, 2),
        "cross_attention_dim": 32 + 24,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "transformer_layers_per_block": (1, 2),
        "projection_class_embeddings_input_dim": 20 + 6 * 8,
    }
    _build(folder, unet, _SCHEDULER_XL, seed=3)
    vocabulary = _write_tokenizer(folder / "tokenizer_2", pad="!")
    second = CLIPTextModelWithProjection(
        _text_config(vocabulary, hidden_size=24, projection_dim=20)
    )
    second.save_pretrained(folder / "text_encoder_2")
    more = {
        "_class_name": "StableDiffusionXLPipeline",
        "force_zeros_for_empty_prompt": True,
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
    }
    _write_json(folder / "model_index.json", _INDEX | more)
    return folder


def _build(
    folder: Path,
    unet: Mapping[str, Any],
    scheduler: Mapping[str, Any],
    seed: int,
    variant: str | None = None,
) -> Path:
    torch.manual_seed(seed)
    text = _text_config(_write_tokenizer(folder / "tokenizer"), hidden_size=32, projection_dim=32)
    networks = {
        "unet": UNet2DConditionModel(**{**_UNET, **unet}),
        "vae": AutoencoderKL(**_AUTOENCODER),
        "text_encoder": CLIPTextModel(text),
    }
    for name, network in networks.items():
        half = network.half() if variant else network
        half.save_pretrained(folder / name, **({"variant": variant} if variant else {}))
    _write_json(folder / "model_index.json", _INDEX)
    (folder / "scheduler").mkdir()
    _write_json(folder / "scheduler" / "scheduler_config.json", scheduler)
    return folder


def _text_config(vocabulary: int, hidden_size: int, projection_dim: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=hidden_size,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=TEXT_LENGTH,
        projection_dim=projection_dim,
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )


def _write_tokenizer(folder: Path, pad: str = END) -> int:
    """The old two-file form of CLIP's tokenizer; the size of its vocabulary."""
    letters = byte_symbols()
    merges = [merge for word in WHOLE_WORDS for merge in _merges(word)]
    names = [
        *letters,
        *(letter + "</w>" for letter in letters),
        *(a + b for a, b in merges),
        START,
        END,
    ]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    folder.mkdir(parents=True)
    _write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in dict.fromkeys(merges))
    )
    special = {"bos_token": START, "eos_token": END, "pad_token": pad, "unk_token": END}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": TEXT_LENGTH,
        "do_lower_case": True,
        **special,
    }
    _write_json(folder / "tokenizer_config.json", config)
    return len(vocabulary)


def _merges(word: str) -> list[tuple[str, str]]:
    pieces = [*word[:-1], word[-1] + "</w>"]
    joined = ["".join(pieces[:count]) for count in range(1, len(pieces) + 1)]
    return [(joined[count - 1], pieces[count]) for count in range(1, len(pieces))]


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
