"""Lamina's command line and composition root: ``lamina``, or ``python app.py`` in a checkout.

Without a command it opens the studio; ``render SCENE --out OUT.png`` makes pictures without it,
``verify`` holds pictures against their records, ``convert`` makes released weights a member of a
model, ``doctor`` says what this machine has.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from backend import SCENES_FOLDER, __version__
from backend.errors import InputError, LaminaError, StoreError
from backend.logs import configure_logging
from backend.settings import (
    Settings,
    add_machine_flags,
    add_serve_flags,
    add_store_flag,
    build_settings,
)

if TYPE_CHECKING:
    from backend.models.model_search import ModelSearch
    from backend.studio.jobs.worker import Offer, Worker
    from backend.workers.headless import RenderRequest, RenderTools

REFUSED = 2

# The libraries of the model makers read these when they are imported: no calls abroad, no foreign
# code, no bars. Waiting threads sleep instead of spinning: on a busy machine spinning costs more
# than the work.
LIBRARIES = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
}


class Parser(argparse.ArgumentParser):
    """argparse that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"lamina: {message}. See --help.", file=sys.stderr)
        raise SystemExit(REFUSED)


def build_parser() -> Parser:
    """Flags of all commands; without a command the studio is served."""
    parser = Parser(
        prog="lamina",
        description="Lamina composes pictures out of layers and re-rolls any one of them.",
    )
    parser.add_argument("--version", action="version", version=f"lamina {__version__}")
    add_machine_flags(parser)
    add_store_flag(parser)
    add_serve_flags(parser)
    commands = parser.add_subparsers(
        dest="command",
        parser_class=Parser,
        metavar="render | verify | convert | doctor",
        title="commands",
    )
    add_render_command(commands)
    add_convert_command(commands)
    add_verify_command(commands)
    doctor = commands.add_parser(
        "doctor",
        help="say what this machine has of all that Lamina needs; 1 where something is at fault",
        argument_default=argparse.SUPPRESS,
    )
    add_machine_flags(doctor)
    add_store_flag(doctor)
    return parser


def add_render_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """``render`` and its flags."""
    order = commands.add_parser(
        "render",
        help="make pictures from a scene file, without the page",
        argument_default=argparse.SUPPRESS,
    )
    add_machine_flags(order)
    order.add_argument(
        "scene",
        metavar="SCENE",
        help="an .ora, .psd or .kra file, a scene in JSON, a PNG that carries one, or a folder",
    )
    order.add_argument(
        "--out",
        required=True,
        metavar="OUT.png",
        help="the first picture; others are OUT-2.png …; of a folder the folder of the pictures",
    )
    order.add_argument("--prompt", metavar="WORDS", help="in place of the scene's own prompt")
    order.add_argument(
        "--words", action="store_true", default=False, help="prompts and names go into the pictures"
    )
    order.add_argument(
        "--no-scene", action="store_true", default=False, help="the scene stays out of the pictures"
    )
    order.add_argument("--report", metavar="R.json", help="what was done, as JSON")
    order.add_argument("--count", metavar="N", help="how many pictures")
    order.add_argument("--seed", metavar="N", help="the seed of the first picture")
    order.add_argument("--steps", metavar="N", help="steps of the sampler")
    order.add_argument("--guidance", metavar="G", dest="guidance_scale", help="guidance scale")
    order.add_argument(
        "--sampler", metavar="NAME", help="ddim, euler, euler_ancestral, dpmpp_2m, unipc or lcm"
    )
    order.add_argument("--method", metavar="NAME", help="the method (collage)")
    order.add_argument("--model", metavar="NAME", help="the model (pocket)")
    order.add_argument(
        "--set",
        action="append",
        default=[],
        dest="options",
        metavar="OPTION=VALUE",
        help="of the method",
    )
    order.add_argument(
        "--lora",
        action="append",
        default=[],
        dest="loras",
        metavar="NAME[=WEIGHT]",
        help="a LoRA below one of the --models, beside those of the scene (weight 1)",
    )


def add_convert_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """``convert`` and its flags."""
    convert = commands.add_parser(
        "convert", help="make released weights a member of a model: a VQGAN or a DeepLab"
    )
    convert.add_argument("kind", choices=("vqgan", "deeplab"), help="what the file holds")
    convert.add_argument(
        "weights", type=Path, metavar="FILE", help="taming's .ckpt, or torchvision's .pth for VOC"
    )
    convert.add_argument(
        "--to", type=Path, metavar="FOLDER", help="to write; beside the file when left out"
    )
    convert.add_argument(
        "--architecture", metavar="NAME", help="torchvision's function (deeplabv3_resnet101)"
    )


def add_verify_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """``verify`` and its flags."""
    verify = commands.add_parser(
        "verify",
        help="hold pictures against their records: 0 where all are untouched, 1 where one is not",
    )
    verify.add_argument("pictures", type=Path, nargs="+", metavar="FILE", help="PNG, JPEG or WebP")
    verify.add_argument("--json", action="store_true", help="what was found, as JSON lines")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 2 and one line on stderr when something is refused, 130 after Ctrl-C."""
    flags = build_parser().parse_args(arguments)
    os.environ.update(LIBRARIES)
    try:
        settings = build_settings(flags, os.environ)
        return run_command(flags, settings)
    except LaminaError as error:
        print(f"lamina: {' '.join(error.sentence.split())}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return 130


def run_command(flags: argparse.Namespace, settings: Settings) -> int:
    """Run the command that the flags name; returns its exit status."""
    configure_logging(settings.log_level)
    match flags.command:
        case "render":
            return render_scene(flags, settings)
        case "convert":
            return convert_released(flags)
        case "verify":
            return verify_pictures(flags.pictures, as_json=flags.json)
        case "doctor":
            from backend.doctor import print_report

            return print_report(settings)
    return serve_studio(settings)


def render_scene(flags: argparse.Namespace, settings: Settings) -> int:
    """The command ``render``."""
    from backend.workers.headless import DIALS, RenderRequest, RenderTools, render

    dials = {name: getattr(flags, name) for name in DIALS if hasattr(flags, name)}
    order = RenderRequest(
        Path(flags.scene),
        Path(flags.out),
        dials,
        flags.options,
        flags.loras,
        prompt=getattr(flags, "prompt", None),
        with_scene=not flags.no_scene,
        with_words=flags.words,
    )
    show = show_progress if sys.stderr.isatty() else show_nothing
    models = models_of(settings)

    @cache
    def tools() -> RenderTools:
        return RenderTools(offer_of(settings, models), worker_of(settings, models))

    if order.scene.is_dir():
        report = render_folder(order, tools, show)
        status = REFUSED if report["refused"] else 0
    else:
        report, status = render(order, tools, show), 0
        print_notes(report)
    if hasattr(flags, "report"):
        write_report(Path(flags.report), report)
    return status


def render_folder(
    order: RenderRequest, tools: Callable[[], RenderTools], show: Callable[[int, int], None]
) -> dict[str, Any]:
    """Every scene of a folder into another one; one that is refused stops no other."""
    from backend.workers.headless import list_scene_files, render

    made, refused = [], []
    try:
        order.out.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {order.out.name!r} cannot be made ({error.strerror or error}).",
            remedy="Choose another one with --out.",
        ) from error
    files = list_scene_files(order.scene)
    if not files:
        raise InputError(
            f"There is no scene in the folder {order.scene.name!r}.",
            remedy="Put .ora, .psd, .kra or .json files into it, or PNGs that carry their scene.",
        )
    for path in files:
        one = replace(order, scene=path, out=order.out / f"{path.stem}.png")
        try:
            made.append({"scene": path.name, **render(one, tools, show)})
            print_notes(made[-1])
        except LaminaError as error:
            refused.append({"scene": path.name, "what": error.sentence})
            print(f"lamina: {path.name}: {' '.join(error.sentence.split())}", file=sys.stderr)
    return {"scenes": made, "refused": refused}


def print_notes(report: Mapping[str, Any]) -> None:
    """The sentences of a run, on stderr."""
    for note in report["notes"]:
        print(f"note: {note}", file=sys.stderr)


def convert_released(flags: argparse.Namespace) -> int:
    """The command ``convert``; imports torch."""
    from backend.models.deeplab import ARCHITECTURE, convert_deeplab
    from backend.models.vqgan_checkpoint import convert_vqgan

    folder = flags.to or flags.weights.parent / flags.kind
    if flags.kind == "vqgan":
        print(convert_vqgan(flags.weights, folder))
    else:
        print(convert_deeplab(flags.weights, folder, flags.architecture or ARCHITECTURE))
    return 0


def verify_pictures(paths: Sequence[Path], *, as_json: bool = False) -> int:
    """The command ``verify``; imports no network."""
    from backend.scene.formats.verify import check_picture

    status = 0
    for path in paths:
        try:
            report = check_picture(path.read_bytes(), path.name)
        except OSError as error:
            raise InputError(
                f"The picture {path.name!r} cannot be read ({error.strerror or error}).",
                remedy="Give the path of a PNG, JPEG or WebP file.",
            ) from error
        if as_json:
            trimmed = {"record": {"maps", "tiles"}}
            found = report.model_dump(mode="json", exclude=trimmed)
            print(json.dumps({"file": path.name, **found}))
        else:
            print(f"{path.name}: {', '.join(report.findings)}", *report.sentences, sep="\n  ")
        status = max(status, int(not report.is_untouched))
    return status


def serve_studio(settings: Settings) -> int:
    """The studio, until Ctrl-C. The page opens while the offer is still being made; the worker is
    begun after that.
    """
    from backend.studio.library.examples import ExampleScenes
    from backend.studio.storage.disk import Disk
    from backend.studio.storage.storage import Storage
    from backend.studio.studio import Studio
    from backend.workers.future import Future, FutureOffer, FutureWorker

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly end, as after Ctrl-C
    store = Storage(settings.store, Disk())
    configure_logging(settings.log_level, settings.store)
    models = models_of(settings)
    making = Future(lambda: offer_of(settings, models))
    offer = FutureOffer(making)
    worker = Future(lambda: worker_after(making.get, settings, models), begin=offer.asked)
    studio = Studio(store, offer, FutureWorker(worker), ExampleScenes(SCENES_FOLDER))
    try:
        from ui.serve import serve

        served = serve(studio, settings.host, settings.port, settings.store / "uploads")
        print(f"Lamina is open at {served.url} (Ctrl-C stops it)", flush=True)
        served.wait()
    finally:
        studio.close()
    return 0


def models_of(settings: Settings) -> ModelSearch:
    """The folders of models: those of the flags, and those that were added on the page."""
    from backend.models.model_search import ModelSearch
    from backend.studio.library.model_folders import read_model_folders

    added = (one for one in read_model_folders(settings.store) if one not in settings.models)
    return ModelSearch(settings.models, tuple(added))


def offer_of(settings: Settings, models: ModelSearch) -> Offer:
    """What this machine can be asked for; imports torch."""
    from backend.workers.offer import build_offer

    return build_offer(models, settings.device)


def worker_of(settings: Settings, models: ModelSearch) -> Worker:
    """Who computes on this machine; imports diffusers."""
    from backend.workers.local import build_worker

    return build_worker(models, settings.device, settings.cache_bytes, settings.threads)


def worker_after(first: Callable[[], Offer], settings: Settings, models: ModelSearch) -> Worker:
    """The worker, once ``first`` has been answered: transformers breaks when two threads import
    parts of it.
    """
    first()
    return worker_of(settings, models)


def show_progress(done: int, total: int) -> None:
    """A bar on the terminal."""
    filled = 30 * done // total
    end = "\n" if done == total else ""
    print(
        f"\r[{'#' * filled}{'.' * (30 - filled)}] {done}/{total} steps",
        end=end,
        file=sys.stderr,
        flush=True,
    )


def show_nothing(done: int, total: int) -> None:
    """Not a terminal: no bar."""


def write_report(path: Path, report: dict[str, object]) -> None:
    """The report as JSON; a StoreError when the place cannot be written."""
    try:
        path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"The report {path.name!r} could not be written ({error.strerror or error}).",
            remedy="Choose another place with --report.",
        ) from error


if __name__ == "__main__":
    raise SystemExit(main())
