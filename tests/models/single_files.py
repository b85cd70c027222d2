"""Checkpoints in a single file, as ComfyUI, A1111 and the trainers write them: small random
networks of diffusers and transformers, their weights under latent diffusion's names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from backend import LAYOUTS_FOLDER

Family = Literal["sd1", "sd2", "sdxl"]
FAMILIES: tuple[Family, ...] = ("sd1", "sd2", "sdxl")
UNET, VAE = "model.diffusion_model.", "first_stage_model."
TEXTS: Mapping[Family, tuple[str, ...]] = {
    "sd1": ("cond_stage_model.transformer.",),
    "sd2": ("cond_stage_model.model.",),
    "sdxl": ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."),
}
SMALL: Mapping[Family, Mapping[str, Mapping[str, Any]]] = {
    "sd1": {
        "unet": {"block_out_channels": (32, 32, 64, 64), "cross_attention_dim": 64},
        "text_encoder": {"hidden_size": 64, "num_attention_heads": 1, "num_hidden_layers": 2},
    },
    "sd2": {
        "unet": {
            "block_out_channels": (64, 64, 128, 128),
            "attention_head_dim": (1, 1, 2, 2),
            "cross_attention_dim": 128,
        },
        "text_encoder": {"hidden_size": 128, "num_attention_heads": 2, "num_hidden_layers": 2},
    },
    "sdxl": {
        "unet": {
            "block_out_channels": (64, 64, 128),
            "attention_head_dim": (1, 1, 2),
            "cross_attention_dim": 64 + 128,
            "transformer_layers_per_block": (1, 1, 2),
            "projection_class_embeddings_input_dim": 96 + 6 * 256,
        },
        "text_encoder": {"hidden_size": 64, "num_attention_heads": 1, "num_hidden_layers": 2},
        "text_encoder_2": {
            "hidden_size": 128,
            "num_attention_heads": 2,
            "num_hidden_layers": 3,
            "projection_dim": 96,
        },
    },
}
SMALL_VAE = {"block_out_channels": (32, 32, 64, 64)}

_RESNET = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("time_emb_proj", "emb_layers.1"),
    ("conv_shortcut", "skip_connection"),
)
_UNET_ENDS = (
    ("conv_in.", "input_blocks.0.0."),
    ("time_embedding.linear_1.", "time_embed.0."),
    ("time_embedding.linear_2.", "time_embed.2."),
    ("add_embedding.linear_1.", "label_emb.0.0."),
    ("add_embedding.linear_2.", "label_emb.0.2."),
    ("conv_norm_out.", "out.0."),
    ("conv_out.", "out.2."),
    ("mid_block.resnets.0.", "middle_block.0."),
    ("mid_block.attentions.0.", "middle_block.1."),
    ("mid_block.resnets.1.", "middle_block.2."),
)
_VAE_ATTENTION = (
    ("group_norm.", "norm."),
    ("to_q.", "q."),
    ("to_k.", "k."),
    ("to_v.", "v."),
    ("to_out.0.", "proj_out."),
)
_OPEN_CLIP = (
    ("embeddings.token_embedding.weight", "token_embedding.weight"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
    ("final_layer_norm.", "ln_final."),
    ("encoder.layers.", "transformer.resblocks."),
    ("self_attn.", "attn."),
    ("layer_norm", "ln_"),
    ("mlp.fc1.", "mlp.c_fc."),
    ("mlp.fc2.", "mlp.c_proj."),
)


@dataclass(frozen=True)
class Networks:
    """The networks of a small checkpoint."""

    family: Family
    unet: UNet2DConditionModel = field(repr=False)
    vae: AutoencoderKL = field(repr=False)
    texts: tuple[CLIPTextModel | CLIPTextModelWithProjection, ...] = field(repr=False)


def read_config(family: Family, part: str) -> dict[str, Any]:
    """The shipped configuration of a part, without the names that diffusers adds."""
    found = json.loads((LAYOUTS_FOLDER / family / part / "config.json").read_text())
    return {name: value for name, value in found.items() if not name.startswith("_")}


def build_networks(family: Family, seed: int = 0, **unet: Any) -> Networks:
    """Small networks of a family; no weight is zero or one, so that none can be lost unnoticed."""
    torch.manual_seed(seed)
    small = SMALL[family]
    texts = tuple(
        kind(
            CLIPTextConfig(
                **read_config(family, part)
                | dict(small[part])
                | {"intermediate_size": 2 * small[part]["hidden_size"]}
            )
        )
        for part, kind in (
            ("text_encoder", CLIPTextModel),
            ("text_encoder_2", CLIPTextModelWithProjection),
        )
        if part in small
    )
    networks = Networks(
        family,
        UNet2DConditionModel(**read_config(family, "unet") | dict(small["unet"]) | unet),
        AutoencoderKL(**read_config(family, "vae") | SMALL_VAE),
        texts,
    )
    for network in (networks.unet, networks.vae, *texts):
        _shake(network)
    return networks


@torch.no_grad()
def _shake(network: nn.Module) -> None:
    for value in network.parameters():
        value += 0.02 * torch.randn_like(value)
    network.eval().requires_grad_(False)


def lay_out(networks: Networks) -> dict[str, Tensor]:
    """Every weight under latent diffusion's names."""
    renamed = {UNET + name: value for name, value in _lay_out_unet(networks.unet)}
    renamed |= {VAE + name: value for name, value in lay_out_vae(networks.vae).items()}
    for prefix, text in zip(TEXTS[networks.family], networks.texts, strict=True):
        named = text.state_dict()
        if prefix.endswith(".model."):
            renamed |= {prefix + name: value for name, value in _lay_out_open_clip(named)}
            renamed[prefix + "logit_scale"] = torch.tensor(4.6)
        else:
            renamed |= {f"{prefix}text_model.{name}": value for name, value in named.items()}
            renamed[prefix + "text_model.embeddings.position_ids"] = torch.arange(77)[None]
    return {name: value.contiguous() for name, value in renamed.items()}


def write_checkpoint(
    path: Path,
    networks: Networks,
    more: Mapping[str, Tensor] | None = None,
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype = torch.float32,
    without: str = "",
) -> Path:
    """A single file of networks.

    ``more`` stands beside their weights; what begins with ``without`` is left out.
    """
    tensors = {
        name: value.to(dtype) if value.is_floating_point() else value
        for name, value in (lay_out(networks) | dict(more or {})).items()
        if not (without and name.startswith(without))
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.clone() for name, value in tensors.items()}, path, dict(metadata or {}))
    return path


def _replace(name: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for old, new in pairs:
        name = name.replace(old, new)
    return name


def name_unet(unet: UNet2DConditionModel) -> dict[str, str]:
    """Latent diffusion's name of each weight of a UNet, by diffusers' own."""
    renamed = (name for name, _ in _lay_out_unet(unet))
    return dict(zip(unet.state_dict(), renamed, strict=True))


def _lay_out_unet(unet: UNet2DConditionModel) -> Iterator[tuple[str, Tensor]]:
    attends = {
        name.split(".")[1] for name in unet.state_dict() if "up_blocks" in name and ".attn" in name
    }
    for name, value in unet.state_dict().items():
        block = re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name)
        if block is None:
            start = next((pair for pair in _UNET_ENDS if name.startswith(pair[0])), None)
            assert start, name
            renamed = start[1] + name.removeprefix(start[0])
            yield (_replace(renamed, _RESNET) if "resnets" in name else renamed), value
            continue
        way, level, kind, number, rest = block.groups()
        first = int(level) * 3 + int(number) + (way == "down")
        start_name = "input_blocks" if way == "down" else "output_blocks"
        if kind == "downsamplers":
            yield f"input_blocks.{int(level) * 3 + 3}.0.{rest.replace('conv.', 'op.')}", value
        elif kind == "upsamplers":
            place = 2 if level in attends else 1
            yield f"output_blocks.{int(level) * 3 + 2}.{place}.{rest}", value
        elif kind == "resnets":
            yield f"{start_name}.{first}.0.{_replace(rest, _RESNET)}", value
        else:
            yield f"{start_name}.{first}.1.{rest}", value


def lay_out_vae(vae: AutoencoderKL) -> dict[str, Tensor]:
    """The weights of a VAE under the names that a file of its own has."""
    renamed: dict[str, Tensor] = {}
    levels = len(vae.config.block_out_channels)
    for name, value in vae.state_dict().items():
        if "attentions" in name:
            rest = _replace(name.split("attentions.0.")[1], _VAE_ATTENTION)
            is_square = rest.endswith("weight") and value.ndim == 2
            value = value[:, :, None, None] if is_square else value
            renamed[f"{name.split('.')[0]}.mid.attn_1.{rest}"] = value
            continue
        name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        name = re.sub(
            r"mid_block\.resnets\.(\d)", lambda match: f"mid.block_{int(match[1]) + 1}", name
        )
        name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
        name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
        name = re.sub(
            r"up_blocks\.(\d)\.(resnets|upsamplers\.0)",
            lambda match: (
                f"up.{levels - 1 - int(match[1])}."
                f"{'block' if match[2] == 'resnets' else 'upsample'}"
            ),
            name,
        )
        renamed[name] = value
    return renamed


def _lay_out_open_clip(named: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, value in named.items():
        renamed = _replace(name.removeprefix("text_model."), _OPEN_CLIP)
        joined = re.fullmatch(r"(.+\.attn)\.q_proj\.(weight|bias)", renamed)
        if joined:
            pieces = [named[name.replace("q_proj", f"{one}_proj")] for one in "qkv"]
            yield f"{joined[1]}.in_proj_{joined[2]}", torch.cat(pieces)
        elif renamed == "text_projection.weight":
            yield "text_projection", value.T
        elif not re.search(r"\.[kv]_proj\.", renamed):
            yield renamed, value
