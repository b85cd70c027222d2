"""What this process can be asked for: the catalogs of models and methods, as the studio's Offer."""

from __future__ import annotations

from collections.abc import Mapping

from backend.errors import RequestError
from backend.methods.catalog import METHODS, check_options, option_fields
from backend.models.catalog import Catalog
from backend.plan.card import Card
from backend.plan.request import OptionValue
from backend.studio.records import MethodFacts, ModelFacts


class CatalogOffer:
    """The models of a catalog, on one device, and every method there is."""

    def __init__(self, catalog: Catalog, device: str) -> None:
        self._catalog = catalog
        self._device = device

    def models(self) -> tuple[ModelFacts, ...]:
        return tuple(
            ModelFacts(
                id=card.id, title=card.title, device=self._device, native_px=card.native_px, cell_px=card.cell_px
            )
            for card in self._catalog.cards
        )

    def methods(self) -> tuple[MethodFacts, ...]:
        return tuple(
            MethodFacts(id=name, title=method.title, options=option_fields(method)) for name, method in METHODS.items()
        )

    def card(self, model: str) -> Card:
        return self._catalog.card(model)

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        if method not in METHODS:
            raise RequestError(
                f"There is no method {method!r}.", limit=f"There are: {', '.join(METHODS)}.", remedy="Choose one."
            )
        check_options(method, options)
