"""``lamina doctor``: what this machine has of all that Lamina needs, a line and a verdict each.

Nothing is written and nothing is made: a store that does not exist yet stays so.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backend import POCKET_FOLDER, SCENES_FOLDER, __version__
from backend.models.catalog import find_models
from backend.settings import Settings
from backend.studio.library.model_folders import read_model_folders
from backend.studio.storage.database import SCHEMA_VERSION
from backend.studio.storage.disk import FREE_FLOOR_BYTES, MIB

Verdict = Literal["ok", "note", "fault"]

PACKAGES = (
    *("torch", "torchvision", "diffusers", "transformers", "safetensors", "gradio", "pydantic"),
    *("pillow", "numpy", "scipy"),
)
OLDEST, NEWEST = (3, 11), (3, 13)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DATABASE = "studio.sqlite"


@dataclass(frozen=True)
class Check:
    """One line of the report. A ``fault`` keeps Lamina from working, a ``note`` does not."""

    topic: str
    verdict: Verdict
    found: str

    def __str__(self) -> str:
        return f"{self.verdict:5}  {self.topic}: {self.found}"


def diagnose(settings: Settings) -> Iterator[Check]:
    """All checks, in the order in which a person would look."""
    yield from check_versions()
    yield from check_device(settings.device)
    added = (one for one in read_model_folders(settings.store) if one not in settings.models)
    yield from check_models((*settings.models, *added))
    yield from check_store(settings.store)
    yield from check_test_tools()


def check_versions() -> Iterator[Check]:
    """Lamina, Python and the libraries; one that is not installed is a fault."""
    python = sys.version_info[:2]
    verdict: Verdict = "ok" if OLDEST <= python <= NEWEST else "fault"
    yield Check("lamina", "ok", __version__)
    yield Check("python", verdict, f"{platform.python_version()} on {platform.platform()}")
    for package in PACKAGES:
        try:
            yield Check(package, "ok", importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Check(package, "fault", "is not installed; install requirements.txt")


def check_device(asked: str) -> Iterator[Check]:
    """What computes, as torch sees it; a GPU that was asked for and is not there is a fault."""
    try:
        import torch
    except ImportError as error:
        yield Check("device", "fault", f"torch cannot be imported ({error})")
        return
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(number)
            memory = f"{free / 2**30:.1f} of {total / 2**30:.1f} GB free"
            yield Check(f"cuda:{number}", "ok", f"{torch.cuda.get_device_name(number)}, {memory}")
    else:
        yield Check("cuda", "fault" if asked == "cuda" else "note", "none; the CPU computes")
    yield Check("cpu", "ok", f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()}")


def check_models(folders: tuple[Path, ...], pocket: Path = POCKET_FOLDER) -> Iterator[Check]:
    """Every model that was found, and why a folder or file cannot be used; nothing is loaded."""
    for folder in folders:
        if not folder.exists():
            yield Check("models", "fault", f"{folder} is no folder")
    catalog = find_models([folder for folder in folders if folder.exists()], pocket)
    for card in catalog.cards:
        members = f", with {', '.join(card.members)}" if card.members else ""
        facts = f"{card.weights / 1e6:.1f} M weights, {card.native_px} px{members}"
        yield Check(f"model {card.id}", "ok", f"{card.path} ({facts})")
    for word in catalog.embeddings:
        widths = " and ".join(map(str, word.widths))
        made_for = f"{word.path}, {word.vectors} tokens of {widths} numbers"
        yield Check(f"embedding {word.name}", "ok", made_for)
    for lora in catalog.loras:
        made_for = f", for words of {lora.words} numbers" if lora.words else ""
        yield Check(f"lora {lora.name}", "ok", f"{lora.path}{made_for}")
    for one in catalog.findings:
        verdict: Verdict = "note" if one.kind == "file" else "fault"
        yield Check(f"{one.kind} {one.id}", verdict, one.sentence)
    if not any(card.folder == pocket for card in catalog.cards) and not pocket.is_dir():
        yield Check("model pocket", "fault", f"{pocket} is missing; install Lamina again")
    scenes = len(list(SCENES_FOLDER.glob("*.ora")))
    yield Check("examples", "ok" if scenes else "fault", f"{scenes} scenes in {SCENES_FOLDER}")


def check_store(folder: Path) -> Iterator[Check]:
    """Whether the store can be written, has room, and holds a sound database of a known format."""
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    state = "will be made at the first start" if place != folder else "is there"
    yield Check(
        "store",
        "ok" if writable else "fault",
        f"{folder} {state}" if writable else f"{folder}: {place} cannot be written",
    )
    free = shutil.disk_usage(place).free
    room: Verdict = "ok" if free >= FREE_FLOOR_BYTES else "fault"
    yield Check(
        "free space", room, f"{free // MIB} MB (at least {FREE_FLOOR_BYTES // MIB} are needed)"
    )
    if (folder / DATABASE).is_file():
        yield from check_database(folder / DATABASE)


def check_database(path: Path) -> Iterator[Check]:
    """Format and integrity, read without changing the file."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)) as store:
            version = int(store.execute("PRAGMA user_version").fetchone()[0])
            damage = [str(row[0]) for row in store.execute("PRAGMA integrity_check(5)")]
            strays = len(store.execute("PRAGMA foreign_key_check").fetchall())
    except sqlite3.Error as error:
        yield Check("database", "fault", f"{path.name} cannot be read ({error})")
        return
    verdict: Verdict = "ok" if version <= SCHEMA_VERSION else "fault"
    older = f", which is brought to {SCHEMA_VERSION} at the next start"
    known = f"; this Lamina reads formats up to {SCHEMA_VERSION}"
    more = older if version < SCHEMA_VERSION else "" if verdict == "ok" else known
    yield Check("database", verdict, f"format {version}{more}")
    sound = damage == ["ok"] and not strays
    broken = "; ".join(damage) if damage != ["ok"] else f"{strays} rows point to nothing"
    yield Check("integrity", "ok" if sound else "fault", "sound" if sound else broken)


def check_test_tools() -> Iterator[Check]:
    """What the tests need beside Python; Lamina itself runs without."""
    node = shutil.which("node")
    yield Check("node", "ok" if node else "note", node or "not on the PATH (tests only)")
    browser = os.environ.get("LAMINA_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), ""
    )
    yield Check("chromium", "ok" if browser else "note", browser or "not on the PATH (tests only)")


def print_report(settings: Settings) -> int:
    """Print all checks as they are made; 1 where one of them is a fault, else 0."""
    faults = 0
    for check in diagnose(settings):
        faults += check.verdict == "fault"
        print(check, flush=True)
    print(f"{faults} faults" if faults else "no faults")
    return int(faults > 0)
