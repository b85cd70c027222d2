"""``python -m backend.pocket.train PART``: make one part of the family.

Order: scenes, autoencoder, unet; then the others in any order. The part ``export`` repeats the
export of the UNet's last checkpoint.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from backend.models.bars import hide_bars
from backend.resources import POCKET_FOLDER

MINUTES: Mapping[str, float] = MappingProxyType(
    {
        "scenes": 0.0,
        "autoencoder": 16.0,
        "unet": 88.0,
        "judge": 20.0,
        "guide": 12.0,
        "sam": 15.0,
        "decoder": 8.0,
        "export": 0.0,
        "vqgan": 20.0,
        "preview": 6.0,
        "clip": 18.0,
        "image_encoder": 10.0,
        "controlnet": 35.0,
    }
)
"""Every part with its usual time; a part is the function ``train`` of the module of its name beside
this one.
"""


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m backend.pocket.train", description=__doc__)
    parser.add_argument("part", choices=tuple(MINUTES))
    parser.add_argument(
        "--minutes", type=float, help="time budget; the learning rate is planned by it"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda, where a part can use it")
    parser.add_argument(
        "--warm",
        action="store_true",
        help="unet, controlnet, judge: begin with the weights of --family",
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
    return parser.parse_args()


def main() -> None:
    """Run the asked part."""
    given = parse()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.minutes is None:
        given.minutes = MINUTES[given.part]
    hide_bars()
    module = importlib.import_module(f"backend.pocket.train.{given.part}")
    train: Callable[[argparse.Namespace], None] = module.train
    train(given)


if __name__ == "__main__":
    main()
