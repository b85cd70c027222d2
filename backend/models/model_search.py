"""The folders that are looked through for models, and the catalog of what is there now."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from backend.models.card import ModelCard, load_tokenizer
from backend.models.catalog import Catalog, Finding, find_models
from backend.models.lora_file import LoraEntry
from backend.models.word_embedding import WordEmbedding
from backend.plan.plan import PlannedEmbedding, PlannedLora


class ModelSearch:
    """A catalog that can be made anew while others read it; safe from any thread.

    Args:
        given: folders or files that were named at the start.
        added: those that a person added on the page.
    """

    def __init__(self, given: Sequence[Path], added: Sequence[Path] = ()) -> None:
        self.given = tuple(given)
        self.added = tuple(added)
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """What was found; the first question looks."""
        with self._lock:
            if self._catalog is None:
                self._catalog = find_models((*self.given, *self.added))
            return self._catalog

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """Of the usable models."""
        return self.catalog.cards

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that cannot be used."""
        return self.catalog.findings

    @property
    def loras(self) -> tuple[LoraEntry, ...]:
        """The LoRA files that were found."""
        return self.catalog.loras

    def lora(self, name: str) -> LoraEntry:
        """The LoRA of a name; a ModelError where there is none."""
        return self.catalog.lora(name)

    @property
    def embeddings(self) -> tuple[WordEmbedding, ...]:
        """The embeddings of words that were found."""
        return self.catalog.embeddings

    def find_embedding(self, planned: PlannedEmbedding) -> WordEmbedding:
        """The embedding that a plan means; a ModelError where none has its content."""
        return self.catalog.find_embedding(planned)

    def find_planned(self, planned: PlannedLora) -> LoraEntry:
        """The file that a plan means; a ModelError where none has its content."""
        return self.catalog.find_planned(planned)

    def card(self, model_id: str) -> ModelCard:
        """The card of a model; a ModelError where there is none, or it cannot be used."""
        return self.catalog.card(model_id)

    def search(self, added: Sequence[Path]) -> None:
        """Look anew, with these folders beside the given ones."""
        found = find_models((*self.given, *added))
        load_tokenizer.cache_clear()
        with self._lock:
            self.added, self._catalog = tuple(added), found
