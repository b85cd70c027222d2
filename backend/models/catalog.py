"""Which models are present: the embedded pocket family first, then what the given folders hold.

Each folder, file and member is judged by itself: what cannot be used takes nothing else away, and
is listed with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from backend import POCKET_FOLDER
from backend.errors import ModelError
from backend.models.card import ModelCard, model_id_of, read_card, read_file_card
from backend.models.folder import explain_loading
from backend.models.locations import MAX_DEPTH, MAX_FOLDERS, MAX_LOCATIONS, Location, LocationSearch
from backend.models.loose_files import describe_file, describe_network
from backend.models.lora_file import LoraEntry, describe_lora, name_uniquely
from backend.models.members import MemberCard, MemberName, read_member
from backend.models.word_embedding import (
    WordEmbedding,
    describe_embedding,
    find_planned_embedding,
)
from backend.models.word_embedding import (
    name_uniquely as name_embedding,
)
from backend.plan.plan import PlannedEmbedding, PlannedLora

POCKET_ID = "pocket"
AGAIN = "Copy it again, with all its files."
FindingKind = Literal["model", "member", "file", "folder"]


@dataclass(frozen=True)
class Finding:
    """Something that was found and cannot be used.

    Attributes:
        id: that a model would have had; the name of others.
        kind: a "model" that is refused, a "member" beside one, another "file" of weights, or a
            "folder" as a whole.
        path: where it lies.
        error: why, what the limit is, and what to do.
        root: the given folder below which it was found.
    """

    id: str
    kind: FindingKind
    path: Path
    error: ModelError
    root: Path | None = None

    @property
    def sentence(self) -> str:
        """Where it lies, and why it cannot be used, as one line."""
        return f"{self.path}: {self.error.sentence}"


@dataclass(frozen=True)
class Catalog:
    """The models that are present.

    Attributes:
        cards: of the usable ones, in order.
        findings: all that cannot be used, in the order in which it was found.
        loras: LoRA files, each with a name of its own.
        embeddings: of words; those of the same widths have names of their own.
        roots: the given folder below which each model was found, by the model's id.
    """

    cards: tuple[ModelCard, ...]
    findings: tuple[Finding, ...] = field(default=())
    loras: tuple[LoraEntry, ...] = field(default=())
    embeddings: tuple[WordEmbedding, ...] = field(default=())
    roots: Mapping[str, Path] = field(default_factory=dict, repr=False)

    @property
    def refused(self) -> Mapping[str, ModelError]:
        """Why models cannot be used, by the id that they would have had."""
        return {one.id: one.error for one in self.findings if one.kind in ("model", "folder")}

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

    def lora(self, name: str) -> LoraEntry:
        """The LoRA of a name.

        Args:
            name: what scenes call it.

        Raises:
            ModelError: there is none.
        """
        for one in self.loras:
            if one.name == name:
                return one
        raise ModelError(
            f"There is no LoRA “{name}” here.",
            limit=f"LoRAs that were found: {len(self.loras)}.",
            remedy="Remove it from the scene, or add the folder that holds it.",
        )

    def find_embedding(self, planned: PlannedEmbedding) -> WordEmbedding:
        """The file that a plan means; a ModelError where no file here has its content."""
        return find_planned_embedding(self.embeddings, planned)

    def find_planned(self, planned: PlannedLora) -> LoraEntry:
        """The file that a plan means, whatever it is called now.

        Args:
            planned: with the digest of the file's content.

        Raises:
            ModelError: no file here has that content.
        """
        for one in sorted(self.loras, key=lambda one: one.name != planned.name):
            with suppress(ModelError):
                if one.digest == planned.digest:
                    return one
        raise ModelError(
            f"The LoRA “{planned.name}” of this recipe is not here.",
            limit="Its file was changed, or is gone.",
            remedy="Put the file back, or generate the scene anew.",
        )


def find_models(folders: Sequence[Path], pocket: Path = POCKET_FOLDER) -> Catalog:
    """Every model in some folders, the embedded pocket family first.

    Args:
        folders: each is a model folder, holds some at any of the usual places, or is a file.
        pocket: folder of the embedded family.

    Returns:
        The usable models, and all else with its reason.
    """
    builder = _CatalogBuilder()
    builder.judge(Location("model", pocket, POCKET_ID), POCKET_ID, "Pocket")
    search = LocationSearch()
    for folder in folders:
        builder.root = folder
        places = list(search.find(folder))
        for place in places:
            builder.add(place)
        if not places and not search.has_seen(folder):
            builder.refuse(model_id_of(folder.name), "folder", folder, _emptiness_error(folder))
    return builder.build()


class _CatalogBuilder:
    """A catalog in the making. Nothing that is judged raises."""

    def __init__(self) -> None:
        self.cards: list[ModelCard] = []
        self.findings: list[Finding] = []
        self.loras: list[LoraEntry] = []
        self.embeddings: list[WordEmbedding] = []
        self.shared: dict[MemberName, MemberCard] = {}
        self.roots: dict[str, Path] = {}
        self.root: Path | None = None
        self._ids: set[str] = set()

    def add(self, place: Location) -> None:
        """Judge a place."""
        match place.kind:
            case "model":
                name = f"{place.maker}-{place.name}" if place.maker else place.name
                self.judge(place, model_id_of(name), _title_of(place))
            case "member":
                self._judge_member(place)
            case "file":
                self._judge_file(place)
            case "network":
                self.refuse(place.name, "file", place.path, describe_network(place.path))
            case _:
                self.refuse(place.name, "folder", place.path, _folder_error(place))

    def judge(self, place: Location, wanted_id: str, title: str) -> None:
        """Judge a model's folder or file under the id that it shall have if it is free."""
        model_id = _free_id(wanted_id, self._ids)
        self._ids.add(model_id)
        try:
            with explain_loading(f"{place.name} cannot be read", remedy=AGAIN):
                read = read_card if place.kind == "model" else read_file_card
                card = read(place.path, model_id, title)
        except ModelError as error:
            self._refuse_id(model_id, "model", place.path, error)
            return
        self.cards.append(card)
        if self.root is not None:
            self.roots[model_id] = self.root
        for member, reason in card.refused_members.items():
            self._refuse_id(f"{model_id}/{member}", "member", card.folder / member, reason)

    def refuse(self, name: str, kind: FindingKind, path: Path, error: ModelError) -> None:
        """List what cannot be used; models have ids of their own."""
        if kind in ("model", "folder"):
            name = _free_id(model_id_of(name), self._ids)
            self._ids.add(name)
        self._refuse_id(name, kind, path, error)

    def build(self) -> Catalog:
        """The catalog; members that lie beside the models are for every one that has none of its
        own.
        """
        found = tuple(self.embeddings)
        cards = (
            replace(one, members={**self.shared, **one.members}, embeddings=found)
            for one in self.cards
        )
        return Catalog(tuple(cards), tuple(self.findings), tuple(self.loras), found, self.roots)

    def _judge_file(self, place: Location) -> None:
        match describe_file(place.path):
            case "checkpoint":
                self.judge(place, model_id_of(place.name), _title_of(place))
            case "lora":
                self._judge_lora(place)
            case "embedding":
                self._judge_embedding(place)
            case (kind, error):
                self.refuse(place.name, kind, place.path, error)

    def _judge_lora(self, place: Location) -> None:
        try:
            with explain_loading(f"{place.name} cannot be read", remedy=AGAIN):
                found = describe_lora(place.path, self.root)
        except ModelError as error:
            self._refuse_id(place.name, "file", place.path, error)
            return
        name = name_uniquely(found, (one.name for one in self.loras))
        self.loras.append(replace(found, name=name))

    def _judge_embedding(self, place: Location) -> None:
        try:
            with explain_loading(f"{place.name} cannot be read", remedy=AGAIN):
                found = describe_embedding(place.path, self.root)
        except ModelError as error:
            self._refuse_id(place.name, "file", place.path, error)
            return
        self.embeddings.append(replace(found, name=name_embedding(found, self.embeddings)))

    def _judge_member(self, place: Location) -> None:
        if place.member is None or place.member in self.shared:
            return
        try:
            with explain_loading(f"{place.name} cannot be read", remedy=AGAIN):
                self.shared[place.member] = read_member(place.path, place.member)
        except ModelError as error:
            self._refuse_id(place.name, "member", place.path, error)

    def _refuse_id(self, name: str, kind: FindingKind, path: Path, error: ModelError) -> None:
        self.findings.append(Finding(name, kind, path, error, self.root))


def _title_of(place: Location) -> str:
    title = place.name.replace("_", " ").replace("-", " ").capitalize()
    return f"{title} ({place.maker})" if place.maker else title


def _free_id(model_id: str, taken: Iterable[str]) -> str:
    if model_id not in taken:
        return model_id
    numbers = (f"{model_id[:60]}-{number}" for number in range(2, 10**6))
    return next(candidate for candidate in numbers if candidate not in taken)


def _folder_error(place: Location) -> ModelError:
    """Why a folder as a whole cannot be looked through, or not to its end."""
    match place.kind:
        case "missing":
            return ModelError(
                f"There is no model folder {place.name!r}.",
                limit="It was given as a folder of models.",
                remedy="Correct the path, or copy it there.",
            )
        case "unreadable":
            return ModelError(
                f"The folder {place.name!r} may not be read.",
                remedy="Change its permissions, or remove it from the list.",
            )
    return ModelError(
        f"The folder {place.name!r} was not looked through to its end.",
        limit=f"At most {MAX_LOCATIONS} files of weights in {MAX_FOLDERS} folders are looked at.",
        remedy="Give the folder that holds the models itself.",
    )


def _emptiness_error(folder: Path) -> ModelError:
    return ModelError(
        f"No model was found in {folder.name!r}.",
        limit=f"Lamina looks for diffusers folders and single files, {MAX_DEPTH} folders deep.",
        remedy="Give the folder of your models, such as ComfyUI/models or huggingface/hub.",
    )
