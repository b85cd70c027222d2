"""A sheet of 64 pictures from words alone: ``python -m backend.pocket.contact OUT.png [--family
DIR] [--seed N]``.

Every class four times: plain on its own, with a texture, and twice beside another toy. Nothing is
chosen: one seed a picture, the first that comes.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from backend import POCKET_FOLDER
from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.world.words import BACKGROUNDS, TEXTURES, build_caption, build_phrase

COLUMNS, GAP_PX, BATCH = 8, 3, 8
STEPS, GUIDANCE = 30, 5.0


def prompts() -> tuple[str, ...]:
    """64 sentences in which every class, colour, texture and place occurs; classes stand in two
    rows of eight.
    """
    return tuple(itertools.chain.from_iterable(_row(number) for number in range(4)))


def _row(number: int) -> Iterator[str]:
    for k, name in enumerate(CLASSES):
        place = BACKGROUNDS[(k * 5 + number) % len(BACKGROUNDS)]
        colour = COLOURS[(k * 3 + number * 5) % len(COLOURS)]
        texture = TEXTURES[1 + k % 3] if number == 1 else TEXTURES[0]
        phrases = [build_phrase(name, colour, texture)]
        if number >= 2:
            other = CLASSES[(k + 5 + 2 * number) % len(CLASSES)]
            phrases.append(
                build_phrase(other, COLOURS[(k * 3 + number * 5 + 3) % len(COLOURS)], TEXTURES[0])
            )
        yield build_caption(phrases, place)


def draw_contact_sheet(family: Path, sentences: Sequence[str], seed: int) -> Image.Image:
    """One picture for each sentence, eight in a row; picture k has the seed ``seed + k``."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        family, use_safetensors=True, local_files_only=True, dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    pictures: list[Image.Image] = []
    for start in range(0, len(sentences), BATCH):
        asked = list(sentences[start : start + BATCH])
        generators = [torch.Generator().manual_seed(seed + start + k) for k in range(len(asked))]
        pictures += pipeline(
            asked, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generators
        ).images
    side = pictures[0].width + GAP_PX
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (side * COLUMNS + GAP_PX, side * rows + GAP_PX), "white")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (GAP_PX + k % COLUMNS * side, GAP_PX + k // COLUMNS * side))
    return sheet


def main() -> None:
    """Draw the sheet and save it."""
    parser = argparse.ArgumentParser(prog="python -m backend.pocket.contact", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--family", type=Path, default=POCKET_FOLDER)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw_contact_sheet(given.family, prompts(), given.seed).save(given.out)


if __name__ == "__main__":
    main()
