"""What can be asked for: the models that are present and the methods with their options.

The studio owns this protocol, like that of its worker; whoever composes the program joins it to the
catalogs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from backend.plan.card import Card
from backend.plan.request import OptionValue
from backend.studio.records import MethodFacts, ModelFacts


class Offer(Protocol):
    """Models and methods. May take seconds at the first question, while the libraries behind it are
    loaded.
    """

    def models(self) -> tuple[ModelFacts, ...]:
        """The models that are present, the embedded one first."""
        ...

    def methods(self) -> tuple[MethodFacts, ...]:
        """The methods, each with the fields of its options."""
        ...

    def card(self, model: str) -> Card:
        """The card of a model, or a ModelError that names the models there are."""
        ...

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        """A RequestError when the method is unknown or one of its options is out of range."""
        ...
