"""Which models are present: the embedded pocket family first, then what the given folders hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend import POCKET_FOLDER
from backend.errors import ModelError
from backend.models.card import ModelCard, model_id_of, read_card
from backend.models.members import MemberCard, MemberName, find_members

POCKET_ID = "pocket"


@dataclass(frozen=True)
class Catalog:
    """The models that are present.

    Attributes:
        cards: of the usable ones, in order.
        refused: why the others cannot be used, by the id that they would have had.
    """

    cards: tuple[ModelCard, ...]
    refused: Mapping[str, ModelError] = field(default_factory=dict)

    def card(self, model_id: str) -> ModelCard:
        """The card of a model.

        Args:
            model_id: its id.

        Raises:
            ModelError: it cannot be used, or there is none of that id.
        """
        for card in self.cards:
            if card.id == model_id:
                return card
        if model_id in self.refused:
            raise self.refused[model_id]
        raise ModelError(
            f"There is no model {model_id!r}.",
            limit=f"Present are {', '.join(card.id for card in self.cards) or 'none'}.",
            remedy="Choose one of these, or name another model folder in the settings.",
        )


def find_models(folders: Sequence[Path], pocket: Path = POCKET_FOLDER) -> Catalog:
    """Every model in some folders, the embedded pocket family first.

    Args:
        folders: each is a model folder or holds some.
        pocket: folder of the embedded family.

    Returns:
        The usable models, and the broken ones with their reason.
    """
    cards: list[ModelCard] = []
    refused: dict[str, ModelError] = {}
    taken: set[str] = set()
    shared = _find_shared_members(folders)
    for folder, name in _candidates(folders, pocket):
        model_id = _free_id(model_id_of(name), taken)
        taken.add(model_id)
        try:
            card = read_card(
                folder, model_id, name.replace("_", " ").replace("-", " ").capitalize()
            )
            cards.append(replace(card, members={**shared, **card.members}))
        except ModelError as error:
            refused[model_id] = error
    return Catalog(tuple(cards), refused)


def _find_shared_members(folders: Sequence[Path]) -> dict[MemberName, MemberCard]:
    """Members that lie beside the models (``folder/clip``): for every model that has none of its
    own.
    """
    found: dict[MemberName, MemberCard] = {}
    for folder in folders:
        if folder.is_dir() and not (folder / "model_index.json").exists():
            found = {**find_members(folder), **found}
    return found


def _candidates(folders: Sequence[Path], pocket: Path) -> Iterator[tuple[Path, str]]:
    yield pocket, POCKET_ID
    for folder in folders:
        if (folder / "model_index.json").exists() or not folder.is_dir():
            yield folder, folder.name
            continue
        yield from (
            (found.parent, found.parent.name) for found in sorted(folder.glob("*/model_index.json"))
        )


def _free_id(model_id: str, taken: set[str]) -> str:
    if model_id not in taken:
        return model_id
    numbers = (f"{model_id[:60]}-{number}" for number in range(2, 1000))
    return next(candidate for candidate in numbers if candidate not in taken)
