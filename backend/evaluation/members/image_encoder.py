"""The image encoder on fresh drawings: the same look among 32 cut-outs, elsewhere, mirrored, turned
and resized.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.asking import HELD_OUT_WORLD
from backend.evaluation.members.clip import AMONG, FEW, QUICK_ROUNDS, ROUNDS
from backend.evaluation.pocket_suite import PocketSuite
from backend.evaluation.report import ReportRow, build_metric
from backend.metrics.similarity import crop_around, retrieve, vectors
from backend.models.image_encoder import image_encoder_of
from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.world.words import BACKGROUNDS, TEXTURES
from backend.pocket.world.world import ObjectPlacement, draw_layout
from backend.scene.geometry import PixelBox

FIRST = 70_000
MOST_TURN_DEG = 12.0  # the world's own limit


def image_encoder_row(suite: PocketSuite) -> ReportRow:
    """Share of looks found again, and how much nearer the same look is than another one (mean
    cosines).
    """
    encoder = image_encoder_of(suite.bundle)
    hits: list[float] = []
    same: list[float] = []
    other: list[float] = []
    for turn in range(QUICK_ROUNDS if suite.count < FEW else ROUNDS):
        random = np.random.default_rng((HELD_OUT_WORLD + suite.world_seed * 100_000 + FIRST, turn))
        pairs = [
            look_pair(int(look), suite.bundle.card.native_px, random)
            for look in distinct_looks(random)
        ]
        first, second = (vectors(encoder, [pair[side] for pair in pairs]) for side in (0, 1))
        hits += retrieve(first, second)
        near = first @ second.T
        same += [float(value) for value in near.diagonal()]
        other += [float(value) for value in (near.sum(1) - near.diagonal()) / (AMONG - 1)]
    metrics = {
        "retrieval": build_metric(hits),
        "same_look": build_metric(same),
        "other_look": build_metric(other),
    }
    return ReportRow("image_encoder", metrics, len(hits))


def distinct_looks(random: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of 32 different looks, trained ones and held-out ones alike."""
    return random.choice(len(CLASSES) * len(COLOURS) * len(TEXTURES), AMONG, replace=False)


def look_pair(
    look: int, side_px: int, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two crops of one look at two places."""
    class_, rest = divmod(look, len(COLOURS) * len(TEXTURES))
    colour, texture = divmod(rest, len(TEXTURES))
    places = random.choice(len(BACKGROUNDS), 2, replace=False)
    mirrored = bool(random.random() < 0.5)
    crops = []
    for place, flip in zip(places, (mirrored, not mirrored), strict=True):
        radius = float(random.uniform(0.2, 0.36))
        centre = (
            float(random.uniform(radius, 1 - radius)),
            float(random.uniform(radius, 1 - radius)),
        )
        turn = float(random.uniform(-MOST_TURN_DEG, MOST_TURN_DEG))
        placed = ObjectPlacement(
            CLASSES[class_], COLOURS[colour], TEXTURES[texture], centre, radius, turn, flip
        )
        drawing = draw_layout(
            BACKGROUNDS[int(place)], [placed], side_px, int(random.integers(2**31))
        )
        box = PixelBox(*map(int, drawing.boxes_px[0]))
        crops.append(crop_around(drawing.picture, box))
    return crops[0], crops[1]
