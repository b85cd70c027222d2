"""Write the family in the layout of a Stable Diffusion pipeline: half precision, safetensors, each
file whole.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, ModelMixin, StableDiffusionPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel

from backend.pocket.networks.networks import (
    build_autoencoder,
    build_scheduler,
    build_text_encoder,
    build_unet,
)
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.grid import draw_grid
from backend.pocket.train.pool import TrainingFlags


def export_family(
    folder: Path, unet: UNet2DConditionModel, text: CLIPTextModel, autoencoder: AutoencoderKL
) -> None:
    """Write all parts into ``folder``; files that are read meanwhile stay whole, because each is
    renamed into place.
    """
    pipeline = StableDiffusionPipeline(
        vae=copy.deepcopy(autoencoder),
        text_encoder=copy.deepcopy(text),
        tokenizer=build_tokenizer(),
        unet=copy.deepcopy(unet),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(torch.float16)
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    pipeline.save_pretrained(fresh, safe_serialization=True)
    _declare_single_precision(fresh / "text_encoder" / "config.json")
    _forget_origin(fresh / "vae" / "config.json")
    move_files(fresh, folder)


def _declare_single_precision(config: Path) -> None:
    """Weights are kept in half precision and run in single: transformers follows this entry,
    diffusers needs none.
    """
    record = json.loads(config.read_text())
    config.write_text(json.dumps({**record, "dtype": "float32"}, indent=2) + "\n")


def _forget_origin(config: Path) -> None:
    """The folder of the trainer, which diffusers notes, is no part of the family."""
    record = json.loads(config.read_text())
    record.pop("_name_or_path", None)
    config.write_text(json.dumps(record, indent=2) + "\n")


def move_files(fresh: Path, folder: Path) -> None:
    """Rename every file of ``fresh`` to its place under ``folder``, then remove ``fresh``."""
    for source in sorted(path for path in fresh.rglob("*") if path.is_file()):
        target = folder / source.relative_to(fresh)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.chmod(0o644)
        os.replace(source, target)
    shutil.rmtree(fresh)


def load_trained_autoencoder(out: Path) -> AutoencoderKL:
    """The autoencoder that ``train autoencoder`` finished in ``out``, in full precision."""
    return (
        AutoencoderKL.from_pretrained(out / "vae", use_safetensors=True)
        .eval()
        .requires_grad_(False)
    )


def load_family_autoencoder(family: Path) -> AutoencoderKL:
    """The family's own autoencoder, which ``train canvas`` wrote."""
    return AutoencoderKL.from_pretrained(
        family / "vae", use_safetensors=True, torch_dtype=torch.float32
    )


def export_member(network: ModelMixin, folder: Path, unread: tuple[str, ...] = ()) -> None:
    """Write a member in half precision; each file is renamed into place whole.

    Left out of the config: where the network came from, and the fields ``unread``.
    """
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    network.half().save_pretrained(fresh, safe_serialization=True)
    config, left_out = fresh / "config.json", {"_name_or_path", *unread}
    record = {
        name: value
        for name, value in json.loads(config.read_text()).items()
        if name not in left_out
    }
    config.write_text(json.dumps(record, indent=2) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    move_files(fresh, folder)


def export_fresh(folder: Path, seed: int) -> None:
    """Write an untrained family: enough to build and test everything that loads one."""
    torch.manual_seed(seed)
    export_family(folder, build_unet(), build_text_encoder(build_tokenizer()), build_autoencoder())


def train(given: TrainingFlags) -> None:
    """The part ``export``: the moving average of the UNet's last checkpoint, and a sheet of
    samples.
    """
    text, unet = build_text_encoder(build_tokenizer()), build_unet()
    average = nn.ModuleDict({"text": text, "unet": unet})
    average.load_state_dict(torch.load(given.out / "unet.pt", weights_only=True)["average"])
    export_family(given.family, unet, text, load_family_autoencoder(given.family))
    draw_grid(given.family, given.out / "unet_export.png")
