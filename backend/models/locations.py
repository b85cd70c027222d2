"""Where models may lie below a folder: the layouts of diffusers, the hub's cache, ComfyUI, A1111
and Forge, InvokeAI and Krita AI, told by what is there and not by the name of the program.

The walk goes a few folders deep, follows links once, and opens nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backend.models.members import KINDS, NAMES, MemberName
from backend.models.weight_files import PICKLED

MAX_DEPTH = 6
"""Krita AI keeps a checkpoint five folders below its own: server/ComfyUI/models/checkpoints/sub."""
MAX_FOLDERS, MAX_LOCATIONS = 4000, 4000
SAFETENSORS = ".safetensors"
SINGLE_FILES = frozenset({SAFETENSORS, ".gguf", *PICKLED})
INDEXES = ("model_index.json", "modular_model_index.json")
SKIPPED = frozenset(
    {
        *("node_modules", "venv", "env", "site-packages", "__pycache__", "python_embeded"),
        *("custom_nodes", "extensions", "extensions-builtin", "repositories", "outputs", "output"),
        *("input", "temp", "blobs", "refs"),
    }
)
"""Folders of these programs that hold no models, or too many small files to look through."""
HUB_NAME = re.compile(r"models--(?P<maker>[^/]+?)--(?P<name>.+)")
NETWORK_WEIGHTS = re.compile(
    r"(diffusion_pytorch_model|model|pytorch_model|open_clip_model|adapter_model|flax_model)[.-]"
)
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

LocationKind = Literal["model", "file", "member", "network", "unreadable", "missing", "too_many"]


@dataclass(frozen=True)
class Location:
    """Something that is to be judged.

    Attributes:
        kind: a "model" folder, a single "file" of weights, a "member" folder that is named as its
            kind, the folder of another "network"; or a folder that is "unreadable" or "missing",
            or in which there is "too_many" of it all.
        path: of the folder or file.
        name: as a person knows it.
        maker: who published it, where the hub's cache says so.
        member: its kind, of a member.
    """

    kind: LocationKind
    path: Path
    name: str
    maker: str = ""
    member: MemberName | None = None


@dataclass
class LocationSearch:
    """One walk through some folders; what is reached by two ways is found once."""

    seen: set[str] = field(default_factory=set)
    visited: int = 0
    _before: frozenset[str] = frozenset()

    def has_seen(self, folder: Path) -> bool:
        """Whether a folder or file was reached before this walk began."""
        return os.path.realpath(folder) in self._before

    def find(self, folder: Path) -> Iterator[Location]:
        """What is to be judged in a folder, or the file itself.

        Args:
            folder: a folder or a file, which need not be there.
        """
        self.visited, self._before = 0, frozenset(self.seen)
        if folder.is_file():
            yield from self._once(Location("file", folder, folder.stem))
            return
        if not folder.is_dir():
            yield Location("missing", folder, folder.name)
            return
        for found, place in enumerate(self._visit(folder, 0), start=1):
            if found > MAX_LOCATIONS or self.visited > MAX_FOLDERS:
                yield Location("too_many", folder, folder.name)
                return
            yield place

    def _once(self, place: Location) -> Iterator[Location]:
        real = os.path.realpath(place.path)
        if real not in self.seen:
            self.seen.add(real)
            yield place

    def _visit(self, folder: Path, depth: int) -> Iterator[Location]:
        real = os.path.realpath(folder)
        if real in self.seen or self.visited > MAX_FOLDERS:
            return
        self.seen.add(real)
        self.visited += 1
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            yield Location("unreadable", folder, folder.name)
            return
        place = _recognise(folder, frozenset(names))
        if place is not None:
            yield place
            return
        if HUB_NAME.fullmatch(folder.name) and "snapshots" in names:
            yield from self._visit_repository(folder, depth)
            return
        yield from self._visit_content(folder, names, depth)

    def _visit_content(self, folder: Path, names: list[str], depth: int) -> Iterator[Location]:
        sound = {Path(name).stem for name in names if name.endswith(SAFETENSORS)}
        for name in names:
            path = folder / name
            is_doubled = path.suffix.lower() in PICKLED and path.stem in sound
            if name.startswith(".") or name in SKIPPED or is_doubled:
                continue
            if path.is_dir():
                if depth < MAX_DEPTH:
                    yield from self._visit(path, depth + 1)
            elif path.suffix.lower() in SINGLE_FILES:
                yield from self._once(Location("file", path, path.stem))

    def _visit_repository(self, folder: Path, depth: int) -> Iterator[Location]:
        """The present snapshot of a repository in the hub's cache."""
        snapshot = find_snapshot(folder)
        if snapshot is not None:
            found = list(self._visit(snapshot, depth + 1))
            yield from found
            if found:
                return
        match = HUB_NAME.fullmatch(folder.name)
        yield Location("network", folder, match["name"] if match else folder.name)


def find_snapshot(repository: Path) -> Path | None:
    """The snapshot of a repository in the hub's cache that ``refs/main`` names, else the newest.

    Args:
        repository: a folder ``models--MAKER--NAME``.
    """
    snapshots = repository / "snapshots"
    try:
        main = (repository / "refs" / "main").read_text(encoding="utf-8")[:80].strip()
    except (OSError, ValueError):
        main = ""
    if HASH.fullmatch(main) and (snapshots / main).is_dir():
        return snapshots / main
    present = [one for one in snapshots.iterdir() if one.is_dir()] if snapshots.is_dir() else []
    return max(present, key=lambda one: one.stat().st_mtime, default=None)


def name_place(folder: Path) -> tuple[str, str]:
    """The maker and the name of what lies in a folder, as a person knows it.

    Args:
        folder: of a model; inside the hub's cache its own name is a hash.

    Returns:
        The maker, "" where nothing names one, and the name.
    """
    for part in (folder.name, *(one.name for one in list(folder.parents)[:3])):
        match = HUB_NAME.fullmatch(part)
        if match:
            return match["maker"], match["name"]
    return "", folder.name


def _recognise(folder: Path, names: frozenset[str]) -> Location | None:
    maker, name = name_place(folder)
    whole = {"unet", "vae", "text_encoder"} <= names
    if names.intersection(INDEXES) or whole:
        return Location("model", folder, name, maker)
    for member in NAMES:
        if folder.name == member and KINDS[member].weights in names:
            return Location("member", folder, member, member=member)
    if "config.json" in names and any(map(NETWORK_WEIGHTS.match, names)):
        return Location("network", folder, name, maker)
    return None
