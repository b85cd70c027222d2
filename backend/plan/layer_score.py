"""What is said of one layer of a finished picture: figures, whether it failed, and which candidate
is the best.

No network and no torch here: the studio keeps these records without either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from backend.scene.records import Digest, Record

FOUND_IOU = 0.25
"""From this overlap on an object counts as found where it was asked.

Drawings as asked are above .71 in 95 of 100; missing, elsewhere or another class are below .12 in
95 of 100 (``python -m backend.evaluation.calibration --count 14``, the pocket guide). Nearer to the
wrong ones, since a model draws outlines of its own.
"""

TEXT_DROP = 0.2
"""How much less like its words a layer may be than its own picture is, as a difference of cosines.

Drawings as asked stay below .06 in 95 of 100; of wrong ones (missing, elsewhere, another class,
another colour) 95 of 100 are above .21 (``python -m backend.evaluation.calibration --count 20``,
the pocket pair). Pairs of a smaller range, such as OpenAI's, let more through and do not fail what
is right.
"""


class LayerScore(Record):
    """How a layer came out. What cannot be measured (no such network, no words, no picture of its
    own) is None.

    ``text``, ``image``: cosines (-1..1) of the square around the visible layer with its phrase, and
    with its picture. ``iou``: overlap (0..1) of the region asked and the object found. ``seam``:
    mean colour step (0..1) from just outside the region to a little farther. ``drift``: how far
    (0..1) the mean colour along the inner border is from the layer's own. ``failed`` says why the
    layer does not pass, without its name; it is empty when it does. ``heat`` names a small grey
    picture of where the layer's words looked; it is empty where nobody watched.
    """

    layer_id: str
    text: float | None = None
    image: float | None = None
    iou: float | None = None
    seam: float | None = None
    drift: float | None = None
    failed: str = ""
    heat: Digest | Literal[""] = ""


Scores = tuple[LayerScore, ...]
"""One per layer of a picture that can be seen, from back to front."""


def passes(scores: Scores) -> bool:
    """Whether no layer failed; a picture that nobody could score passes."""
    return not any(score.failed for score in scores)


def ranks(candidates: Sequence[Scores]) -> tuple[int, ...]:
    """The place of each candidate among all, 1 = best: fewest failed layers first, then the mean of
    its figures.

    Equal ones stand in their order. 0 for a candidate of which neither words, picture nor overlap
    were measured.
    """
    keys = {}
    for place, scores in enumerate(candidates):
        known = [
            value
            for score in scores
            for value in (score.text, score.image, score.iou)
            if value is not None
        ]
        if known:
            keys[place] = (
                sum(bool(score.failed) for score in scores),
                -sum(known) / len(known),
                place,
            )
    order = sorted(keys, key=lambda place: keys[place])
    return tuple(order.index(place) + 1 if place in keys else 0 for place in range(len(candidates)))


def why_failed(wanted: str, overlap: float | None, phrase: str, drop: float | None) -> str:
    """The reason that a layer fails, or an empty text.

    ``wanted`` is the class that a segmenter looked for (empty when none knows it) and ``overlap``
    what it found; ``drop`` is how much less like ``phrase`` the result is than the layer's own
    picture.
    """
    if wanted and overlap is not None and overlap < FOUND_IOU:
        return f"no {wanted} found where asked"
    if drop is not None and drop > TEXT_DROP:
        return f"it does not look like “{phrase}”"
    return ""
