"""One scene file rendered without a page: the same plan, the same worker, pictures as PNG files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from backend import __version__
from backend.errors import ArchiveError, EngineError, InputError, StoreError
from backend.plan.build import build_plan
from backend.plan.events import Images, JobCancelled, JobFailed, Progress
from backend.plan.picture_facts import RunSource, build_facts, draw_whole
from backend.plan.plan import Plan
from backend.plan.request import OptionValue, RunSettings, build_request
from backend.scene.formats.carried_scene import (
    CarriedScene,
    build_carried,
    find_scene,
    insert_scene,
)
from backend.scene.formats.openraster import OpenedScene
from backend.scene.formats.picture_file import encode_png
from backend.scene.formats.picture_record import write_record
from backend.scene.formats.pixel_map import PixelOrigin
from backend.scene.formats.scene_file import read_scene_file
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import LoraChoice
from backend.scene.records import explain_refusal
from backend.scene.scene import Scene
from backend.studio.jobs.worker import Handle, Offer, Worker
from backend.studio.projects.file_settings import read_settings

DIALS: Mapping[str, tuple[Callable[[str], OptionValue], str]] = {
    "count": (int, "a whole number"),
    "seed": (int, "a whole number"),
    "steps": (int, "a whole number"),
    "guidance_scale": (float, "a number"),
    "sampler": (str, "a name"),
    "method": (str, "a name"),
    "model": (str, "a name"),
}
KEPT_DIALS = ("model", "method", "sampler", "steps", "guidance_scale")
SCENE_FILES = (".ora", ".psd", ".psb", ".kra", ".json", ".png")
PACKAGES = ("torch", "diffusers", "transformers", "numpy", "pillow")


@dataclass(frozen=True)
class RenderTools:
    """What can be asked for, and who does it."""

    offer: Offer
    worker: Worker


@dataclass(frozen=True)
class RenderRequest:
    """A scene file, where the pictures go, and the dials that differ from the file's own (as
    they were typed). ``loras`` are applied beside those of the scene; ``prompt`` takes the place of
    its own. ``with_scene`` and ``with_words`` say what goes into the pictures beside their record.
    """

    scene: Path
    out: Path
    dials: Mapping[str, str]
    options: Sequence[str]
    loras: Sequence[str] = ()
    prompt: str | None = None
    with_scene: bool = True
    with_words: bool = False


def render(
    wanted: RenderRequest, build: Callable[[], RenderTools], show: Callable[[int, int], None]
) -> dict[str, Any]:
    """Make the pictures of an order and write them; returns the report.

    ``build`` is called once the files are known to be usable, since a bench takes seconds; ``show``
    is told the steps done and in all. Every refusal is a LaminaError.
    """
    started_s = time.monotonic()
    _check_out(wanted.out)
    opened = _read_scene(wanted.scene)
    tools = build()
    kept = read_settings(opened.settings or {"weighted_prompt": True}, tools.offer)
    settings = _settings(wanted, kept.settings, tools.offer)
    settings |= _list_brought(wanted, tools.offer)
    request = build_request({"kind": "compose", "settings": settings, "close_ups": True})
    tools.offer.check_options(request.settings.method, request.settings.options)
    scene = _with_prompt(_with_loras(opened.scene, wanted.loras), wanted.prompt)
    card, loras = (
        tools.offer.card(request.settings.model),
        tools.offer.find_loras(scene, request.settings.weighted_prompt),
    )
    plan = build_plan(scene, request, card, opened.pixels, loras)
    writer = PictureWriter(wanted, replace(opened, scene=scene), plan, _find_licence(tools, plan))
    files, notes = [], [*opened.notes, *kept.notes]
    for images in _follow(tools.worker.submit("render", plan, opened.pixels), show):
        notes.extend(images.notes)
        for image in images.images:
            content = writer.write(image.picture, plan.seeds[image.index])
            files.append(_write(number_path(wanted.out, image.index), content))
    notes.extend(writer.notes)
    return _report(plan, tools.worker.device, notes, files, time.monotonic() - started_s)


class PictureWriter:
    """Writes the pictures of a run with their records, and their scene where that is asked for."""

    def __init__(
        self, wanted: RenderRequest, opened: OpenedScene, plan: Plan, licence: str
    ) -> None:
        self.notes: list[str] = []
        self._wanted = wanted
        self._opened = opened
        self._plan = plan
        self._licence = licence

    def write(self, picture: Picture, seed: int) -> bytes:
        """A picture uint8 (h, w, 3) of that seed as a PNG."""
        drawn = draw_whole(
            RunSource(self._plan, seed, self._licence),
            picture,
            self._opened.pixels,
            lambda _: PixelOrigin.IMPORTED,
        )
        named = {layer.id: layer for layer in self._opened.scene.layers}
        carried = self._carry(seed) if self._wanted.with_scene else None
        content = write_record(
            encode_png(picture),
            picture,
            build_facts(drawn, named, lambda _: None),
            with_words=self._wanted.with_words,
            scene="" if carried is None else carried.digest,
        )
        return content if carried is None else insert_scene(content, carried)

    def _carry(self, seed: int) -> CarriedScene | None:
        dials = {name: getattr(self._plan, name) for name in KEPT_DIALS} | {"seed": seed}
        try:
            return build_carried(
                self._opened.scene,
                self._opened.pixels,
                {**self._opened.settings, **dials},
                {},
                with_words=self._wanted.with_words,
            )
        except ArchiveError as error:
            if error.what not in self.notes:
                self.notes.append(error.what)
            return None


def list_scene_files(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that hold scenes, by name; of PNGs those that carry one."""
    return tuple(
        path
        for path in sorted(folder.iterdir())
        if path.is_file()
        and path.suffix.lower() in SCENE_FILES
        and (path.suffix.lower() != ".png" or find_scene(path.read_bytes()) is not None)
    )


def _find_licence(tools: RenderTools, plan: Plan) -> str:
    """What the model's folder names; empty where it names none."""
    return next((one.licence for one in tools.offer.models() if one.id == plan.model), "")


def _with_prompt(scene: Scene, prompt: str | None) -> Scene:
    if prompt is None:
        return scene
    with explain_refusal(InputError, "prompt", before="--prompt: "):
        return Scene.model_validate({**dict(scene), "prompt": prompt})


def number_path(out: Path, index: int) -> Path:
    """OUT.png, OUT-2.png, OUT-3.png …"""
    return out if index == 0 else out.with_name(f"{out.stem}-{index + 1}{out.suffix}")


def _follow(handle: Handle, show: Callable[[int, int], None]) -> Iterator[Images]:
    """The finished pictures of a run as they come."""
    for event in handle.events():
        match event:
            case Progress(done=done, total=total):
                show(done, total)
            case Images():
                yield event
            case JobFailed(what=what, limit=limit, remedy=remedy):
                raise EngineError(what, limit=limit, remedy=remedy)
            case JobCancelled():
                raise EngineError("The run was stopped.", remedy="Start it again.")


def _settings(wanted: RenderRequest, kept: RunSettings, offer: Offer) -> dict[str, Any]:
    """The file's own settings under the dials of the order, not yet checked."""
    settings = kept.model_dump() | {name: _dial(name, text) for name, text in wanted.dials.items()}
    if settings["method"] != kept.method:
        settings["options"] = {}
    kinds = {
        name: option["type"]
        for method in offer.methods()
        if method.id == settings["method"]
        for name, option in method.options["properties"].items()
    }
    settings["options"] = settings["options"] | dict(
        _option(text, kinds) for text in wanted.options
    )
    return settings


def _list_brought(wanted: RenderRequest, offer: Offer) -> dict[str, Any]:
    """The dials that the order's LoRAs of few steps bring with them and that were not typed."""
    names = {text.rpartition("=")[0] or text for text in wanted.loras}
    brought: dict[str, Any] = {}
    for one in offer.list_found().loras:
        if one.name in names and one.few_steps is not None:
            brought |= one.few_steps.model_dump(exclude={"title"})
    return {name: value for name, value in brought.items() if name not in wanted.dials}


def _with_loras(scene: Scene, texts: Sequence[str]) -> Scene:
    """The scene with more LoRAs, each NAME or NAME=WEIGHT; one that it has gets the new weight."""
    chosen = {one.name: one for one in scene.loras}
    for text in texts:
        name, _, weight = text.rpartition("=") if "=" in text else (text, "", "1")
        try:
            with explain_refusal(InputError, "LoRA", before=f"--lora {text!r}: "):
                chosen[name] = LoraChoice(name=name, weight=float(weight))
        except ValueError:
            raise InputError(
                f"--lora {text!r} cannot be used.",
                limit="It is the name of a LoRA, or NAME=WEIGHT.",
                remedy="Correct it.",
            ) from None
    return scene.model_copy(update={"loras": tuple(chosen.values())})


def _dial(name: str, text: str) -> OptionValue:
    """A dial's text as the kind of value that it takes."""
    read, kind = DIALS[name]
    try:
        return read(text)
    except ValueError:
        raise InputError(
            f"{name} = {text!r} cannot be used.", limit=f"It is {kind}.", remedy="Correct it."
        ) from None


def _option(text: str, kinds: Mapping[str, str]) -> tuple[str, OptionValue]:
    """``name=value`` with the value read as the kind of that option; unknown names are left to
    the method.
    """
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise InputError(
            f"--set {text!r} cannot be used.", limit="It is option=value.", remedy="Correct it."
        )
    readers: dict[str, Callable[[str], OptionValue]] = {
        "boolean": _truth,
        "integer": int,
        "number": float,
    }
    try:
        return name, readers.get(kinds.get(name, ""), str)(value)
    except ValueError:
        raise InputError(
            f"--set {name}={value} cannot be used.",
            limit=f"{name} is of kind {kinds[name]}.",
            remedy="Correct it.",
        ) from None


def _truth(value: str) -> bool:
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    if value.lower() not in words:
        raise ValueError(value)
    return words[value.lower()]


def _read_scene(path: Path) -> OpenedScene:
    try:
        return read_scene_file(
            path.read_bytes(), path.name, load=lambda name: (path.parent / name).read_bytes()
        )
    except OSError as error:
        raise InputError(
            f"The scene {path.name!r} cannot be read ({error.strerror or error}).",
            remedy=f"Give the path of a scene: {', '.join(SCENE_FILES)}.",
        ) from error


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise InputError(
            f"--out {out.name!r} cannot be used.",
            limit="Pictures are PNG files.",
            remedy="End it in .png.",
        )
    if not out.absolute().parent.is_dir():
        raise InputError(
            f"There is no folder for --out {out.name!r}.", remedy="Make the folder first."
        )


def _write(path: Path, content: bytes) -> str:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StoreError(
            f"{path.name!r} could not be written ({error.strerror or error}).",
            remedy="Choose another place with --out.",
        ) from error
    return path.name


def _report(
    plan: Plan, device: str, opening: Sequence[str], files: Sequence[str], seconds: float
) -> dict[str, Any]:
    return {
        "lamina": __version__,
        "versions": {name: _version(name) for name in PACKAGES},
        "device": device,
        "plan": plan.digest(),
        "model": plan.model,
        "method": plan.method,
        "width_px": plan.width_px,
        "height_px": plan.height_px,
        "steps": plan.steps,
        "batch": plan.batch,
        "seeds": list(plan.seeds),
        "files": list(files),
        "notes": [*opening, *(note.text for note in plan.notes)],
        "seconds": round(seconds, 3),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
