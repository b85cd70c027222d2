"""A released VQGAN checkpoint (.ckpt) made into a member folder, once, without running any code
that it names.

Lightning checkpoints hold pickles. They are read with ``weights_only``; classes of training
callbacks, which the released files mention, are replaced by an empty stub, and a file that names
anything else is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.errors import ModelError
from backend.models.folder import explain_torch_file
from backend.models.vqgan import CONFIG, PREFIXES, WEIGHTS, Vqgan, VqganConfig

HARMLESS = (
    "pytorch_lightning.callbacks.",
    "pytorch_lightning.utilities.",
    "lightning.pytorch.callbacks.",
)
"""Beginnings of the names that a training leaves in its checkpoint; they are stubbed, everything
else is refused.
"""
# the side that released models were trained at; it only names the levels that have attention
RESOLUTION = 256


class _Stub:
    """Stands for a class that is named in a checkpoint; takes any state and does nothing."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        self.state = state


def convert_checkpoint(checkpoint: Path, folder: Path) -> VqganConfig:
    """Write ``vqgan.safetensors`` and ``config.json`` into ``folder``; the sizes are read off the
    weights.

    ModelError when the file is no checkpoint of a VQGAN or names code that is not a training
    callback's.
    """
    weights = _five_parts(_read(checkpoint), checkpoint.name)
    config = _config_of(weights, checkpoint.name)
    with torch.device("meta"):
        expected = Vqgan(config).state_dict()
    differing = sorted(set(expected) ^ set(weights))
    differing += [
        name for name in expected if name in weights and expected[name].shape != weights[name].shape
    ]
    if differing:
        raise ModelError(
            (
                f"{checkpoint.name} does not fit the networks of taming ({len(differing)} "
                f"weights, first {differing[0]})."
            ),
            remedy="Use a checkpoint of the plain VQGAN (no Gumbel quantisation).",
        )
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / WEIGHTS)
    record = {
        "ddconfig": dict(config.ddconfig),
        "n_embed": config.n_embed,
        "embed_dim": config.embed_dim,
        "converted_from_sha256": _digest(checkpoint),
    }
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return config


def convert_vqgan(checkpoint: Path, folder: Path) -> str:
    """Write a released .ckpt of taming-transformers as a member folder.

    Args:
        checkpoint: the file; only weights are read from it, no code that it names is run.
        folder: where ``vqgan.safetensors`` and ``config.json`` are written.

    Returns:
        One line about what was written.

    Raises:
        ModelError: the file is no checkpoint of a VQGAN, or names foreign code.
    """
    config = convert_checkpoint(checkpoint, folder)
    return (
        f"{folder}: {config.n_embed} codes, one per {config.reduction} px. Put the folder into a "
        "model's folder."
    )


def _read(checkpoint: Path) -> Mapping[str, Any]:
    with explain_torch_file(checkpoint.name):
        named = torch.serialization.get_unsafe_globals_in_checkpoint(str(checkpoint))
        unknown = [name for name in named if not name.startswith(HARMLESS)]
        if unknown:
            raise ModelError(
                (
                    f"{checkpoint.name} names code that is not its training's: "
                    f"{', '.join(sorted(unknown)[:3])}."
                ),
                limit="Only weights are read; no code of a file is run.",
                remedy="Take the file from its makers.",
            )
        with torch.serialization.safe_globals([(_Stub, name) for name in named]):
            record = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return dict(record.get("state_dict", record)) if isinstance(record, Mapping) else {}


def _five_parts(weights: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    """The parts that draw; the discriminator and the perceptual loss of the training are left
    behind.
    """
    kept = {key: value.contiguous() for key, value in weights.items() if key.startswith(PREFIXES)}
    missing = [prefix for prefix in PREFIXES if not any(key.startswith(prefix) for key in kept)]
    if missing:
        raise ModelError(
            f"{name} is no VQGAN: it has no {missing[0].rstrip('.')}.",
            remedy=(
                "Use a checkpoint of taming-transformers' VQModel, such as "
                "vqgan_imagenet_f16_16384."
            ),
        )
    return kept


def _config_of(weights: Mapping[str, Tensor], name: str) -> VqganConfig:
    """The sizes that the weights have."""
    try:
        return _sizes(weights)
    except (KeyError, IndexError, ValueError) as error:
        raise ModelError(
            f"{name} has no weight {error}, by which a VQGAN's size is told.",
            remedy="Use a checkpoint of taming-transformers' VQModel.",
        ) from error


def _sizes(weights: Mapping[str, Tensor]) -> VqganConfig:
    first = weights["encoder.conv_in.weight"]
    levels = 1 + max(int(key.split(".")[2]) for key in weights if key.startswith("encoder.down."))
    widths = [
        weights[f"encoder.down.{level}.block.0.conv1.weight"].shape[0] for level in range(levels)
    ]
    blocks = 1 + max(
        int(key.split(".")[4]) for key in weights if key.startswith("encoder.down.0.block.")
    )
    attentive = [
        level for level in range(levels) if f"encoder.down.{level}.attn.0.q.weight" in weights
    ]
    z_channels = weights["decoder.conv_in.weight"].shape[1]
    n_embed, embed_dim = weights["quantize.embedding.weight"].shape
    ddconfig = {
        "double_z": weights["encoder.conv_out.weight"].shape[0] == 2 * z_channels,
        "z_channels": z_channels,
        "resolution": RESOLUTION,
        "in_channels": first.shape[1],
        "out_ch": weights["decoder.conv_out.weight"].shape[0],
        "ch": first.shape[0],
        "ch_mult": [width // first.shape[0] for width in widths],
        "num_res_blocks": blocks,
        "attn_resolutions": [RESOLUTION // 2**level for level in attentive],
        "dropout": 0.0,
    }
    return VqganConfig(ddconfig, n_embed, embed_dim)


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
