"""The scenes of the store that a file may have come from which another program saved."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from sqlite3 import Row
from typing import Any

from backend.errors import LaminaError
from backend.scene.formats.archive import display_name
from backend.scene.formats.known_scenes import FileShape, KnownScene
from backend.scene.scene import Scene, repair_scene
from backend.studio.storage.migration import parse_record
from backend.studio.storage.storage import Storage

MOST_SCENES = 6
"""So many are compared by their pixels, those with the most names of the file; of equals the one
that was opened last.
"""


class FileOrigins:
    """Finds the scenes of a store that fit a file by the names of its layers."""

    def __init__(self, store: Storage) -> None:
        self._store = store

    def find(self, shape: FileShape) -> list[KnownScene]:
        """The likeliest scenes first; one that cannot be read is passed over.

        Args:
            shape: The file's canvas and the names of its layers.
        """
        fitting = ((shape.rank(scene), -order, scene, settings) for order, scene, settings
                   in self._read_fitting(shape))  # fmt: skip
        best = heapq.nlargest(MOST_SCENES, fitting, key=lambda one: one[:2])
        return [
            KnownScene(
                scene, self._store.contents, settings, f"the scene {display_name(scene.name)}"
            )
            for _, _, scene, settings in best
        ]

    def _read_fitting(self, shape: FileShape) -> Iterator[tuple[int, Scene, dict[str, Any]]]:
        """The scenes that fit, by the order in which they were opened, with their settings."""
        with self._store.database.read() as connection:
            rows: list[Row] = connection.execute(
                "SELECT scene, editor FROM projects WHERE deleted = '' ORDER BY turn DESC"
            ).fetchall()
        for order, row in enumerate(rows):
            record = parse_record(row["scene"])
            if len(record.get("layers") or ()) > 2 * len(shape.names):
                continue
            try:
                scene = repair_scene(record).scene
            except LaminaError:
                continue
            if shape.fits(scene):
                settings = parse_record(row["editor"]).get("settings")
                yield order, scene, dict(settings) if isinstance(settings, dict) else {}
