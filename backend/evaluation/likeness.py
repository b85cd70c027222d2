"""How like its words and its picture each layer came out (Collage Diffusion, section 5.1), in
CLIP's space.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from backend.metrics.similarity import box_of, crop_around, image_similarity, text_similarity
from backend.models.clip import Clip
from backend.plan.plan import Plan
from backend.plan.raster import raster, stack_pictures
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.arrays import Picture

GREY = np.array((150, 150, 150), np.uint8)
"""The collage's own ground."""


def layer_likeness(
    clip: Clip,
    plan: Plan,
    pixels: MemoryPixels,
    plate: Picture,
    pictures: Sequence[Picture],
    looks: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[str, list[float]]]:
    """Per visible layer ``text_similarity`` (where it has a phrase) and ``image_similarity``, one
    value a picture.

    Compared is the square around what the layer shows of itself: in the result with the phrase, and
    with the same square of the layer over its plate (h, w, 3), or over grey and the layers below
    where no plate is known. The same again as ``…_masked``, with grey for all that is not the
    layer's in both pictures (the paper does not tell how it cut its regions out).
    ``full_text_similarity`` is that to the words of ``looks``, which say by layer what its phrase
    leaves out. ``given_…`` is the similarity of the layer's own picture, one value: no faithful
    result can do better.
    """
    topmost = raster(plan, pixels).topmost
    for number, (layer, (flat, alpha)) in enumerate(
        zip(plan.layers, stack_pictures(plan, pixels), strict=True), start=1
    ):
        if not (topmost == number).any():
            continue
        region = topmost == number
        whole = (over_plate(flat, alpha, plate), *pictures)
        masked = tuple(np.where(region[..., None], picture, GREY) for picture in whole)
        phrases = {
            "": {
                "text_similarity": layer.phrase,
                "full_text_similarity": looks.get(layer.id, ""),
            }
        }
        phrases["_masked"] = {"text_similarity_masked": layer.phrase}
        for ending, shown in (("", whole), ("_masked", masked)):
            crops = [crop_around(picture, box_of(region)) for picture in shown]
            yield from _score_words(clip, crops, phrases[ending])
            asked, *others = crops
            yield f"image_similarity{ending}", image_similarity(clip, others, [asked] * len(others))


def _score_words(
    clip: Clip, crops: Sequence[Picture], words: Mapping[str, str]
) -> Iterator[tuple[str, list[float]]]:
    """The similarity to each of the words that there are; the first crop is what was given."""
    for name, sentence in words.items():
        if sentence:
            given, *made = text_similarity(clip, crops, [sentence] * len(crops))
            yield f"given_{name}", [given]
            yield name, made


def over_plate(flat: Picture, alpha: NDArray[np.float32], plate: Picture) -> Picture:
    """A layer's pixels of ``flat`` (h, w, 3) by its alpha (h, w) over the plate; ``flat`` where the
    plate is empty.
    """
    if not plate.size:
        return flat
    mixed: Picture = np.round(flat * alpha[..., None] + plate * (1 - alpha[..., None])).astype(
        np.uint8
    )
    return mixed
