"""``python -m backend.pocket.train PART``: make one part of the family.

Order: scenes, autoencoder, canvas, unet; then the others in any order. The part ``export`` repeats
the export of the UNet's last checkpoint.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from backend import POCKET_FOLDER
from backend.models.load import hide_bars
from backend.pocket.train import (
    autoencoder,
    canvas,
    clip,
    controlnet,
    export,
    few_steps,
    guide,
    image_encoder,
    judge,
    preview,
    sam,
    scenes,
    unet,
    vqgan,
)
from backend.pocket.train.pool import TrainingFlags


@dataclass(frozen=True)
class Part:
    """One part of the family: what trains it, and its usual time in minutes."""

    train: Callable[[TrainingFlags], None]
    minutes: float


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "scenes": Part(scenes.train, 0.0),
        "autoencoder": Part(autoencoder.train, 16.0),
        "unet": Part(unet.train, 88.0),
        "judge": Part(judge.train, 20.0),
        "guide": Part(guide.train, 12.0),
        "sam": Part(sam.train, 15.0),
        "canvas": Part(canvas.train, 120.0),
        "export": Part(export.train, 0.0),
        "vqgan": Part(vqgan.train, 20.0),
        "preview": Part(preview.train, 6.0),
        "clip": Part(clip.train, 18.0),
        "image_encoder": Part(image_encoder.train, 10.0),
        "controlnet": Part(controlnet.train, 35.0),
        "few_steps": Part(few_steps.train, 40.0),
    }
)


def parse() -> TrainingFlags:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m backend.pocket.train", description=__doc__)
    parser.add_argument("part", choices=tuple(PARTS))
    parser.add_argument(
        "--minutes", type=float, help="time budget; the learning rate is planned by it"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda, where a part can use it")
    parser.add_argument(
        "--warm",
        action="store_true",
        help="unet, controlnet, judge, few_steps: begin with the weights of --family",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in --out"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("train-pocket"),
        help="folder for scenes, checkpoints and grids",
    )
    parser.add_argument(
        "--family", type=Path, default=POCKET_FOLDER, help="folder of the exported models"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    return parser.parse_args(namespace=TrainingFlags())


def main() -> None:
    """Run the asked part."""
    given = parse()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.minutes is None:
        given.minutes = PARTS[given.part].minutes
    hide_bars()
    PARTS[given.part].train(given)


if __name__ == "__main__":
    main()
