"""What a single safetensors file holds, told by the names and shapes of its tensors alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

UNET = "model.diffusion_model."
FIRST_CONVOLUTION = "input_blocks.0.0.weight"

Family = Literal["sd1", "sd2", "sdxl"]
FileKindName = Literal["checkpoint", "lora", "embedding", "other_model", "other"]
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class FileKind:
    """What a file is.

    Attributes:
        name: a "checkpoint" that could be run, a "lora", an "embedding", a model of another kind,
            or something else.
        title: for a sentence: "It holds ...".
        family: of a checkpoint.
    """

    name: FileKindName
    title: str
    family: Family | None = None


VAE_ALONE, LORA, EMBEDDING = "a VAE alone", "a LoRA", "a learned embedding of words"
NAMED: Mapping[str, FileKindName] = {LORA: "lora", EMBEDDING: "embedding"}

MARKS: tuple[tuple[str, str], ...] = (
    (
        r"(^lora_|[._]lora_(down|up|A|B|mid)\b|lora\.(down|up)\b|hada_w|lokr_w|^oft_|lora_linear_layer)",
        LORA,
    ),
    (r"^(image_proj\.|ip_adapter\.)", "an IP-Adapter"),
    (r"^(control_model\.)?input_hint_block\.|^controlnet_cond_embedding\.", "a ControlNet"),
    (r"^(adapter\.)?body\.0\.(block1|resnets)", "a T2I-Adapter"),
    (r"motion_modules\.|\.temporal_transformer\.", "a motion module"),
    (r"^(emb_params|string_to_param|clip_[lg]|<[^>]+>)$", EMBEDDING),
    (r"^(first_stage_model\.)?(de|en)coder\.conv_in\.weight$", VAE_ALONE),
    (r"^(taesd_)?(de|en)coder\.(layers\.)?\d+\.", "a small VAE for previews"),
    (r"^(visual\.|vision_model\.)", "an image encoder"),
    (
        r"^(transformer\.)?(text_model\.|resblocks\.|encoder\.block\.|token_embedding\.)",
        "a text encoder alone",
    ),
    (r"^(conv_first\.|model\.0\.weight$|params_ema\.|upsampl)", "an upscaler"),
)
"""What small and partial files are told by, the first mark that any tensor has."""

OTHER_MODELS: tuple[tuple[str, str], ...] = (
    (r"double_blocks\.0\.", "a FLUX model"),
    (r"joint_blocks\.0\.", "a Stable Diffusion 3 model"),
    (r"time_stack|temporal|time_mixer", "a model of moving pictures"),
    (r"(^|\.)transformer_blocks\.0\.attn\.add_k_proj", "a diffusion transformer"),
    (r"cap_embedder|x_embedder\.proj|patch_embedding", "a diffusion transformer"),
)

EXTRA_CHANNELS: Mapping[int, str] = {
    5: "a model that wants a depth map (5 channels)",
    7: "a model that enlarges pictures (7 channels)",
    8: "an InstructPix2Pix model (8 channels)",
    9: "an inpainting model (9 channels)",
}


def recognise_file(shapes: Shapes) -> FileKind:
    """What a file holds.

    Args:
        shapes: of its tensors, by name.
    """
    if UNET + FIRST_CONVOLUTION in shapes:
        return _recognise_checkpoint(shapes)
    if not any(_matches(r"^(lora_|control)", name) for name in shapes):
        for mark, title in OTHER_MODELS:
            if any(_matches(mark, name) for name in shapes):
                return FileKind("other_model", title)
    if FIRST_CONVOLUTION in shapes and not any("hint" in name for name in shapes):
        return FileKind("other_model", "a UNet without text encoder and VAE")
    if "conv_in.weight" in shapes and any(name.startswith("down_blocks.") for name in shapes):
        hint = any(name.startswith("controlnet_") for name in shapes)
        return FileKind("other", "a ControlNet" if hint else "a UNet without the rest")
    for mark, title in MARKS:
        if any(_matches(mark, name) for name in shapes):
            return FileKind(NAMED.get(title, "other"), title)
    first = next(iter(shapes), "")
    title = f"weights of an unknown kind (first {first[:60]!r})" if first else "no weights at all"
    return FileKind("other", title)


def _recognise_checkpoint(shapes: Shapes) -> FileKind:
    """A file with the UNet of latent diffusion's own names."""
    if any(_matches(r"time_stack|temporal|time_mixer", name) for name in shapes):
        return FileKind("other_model", "a model of moving pictures")
    first = shapes[UNET + FIRST_CONVOLUTION]
    channels = first[1] if len(first) == 4 else 0
    if channels != 4:
        usual = f"a UNet with {channels} input channels"
        return FileKind("other_model", EXTRA_CHANNELS.get(channels, usual))
    starts = {
        "sd1": "cond_stage_model.transformer.",
        "sd2": "cond_stage_model.model.",
        "clip_xl": "conditioner.embedders.0.transformer.",
        "second_xl": "conditioner.embedders.1.model.",
        "refiner": "conditioner.embedders.0.model.",
    }
    has = {key: any(name.startswith(start) for name in shapes) for key, start in starts.items()}
    has_labels = UNET + "label_emb.0.0.weight" in shapes
    if has["clip_xl"] and has["second_xl"] and has_labels:
        return FileKind("checkpoint", "a Stable Diffusion XL checkpoint", "sdxl")
    if has["refiner"]:
        return FileKind(
            "other_model", "the refiner of SDXL, which only goes over finished pictures"
        )
    if has_labels:
        return FileKind("other_model", "a model that wants labels or lacks its text encoders")
    if has["sd2"]:
        return FileKind("checkpoint", "a Stable Diffusion 2.x checkpoint", "sd2")
    if has["sd1"]:
        return FileKind("checkpoint", "a Stable Diffusion 1.x checkpoint", "sd1")
    return FileKind("other_model", "a UNet without its text encoder")


def _matches(mark: str, name: str) -> bool:
    return re.search(mark, name) is not None
