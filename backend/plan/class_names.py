"""The names of classes: spellings of one, and what of a phrase could be one."""

from __future__ import annotations

from collections.abc import Collection, Iterator

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
