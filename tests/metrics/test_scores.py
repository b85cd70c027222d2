"""Scores of layers: found where asked, like its words, without a seam; and which candidate is
the best.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.metrics.scores import Scorer, drift_of, keep_reaching_pieces, seam_of
from backend.models.bundle import ModelBundle
from backend.models.sam import Cut
from backend.plan.layer_score import LayerScore, passes, ranks
from tests.methods.collages import Collage
from tests.methods.painted import PaintedScene, disc, with_members
from tests.metrics.rules import with_rule_of_toys

CAT, HOUSE, SKY = (200, 30, 30), (30, 30, 200), (90, 160, 90)


@dataclass(frozen=True)
class ByColour:
    """A segmenter that knows a cat by its red and a house by its blue."""

    vocabulary: tuple[str, ...] = ("background", "cat", "house")

    def logits(self, pictures: Tensor) -> Tensor:
        colours = torch.tensor([SKY, CAT, HOUSE]).view(1, 3, 3, 1, 1) / 255
        return -(pictures[:, None] - colours).abs().sum(2)


@dataclass
class BoxCutter:
    """A SAM that always cuts out the lower half of its box."""

    looked: list[int] = field(default_factory=list)

    def set_picture(self, picture: np.ndarray) -> None:
        self.looked.append(picture.shape[0])

    def in_box(self, x0: float, y0: float, x1: float, y1: float) -> Cut:
        mask = np.zeros((self.looked[-1],) * 2, bool)
        mask[int((y0 + y1) / 2) : int(y1), int(x0) : int(x1)] = True
        return Cut(mask, 1.0)


@dataclass(frozen=True)
class Mean:
    """A CLIP that sees only mean colours; every phrase is red."""

    def encode_image(self, pictures: Tensor) -> Tensor:
        return torch.nn.functional.normalize(pictures.mean((2, 3)), dim=-1)

    def encode_text(self, texts: list[str]) -> Tensor:
        return torch.tensor([[1.0, 0.0, 0.0]]).expand(len(texts), -1)


def two_cats(bundle: ModelBundle) -> PaintedScene:
    side = bundle.card.native_px
    left, right = disc(side, 0.28, 0.5, 0.18), disc(side, 0.74, 0.5, 0.18)
    return PaintedScene(bundle, (("red cat", "", left), ("blue cat", "", right)))


def bar(side_px: int, x: float, y: float, length: float) -> np.ndarray:
    """A lying bar uint8 (side, side); measures in shares of the side."""
    rows, columns = (np.mgrid[0:side_px, 0:side_px] + 0.5) / side_px
    return ((abs(rows - y) < length / 4) & (abs(columns - x) < length)) * np.uint8(255)


def fill(painting: PaintedScene, *colours: tuple[int, int, int] | None) -> np.ndarray:
    """The masks of a painting filled with these colours; None leaves one out."""
    side = painting.bundle.card.native_px
    picture = np.full((side, side, 3), SKY, np.uint8)
    for (_, _, mask), colour in zip(painting.layers, colours, strict=True):
        if colour is not None:
            picture[mask > 0] = colour
    return picture


def score_pictures(
    painting: PaintedScene, *pictures: np.ndarray
) -> tuple[tuple[LayerScore, ...], ...]:
    plan = painting.plan(method="collage")
    return Scorer(painting.bundle, plan, painting.pixels).score(pictures)


def test_what_is_missing_or_elsewhere_fails_in_words(tiny1: ModelBundle) -> None:
    side = tiny1.card.native_px
    painting = PaintedScene(
        with_rule_of_toys(tiny1, guide=ByColour()),
        (
            ("red cat", "", disc(side, 0.3, 0.3, 0.2)),
            ("blue house", "", bar(side, 0.7, 0.72, 0.22)),
        ),
    )
    right, missing = fill(painting, CAT, HOUSE), fill(painting, None, HOUSE)
    elsewhere = missing.copy()
    elsewhere[disc(side, 0.3, 0.8, 0.15) > 0] = CAT
    good, gone, moved = score_pictures(painting, right, missing, elsewhere)
    assert passes(good)
    assert [score.layer_id for score in good] == ["mask0", "mask1"]
    assert all(score.iou == 1.0 for score in good)
    assert all(score.place == 1.0 for score in good)
    for scores in (gone, moved):
        assert [score.failed for score in scores] == ["no cat stands in its place", ""]
        assert scores[0].iou == 0.0
        assert not passes(scores)


def test_two_layers_of_one_class_do_not_take_each_others_pixels(tiny1: ModelBundle) -> None:
    painting = two_cats(with_rule_of_toys(tiny1, guide=ByColour()))
    ((left, right),) = score_pictures(painting, fill(painting, CAT, CAT))
    assert left.iou == right.iou == 1.0
    ((left, right),) = score_pictures(painting, fill(painting, CAT, None))
    assert (left.failed, right.failed) == ("", "no cat stands in its place")


def test_sam_is_asked_where_no_segmenter_knows_the_class_and_never_fails_a_layer(
    tiny1: ModelBundle,
) -> None:
    side = tiny1.card.native_px
    layers = (("odd thing", "", np.pad(np.full((side // 2,) * 2, 255, np.uint8), side // 4)),)
    painting = PaintedScene(with_members(tiny1, guide=ByColour(), sam=BoxCutter()), layers)
    ((score,),) = score_pictures(painting, fill(painting, None))
    assert score.iou == pytest.approx(0.5, abs=0.05)
    assert score.failed == ""
    assert score.unjudged == "this model comes without a judge of what it draws"


def test_without_members_only_borders_are_measured(tiny1: ModelBundle) -> None:
    painting = two_cats(with_members(tiny1))
    picture = fill(painting, CAT, CAT)
    (scores,) = score_pictures(painting, picture)
    assert all(
        (score.text, score.image, score.iou, score.failed) == (None, None, None, "")
        for score in scores
    )
    assert all(score.seam is not None for score in scores)
    assert passes(scores)
    assert ranks([scores, scores]) == (0, 0)


def test_words_are_compared_with_the_layers_square(tiny1: ModelBundle) -> None:
    painting = two_cats(with_members(tiny1, clip=Mean()))
    ((red, blue),) = score_pictures(painting, fill(painting, CAT, HOUSE))
    assert red.text is not None
    assert blue.text is not None
    assert red.text > blue.text + 0.3
    assert red.image is None


def test_a_place_does_not_fail_for_the_objects_that_now_stand_in_it(tiny1: ModelBundle) -> None:
    """Its own picture is a disc of a cat; the finished one is a house. An object so drawn fails."""
    side = tiny1.card.native_px
    collage = Collage(with_rule_of_toys(tiny1, guide=ByColour()), seed=1, side_px=side)
    everything = np.full((side, side), 255, np.uint8)
    sky = collage.pixels.add_picture(
        np.dstack([np.full((side, side, 3), SKY, np.uint8), everything])
    )
    cat = collage.pixels.add_picture(
        np.dstack([np.full((side, side, 3), CAT, np.uint8), disc(side, 0.5, 0.5, 0.18)])
    )
    place, disc1, _ = collage.scene.layers
    whole_placement = disc1.placement.model_copy(
        update={"centre_x_px": side / 2, "centre_y_px": side / 2, "scale_x": 1, "scale_y": 1}
    )
    layers = (
        place.model_copy(update={"picture": sky, "phrase": "red house"}),
        disc1.model_copy(
            update={"picture": cat, "phrase": "red cat", "placement": whole_placement}
        ),
    )
    collage.scene = collage.scene.model_copy(update={"layers": layers})
    made = np.full((side, side, 3), SKY, np.uint8)
    made[bar(side, 0.5, 0.5, 0.3) > 0] = HOUSE
    ((whole, part),) = Scorer(collage.bundle, collage.compose(), collage.pixels).score([made])
    assert (whole.failed, whole.unjudged) == ("", "")
    assert part.failed == "looks more like a house than a cat"


def test_pieces_that_reach_into_the_region() -> None:
    found = np.array([[1, 1, 0, 1, 0, 1]], bool)
    region = np.array([[1, 0, 0, 0, 0, 0]], bool)
    others = np.array([[0, 0, 0, 0, 0, 1]], bool)
    assert keep_reaching_pieces(found, region, others).tolist() == [
        [True, True, False, False, False, False]
    ]


def test_a_halo_is_a_seam_and_a_slow_change_is_none() -> None:
    region = disc(64, 0.5, 0.5, 0.25) > 0
    slope = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None] * 2, (64, 64, 3)).copy()
    clean = seam_of(slope, region)
    slope[(disc(64, 0.5, 0.5, 0.27) > 0) & ~region] = 255
    halo = seam_of(slope, region)
    assert clean is not None
    assert halo is not None
    assert clean < 0.02 < 0.3 < halo
    assert seam_of(slope, np.ones((64, 64), bool)) is None


def test_drift_is_the_distance_of_the_rims_mean_colours() -> None:
    region = disc(64, 0.5, 0.5, 0.25) > 0
    black, grey = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 51, np.uint8)
    assert drift_of(black, grey, region) == pytest.approx(0.2)
    assert drift_of(grey, grey, region) == 0.0
    assert drift_of(grey, grey[:0], region) is None


def test_fewest_failures_first_then_the_mean() -> None:
    def one(text: float, failed: str = "") -> tuple[LayerScore, ...]:
        return (LayerScore(layer_id="a", text=text, failed=failed),)

    assert ranks([one(0.3), one(0.9, "gone"), one(0.5), (), one(0.5)]) == (3, 4, 1, 0, 2)


def test_verdicts_order_before_likeness_does() -> None:
    def one(form: float | None, text: float) -> tuple[LayerScore, ...]:
        return (LayerScore(layer_id="a", form=form, text=text),)

    assert ranks([one(0.7, 0.9), one(0.8, 0.1)]) == (2, 1)
    assert ranks([one(None, 0.9), one(None, 0.1)]) == (1, 2)
