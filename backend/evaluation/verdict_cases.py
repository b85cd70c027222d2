"""Pictures whose truth is known, for verdicts to be held against.

Two kinds of truth, and neither is what the product computes at run time. Of a *drawing* the drawn
world says what stands where and in which colour: as it was asked, or with one object of another
class, of another colour, elsewhere or missing. Of a picture that the family *made* the outline
ruler says what stands there (``metrics/outline.py`` over the foreground of the judge, which no
verdict asks), and the palette says its colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from backend.engine.decode import decode, encode
from backend.engine.loop_types import generator_for
from backend.evaluation.asking import GUIDANCE, HELD_OUT_WORLD, STEPS, run_plan
from backend.evaluation.forms import true_outlines
from backend.metrics.outline import (
    find_nearest_outline,
    find_piece_at,
    is_colour_in_place,
)
from backend.metrics.scores import Scorer
from backend.metrics.verdicts import Verdict
from backend.models.bundle import ModelBundle
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.request import Compose, RunSettings
from backend.pocket.world.sprites import PALETTE
from backend.pocket.world.world import Drawing, ObjectPlacement, build_layout, draw_layout
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.arrays import Labels, Picture
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

AS_ASKED, THROUGH_VAE, MADE = "as asked", "as asked, through vae", "made"
MISSING, OTHER_CLASS, OTHER_COLOUR, ELSEWHERE = (
    "missing",
    "other class",
    "other colour",
    "elsewhere",
)
WRONG_KINDS = (MISSING, OTHER_CLASS, OTHER_COLOUR, ELSEWHERE)
TRUE_KINDS = (AS_ASKED, THROUGH_VAE)
FIRST_WORLD = {"set": HELD_OUT_WORLD + 700_000, "report": HELD_OUT_WORLD + 750_000}
"""Limits are set on the first worlds and reported on the second; no suite draws either."""
MADE_PER_LAYOUT = 2
LAYER = "object-"
STILL_THERE = 0.1
"""An object moved elsewhere that still covers this share of its place has not left it."""


@dataclass(frozen=True)
class Sample:
    """One layer of one picture: what was said of it, and the truth.

    Attributes:
        kind: how the picture came about.
        verdict: what the product says.
        has_form: whether its outline is that of the asked class.
        has_colour: whether its colour is the asked one.
        is_there: whether something stands in its place.
    """

    kind: str
    verdict: Verdict
    has_form: bool
    has_colour: bool
    is_there: bool

    @property
    def is_true(self) -> bool:
        """Whether it is a drawing as it was asked for."""
        return self.kind in TRUE_KINDS


@dataclass(frozen=True, eq=False)
class Layout:
    """A drawing, the family that is judged, its plan of painted silhouettes, and the object that
    wrong drawings change.
    """

    drawing: Drawing
    bundle: ModelBundle = field(repr=False)
    seed: int
    changed: int
    plan: Plan = field(repr=False)
    pixels: MemoryPixels = field(repr=False)


def draw_samples(bundle: ModelBundle, judge: Judge, split: str, count: int) -> Iterator[Sample]:
    """The samples of ``count`` layouts of a split, ``set`` or ``report``."""
    for number in range(count):
        layout = lay_out(bundle, FIRST_WORLD[split] + number)
        drawn = [*_draw_all(bundle, layout)]
        yield from judge_pictures(
            layout, drawn, run_plan(bundle, layout.plan, layout.pixels), judge
        )


def judge_pictures(
    layout: Layout,
    drawn: Sequence[tuple[str, Drawing]],
    made: Sequence[Picture],
    judge: Judge,
) -> Iterator[Sample]:
    """The samples of a layout's drawings, each with its kind, and of its made pictures."""
    scorer = Scorer(layout.bundle, layout.plan, layout.pixels)
    verdicts = scorer.judge([*(drawing.picture for _, drawing in drawn), *made])
    maps = judge.classes(np.stack(made)) if len(made) else ()
    for asked, of_layer in zip(scorer.asked, verdicts, strict=True):
        number = int(asked.layer.id.removeprefix(LAYER))
        for (kind, drawing), verdict in zip(drawn, of_layer, strict=False):
            if _counts(layout, kind, drawing, number):
                yield _sample_drawing(kind, verdict)
        for picture, class_map, verdict in zip(made, maps, of_layer[len(drawn) :], strict=True):
            yield _sample_picture(layout, number, verdict, picture, class_map)


def change_one(
    kind: str, placements: Sequence[ObjectPlacement], index: int, random: np.random.Generator
) -> list[ObjectPlacement]:
    """The placements with one object as ``kind`` says; as it was asked it is turned a little."""
    one = placements[index]
    others = [name for name in CLASSES if name not in {each.class_ for each in placements}]
    colours = [name for name in COLOURS if name != one.colour]
    changed: dict[str, list[ObjectPlacement]] = {
        AS_ASKED: [replace(one, rotation_deg=one.rotation_deg + float(random.normal(0, 4)))],
        MISSING: [],
        OTHER_CLASS: [replace(one, class_=str(random.choice(others)))],
        OTHER_COLOUR: [replace(one, colour=str(random.choice(colours)))],
        ELSEWHERE: [replace(one, centre=(1 - one.centre[0], 1 - one.centre[1]))],
    }
    return [*placements[:index], *changed[kind], *placements[index + 1 :]]


def lay_out(bundle: ModelBundle, seed: int) -> Layout:
    """The layout of a world, its objects as painted silhouettes with their words."""
    side_px = bundle.card.native_px
    place, placements = build_layout(seed)
    drawing = draw_layout(place, placements, side_px, seed)
    pixels = MemoryPixels()
    middle = Placement(centre_x_px=side_px / 2, centre_y_px=side_px / 2)
    layers = tuple(
        Layer(
            id=f"{LAYER}{number}",
            mask=pixels.add_mask(mask.astype(np.uint8) * 255),
            placement=middle,
            phrase=phrase,
        )
        for number, (phrase, mask) in enumerate(zip(drawing.phrases, drawing.whole, strict=True))
    )
    scene = Scene(width_px=side_px, height_px=side_px, prompt=drawing.caption, layers=layers)
    settings = RunSettings(
        model=bundle.card.id,
        steps=STEPS,
        guidance_scale=GUIDANCE,
        seed=seed,
        count=MADE_PER_LAYOUT,
    )
    plan = build_plan(scene, Compose(settings=settings), bundle.card, pixels)
    changed = int(np.random.default_rng(seed).integers(len(placements)))
    return Layout(drawing, bundle, seed, changed, plan, pixels)


def _draw_all(
    bundle: ModelBundle, layout: Layout, wrong: Sequence[str] = WRONG_KINDS
) -> Iterator[tuple[str, Drawing]]:
    """The drawing as it was asked, through the autoencoder too, and with one object wrong."""
    random = np.random.default_rng((layout.seed, 3))
    asked, side_px = layout.drawing, layout.drawing.picture.shape[0]
    for kind in (AS_ASKED, *wrong):
        placements = change_one(kind, asked.placements, layout.changed, random)
        drawing = draw_layout(asked.background, placements, side_px, layout.seed + 1)
        yield kind, drawing
        if kind == AS_ASKED:
            yield (
                THROUGH_VAE,
                replace(drawing, picture=_pass_through(bundle, drawing.picture)),
            )


def _pass_through(bundle: ModelBundle, picture: Picture) -> Picture:
    """Better than through its autoencoder no model can draw."""
    return decode(bundle, encode(bundle, picture, [generator_for(0)]))[0]


def _counts(layout: Layout, kind: str, drawing: Drawing, number: int) -> bool:
    """As it was asked every object counts; of a wrong drawing the changed one alone, and that one
    only if it has left its place.
    """
    if kind in TRUE_KINDS:
        return True
    if kind == ELSEWHERE:
        standing = (drawing.class_map > 0)[layout.drawing.visible[number]]
        return number == layout.changed and float(standing.mean()) < STILL_THERE
    return number == layout.changed


def _sample_drawing(kind: str, verdict: Verdict) -> Sample:
    return Sample(
        kind,
        verdict,
        has_form=kind not in (MISSING, ELSEWHERE, OTHER_CLASS),
        has_colour=kind not in (MISSING, ELSEWHERE, OTHER_COLOUR),
        is_there=kind not in (MISSING, ELSEWHERE),
    )


def _sample_picture(
    layout: Layout, number: int, verdict: Verdict, picture: Picture, class_map: Labels
) -> Sample:
    """What the outline ruler and the palette say of a made picture's layer."""
    asked, region = layout.drawing.placements[number], layout.drawing.visible[number]
    piece = find_piece_at(class_map > 0, region)
    nearest = find_nearest_outline(piece, true_outlines())
    return Sample(
        MADE,
        verdict,
        has_form=nearest == asked.class_,
        has_colour=is_colour_in_place(picture, piece & region, asked.colour, PALETTE),
        is_there=bool(nearest),
    )
