"""A sheet of samples from an exported family, to look at."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

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
