"""Which segmenter answers for which class (TCIG, section 3.1: "appropriate guiding models can be
selected").

An expert is a segmenter with a vocabulary. Each asked class goes to the first expert that knows it;
what none knows goes to the open one (CLIPSeg), which takes any phrase, where a family has it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from backend.errors import ModelError, RequestError
from backend.models.bundle import ModelBundle
from backend.models.members import MemberName
from backend.plan.painted import runs_of, spellings
from backend.plan.plan import PlannedLayer

log = logging.getLogger(__name__)

CLOSED: tuple[MemberName, ...] = ("guide", "deeplab")
"""Members with a fixed vocabulary, the first ones asked first."""
OPEN: MemberName = "clipseg"
BACKGROUND = frozenset({"background", "__background__", "void"})
LISTED = 40  # words of a vocabulary that a sentence lists


class NamesPixels(Protocol):
    """A segmenter: (n, 3, h, w) in 0..1 → scores (n, classes, h, w), differentiable."""

    def logits(self, pictures: Tensor) -> Tensor:
        """Scores before the softmax."""
        ...


class TakesPhrases(Protocol):
    """An open-vocabulary segmenter."""

    def segmenter_for(self, phrases: tuple[str, ...]) -> NamesPixels:
        """A segmenter of these phrases, in this order, and of the background as its last
        channel.
        """
        ...


@dataclass(frozen=True)
class Expert:
    """A segmenter with its words.

    Attributes:
        name: of the member.
        vocabulary: names channel i; several spellings may be set apart by commas.
        segmenter: the network.
    """

    name: str
    vocabulary: tuple[str, ...]
    segmenter: NamesPixels = field(repr=False)

    def channel(self, wanted: str) -> int | None:
        """The channel of a class by any of its names.

        Args:
            wanted: the class.

        Returns:
            None when it is not known.
        """
        names = spellings(wanted)
        return next((i for i, label in enumerate(self.vocabulary) if names & _labels(label)), None)

    @property
    def background(self) -> int | None:
        """The channel of everything else, where the vocabulary has one."""
        return next(
            (i for i, label in enumerate(self.vocabulary) if _labels(label) & BACKGROUND), None
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """What can be painted: the vocabulary without the background."""
        return tuple(label for i, label in enumerate(self.vocabulary) if i != self.background)


@dataclass(frozen=True)
class Experts:
    """All that a family has.

    Attributes:
        closed: those with a fixed vocabulary, the first ones asked first.
        open: one that takes any phrase, or none.
        failures: sentences about those that could not be loaded.
    """

    closed: tuple[Expert, ...]
    open: tuple[TakesPhrases, ...] = ()
    failures: tuple[str, ...] = ()

    def class_in(self, phrase: str) -> str:
        """The class that a phrase names (“cat” of “an orange cat”): the longest, then the last.

        Args:
            phrase: of a layer.

        Returns:
            Empty where no expert knows any.
        """
        known = (run for run in runs_of(phrase) if self._class_index(run))
        return next(known, phrase.strip() if self.open else "")

    def class_of(self, label: str, phrase: str, name: str) -> str:
        """The class that a painted layer asks for: its label, else the one in its phrase.

        Args:
            label: chosen by a person, may be empty.
            phrase: the layer's words.
            name: of the layer, for the sentence.

        Raises:
            RequestError: it has none, or none that an expert knows.
        """
        if label.strip():
            return label.strip()
        found = self.class_in(phrase)
        if found:
            return found
        if phrase.strip():
            raise self.class_error(phrase)
        raise RequestError(
            f"The painted mask “{name}” has no class.",
            remedy="Choose its class, or write a phrase that names it.",
        )

    def knows(self, wanted: str) -> bool:
        """Whether an expert answers for a class.

        Args:
            wanted: the class.
        """
        return bool(self.open) or any(one.channel(wanted) is not None for one in self.closed)

    def find_classes(self, painted: Sequence[PlannedLayer]) -> tuple[list[str], tuple[str, ...]]:
        """The class of each painted layer, and a sentence for each that no expert knows.

        One object that cannot be recognised costs the others nothing (ours): it is drawn by its
        words alone, in the text's part of TCIG's equation (2) and in the attention of stage 2, and
        its class is empty here.

        Args:
            painted: at least one.

        Raises:
            RequestError: no class of any layer is known.
        """
        classes: list[str] = []
        notes: list[str] = []
        errors: list[RequestError] = []
        for layer in painted:
            try:
                name = self.class_of(layer.class_label, layer.phrase, layer.id)
                if not self.knows(name):
                    raise self.class_error(name)
            except RequestError as error:
                name = ""
                errors.append(error)
                called = layer.phrase or layer.class_label
                notes.append(
                    f"Layer “{called}” is drawn by its words alone, and may not keep to its mask. "
                    f"{error.sentence}"
                )
            classes.append(name)
        if len(errors) == len(painted):
            raise errors[0]
        return classes, tuple(notes)

    def route(
        self, classes: Sequence[str]
    ) -> tuple[tuple[Expert, tuple[tuple[str, int], ...]], ...]:
        """Which expert answers for which class.

        Args:
            classes: those asked for.

        Returns:
            Each expert that is needed with its (class, channel) pairs.

        Raises:
            RequestError: nobody knows a class; the sentence names it.
        """
        shares: dict[int, list[tuple[str, int]]] = {}
        unknown: list[str] = []
        for wanted in dict.fromkeys(classes):
            pairs = ((number, expert.channel(wanted)) for number, expert in enumerate(self.closed))
            number, channel = next(((n, c) for n, c in pairs if c is not None), (-1, 0))
            if number < 0:
                unknown.append(wanted)
            else:
                shares.setdefault(number, []).append((wanted, channel))
        routes = [(self.closed[number], tuple(share)) for number, share in sorted(shares.items())]
        if unknown:
            if not self.open:
                raise self.class_error(unknown[0])
            phrases = tuple(unknown)
            expert = Expert("open", (*phrases, "background"), self.open[0].segmenter_for(phrases))
            routes.append((expert, tuple((phrase, i) for i, phrase in enumerate(phrases))))
        return tuple(routes)

    def class_error(self, wanted: str) -> RequestError:
        """The sentence about a class that no expert knows."""
        return RequestError(
            f"No segmenter of this model knows “{wanted}”.",
            limit=" ".join((f"Known are {_join_names(self.closed)}.", *self.failures)),
            remedy=(
                "Choose one of these, or add the member clipseg to the model: it takes any phrase."
            ),
        )

    def _class_index(self, name: str) -> bool:
        return any(expert.channel(name) not in (None, expert.background) for expert in self.closed)


def experts_of(bundle: ModelBundle) -> Experts:
    """The experts of a family; one that cannot be loaded is left out, and named in ``failures``.

    Args:
        bundle: the model.

    Raises:
        ModelError: none is left.
    """
    failures: list[str] = []
    closed = [
        Expert(name, member.vocabulary, member)
        for name in CLOSED
        for member in _load(bundle, name, failures)
    ]
    takes_any = tuple(_load(bundle, OPEN, failures))
    if not closed and not takes_any:
        raise ModelError(
            "This model has no segmenter that could guide painted masks.",
            limit=" ".join(failures),
            remedy=(
                "Put one into its folder, named guide, deeplab or clipseg, or choose another model."
            ),
        )
    return Experts(tuple(closed), takes_any, tuple(failures))


def _load(bundle: ModelBundle, name: MemberName, failures: list[str]) -> Iterable[Any]:
    if name not in bundle.members:
        return ()
    try:
        return (bundle.members.get(name),)
    except ModelError as error:
        log.warning("%s is left out: %s", name, error.sentence)
        failures.append(f"The member {name} is left out: {error.what}")
        return ()


def _labels(label: str) -> set[str]:
    return {" ".join(part.casefold().split()) for part in label.split(",")}


def _join_names(experts: Sequence[Expert]) -> str:
    words = list(dict.fromkeys(word for expert in experts for word in expert.classes))
    more = f" and {len(words) - LISTED} more" if len(words) > LISTED else ""
    return ", ".join(words[:LISTED]) + more if words else "none"
