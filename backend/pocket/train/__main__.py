"""``python -m backend.pocket.train PART``: make one part of the family.

Order: scenes, autoencoder, unet, judge. The part ``export`` repeats the export of the UNet's last checkpoint.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.pocket.train.crew import run_crew

PARTS = ("scenes", "autoencoder", "unet", "judge", "decoder", "export")
MINUTES = {"autoencoder": 16.0, "unet": 88.0, "judge": 8.0, "decoder": 8.0}
FAMILY = Path(__file__).resolve().parents[3] / "assets" / "models" / "pocket"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m backend.pocket.train", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--minutes", type=float, help="time budget; the learning rate is planned by it")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (unet and judge)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    parser.add_argument(
        "--out", type=Path, default=Path("train-pocket"), help="folder for scenes, checkpoints and grids"
    )
    parser.add_argument("--family", type=Path, default=FAMILY, help="folder of the exported models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    return parser.parse_args()


def main() -> None:
    """Run the asked part."""
    given = parse()
    given.out.mkdir(parents=True, exist_ok=True)
    minutes = MINUTES.get(given.part, 0.0) if given.minutes is None else given.minutes
    if given.part == "scenes":
        from backend.pocket.train.scenes import draw_training_set

        draw_training_set(given.out / "scenes", workers=given.workers)
    elif given.part == "autoencoder":
        from backend.pocket.train.autoencoder import AutoencoderRun

        run = AutoencoderRun(given.out / "scenes", given.out, minutes, given.seed, given.resume)
        run_crew(run, given.workers, given.out)
    elif given.part == "unet":
        from backend.pocket.train.unet import UnetRun

        run_crew(UnetRun(given.out, given.family, minutes, given.seed, given.resume), given.workers, given.out)
    elif given.part == "judge":
        from backend.pocket.train.judge import JudgeRun

        run_crew(JudgeRun(given.out, given.family, minutes, given.seed), 1, given.out)
    elif given.part == "decoder":
        from backend.pocket.train.decoder import DecoderRun

        run_crew(DecoderRun(given.out, minutes, given.seed), given.workers, given.out)
    elif given.part == "export":
        from backend.pocket.train.unet import export_checkpoint

        export_checkpoint(given.out, given.family)


if __name__ == "__main__":
    main()
