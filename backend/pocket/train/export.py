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
from PIL import Image
from torch import nn
from transformers import CLIPTextModel

from backend.pocket.networks.networks import (
    build_autoencoder,
    build_scheduler,
    build_text_encoder,
    build_unet,
)
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.pool import TrainingFlags

PROMPTS: tuple[str, ...] = (
    "a red car on a meadow",
    "a yellow star at night",
    "a blue mug in a room",
    "a green tree in the snow",
    "an orange cat on a beach",
    "a purple fish in the sea",
    "a pink heart in the snow",
    "a white rocket at night",
    "a blue striped ball on a beach",
    "a red dotted mushroom on a meadow",
    "a yellow checked cube in a room",
    "a pink flower on a meadow",
    "a red boat in the sea",
    "a white cloud on a meadow",
    "an orange house in the snow",
    "a yellow moon at night",
    "a blue car and a red tree in the snow",
    "an orange cat and a purple mug in a room",
)
COLUMNS = 6
"""Of the sheet of samples that every export is looked at by."""


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


def draw_grid(
    family: Path, path: Path, steps: int = 20, guidance_scale: float = 4.0, seed: int = 7
) -> None:
    """Sample every prompt once and save the sheet as a PNG."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        family, use_safetensors=True, local_files_only=True, dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    pictures = pipeline(
        list(PROMPTS),
        num_inference_steps=steps,
        guidance_scale=guidance_scale,
        generator=torch.Generator().manual_seed(seed),
    ).images
    side = pictures[0].width + 2
    sheet = Image.new("RGB", (side * COLUMNS, side * (-(-len(pictures) // COLUMNS))), "white")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (k % COLUMNS * side, k // COLUMNS * side))
    sheet.save(path)


def train(given: TrainingFlags) -> None:
    """The part ``export``: the moving average of the UNet's last checkpoint, and a sheet of
    samples.
    """
    text, unet = build_text_encoder(build_tokenizer()), build_unet()
    average = nn.ModuleDict({"text": text, "unet": unet})
    average.load_state_dict(torch.load(given.out / "unet.pt", weights_only=True)["average"])
    export_family(given.family, unet, text, load_family_autoencoder(given.family))
    draw_grid(given.family, given.out / "unet_export.png")
