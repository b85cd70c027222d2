"""What this process can be asked for: the catalogs of models and methods, as the studio's Offer,
and the device that computes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import torch
from pydantic import TypeAdapter

from backend.errors import InputError, ModelError
from backend.methods.catalog import METHODS, check_options
from backend.models.card import ModelCard
from backend.models.catalog import Catalog, Finding
from backend.models.folder import read_json
from backend.models.lora_file import LoraEntry
from backend.models.members import KINDS, MemberName
from backend.models.model_search import ModelSearch
from backend.models.word_embedding import WordEmbedding
from backend.plan.card import Card
from backend.plan.plan import PlannedLora
from backend.plan.request import OptionValue
from backend.plan.weighted_prompt import list_tags
from backend.scene.layer import MAX_LORA_WEIGHT, LoraChoice
from backend.scene.scene import Scene
from backend.studio.storage.found_files import (
    FewStepsFacts,
    LoraFacts,
    ModelFolder,
    RefusedModel,
    WordFacts,
)
from backend.studio.storage.records import (
    MethodFacts,
    ModelFacts,
    ModelsFound,
    OptionsSchema,
)
from backend.workers.abilities import list_abilities

log = logging.getLogger(__name__)

_SCHEMAS = TypeAdapter(OptionsSchema)


class CatalogOffer:
    """The models of a catalog, on one device, and every method there is."""

    def __init__(self, catalog: Catalog | ModelSearch, device: str) -> None:
        self._catalog = catalog
        self._device = device

    def models(self) -> tuple[ModelFacts, ...]:
        return tuple(self._facts(card) for card in self._catalog.cards)

    def list_found(self) -> ModelsFound:
        catalog = self._catalog
        folders = _list_folders(catalog) if isinstance(catalog, ModelSearch) else ()
        return ModelsFound(
            models=self.models(),
            refused=tuple(_describe(one) for one in catalog.findings),
            loras=tuple(_describe_lora(one) for one in catalog.loras),
            words=tuple(_describe_embedding(one) for one in catalog.embeddings),
            model_folders=folders,
        )

    def find_loras(self, scene: Scene, weighted: bool = False) -> tuple[PlannedLora, ...]:
        layers = scene.visible_layers()
        chosen = [("", one) for one in scene.loras]
        chosen += [(layer.id, one) for layer in layers for one in layer.loras]
        if weighted:
            texts = [("", scene.prompt), *((layer.id, layer.phrase) for layer in layers)]
            chosen += self._list_asked(texts, {(layer_id, one.name) for layer_id, one in chosen})
        return tuple(
            PlannedLora(
                name=one.name,
                digest=self._catalog.lora(one.name).digest,
                weight=one.weight,
                layer_id=layer_id,
            )
            for layer_id, one in chosen
            if one.weight != 0.0
        )

    def _list_asked(
        self, texts: Iterable[tuple[str, str]], chosen: set[tuple[str, str]]
    ) -> list[tuple[str, LoraChoice]]:
        """What texts ask for by ``<lora:name:weight>`` and is here; what was chosen beside them
        keeps its own weight.
        """
        known = {one.name for one in self._catalog.loras}
        asked: dict[tuple[str, str], LoraChoice] = {}
        for layer_id, text in texts:
            for name, weight in list_tags(text):
                place = (layer_id, name)
                if name in known and place not in chosen:
                    kept = min(max(weight, -MAX_LORA_WEIGHT), MAX_LORA_WEIGHT)
                    asked.setdefault(place, LoraChoice(name=name, weight=kept))
        return [(layer_id, one) for (layer_id, _), one in asked.items()]

    def search(self, added: Sequence[Path]) -> None:
        if isinstance(self._catalog, ModelSearch):
            self._catalog.search(added)
            read_tokenizers(self._catalog.cards)

    def _facts(self, card: ModelCard) -> ModelFacts:
        return ModelFacts(
            id=card.id,
            title=card.title,
            device=self._device,
            native_px=card.native_px,
            cell_px=card.cell_px,
            members=tuple(card.members),
            classes=_classes(card),
            knows=card.knows,
            picture_strength=card.picture_strength,
            flat_strength=card.flat_strength,
            family=card.family,
            path=str(card.path),
            folder=self._root_of(card),
            licence=card.licence,
            size_bytes=card.size_bytes,
            memory_bytes=card.weights * (2 if self._device.startswith("cuda") else 4),
            abilities=list_abilities(card.members),
            words_widths=card.words_widths,
        )

    def _root_of(self, card: ModelCard) -> str:
        whole = self._catalog.catalog if isinstance(self._catalog, ModelSearch) else self._catalog
        root = whole.roots.get(card.id)
        return "" if root is None else str(root)

    def methods(self) -> tuple[MethodFacts, ...]:
        return tuple(
            MethodFacts(
                id=method.id,
                title=method.title,
                options=_SCHEMAS.validate_python(method.Options.model_json_schema()),
                stage1=method.stage1,
                ignores=method.ignores,
                prompt_alone=method.prompt_alone,
            )
            for method in METHODS.values()
        )

    def card(self, model: str) -> Card:
        return self._catalog.card(model)

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        check_options(method, options)


def build_offer(models: Sequence[Path] | ModelSearch, device: str) -> CatalogOffer:
    """The offer of the models in those folders on "auto", "cpu" or "cuda"; reads tokenizers but no
    weights.

    The tokenizers are read here and now because transformers breaks when two threads import parts
    of it at once.
    """
    search = models if isinstance(models, ModelSearch) else ModelSearch(models)
    log_findings(search.catalog)
    read_tokenizers(search.cards)
    return CatalogOffer(search, choose_device(device))


def read_tokenizers(cards: Iterable[ModelCard]) -> None:
    """Read the tokenizers of some models, as far as they can be."""
    for card in cards:
        with suppress(ModelError):  # told when the model is used
            card.token_spans("")


def _describe(finding: Finding) -> RefusedModel:
    error = finding.error
    return RefusedModel(
        id=finding.id,
        kind=finding.kind,
        name=finding.path.name,
        path=str(finding.path),
        folder="" if finding.root is None else str(finding.root),
        what=error.what,
        limit=error.limit,
        remedy=error.remedy,
    )


def _describe_lora(entry: LoraEntry) -> LoraFacts:
    few = entry.few_steps
    return LoraFacts(
        name=entry.name,
        path=str(entry.path),
        folder="" if entry.root is None else str(entry.root),
        size_bytes=entry.size_bytes,
        words=entry.words,
        few_steps=None if few is None else FewStepsFacts(**few._asdict()),
    )


def _describe_embedding(entry: WordEmbedding) -> WordFacts:
    return WordFacts(
        name=entry.name,
        path=str(entry.path),
        folder="" if entry.root is None else str(entry.root),
        size_bytes=entry.size_bytes,
        vectors=entry.vectors,
        widths=entry.widths,
    )


def _list_folders(search: ModelSearch) -> tuple[ModelFolder, ...]:
    catalog = search.catalog
    roots = list(catalog.roots.values())
    refused = [one.root for one in catalog.findings if one.kind != "file"]
    files = [one.root for one in catalog.findings if one.kind == "file"]
    loras = [one.root for one in catalog.loras]
    words = [one.root for one in catalog.embeddings]
    return tuple(
        ModelFolder(
            path=str(folder),
            added=number >= len(search.given),
            models=roots.count(folder),
            refused=refused.count(folder),
            files=files.count(folder),
            loras=loras.count(folder),
            words=words.count(folder),
        )
        for number, folder in enumerate((*search.given, *search.added))
    )


def log_findings(catalog: Catalog) -> None:
    """Say at the start what cannot be used: a line for each model, member and folder, and a count
    of all other files.
    """
    refused = [one for one in catalog.findings if one.kind != "file"]
    for one in refused[:MAX_LOGGED]:
        log.warning("%s", one.sentence)
    more = len(refused) - MAX_LOGGED
    if more > 0:
        log.warning("%d more models cannot be used; lamina doctor lists them", more)
    others = len(catalog.findings) - len(refused)
    if others:
        log.warning("%d other files are not used; lamina doctor lists them", others)


MAX_LOGGED = 20

BACKGROUND = frozenset({"background", "__background__"})
VOCABULARIES: Mapping[MemberName, str] = MappingProxyType(
    {"guide": "id2label", "deeplab": "classes"}
)
"""Members with a fixed vocabulary, the one asked first before the other, and where their configs
name it.
"""


def _classes(card: ModelCard) -> tuple[str, ...]:
    """What the family's segmenters can tell apart, by their configs alone; a list that cannot be
    read is left out.

    The background is nothing that a layer could be.
    """
    names: dict[str, None] = {}
    for member, field in VOCABULARIES.items():
        if member not in card.members:
            continue
        with suppress(ModelError):  # told when the member is used
            found = read_json(card.members[member].folder / KINDS[member].config).get(field)
            listed = (
                found.values()
                if isinstance(found, dict)
                else found
                if isinstance(found, list)
                else ()
            )
            names.update((str(name), None) for name in listed)
    return tuple(name for name in names if name not in BACKGROUND)


def choose_device(name: str) -> str:
    """torch's name of the device meant by "auto", "cpu" or "cuda"; an InputError when there is no
    GPU to be had.
    """
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise InputError(
            "The device cuda was asked for.",
            limit="torch finds no GPU here.",
            remedy="Use --device cpu.",
        )
    return "cuda" if name != "cpu" and present else "cpu"
