"""LoRA files as the trainers write them, of random factors for a model's layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.models.single_files import UNET, name_unet

Kind = Literal["lora", "loha", "lokr", "lokr_whole", "dora", "dora_inputs", "full"]
Form = Literal["kohya", "peft", "diffusers", "sgm"]
KINDS: tuple[Kind, ...] = ("lora", "loha", "lokr", "lokr_whole", "dora", "dora_inputs", "full")
Weights = dict[str, Tensor]
RANK, ALPHA = 2, 3.0
KOHYA_TEXTS = {"text_encoder": "lora_te_", "text_encoder_2": "lora_te2_"}


def list_layers(network: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """Every linear and convolutional layer by name."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }


def draw_factors(weight: Tensor, kind: Kind, seed: int) -> Weights:
    """Random factors of one change, under the endings that kohya and LyCORIS write."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return 0.3 * torch.randn(shape, generator=generator)

    outputs, inputs, *kernel = weight.shape
    ones = [1] * len(kernel)
    flat = weight[0].numel()
    alpha = {"alpha": torch.tensor(ALPHA)}
    plain = {
        "lora_down.weight": draw(RANK, inputs, *kernel),
        "lora_up.weight": draw(outputs, RANK, *ones),
    }
    match kind:
        case "loha":
            left = {f"hada_w{n}_a": draw(outputs, RANK) for n in (1, 2)}
            return left | {f"hada_w{n}_b": draw(RANK, flat) for n in (1, 2)} | alpha
        case "lokr":
            return alpha | {
                "lokr_w1": draw(2, 2),
                "lokr_w2_a": draw(outputs // 2, RANK),
                "lokr_w2_b": draw(RANK, flat // 2),
            }
        case "lokr_whole":
            return alpha | {
                "lokr_w1": draw(2, 2),
                "lokr_w2": draw(outputs // 2, inputs // 2, *kernel),
            }
        case "dora":
            return plain | alpha | {"dora_scale": 1 + draw(outputs, 1, *ones).abs()}
        case "dora_inputs":
            return plain | alpha | {"dora_scale": 1 + draw(1, inputs, *ones).abs()}
        case "full":
            return {"diff": draw(*weight.shape)}
    return plain | alpha


def name_kohya(part: str, layer: str) -> str:
    """A layer as kohya's scripts name it."""
    path = layer.replace(".", "_")
    if part == "unet":
        return f"lora_unet_{path}"
    return f"{KOHYA_TEXTS[part]}text_model_{path.removeprefix('text_model_')}"


def name_sgm(unet: nn.Module) -> Callable[[str, str], str]:
    """Layers of an XL UNet under the names of SGM's code, text encoders as kohya's."""
    renamed = {
        own.removesuffix(".weight"): other.removeprefix(UNET).removesuffix(".weight")
        for own, other in name_unet(unet).items()
    }

    def name(part: str, layer: str) -> str:
        if part != "unet":
            return name_kohya(part, layer).replace("lora_te_", "lora_te1_")
        return "lora_unet_" + renamed[layer].replace(".", "_")

    return name


def name_diffusers(part: str, layer: str) -> str:
    """A layer as diffusers names it."""
    path = layer if part == "unet" else f"text_model.{layer.removeprefix('text_model.')}"
    return f"{part}.{path}"


def draw_lora(
    networks: Mapping[str, nn.Module],
    kind: Kind = "lora",
    name: Callable[[str, str], str] = name_kohya,
    seed: int = 0,
    wanted: str = "",
) -> Weights:
    """A whole LoRA of some networks, for those layers whose names hold ``wanted``."""
    found: Weights = {}
    for part, network in networks.items():
        for number, (layer, module) in enumerate(list_layers(network).items()):
            if wanted not in layer or (kind.startswith("lokr") and module.weight.shape[1] % 2):
                continue
            factors = draw_factors(module.weight, kind, 1000 * seed + number)
            found |= {f"{name(part, layer)}.{end}": value for end, value in factors.items()}
    return found


def rename_to_peft(tensors: Weights) -> Weights:
    """A file of LoRA's endings with peft's, which have no α of their own."""
    return {
        name.replace("lora_down", "lora_A").replace("lora_up", "lora_B"): value
        for name, value in tensors.items()
        if not name.endswith(".alpha")
    }


def write_lora(path: Path, tensors: Weights, metadata: Mapping[str, str] | None = None) -> Path:
    """The file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, path, dict(metadata or {})
    )
    return path
