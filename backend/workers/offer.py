"""What this process can be asked for: the catalogs of models and methods, as the studio's Offer,
and the device that computes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import torch
from pydantic import TypeAdapter

from backend.errors import InputError, ModelError
from backend.methods.catalog import METHODS, check_options
from backend.models.card import ModelCard
from backend.models.catalog import Catalog, find_models
from backend.models.folder import read_json
from backend.models.members import KINDS, MemberName
from backend.plan.card import Card
from backend.plan.request import OptionValue
from backend.studio.storage.records import MethodFacts, ModelFacts, OptionsSchema

log = logging.getLogger(__name__)

_SCHEMAS = TypeAdapter(OptionsSchema)


class CatalogOffer:
    """The models of a catalog, on one device, and every method there is."""

    def __init__(self, catalog: Catalog, device: str) -> None:
        self._catalog = catalog
        self._device = device

    def models(self) -> tuple[ModelFacts, ...]:
        return tuple(self._facts(card) for card in self._catalog.cards)

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
        )

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


def build_offer(models: Sequence[Path], device: str) -> CatalogOffer:
    """The offer of the models in those folders on "auto", "cpu" or "cuda"; reads tokenizers but no
    weights.

    The tokenizers are read here and now because transformers breaks when two threads import parts
    of it at once.
    """
    catalog = find_models(models)
    log_findings(catalog)
    for card in catalog.cards:
        with suppress(ModelError):  # told when the model is used
            card.token_spans("")
    return CatalogOffer(catalog, choose_device(device))


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
        log.warning("%d other files of weights are not used; lamina doctor lists them", others)


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
