"""What a long evaluation has made so far, kept in a folder, so that it can be stopped and gone on
with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class ResultCache:
    """Arrays by a key that tells all that decides them; with no folder nothing is kept."""

    folder: Path | None = None

    def arrays(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Those of the key, made now if they are not there. A file is whole or not there at all."""
        if self.folder is None:
            return make()
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        made = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as written:
            np.savez_compressed(written, allow_pickle=False, **made)
        unfinished.replace(path)
        return made
