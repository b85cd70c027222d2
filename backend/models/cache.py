"""Loaded models within a byte budget; one run at a time holds a model's lease."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from backend.errors import EngineError, ModelError
from backend.models.bundle import ModelBundle
from backend.models.card import ModelCard
from backend.models.few_steps import choose_unet
from backend.models.load import dtype_for, load_bundle

Key = tuple[str, Path, str]
Load = Callable[[ModelCard, torch.device], ModelBundle]


@dataclass
class _CacheEntry:
    """A model's place in the cache: its lock, how many want it, and the bundle once it was
    loaded.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted: int = 0
    loaded: list[ModelBundle] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        return sum(bundle.size_bytes for bundle in self.loaded)


class ModelCache:
    """Bundles by card and device, within a budget.

    The least recently used ones go when it is exceeded; leased ones stay.

    Args:
        budget_bytes: of all weights together.
        load: makes a bundle of a card.
    """

    def __init__(self, budget_bytes: int, load: Load = load_bundle) -> None:
        self._budget_bytes = budget_bytes
        self._load = load
        self._entries: OrderedDict[Key, _CacheEntry] = OrderedDict()
        self._guard = threading.Lock()

    @contextmanager
    def lease(
        self, card: ModelCard, device: str | torch.device, sampler: str = ""
    ) -> Iterator[ModelBundle]:
        """The card's bundle for one run; others wait.

        Args:
            card: the model.
            device: where it runs, e.g. "cpu" or "cuda:0".
            sampler: of the run, where it has one: some families have another UNet for few steps.

        Raises:
            ModelError: its weights alone exceed the budget, or it cannot be loaded.
            EngineError: the run left attention sites changed; they were put back.
        """
        place = torch.device(device)
        self._check_fits(card, place)
        key = (card.id, card.path, str(place))
        with self._guard:
            entry = self._entries.setdefault(key, _CacheEntry())
            self._entries.move_to_end(key)
            entry.wanted += 1
        try:
            with entry.lock:
                bundle = choose_unet(self._bundle(entry, card, place), sampler)
                with _check_unpatched(bundle):
                    yield bundle
        finally:
            with self._guard:
                entry.wanted -= 1

    def list_ids(self) -> tuple[str, ...]:
        """Ids of the loaded models, the most recently used last."""
        with self._guard:
            return tuple(key[0] for key, entry in self._entries.items() if entry.loaded)

    def _check_fits(self, card: ModelCard, device: torch.device) -> None:
        needed = card.weights * dtype_for(device).itemsize
        if needed > self._budget_bytes:
            raise ModelError(
                f"{card.title} needs {needed / 2**20:.0f} MiB for its weights.",
                limit=f"The budget for models is {self._budget_bytes / 2**20:.0f} MiB.",
                remedy="Raise the memory budget in the settings, or choose a smaller model.",
            )

    def _bundle(self, entry: _CacheEntry, card: ModelCard, device: torch.device) -> ModelBundle:
        if not entry.loaded:
            self._make_room(card.weights * dtype_for(device).itemsize)
            entry.loaded.append(self._load(card, device))
        return entry.loaded[0]

    def _make_room(self, needed_bytes: int) -> None:
        with self._guard:
            held = sum(entry.size_bytes for entry in self._entries.values())
            for key, entry in list(self._entries.items()):
                if held + needed_bytes <= self._budget_bytes:
                    return
                if not entry.wanted:
                    held -= entry.size_bytes
                    del self._entries[key]


@contextmanager
def _check_unpatched(bundle: ModelBundle) -> Iterator[None]:
    """After the run every attention site must carry the processor object it had before."""
    before = dict(bundle.unet.attn_processors)
    try:
        yield
    except BaseException:
        _put_back(bundle, before)
        raise
    changed = _put_back(bundle, before)
    if changed:
        raise EngineError(
            f"A run left {len(changed)} attention sites changed (first {changed[0]}).",
            remedy="They were put back; please report this.",
        )


def _put_back(bundle: ModelBundle, before: dict[str, Any]) -> list[str]:
    """Restore the processors that differ; the names of their sites."""
    after = bundle.unet.attn_processors
    changed = sorted(name for name in before if after.get(name) is not before[name])
    if changed:
        bundle.unet.set_attn_processor(dict(before))
    return changed
