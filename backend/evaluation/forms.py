"""Rows by outline: does a person see the thing that was asked for, one object, two or three?

The judge says only where something stands that is no background; what it is, its outline says
(``metrics/outline.py``). Every row has its ceilings beside it: drawings, and drawings through the
autoencoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.report import Metric, ReportRow, build_metric
from backend.metrics.outline import (
    count_extra_pieces,
    edge_energy,
    find_largest_piece,
    find_nearest_outline,
    find_piece_at,
    is_class_in_place,
    is_colour_in_place,
    outline_iou,
    psnr_within,
)
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.world.sprites import PALETTE
from backend.pocket.world.words import BACKGROUNDS, is_held_out
from backend.pocket.world.world import Drawing, ObjectPlacement, draw_layout, draw_object
from backend.scene.imaging.arrays import Mask, Picture

OUTLINE_PX = 256
"""Side at which the true outlines are drawn."""
RADIUS = {1: 0.34, 2: 0.22, 3: 0.155}
"""Radius of the objects of a question by their number, as shares of the side."""


@lru_cache(maxsize=1)
def true_outlines() -> Mapping[str, Mask]:
    """The silhouette bool (256, 256) of every class."""
    return {name: draw_object(name, "red", "plain", OUTLINE_PX)[..., 3] >= 128 for name in CLASSES}


@dataclass(frozen=True)
class Question:
    """Plain objects side by side in one place; the drawing of it is the answer that is known."""

    drawing: Drawing

    @property
    def caption(self) -> str:
        """The words: "a red ball and a blue cat on a beach"."""
        return self.drawing.caption

    @property
    def objects(self) -> tuple[ObjectPlacement, ...]:
        """What was asked, from left to right."""
        return self.drawing.placements

    def places(self) -> tuple[Mask, ...]:
        """The half, third or whole of the picture that belongs to each object: bool (h, w)."""
        height, width = self.drawing.picture.shape[:2]
        columns = np.arange(width) * len(self.objects) // width
        return tuple(
            np.broadcast_to(columns == number, (height, width))
            for number in range(len(self.objects))
        )


def build_questions(count: int, objects: int, side_px: int, seed: int) -> tuple[Question, ...]:
    """``count`` questions; every class occurs equally often, colours and places by the seed.

    Args:
        count: how many.
        objects: 1, 2 or 3 in each.
        side_px: side of the drawings.
        seed: of the world; held-out combinations are never asked.
    """
    random = np.random.default_rng((seed, objects, 77))
    return tuple(
        Question(_draw_question(number, objects, side_px, random)) for number in range(count)
    )


def _draw_question(number: int, objects: int, side_px: int, random: np.random.Generator) -> Drawing:
    placements = []
    for column in range(objects):
        name = CLASSES[(number + column * 5) % len(CLASSES)]
        colours = [colour for colour in COLOURS if not is_held_out(name, colour, "plain")]
        centre = ((column + 0.5) / objects, float(random.uniform(0.5, 0.62)))
        colour = colours[int(random.integers(len(colours)))]
        placements.append(ObjectPlacement(name, colour, "plain", centre, RADIUS[objects]))
    place = BACKGROUNDS[int(random.integers(len(BACKGROUNDS)))]
    return draw_layout(place, placements, side_px, int(random.integers(1 << 30)))


def score_forms(
    judge: Judge, questions: Sequence[Question], pictures: Sequence[Picture]
) -> dict[str, Metric | float]:
    """How many of the asked objects a picture shows, by outline, each in its part of the picture.

    Returns:
        ``nearest_outline`` (share whose nearest outline is the asked class), ``outline_iou``,
        ``class_and_colour`` (the class is half of what stands in its part, in the asked colour),
        ``extra_objects`` (pieces a picture beyond the asked ones) and, where the outline is right,
        ``edge_energy`` against the drawing of the question.
    """
    found: dict[str, list[float]] = {
        "nearest_outline": [],
        "outline_iou": [],
        "class_and_colour": [],
        "extra_objects": [],
        "edge_energy": [],
    }
    classes = judge.classes(np.stack(pictures))
    truths = judge.classes(np.stack([question.drawing.picture for question in questions]))
    for question, picture, class_map, truth in zip(
        questions, pictures, classes, truths, strict=True
    ):
        standing = class_map > 0
        extra = count_extra_pieces(standing, len(question.objects))
        found["extra_objects"].append(float(extra))
        for asked, place in zip(question.objects, question.places(), strict=True):
            piece = find_largest_piece(standing & place)
            right = find_nearest_outline(piece, true_outlines()) == asked.class_
            found["nearest_outline"].append(float(right))
            found["outline_iou"].append(outline_iou(piece, true_outlines()[asked.class_]))
            label = CLASSES.index(asked.class_) + 1
            in_place = is_class_in_place(class_map, label, place)
            coloured = is_colour_in_place(picture, piece, asked.colour, PALETTE)
            found["class_and_colour"].append(float(in_place and coloured))
            if right:
                drawn = edge_energy(
                    question.drawing.picture, find_largest_piece((truth > 0) & place)
                )
                found["edge_energy"].append(edge_energy(picture, piece) / drawn)
    return {name: build_metric(values) for name, values in found.items() if values}


def autoencoder_figures(
    drawings: Sequence[Drawing], passed: Sequence[Picture]
) -> dict[str, Metric | float]:
    """What an autoencoder keeps of the objects' own pixels.

    Returns:
        ``object_psnr`` in dB and ``edge_energy`` kept (a share), one value a drawing.
    """
    psnr, energy = [], []
    for drawing, picture in zip(drawings, passed, strict=True):
        objects = drawing.class_map > 0
        psnr.append(psnr_within(picture, drawing.picture, objects))
        energy.append(edge_energy(picture, objects) / edge_energy(drawing.picture, objects))
    return {"object_psnr": build_metric(psnr), "edge_energy": build_metric(energy)}


def ceiling_rows(
    judge: Judge,
    questions: Mapping[str, Sequence[Question]],
    reconstruct: Mapping[str, Sequence[Picture]],
) -> Iterator[ReportRow]:
    """The rows of drawings, and of drawings through the autoencoder, for each set of questions."""
    for name, asked in questions.items():
        drawn = [question.drawing.picture for question in asked]
        yield ReportRow(f"{name} (drawings)", score_forms(judge, asked, drawn), len(asked))
        passed = reconstruct[name]
        yield ReportRow(f"{name} (through vae)", score_forms(judge, asked, passed), len(asked))


def score_layers_at(
    class_maps: NDArray[np.int64],
    pictures: Sequence[Picture],
    layers: Sequence[tuple[str, Mask]],
) -> dict[str, list[float]]:
    """What stands where layers were asked for, one value a picture: the mean over its layers.

    Args:
        class_maps: int64 (n, h, w), 0 = background.
        pictures: n of uint8 (h, w, 3).
        layers: a phrase and bool (h, w), where it was asked for; layers whose phrase names no class
            of the world are left out.

    Returns:
        The figures of ``score_outlines_at``, and ``colour_in_place`` (no network is asked for the
        colour) where phrases name one.
    """
    rows: dict[str, list[list[float]]] = {}
    for phrase, region in layers:
        words = phrase.lower().split()
        name = next((name for name in CLASSES if name in words), "")
        if not name or not region.any():
            continue
        for metric, values in score_outlines_at(class_maps, region, name):
            rows.setdefault(metric, []).append(values)
        colour = next((colour for colour in COLOURS if colour in words), "")
        if colour:
            rows.setdefault("colour_in_place", []).append(
                [
                    float(is_colour_in_place(picture, (seen > 0) & region, colour, PALETTE))
                    for picture, seen in zip(pictures, class_maps, strict=True)
                ]
            )
    return {metric: np.mean(values, axis=0).tolist() for metric, values in rows.items()}


def score_outlines_at(
    class_maps: NDArray[np.int64], region: Mask, class_name: str
) -> Iterator[tuple[str, list[float]]]:
    """What stands where an object was asked for, by its outline; one value a picture.

    Args:
        class_maps: int64 (n, h, w), 0 = background.
        region: bool (h, w), where the object was asked for and nothing hides it.
        class_name: one of the world's classes.

    Yields:
        ``outline_kept`` (overlap with the region's own outline in the common box), ``outline_iou``
        (with the true outline of the class) and ``nearest_outline`` (whether no other class lies
        nearer).
    """
    pieces = [find_piece_at(class_map > 0, region) for class_map in class_maps]
    outlines = true_outlines()
    yield "outline_kept", [outline_iou(piece, region) for piece in pieces]
    yield "outline_iou", [outline_iou(piece, outlines[class_name]) for piece in pieces]
    yield (
        "nearest_outline",
        [float(find_nearest_outline(piece, outlines) == class_name) for piece in pieces],
    )
