"""The pocket suite's rows about members of the family, each on drawings that no training saw:
``<member>_row(suite)``, by the member's name in ``MEMBER_ROWS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from backend.engine.decode import as_bytes, decode, encode, preview
from backend.engine.loop_types import Step, generator_for
from backend.engine.optimise import picture_of
from backend.evaluation.asking import HELD_OUT_WORLD, run_plan, scene_of_drawing, settings_for
from backend.evaluation.pocket_suite import ATTENTION, PocketSuite
from backend.evaluation.report import Metric, ReportRow, Tile, build_metric
from backend.metrics.outline import edge_f1
from backend.metrics.recognition import mask_iou, psnr
from backend.metrics.similarity import crop_around, retrieve, vectors
from backend.models.clip import clip_of
from backend.models.image_encoder import image_encoder_of
from backend.models.judge_classes import CLASSES, COLOURS
from backend.models.members import MemberName
from backend.models.sam import sam_of
from backend.models.segmenter import segmenter_of
from backend.models.vqgan import vqgan_of
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.raster import Raster, raster
from backend.plan.request import Compose
from backend.plan.structure import PlannedStructure, structure_of
from backend.pocket.world.words import BACKGROUNDS, TEXTURES
from backend.pocket.world.world import Drawing, ObjectPlacement, draw_layout, draw_scene
from backend.scene.blobs import MemoryPixels
from backend.scene.geometry import PixelBox, PixelPoint
from backend.scene.layer import Structure as Asked

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


FIRST_PAIR = 70_000
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
        random = np.random.default_rng(
            (HELD_OUT_WORLD + suite.world_seed * 100_000 + FIRST_PAIR, turn)
        )
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


GUIDE_ROWS = 16
"""Pictures that are looked at together; bounds memory."""


def mean_ious(found: NDArray[np.int64], truth: NDArray[np.int64], labels: int) -> list[float]:
    """Intersection over union of each label that occurs, over all pictures (n, h, w) together."""
    scores = [mask_iou(found == label, truth == label) for label in range(labels)]
    return [score for score in scores if not np.isnan(score)]


def guide_row(suite: PocketSuite) -> ReportRow:
    """``miou`` on fresh drawings of one to three objects (as the judge's), ``held_out_miou`` on
    kept-out looks.
    """
    segmenter = segmenter_of(suite.bundle)
    metrics = {}
    for name, offset, held_out in (("miou", 0, False), ("held_out_miou", 20_000, True)):
        drawings = suite.drawings(offset, (1, 2, 3), held_out)
        pictures = np.stack([drawing.picture for drawing in drawings])
        truth = np.stack([drawing.class_map for drawing in drawings])
        found = []
        for start in range(0, len(pictures), GUIDE_ROWS):
            given = torch.from_numpy(pictures[start : start + GUIDE_ROWS]).to(suite.bundle.device)
            with torch.inference_mode():
                found.append(
                    segmenter.logits(given.permute(0, 3, 1, 2).float() / 255)
                    .argmax(1)
                    .cpu()
                    .numpy()
                )
        metrics[name] = build_metric(
            mean_ious(np.concatenate(found), truth, len(segmenter.vocabulary))[1:]
        )
    return ReportRow("guide", metrics, suite.count)


LEAST_PX = 65
"""Smallest rest of an object that is clicked on, 0.4 % of 128 × 128 px; of smaller ones nothing can
be recognised.
"""


def deepest_point(mask: NDArray[np.bool_]) -> PixelPoint[int]:
    """The pixel (x, y) farthest from the border of a mask that is not empty, found by wearing it
    away.

    Steps alternate between the diamond and the square, so that the worn-off rim is about round. The
    picture's edge is no border of the object: what is outside counts as inside.
    """
    left, last, step = mask, mask, 0
    while left.any():
        last, step = left, step + 1
        padded = np.pad(left, 1, mode="edge")
        rows = padded[:-2, 1:-1] & padded[2:, 1:-1]
        columns = padded[1:-1, :-2] & padded[1:-1, 2:]
        left = left & rows & columns
        if step % 2:
            left = left & padded[:-2, :-2] & padded[:-2, 2:] & padded[2:, :-2] & padded[2:, 2:]
        if left.all():
            break
    y, x = np.nonzero(last)
    middle = int(np.argmin((x - x.mean()) ** 2 + (y - y.mean()) ** 2))
    return PixelPoint(int(x[middle]), int(y[middle]))


def sam_row(suite: PocketSuite) -> ReportRow:
    """Overlap with the visible mask after one click and after a box, and how far the expected
    overlap is off.
    """
    sam = sam_of(suite.bundle)
    clicks: list[float] = []
    boxes: list[float] = []
    errors: list[float] = []
    for drawing in suite.drawings(0, (1, 2, 3)):
        sam.set_picture(drawing.picture)
        for mask in drawing.visible:
            if mask.sum() < LEAST_PX:
                continue
            cut = sam.at_point(*deepest_point(mask))
            clicks.append(mask_iou(cut.mask, mask))
            errors.append(abs(cut.expected_iou - clicks[-1]))
            y, x = np.nonzero(mask)
            boxed = sam.in_box(
                float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)
            )
            boxes.append(mask_iou(boxed.mask, mask))
    metrics = {
        "click_iou": build_metric(clicks),
        "box_iou": build_metric(boxes),
        "expected_iou_error": build_metric(errors),
    }
    return ReportRow("sam", metrics, len(clicks))


def vqgan_row(suite: PocketSuite) -> ReportRow:
    """Drawings through the codes: PSNR, what the judge still recognises, and the share of codes in
    use.
    """
    network = vqgan_of(suite.bundle)
    drawings = suite.drawings(0, (1, 2, 3))
    passed, used = [], set()
    with torch.inference_mode():
        for drawing in drawings:
            given = (
                torch.from_numpy(drawing.picture.copy())
                .to(suite.bundle.device)
                .permute(2, 0, 1)[None]
                .float()
            )
            z = network.encode(given / 127.5 - 1)
            used |= set(network.codes(z).unique().tolist())
            passed.append(as_bytes(picture_of(network, z))[0].cpu().numpy())
    suite.tiles.append([Tile(picture, "through codes") for picture in passed[:8]])
    values = [
        psnr(drawing.picture, np.asarray(picture))
        for drawing, picture in zip(drawings, passed, strict=True)
    ]
    metrics: dict[str, Metric | float] = {
        "psnr": build_metric(values),
        "codes_used": len(used) / len(network.codebook),
        **suite.recognise(drawings, passed),
    }
    return ReportRow("vqgan", metrics, len(drawings))


REACH_PX = 3
"""Edges count up to this far beyond a layer: the outline itself lies on its border."""


def controlnet_row(suite: PocketSuite) -> ReportRow:
    """Two objects from pure noise, no attention control: edge F1 of both held at weight 1 against
    both free (``edge_f1_gain``), and, in one picture, of the held one against the free one
    (``layer_gain``).
    """
    gains: list[float] = []
    held: list[float] = []
    differences: list[float] = []
    for number, drawing in enumerate(suite.drawings(60_000, (2,))):
        pictures = [
            _draw_edges(suite, drawing, weights, number)
            for weights in ((1.0, 1.0), (0.0, 0.0), (1.0, 0.0))
        ]
        asked, flat = _extract_edges(suite, drawing, number)
        whole, free, mixed = (_score_edges(picture, asked, flat) for picture in pictures)
        held.append(float(np.nanmean(whole)))
        gains.append(float(np.nanmean(whole) - np.nanmean(free)))
        differences.append(mixed[0] - mixed[1])
        if number < 4:
            lines = np.repeat((asked.edges * 255).astype(np.uint8)[..., None], 3, axis=2)
            names = ("held", "free", "first held")
            tiles = [Tile(picture, name) for picture, name in zip(pictures, names, strict=True)]
            suite.tiles.append([Tile(lines, "edges"), *tiles])
    known = [value for value in differences if not np.isnan(value)]
    metrics = {
        "edge_f1_gain": build_metric(gains),
        "edge_f1": build_metric(held),
        "layer_gain": build_metric(known),
    }
    return ReportRow("controlnet", metrics, len(gains))


def _plan_edges(
    suite: PocketSuite, drawing: Drawing, weights: tuple[float, float], seed: int
) -> tuple[Plan, MemoryPixels]:
    scene, pixels = scene_of_drawing(drawing, list(drawing.cutouts), ATTENTION)
    layers = tuple(
        layer.model_copy(update={"structure": Asked(kind="edges", weight=weight)})
        for layer, weight in zip(scene.layers, weights, strict=True)
    )
    scene = scene.model_copy(update={"layers": layers})
    settings = settings_for(suite.bundle.card.id, seed, {"attention": False})
    return build_plan(scene, Compose(settings=settings), suite.bundle.card, pixels), pixels


def _draw_edges(
    suite: PocketSuite, drawing: Drawing, weights: tuple[float, float], seed: int
) -> NDArray[np.uint8]:
    plan, pixels = _plan_edges(suite, drawing, weights, seed)
    return run_plan(suite.bundle, plan, pixels)[0]


def _extract_edges(
    suite: PocketSuite, drawing: Drawing, seed: int
) -> tuple[PlannedStructure, Raster]:
    """The edges of both objects, and where each is seen."""
    plan, pixels = _plan_edges(suite, drawing, (1.0, 1.0), seed)
    flat = raster(plan, pixels)
    return structure_of(plan, flat, pixels), flat


def _score_edges(picture: NDArray[np.uint8], asked: PlannedStructure, flat: Raster) -> list[float]:
    """Edge F1 near each object."""
    reach = np.ones((2 * REACH_PX + 1,) * 2, np.bool_)
    places = [ndimage.binary_dilation(flat.topmost == number, reach) for number in (1, 2)]
    return [edge_f1(picture, asked.edges, place) for place in places]


def preview_row(suite: PocketSuite) -> ReportRow:
    """PSNR of previews of clean latents; ``share_of_decode`` is their time over that of decoding
    (this machine).
    """
    drawings = suite.drawings(0, (1, 2, 3))
    values, shares = [], []
    for number, drawing in enumerate(drawings):
        latents = encode(suite.bundle, drawing.picture, [generator_for(0)])
        start = time.perf_counter()
        shown = preview(suite.bundle, Step(0, 1, 0, latents, latents))[0]
        between = time.perf_counter()
        _decode(suite, latents)
        shares.append((between - start) / (time.perf_counter() - between))
        values.append(psnr(drawing.picture, shown))
        if number == 0:
            suite.tiles.append([Tile(drawing.picture, "drawing"), Tile(shown, "preview")])
    return ReportRow(
        "preview",
        {"psnr": build_metric(values), "share_of_decode": build_metric(shares[1:])},
        len(drawings),
    )


def _decode(suite: PocketSuite, latents: torch.Tensor) -> None:
    decode(suite.bundle, latents)


MEMBER_ROWS: Mapping[MemberName, Callable[[PocketSuite], ReportRow]] = MappingProxyType(
    {
        "clip": clip_row,
        "image_encoder": image_encoder_row,
        "guide": guide_row,
        "sam": sam_row,
        "vqgan": vqgan_row,
        "controlnet": controlnet_row,
        "preview": preview_row,
    }
)
