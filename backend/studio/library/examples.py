"""The scenes that ship with Lamina: every .ora file of one folder, by file name."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from backend.errors import LaminaError, StoreError
from backend.scene.formats.openraster import OpenedScene, read_ora
from backend.studio.storage.records import Example

log = logging.getLogger(__name__)

UNREADABLE = " (cannot be read)"
"""What the title of an example ends with whose file is damaged."""


class ExampleScenes:
    """A folder of scenes. An id is a file's name without its suffix; the title is the scene's own
    name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[Example, ...] | None = None
        self._lock = threading.Lock()

    def list_all(self) -> tuple[Example, ...]:
        """The examples in the order of their file names, read once; those that cannot be read come
        last, and their titles say so.
        """
        with self._lock:
            if self._known is None:
                self._known = tuple(self._read_titles())
            return self._known

    def find_first(self) -> str:
        """The id of the first example that can be read; empty where there is none."""
        known = self.list_all()
        return known[0].id if known and not known[0].title.endswith(UNREADABLE) else ""

    def open(self, example: str) -> OpenedScene:
        """The example of that id, or a StoreError that names the ids there are."""
        known = tuple(path.stem for path in self._paths())
        if example not in known:
            raise StoreError(
                f"There is no example {example[:40]!r}.",
                limit=f"There are: {', '.join(known) or 'none'}.",
                remedy="Choose one of them.",
            )
        return read_ora((self._folder / f"{example}.ora").read_bytes(), f"{example}.ora")

    def _paths(self) -> tuple[Path, ...]:
        return tuple(sorted(self._folder.glob("*.ora")))

    def _read_titles(self) -> list[Example]:
        found: list[Example] = []
        damaged: list[Example] = []
        for path in self._paths():
            try:
                found.append(Example(id=path.stem, title=read_ora(path.read_bytes()).scene.name))
            except (LaminaError, OSError):
                log.exception("the example %s cannot be read", path.name)
                damaged.append(Example(id=path.stem, title=f"{path.stem}{UNREADABLE}"))
        return found + damaged
