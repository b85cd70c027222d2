"""How true the pocket family is: every figure by the judge, on worlds and combinations never
trained on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.engine.decode import decode, encode
from backend.engine.loop_types import generator_for
from backend.errors import ModelError
from backend.evaluation.asking import (
    HELD_OUT_WORLD,
    ask,
    scene_of_drawing,
    scene_of_words,
    settings_for,
)
from backend.evaluation.close_up import SmallObjectRows, build_small_objects
from backend.evaluation.forms import (
    Question,
    autoencoder_figures,
    build_questions,
    ceiling_rows,
    score_forms,
)
from backend.evaluation.report import Metric, ReportRow, Tile, build_metric
from backend.evaluation.silhouettes import Silhouettes, build_toy_scenes
from backend.metrics.recognition import class_present, colour_right, mask_iou, psnr
from backend.models import few_steps
from backend.models.bundle import ModelBundle
from backend.models.judge import Judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.models.load import load_bundle
from backend.models.members import MemberName
from backend.plan.request import RunSettings, Sampler
from backend.pocket.examples import paper_cutout
from backend.pocket.world.world import Drawing, draw_scene
from backend.scene.blobs import MemoryPixels
from backend.scene.layer import Layer, Placement
from backend.scene.records import PictureDigest

NEUTRAL = Placement(centre_x_px=0, centre_y_px=0)
WITHOUT = {"attention": False, "layer_noise": False, "strength": 1.0}
ATTENTION = Layer(
    id="t",
    mask=PictureDigest("0" * 64),
    placement=NEUTRAL,
    strength=1.0,
    attention_positive=1.5,
    attention_negative=1.0,
)
CRUDE = ATTENTION.model_copy(
    update={"strength": 0.7, "attention_positive": 0.5, "attention_negative": 0.8}
)

FORM_ROWS: dict[str, int] = {"one_object": 1, "two_in_halves": 2, "three_in_thirds": 3}
"""Rows by outline, with how many objects stand in a picture."""


@dataclass
class PocketSuite:
    """The bundle under test, the judge, and the pictures kept for the sheet."""

    bundle: ModelBundle
    judge: Judge
    world_seed: int
    count: int
    member_rows: Mapping[MemberName, Callable[[PocketSuite], ReportRow]]
    tiles: list[list[Tile]] = field(default_factory=list)

    def rows(self) -> Iterator[ReportRow]:
        """Every member that is present, one row each."""
        yield self.judge_row()
        yield self.autoencoder_row()
        yield from self.form_rows()
        yield self.words_row("text_to_image", held_out=False)
        yield self.words_row("held_out", held_out=True)
        yield self.attention_row()
        yield self.crude_row()
        yield from self.small_object_rows()
        yield from self.silhouette_rows()
        for name, build_row in self.member_rows.items():
            if name in self.bundle.members:
                yield build_row(self)
        yield self.size_row()
        yield self.time_row()

    def drawings(
        self, offset: int, objects: tuple[int, ...], held_out: bool = False
    ) -> list[Drawing]:
        """Fresh drawings that no training has seen."""
        first = HELD_OUT_WORLD + self.world_seed * 100_000 + offset
        side = self.bundle.card.native_px
        return [draw_scene(first + k, side, objects, held_out) for k in range(self.count)]

    def judge_row(self) -> ReportRow:
        """The judge on drawings: its ceiling. mIoU over classes that occur."""
        drawings = self.drawings(0, (1, 2, 3))
        seen, _ = self.judge.look(np.stack([drawing.picture for drawing in drawings]))
        truth = np.stack([drawing.class_map for drawing in drawings])
        scores = [mask_iou(seen == label, truth == label) for label in range(1, len(CLASSES) + 1)]
        return ReportRow(
            "judge", {"miou": build_metric([s for s in scores if not np.isnan(s)])}, len(drawings)
        )

    def autoencoder_row(self) -> ReportRow:
        """Drawings through the autoencoder: PSNR, and what the judge still recognises (the
        generator's ceiling).
        """
        drawings = self.drawings(0, (1, 2, 3))
        passed = [through(self.bundle, drawing.picture) for drawing in drawings]
        self.tiles.append([Tile(picture, "through vae") for picture in passed[:8]])
        pairs = zip(drawings, passed, strict=True)
        metrics = {
            "psnr": build_metric([psnr(drawing.picture, picture) for drawing, picture in pairs]),
            **autoencoder_figures(drawings, passed),
            **self.recognise(drawings, passed),
        }
        return ReportRow("autoencoder", metrics, len(drawings))

    def form_rows(self) -> Iterator[ReportRow]:
        """Outlines: one object by words alone, two and three each in its part of the picture, and
        the ceilings of each.
        """
        side, seed = self.bundle.card.native_px, HELD_OUT_WORLD + self.world_seed
        questions = {
            name: build_questions(self.count, objects, side, seed)
            for name, objects in FORM_ROWS.items()
        }
        for name, asked in questions.items():
            made = [
                self.answer(question, number, FORM_ROWS[name] > 1)
                for number, question in enumerate(asked)
            ]
            self.tiles.append(
                [
                    Tile(picture, question.caption)
                    for picture, question in zip(made, asked, strict=True)
                ][:16]
            )
            yield ReportRow(name, score_forms(self.judge, asked, made), len(asked))
        if few_steps.MEMBER in self.bundle.members:
            yield self.few_steps_row(questions["one_object"])
        passed = {
            name: [through(self.bundle, question.drawing.picture) for question in asked]
            for name, asked in questions.items()
        }
        yield from ceiling_rows(self.judge, questions, passed)

    def small_object_rows(self) -> Iterator[ReportRow]:
        """Small objects drawn again in the whole picture, and close up."""
        side = self.bundle.card.native_px
        objects = build_small_objects(self.count, side, HELD_OUT_WORLD + self.world_seed)
        asked = SmallObjectRows(self.bundle, self.judge, objects)
        yield from asked.rows()
        self.tiles.extend(asked.tiles)

    def silhouette_rows(self) -> Iterator[ReportRow]:
        """Silhouettes that whole pictures draw, without and with close-ups."""
        scenes = build_toy_scenes(max(2, self.count // 4), self.world_seed)
        asked = Silhouettes(self.bundle, scenes)
        yield from asked.rows()
        self.tiles.extend(asked.tiles)

    def few_steps_row(self, questions: Sequence[Question]) -> ReportRow:
        """The questions of one object again, by the UNet of few steps."""
        bundle = few_steps.choose_unet(self.bundle, Sampler.LCM)
        made = []
        for seed, question in enumerate(questions):
            scene = scene_of_words(question.caption, bundle.card.native_px)
            settings = settings_for(bundle.card.id, seed, {"attention": False})
            asked = ask(bundle, scene, MemoryPixels(), ask_for_few_steps(settings))
            made.append(asked[0])
        self.tiles.append([Tile(picture, "4 steps") for picture in made[:16]])
        return ReportRow(
            "one_object_4_steps", score_forms(self.judge, questions, made), len(questions)
        )

    def answer(self, question: Question, seed: int, by_regions: bool) -> NDArray[np.uint8]:
        """A question's picture: by its words alone, or each phrase held in its part as well."""
        scene, pixels = scene_of_words(question.caption, self.bundle.card.native_px), MemoryPixels()
        options = {} if by_regions else {"attention": False}
        if by_regions:
            middle = Placement(centre_x_px=scene.width_px / 2, centre_y_px=scene.height_px / 2)
            layers = tuple(
                ATTENTION.model_copy(
                    update={
                        "id": f"part-{number}",
                        "mask": pixels.add_mask(part.astype(np.uint8) * np.uint8(255)),
                        "placement": middle,
                        "phrase": asked.phrase,
                    }
                )
                for number, (part, asked) in enumerate(
                    zip(question.places(), question.objects, strict=True)
                )
            )
            scene = scene.model_copy(update={"layers": layers})
        settings = settings_for(self.bundle.card.id, seed, options)
        return ask(self.bundle, scene, pixels, settings)[0]

    def recognise(
        self, drawings: list[Drawing], pictures: list[NDArray[np.uint8]]
    ) -> dict[str, Metric | float]:
        """Shares of asked objects that are present, and present in their colour."""
        classes, colours = self.judge.look(np.stack(pictures))
        there: list[float] = []
        right: list[float] = []
        for drawing, class_map, colour_map in zip(drawings, classes, colours, strict=True):
            for asked in drawing.placements:
                label, colour = CLASSES.index(asked.class_) + 1, COLOURS.index(asked.colour) + 1
                there.append(float(class_present(class_map, label)))
                right.append(float(colour_right(class_map, colour_map, label, colour)))
        return {"class_present": build_metric(there), "class_and_colour": build_metric(right)}

    def words_row(self, name: str, held_out: bool) -> ReportRow:
        """Text to image, one to three objects."""
        drawings = self.drawings(20_000 if held_out else 10_000, (1, 2, 3), held_out)
        side = self.bundle.card.native_px
        made = []
        for number, drawing in enumerate(drawings):
            settings = settings_for(self.bundle.card.id, number, {"attention": False})
            made.append(
                ask(self.bundle, scene_of_words(drawing.caption, side), MemoryPixels(), settings)[0]
            )
        labelled = zip(made, drawings, strict=True)
        self.tiles.append(
            [Tile(picture, ", ".join(drawing.phrases)) for picture, drawing in labelled][:8]
        )
        return ReportRow(name, self.recognise(drawings, made), len(drawings))

    def attention_row(self) -> ReportRow:
        """Two objects from pure noise: IoU of each with its region, with attention control against
        without it.
        """
        drawings = self.drawings(30_000, (2,))
        gains: list[float] = []
        with_control: list[float] = []
        for number, drawing in enumerate(drawings):
            scene, pixels = scene_of_drawing(drawing, list(drawing.cutouts), ATTENTION)
            settings = settings_for(self.bundle.card.id, number, {})
            pair = [
                ask(self.bundle, scene, pixels, settings)[0],
                ask(self.bundle, scene, pixels, settings.model_copy(update={"options": WITHOUT}))[
                    0
                ],
            ]
            with_iou, without_iou = self.region_ious(drawing, pair)
            with_control.append(with_iou)
            gains.append(with_iou - without_iou)
            if number < 4:
                self.tiles.append(
                    [Tile(drawing.picture, "asked"), Tile(pair[0], "CA"), Tile(pair[1], "no CA")]
                )
        return ReportRow(
            "region_attention",
            {"iou_gain": build_metric(gains), "iou": build_metric(with_control)},
            len(gains),
        )

    def region_ious(self, drawing: Drawing, pictures: list[NDArray[np.uint8]]) -> list[float]:
        """For each picture the mean IoU of the judge's class with the asked object's visible
        mask.
        """
        classes, _ = self.judge.look(np.stack(pictures))
        asked = [
            (CLASSES.index(p.class_) + 1, mask)
            for p, mask in zip(drawing.placements, drawing.visible, strict=True)
        ]
        return [
            float(np.mean([mask_iou(seen == label, mask) for label, mask in asked]))
            for seen in classes
        ]

    def crude_row(self) -> ReportRow:
        """Flat paper silhouettes on a plate, img2img at strength .7: is the class kept?"""
        drawings = self.drawings(40_000, (1, 2))
        made = []
        for number, drawing in enumerate(drawings):
            pairs = zip(drawing.cutouts, drawing.placements, strict=True)
            cut = [paper_cutout(rgba, placement.colour) for rgba, placement in pairs]
            scene, pixels = scene_of_drawing(drawing, cut, CRUDE)
            plate = np.dstack([drawing.plate, np.full(drawing.plate.shape[:2], 255, np.uint8)])
            whole = drawing.plate.shape[0]
            under = CRUDE.model_copy(
                update={
                    "id": "plate",
                    "mask": None,
                    "picture": pixels.add_picture(plate),
                    "placement": Placement(centre_x_px=whole / 2, centre_y_px=whole / 2),
                }
            )
            scene = scene.model_copy(update={"layers": (under, *scene.layers)})
            options = {"attention": False, "layer_noise": False, "strength": 0.7}
            made.append(
                ask(self.bundle, scene, pixels, settings_for(self.bundle.card.id, number, options))[
                    0
                ]
            )
        self.tiles.append([Tile(picture, "from paper") for picture in made[:8]])
        shares = self.recognise(drawings, made)
        return ReportRow("img2img", {"class_kept": shares["class_present"], **shares}, len(made))

    def size_row(self) -> ReportRow:
        """Weights on disk, and how long the whole family takes to load again, members and all
        (imports excluded).
        """
        card = self.bundle.card
        files = list(card.folder.rglob("*.safetensors"))
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            again = load_bundle(card, self.bundle.device)
            for name in again.members:
                again.members.get(name)
            seconds.append(time.perf_counter() - start)
        size = sum(file.stat().st_size for file in files) / 2**20
        return ReportRow("size", {"mib": size, "load_seconds": build_metric(seconds)}, len(files))

    def time_row(self) -> ReportRow:
        """One picture, 30 steps with guidance, after a warm-up (this machine, this moment)."""
        scene = scene_of_words("a blue car in a room", self.bundle.card.native_px)
        seconds = []
        for seed in range(6):
            start = time.perf_counter()
            ask(self.bundle, scene, MemoryPixels(), settings_for(self.bundle.card.id, seed, {}))
            seconds.append(time.perf_counter() - start)
        return ReportRow("time", {"seconds": build_metric(seconds[1:])}, len(seconds) - 1)


def ask_for_few_steps(settings: RunSettings) -> RunSettings:
    """The same, by the sampler, steps and guidance of the UNet of few steps."""
    return settings.model_copy(
        update={
            "sampler": Sampler.LCM,
            "steps": few_steps.STEPS,
            "guidance_scale": few_steps.GUIDANCE_SCALE,
        }
    )


def through(bundle: ModelBundle, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture through the autoencoder and back."""
    return decode(bundle, encode(bundle, picture, [generator_for(0)]))[0]


def build_suite(
    bundle: ModelBundle,
    world_seed: int,
    quick: bool,
    member_rows: Mapping[MemberName, Callable[[PocketSuite], ReportRow]],
) -> PocketSuite:
    """The suite over a leased bundle; ``quick`` takes four pictures a row. ``member_rows`` are
    asked of the members that are present.
    """
    if "judge" not in bundle.members:
        raise ModelError(
            f"The family {bundle.card.id} has no judge.",
            limit="This suite is scored by it.",
            remedy="Train one with python -m backend.pocket.train judge --minutes 30.",
        )
    count = 4 if quick else 40
    return PocketSuite(bundle, bundle.members.get("judge"), world_seed, count, member_rows)
