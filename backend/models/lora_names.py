"""The names that LoRA files give to weights, and which weight of a network each of them means.

Trainers write a module's path with dots (peft, diffusers) or underscores (kohya), in the names of
diffusers or in those of latent diffusion (SGM); so paths are compared with underscores throughout,
and a UNet's modules are listed under both of their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast

from torch import nn

Part = Literal["unet", "text_encoder", "text_encoder_2"]
Slot = Literal[
    "down",
    "up",
    "mid",
    "alpha",
    "magnitude",
    "dora_scale",
    "diff",
    "hada_w1_a",
    "hada_w1_b",
    "hada_w2_a",
    "hada_w2_b",
    "hada_t1",
    "hada_t2",
    "lokr_w1",
    "lokr_w1_a",
    "lokr_w1_b",
    "lokr_w2",
    "lokr_w2_a",
    "lokr_w2_b",
    "lokr_t2",
]
"""What a tensor is in the formula of its module's change (``models/lora_change.py``)."""

_ENDINGS: Mapping[Slot, str] = MappingProxyType(
    {
        "down": r"(?:\.lora_(?:down|A)|[._]lora\.down|\.lora_linear_layer\.down)"
        r"(?:\.default)?\.weight",
        "up": r"(?:\.lora_(?:up|B)|[._]lora\.up|\.lora_linear_layer\.up)(?:\.default)?\.weight",
        "mid": r"\.lora_mid\.weight",
        "alpha": r"\.alpha",
        "magnitude": r"\.lora_magnitude_vector(?:\.default)?(?:\.weight)?",
        "dora_scale": r"\.dora_scale",
        "diff": r"\.diff",
    }
)
_ENDING = re.compile(
    "(?P<module>.+?)(?:"
    + "|".join(f"(?P<{slot}>{pattern})" for slot, pattern in _ENDINGS.items())
    + r"|\.(?P<product>hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2)))"
)
_STARTS: tuple[tuple[str, Part], ...] = (
    ("lora_unet_", "unet"),
    ("lora_te_", "text_encoder"),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("text_encoder_2.", "text_encoder_2"),
    ("text_encoder.", "text_encoder"),
    ("unet.", "unet"),
    ("model.diffusion_model.", "unet"),
    ("diffusion_model.", "unet"),
    ("base_model.model.", "unet"),
)
_RESNET = (
    ("conv1", "in_layers_2"),
    ("conv2", "out_layers_3"),
    ("time_emb_proj", "emb_layers_1"),
    ("conv_shortcut", "skip_connection"),
)
_ENDS: Mapping[str, str] = MappingProxyType(
    {
        "conv_in": "input_blocks_0_0",
        "conv_out": "out_2",
        "time_embedding.linear_1": "time_embed_0",
        "time_embedding.linear_2": "time_embed_2",
        "add_embedding.linear_1": "label_emb_0_0",
        "add_embedding.linear_2": "label_emb_0_2",
    }
)
"""Modules of a UNet outside of its blocks: diffusers' names and latent diffusion's."""
_ATTENTION = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


@dataclass(frozen=True)
class TensorName:
    """What a tensor's name says.

    Attributes:
        part: the network that it changes.
        module: path of the module in that network, with underscores.
        slot: what it is in the formula of the change.
    """

    part: Part
    module: str
    slot: Slot


def read_name(name: str) -> TensorName | None:
    """What a tensor's name in a LoRA file says; None for one that no LoRA of these kinds has.

    Args:
        name: as it stands in the file.
    """
    match = _ENDING.fullmatch(name)
    if match is None:
        return None
    ending = next((one for one in _ENDINGS if match[one] is not None), None)
    slot = ending if ending is not None else cast(Slot, match["product"])
    module = match["module"]
    for start, part in _STARTS:
        if module.startswith(start):
            path = module.removeprefix(start).replace("processor.", "").replace(".", "_")
            return TensorName(part, path, slot)
    return None


def list_modules(part: Part, network: nn.Module) -> dict[str, str]:
    """Every module that a LoRA can change, under each path that a file may give it.

    Args:
        part: which network it is.
        network: a UNet or a text encoder of transformers.

    Returns:
        The module's own dotted name by path, with underscores.
    """
    own = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    if part != "unet":
        return {path: name for name in own for path in _text_paths(name)}
    found = {name.replace(".", "_"): name for name in own}
    found |= {name.removesuffix(".0").replace(".", "_"): name for name in own}
    found |= {path: name for name, path in _list_ldm_paths(own)}
    return found


def _text_paths(name: str) -> Iterator[str]:
    """The paths of a text encoder's module, with and without the part that transformers dropped,
    and as early diffusers called its attention.
    """
    path = name.removeprefix("text_model.").replace(".", "_")
    old = next((path.replace(new, old) for old, new in _ATTENTION.items() if new in path), path)
    for one in (path, old):
        yield one
        yield f"text_model_{one}"


def _list_ldm_paths(names: list[str]) -> Iterator[tuple[str, str]]:
    """Each module of a UNet with its path in latent diffusion's names."""
    per_level = 1 + max(
        (int(match[1]) for name in names if (match := _match_down(name))), default=0
    )
    attends = {
        match[1] for name in names if (match := re.match(r"up_blocks\.(\d+)\.attentions", name))
    }
    for name in names:
        if name in _ENDS:
            yield name, _ENDS[name]
            continue
        match = re.match(r"(?:(down|up)_blocks\.(\d+)|mid_block)\.(\w+)\.(\d+)\.(.+)", name)
        if match is None:
            continue
        way, level, kind, number, rest = match.groups()
        path = _rename_rest(kind, rest)
        if way is None:
            yield name, f"middle_block_{_middle_place(kind, int(number))}_{path}"
            continue
        start = int(level) * (per_level + 1)
        if kind == "downsamplers":
            yield name, f"input_blocks_{start + per_level + 1}_0_op"
        elif kind == "upsamplers":
            place = 2 if level in attends else 1
            yield name, f"output_blocks_{start + per_level}_{place}_{path}"
        else:
            block = start + int(number) + (way == "down")
            side = "input" if way == "down" else "output"
            yield name, f"{side}_blocks_{block}_{int(kind == 'attentions')}_{path}"


def _match_down(name: str) -> re.Match[str] | None:
    return re.match(r"down_blocks\.\d+\.resnets\.(\d+)\.", name)


def _middle_place(kind: str, number: int) -> int:
    """Where a module stands in the middle block: resnet, attention, resnet."""
    return 1 if kind == "attentions" else 2 * number


def _rename_rest(kind: str, rest: str) -> str:
    if kind == "resnets":
        for own, other in _RESNET:
            rest = rest.replace(own, other)
    return rest.replace(".", "_")
