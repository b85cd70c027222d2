"""What a person should know of painted masks before a method draws them class by class (TCIG), and
the names of classes: spellings of one, and what of a phrase could be one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from backend.plan.notes import call_name
from backend.plan.plan import Note, Plan
from backend.plan.survey import Surveyed

LEAST_SHARE = 0.05
"""Of the picture; TCIG leaves smaller masks out of its evaluation (section 4.1)."""
HIDDEN_SHARE = 0.2
"""Of a mask under other layers: with less an object still has its shape (our choice)."""

_REPLACED = {"no_mask": "empty", "no_class": "no_phrase"}


def notes_on_painted(seen: Sequence[Surveyed], classes: Collection[str] | None) -> tuple[Note, ...]:
    """The notes of the visible painted layers, from back to front.

    ``classes`` are all that the model's segmenters know; None when they take any phrase. Codes:
    no_class, no_mask, unknown_class, overlap, tiny.
    """
    painted = (one for one in seen if one.layer.picture is None and one.obstacle != "hidden")
    return tuple(note for one in painted for note in _notes(one, classes))


def with_painted(notes: Sequence[Note], painted: Sequence[Note]) -> tuple[Note, ...]:
    """Both, the painted ones first, without what they say better."""
    covered = {(note.layer_id, _REPLACED.get(note.code)) for note in painted}
    return (*painted, *(note for note in notes if (note.layer_id, note.code) not in covered))


def leave_out_wordless(plan: Plan) -> tuple[Plan, tuple[str, ...]]:
    """The plan without painted layers of which nobody knows what to draw, and a sentence for each;
    as it is where no other layer is painted.
    """
    painted = [layer for layer in plan.layers if layer.picture is None]
    wordless = [one for one in painted if not (one.phrase.strip() or one.class_label.strip())]
    if not wordless or len(wordless) == len(painted):
        return plan, ()
    layers = tuple(layer for layer in plan.layers if layer not in wordless)
    notes = tuple(
        f"The painted mask “{layer.id}” has no class and is left out. Choose its class, or write a "
        "phrase that names it."
        for layer in wordless
    )
    return plan.model_copy(update={"layers": layers}), notes


def _notes(seen: Surveyed, classes: Collection[str] | None) -> Iterator[Note]:
    layer, name = seen.layer, call_name(seen.layer)
    inside = name[0].lower() + name[1:]
    words = layer.class_label.strip() or layer.phrase.strip()
    if not words:
        yield _note(
            seen, "no_class", f"{name} has no class. Choose one, or write a phrase that names it."
        )
    elif classes is not None and not names_one(words, classes):
        known = ", ".join(sorted(classes))
        yield _note(
            seen,
            "unknown_class",
            f"{name}: no segmenter of this model knows “{words}”. Known are {known}. Beside others "
            "that are known it is drawn by its words alone.",
        )
    if seen.obstacle == "empty":
        yield _note(seen, "no_mask", f"Nothing is painted on {inside}: it takes no part.")
    if seen.obstacle:
        return
    hidden = 1 - seen.visible_cells / seen.own_cells
    if hidden > HIDDEN_SHARE:
        yield _note(
            seen,
            "overlap",
            f"{hidden:.0%} of {inside} lies under other layers, which are drawn there.",
        )
    if seen.visible_frac < LEAST_SHARE:
        share = f"{name} shows on {seen.visible_frac:.1%} of the picture"
        yield _note(
            seen,
            "tiny",
            f"{share}. Below {LEAST_SHARE:.0%} an object is seldom found; paint it larger.",
        )


def _note(seen: Surveyed, code: str, text: str) -> Note:
    return Note(code=code, layer_id=seen.layer.id, text=text)


SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(words)
    for words in (
        {"airplane", "aeroplane", "plane"},
        {"motorcycle", "motorbike"},
        {"bicycle", "bike"},
        {"couch", "sofa"},
        {"tv", "tvmonitor", "television"},
        {"dining table", "diningtable"},
        {"potted plant", "pottedplant"},
        {"person", "human"},
    )
)
"""Names of one class in COCO, VOC and ADE20K."""


def spellings(name: str) -> set[str]:
    """A class' names: as it stands, its singular, and its synonyms."""
    plain = " ".join(name.casefold().split())
    forms = {plain, plain.removesuffix("s") if len(plain) > 3 else plain}
    return forms.union(*(group for group in SYNONYMS if group & forms))


def runs_of(phrase: str) -> Iterator[str]:
    """The runs of words in a phrase that could name a class: the longest first, then the last."""
    words = phrase.casefold().split()
    runs = [
        (end - start, end, " ".join(words[start:end]))
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
    ]
    return (run for _, _, run in sorted(runs, reverse=True))


def names_one(words: str, classes: Collection[str]) -> bool:
    """Whether a phrase, or a class label, names one of these classes."""
    known = {" ".join(part.casefold().split()) for name in classes for part in name.split(",")}
    return any(spellings(run) & known for run in runs_of(words))
