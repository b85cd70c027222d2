"""The folders of models that a person added on the page, kept in the store's settings."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

from backend.errors import ModelError, RequestError
from backend.studio.jobs.worker import Offer
from backend.studio.storage.disk import write_file
from backend.studio.storage.records import ModelsFound
from backend.studio.storage.storage import Storage

SETTINGS, FOLDERS = "settings.json", "model_folders"
MAX_ADDED = 50

log = logging.getLogger(__name__)


def read_model_folders(store: Path) -> tuple[Path, ...]:
    """The folders that were added, from a store's folder; none where nothing can be read."""
    path = store / SETTINGS
    if not path.is_file():
        return ()
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))[FOLDERS]
        return tuple(Path(one) for one in listed if isinstance(one, str))[:MAX_ADDED]
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("%s cannot be read; no model folders of the page are known", path)
        return ()


class ModelFolders:
    """What a person can do about the folders of models. Each verb answers what is found then."""

    def __init__(self, store: Storage, offer: Offer) -> None:
        self._store = store
        self._offer = offer
        self._lock = threading.Lock()

    def list_found(self) -> ModelsFound:
        """What was found the last time."""
        return self._offer.list_found()

    def search(self) -> ModelsFound:
        """Look anew into all folders."""
        with self._lock:
            return self._search(self._list_added())

    def add(self, path: str) -> ModelsFound:
        """Look into a folder or file from now on; a LaminaError where there is none."""
        folder = _read_path(path)
        with self._lock:
            added = self._list_added()
            known = {one.path for one in self._offer.list_found().model_folders}
            if str(folder) in known:
                return self._search(added)
            if len(added) >= MAX_ADDED:
                raise RequestError(
                    "There are too many folders of models.",
                    limit=f"At most {MAX_ADDED} can be added.",
                    remedy="Remove one first, or add a folder that holds several of them.",
                )
            return self._keep((*added, folder))

    def remove(self, path: str) -> ModelsFound:
        """Look into an added folder no longer; its files stay as they are."""
        with self._lock:
            added = self._list_added()
            if Path(path) not in added:
                raise RequestError(
                    f"{path[:200]!r} is not among the folders that were added.",
                    limit="Folders that were named at the start stay.",
                    remedy="Start Lamina without it.",
                )
            return self._keep(tuple(one for one in added if one != Path(path)))

    def _list_added(self) -> tuple[Path, ...]:
        return tuple(Path(one.path) for one in self._offer.list_found().model_folders if one.added)

    def _search(self, added: tuple[Path, ...]) -> ModelsFound:
        self._offer.search(added)
        return self._offer.list_found()

    def _keep(self, added: tuple[Path, ...]) -> ModelsFound:
        record = {FOLDERS: [str(one) for one in added]}
        content = (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
        write_file(self._store.disk, self._store.folder / SETTINGS, content, "The settings")
        return self._search(added)


def _read_path(text: str) -> Path:
    """A path as people paste it: with quotes, or with ~ for their home."""
    cleaned = text.strip().strip("\"'").strip()
    try:
        path = Path(cleaned).expanduser()
        present = path.is_absolute() and path.exists()
    except (OSError, ValueError, RuntimeError):
        path, present = Path(cleaned), False
    if not cleaned or not path.is_absolute():
        raise RequestError(
            f"{cleaned[:200]!r} is not a whole path.",
            limit="It begins at the root or at your home, such as ~/ComfyUI/models.",
            remedy="Copy the path from your file manager.",
        )
    if not present:
        raise ModelError(
            f"There is no folder {str(path)[:200]!r}.",
            limit="It must lie on the machine that Lamina runs on.",
            remedy="Correct the path.",
        )
    return path
