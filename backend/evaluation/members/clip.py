"""The CLIP pair on fresh worlds: the right caption among 32, and the right phrase for a crop of one
object.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.evaluation.asking import HELD_OUT_WORLD
from backend.evaluation.pocket_suite import PocketSuite
from backend.evaluation.report import ReportRow, build_metric
from backend.metrics.similarity import crop_around, retrieve, vectors
from backend.models.clip import clip_of
from backend.pocket.world.world import Drawing, draw_scene
from backend.scene.geometry import PixelBox

AMONG = 32
ROUNDS, QUICK_ROUNDS = 6, 2
"""Groups of 32 scenes; a quick run (fewer than ``FEW`` pictures elsewhere) takes two."""
FEW = 20
FIRST, HELD_OUT = 50_000, 60_000


def groups(suite: PocketSuite, offset: int, held_out: bool = False) -> Iterator[list[Drawing]]:
    """Groups of 32 scenes of one to three objects whose captions all differ."""
    seed = HELD_OUT_WORLD + suite.world_seed * 100_000 + offset
    for _ in range(QUICK_ROUNDS if suite.count < FEW else ROUNDS):
        group: dict[str, Drawing] = {}
        while len(group) < AMONG:
            drawing = draw_scene(seed, suite.bundle.card.native_px, (1, 2, 3), held_out)
            group.setdefault(drawing.caption, drawing)
            seed += 1
        yield list(group.values())


def clip_row(suite: PocketSuite) -> ReportRow:
    """Shares of right answers; chance is 1 in 32 for captions and 1 in about 30 for phrases."""
    clip = clip_of(suite.bundle)
    captions: list[float] = []
    phrases: list[float] = []
    rare: list[float] = []
    for group in groups(suite, FIRST):
        encoded = clip.encode_text([drawing.caption for drawing in group]).cpu()
        captions += retrieve(vectors(clip, [drawing.picture for drawing in group]), encoded)
        crops = {d.phrases[-1]: crop_around(d.picture, front_box(d)) for d in group}
        phrases += retrieve(
            vectors(clip, list(crops.values())), clip.encode_text(list(crops)).cpu()
        )
    for group in groups(suite, HELD_OUT, held_out=True):
        encoded = clip.encode_text([drawing.caption for drawing in group]).cpu()
        rare += retrieve(vectors(clip, [drawing.picture for drawing in group]), encoded)
    metrics = {
        "retrieval": build_metric(captions),
        "held_out_retrieval": build_metric(rare),
        "phrase_retrieval": build_metric(phrases),
    }
    return ReportRow("clip", metrics, len(captions))


def front_box(drawing: Drawing) -> PixelBox[int]:
    """The box of a drawing's front object, which nothing covers."""
    return PixelBox(*map(int, drawing.boxes_px[-1]))
