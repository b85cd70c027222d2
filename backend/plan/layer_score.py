"""What is said of one layer of a finished picture: figures, whether it failed or cannot be judged,
and which candidate is the best.

No network and no torch here: the studio keeps these records without either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from backend.scene.records import Digest, Record


class LayerScore(Record):
    """How a layer came out. What cannot be measured (no such network, no words, no picture of its
    own) is None.

    ``form``, ``place``, ``colour`` (0..1) are the verdict's scores, which people are shown: how
    much nearer its silhouette is to the asked class than to any other, how much of its place it
    covers, and how sure its colour is. ``text``, ``image``: cosines (-1..1) of the square around
    the visible layer with its phrase, and with its picture. ``iou``: overlap (0..1) of the region
    asked and the object found. ``seam``: mean colour step (0..1) from just outside the region to a
    little farther. ``drift``: how far (0..1) the mean colour along the inner border is from the
    layer's own. ``failed`` says why the layer does not pass, ``unjudged`` why nothing can be said
    of it, both without its name; one of them at most is not empty. ``heat`` names a small grey
    picture of where the layer's words looked; it is empty where nobody watched.
    """

    layer_id: str
    form: float | None = None
    place: float | None = None
    colour: float | None = None
    text: float | None = None
    image: float | None = None
    iou: float | None = None
    seam: float | None = None
    drift: float | None = None
    failed: str = ""
    unjudged: str = ""
    heat: Digest | Literal[""] = ""


Scores = tuple[LayerScore, ...]
"""One per layer of a picture that can be seen, from back to front."""


def passes(scores: Scores) -> bool:
    """Whether no layer failed; a picture that nobody could judge passes."""
    return not any(score.failed for score in scores)


def ranks(candidates: Sequence[Scores]) -> tuple[int, ...]:
    """The place of each candidate among all, 1 = best: fewest failed layers first, then the mean of
    its layers' figures: those of the verdict, else words, picture and overlap.

    Equal ones stand in their order. 0 for a candidate of which none of these were measured.
    """
    keys = {}
    for place, scores in enumerate(candidates):
        known = [value for score in scores for value in _figures(score)]
        if known:
            keys[place] = (
                sum(bool(score.failed) for score in scores),
                -sum(known) / len(known),
                place,
            )
    order = sorted(keys, key=lambda place: keys[place])
    return tuple(order.index(place) + 1 if place in keys else 0 for place in range(len(candidates)))


def _figures(score: LayerScore) -> list[float]:
    """What a layer is ordered by."""
    judged = (score.form, score.place, score.colour)
    alike = (score.text, score.image, score.iou)
    known = [value for value in judged if value is not None]
    return known or [value for value in alike if value is not None]
