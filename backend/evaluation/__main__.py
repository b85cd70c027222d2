"""``python -m backend.evaluation SUITE``: a table on the terminal, JSON, a picture sheet."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from backend import POCKET_FOLDER
from backend.errors import LaminaError, RequestError
from backend.evaluation.calibration import COUNT, QUICK_COUNT, CalibrationSuite
from backend.evaluation.coco import coco_cases
from backend.evaluation.collage_methods import LADDER, METHODS
from backend.evaluation.collage_scenes import load_cases, random_cases, seven_cases
from backend.evaluation.collage_suite import CollageCase, CollageSuite, judges_in
from backend.evaluation.edit_suite import EditSuite
from backend.evaluation.members import MEMBER_ROWS
from backend.evaluation.pocket_suite import build_suite
from backend.evaluation.report import (
    Report,
    ResultCache,
    Tile,
    build_sheet,
    save_html,
    save_report,
    table,
)
from backend.evaluation.retouch_suite import ROWS as RETOUCH_ROWS
from backend.evaluation.retouch_suite import RetouchSuite
from backend.evaluation.speed_suite import build_speed_suite
from backend.evaluation.subjects import draw_subjects, load_subjects
from backend.evaluation.tcig_suite import PAINTED, ROWS, build_cases, build_tcig_suite
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.catalog import find_models
from backend.models.judge import load_judge

SUITES = ("pocket", "collage", "tcig", "retouch", "speed", "calibration")
BUDGET_BYTES = 24 * 2**30


def read_seeds(text: str) -> tuple[int, ...]:
    """``0-9`` or ``3`` or ``1,5,7`` as numbers."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise RequestError(
                f"--seeds {text!r} is not a list of numbers.", remedy="Write 0-9 or 1,5,7."
            )
        seeds.extend(range(int(first), int(last or first) + 1))
    return tuple(seeds)


class EvaluationFlags(argparse.Namespace):
    """The command line, typed."""

    suite: str
    json: Path | None
    html: Path | None
    quick: bool
    model: str
    models: list[Path]
    device: str
    seeds: str
    world_seed: int
    scenes: Path | None
    coco: Path | None
    subjects: Path | None
    edits: bool
    count: int | None
    prompts: int | None
    compat: bool
    kept: Path | None
    methods: str
    write: bool
    forms: bool


def read_arguments(arguments: Sequence[str]) -> EvaluationFlags:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m backend.evaluation")
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--html", type=Path, help="write a page with table and pictures here")
    parser.add_argument("--quick", action="store_true", help="fewer pictures and repeats")
    parser.add_argument("--model", default="pocket", help="id of a model")
    parser.add_argument(
        "--models", type=Path, action="append", default=[], help="a folder with more models"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seeds", default="")
    parser.add_argument(
        "--world-seed",
        type=int,
        default=0,
        help="draw fresh worlds (collage: 0 = its seven scenes)",
    )
    parser.add_argument("--scenes", type=Path, help="collage, tcig: a folder of .ora scenes")
    parser.add_argument("--coco", type=Path, help="tcig: a folder with COCO's annotations")
    parser.add_argument(
        "--subjects", type=Path, help="retouch: a folder with a folder of pictures for each subject"
    )
    parser.add_argument(
        "--edits", action="store_true", help="collage: edits and structure on drawn scenes instead"
    )
    parser.add_argument(
        "--count",
        type=int,
        help=(
            "retouch: subjects (16, quick 2); collage --edits: scenes (100, 12); calibration: "
            "layouts a split (16, 4)"
        ),
    )
    parser.add_argument(
        "--prompts", type=int, help="retouch: how many prompts of either kind (4; 1 in a quick run)"
    )
    parser.add_argument(
        "--compat", action="store_true", help="retouch: with the quirks of the published figures"
    )
    parser.add_argument(
        "--kept",
        type=Path,
        help="collage, retouch: where what was made is kept, to go on another time",
    )
    parser.add_argument("--methods", default="", help="collage, tcig, retouch: which, by comma")
    parser.add_argument(
        "--write", action="store_true", help="calibration: keep the limits in the model's folder"
    )
    parser.add_argument(
        "--forms", action="store_true", help="calibration: draw the silhouettes again too"
    )
    return parser.parse_args(arguments, namespace=EvaluationFlags())


def suite_for(asked: EvaluationFlags, bundle: ModelBundle, seeds: tuple[int, ...]) -> Any:
    """The asked suite over a leased bundle."""
    if asked.suite == "pocket":
        return build_suite(bundle, asked.world_seed, asked.quick, MEMBER_ROWS)
    if asked.suite == "calibration":
        count = asked.count or (QUICK_COUNT if asked.quick else COUNT)
        judge = load_judge(POCKET_FOLDER / "judge")
        return CalibrationSuite(bundle, judge, count, asked.forms, asked.write)
    if asked.suite == "speed":
        return build_speed_suite(bundle, asked.quick)
    if asked.suite == "tcig":
        cases = choose_cases(asked, bundle.card.native_px)
        return build_tcig_suite(bundle, cases, seeds, choose_methods(asked, tuple(ROWS)))
    if asked.suite == "retouch":
        return retouch_suite(asked, bundle, seeds)
    if asked.edits:
        count = asked.count or (12 if asked.quick else 100)
        return EditSuite(bundle, load_judge(POCKET_FOLDER / "judge"), count, asked.world_seed)
    cases = choose_cases(asked, bundle.card.native_px)
    methods = choose_methods(asked, tuple(METHODS)) if asked.methods else LADDER
    return CollageSuite(
        bundle, judges_in(POCKET_FOLDER / "judge"), cases, seeds, methods, ResultCache(asked.kept)
    )


def retouch_suite(
    asked: EvaluationFlags, bundle: ModelBundle, seeds: tuple[int, ...]
) -> RetouchSuite:
    """Two subjects and a prompt of each kind in a quick run, sixteen and all prompts in a whole
    one.
    """
    prompts = asked.prompts or (1 if asked.quick else 4)
    if asked.subjects:
        cases = load_subjects(asked.subjects, 2 * prompts)[: asked.count]
    else:
        count = asked.count or (2 if asked.quick else 16)
        cases = draw_subjects(count, prompts, bundle.card.native_px, asked.world_seed)
    rows = choose_methods(asked, RETOUCH_ROWS)
    return RetouchSuite(bundle, cases, seeds, rows, asked.quick, asked.kept, asked.compat)


def choose_methods(asked: EvaluationFlags, known: tuple[str, ...]) -> tuple[str, ...]:
    """The asked rows, or all."""
    methods = tuple(asked.methods.split(",")) if asked.methods else known
    unknown = [name for name in methods if name not in known]
    if unknown:
        raise RequestError(
            f"There is no method {unknown[0]!r}.",
            limit=f"There are {', '.join(known)}.",
            remedy="Choose of these.",
        )
    return methods


def choose_cases(asked: EvaluationFlags, side_px: int) -> tuple[CollageCase, ...]:
    """The scenes of a folder, or fresh worlds."""
    few = 3 if asked.quick else 7
    if asked.suite == "tcig" and not asked.scenes:
        count = few if asked.quick else 24
        return (
            coco_cases(asked.coco, PAINTED, count)
            if asked.coco
            else build_cases(asked.world_seed, count, side_px)
        )
    if not asked.scenes:
        return (
            random_cases(asked.world_seed, few, side_px)
            if asked.world_seed
            else seven_cases(few, side_px)
        )
    cases = load_cases(asked.scenes)
    if not cases:
        raise RequestError(
            f"No .ora scene lies in {asked.scenes.name}.", remedy="Name a folder with scenes."
        )
    return cases


def run(asked: EvaluationFlags) -> Report:
    """Run a suite and write what was asked for."""
    start = time.perf_counter()
    seeds = read_seeds(asked.seeds or ("0-1" if asked.quick else "0-3"))
    card = find_models(asked.models).card(asked.model)
    with ModelCache(BUDGET_BYTES).lease(card, asked.device) as bundle:
        suite = suite_for(asked, bundle, seeds)
        rows = tuple(suite.rows())
    minutes = (time.perf_counter() - start) / 60
    sentences = (*notes(asked), *getattr(suite, "notes", ()))
    report = Report(
        asked.suite, asked.model, asked.device, seeds, asked.quick, minutes, rows, sentences
    )
    save(report, asked, getattr(suite, "tiles", []))
    return report


def notes(asked: EvaluationFlags) -> tuple[str, ...]:
    """What a reader must know of every run."""
    sentences = [f"{torch.get_num_threads()} threads; world seed {asked.world_seed}"]
    if asked.suite == "speed":
        sentences.append("times are of this machine and moment: only the ratios mean something")
    else:
        sentences.append(
            "scored by colour and, where the family has a judge, by the judge, which no method uses"
        )
    return tuple(sentences)


def save(report: Report, asked: EvaluationFlags, tiles: list[list[Tile]]) -> None:
    """JSON, and the page with its sheet beside it."""
    if asked.json:
        save_report(report, asked.json)
    if asked.html:
        asked.html.parent.mkdir(parents=True, exist_ok=True)
        sheet = asked.html.with_suffix(".png")
        build_sheet(tiles).save(sheet)
        save_html(report, sheet.name, asked.html)


def main(arguments: Sequence[str]) -> int:
    """0, or 2 with one clear line."""
    asked = read_arguments(arguments)
    try:
        print(table(run(asked)))
    except LaminaError as error:
        print(error.sentence, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
