"""Verdicts in words: why a layer failed, and why nothing can be said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.errors import ModelError
from backend.metrics.scores import Scorer
from backend.models.bundle import ModelBundle
from backend.models.verdict_rule import (
    CONFIG,
    ScoreLimits,
    load_verdict_rule,
    save_verdict_rule,
)
from backend.plan.build import build_plan
from backend.plan.layer_score import LayerScore, passes
from backend.plan.request import Compose, RunSettings
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene
from tests.metrics.rules import SIDE_PX, build_rule, draw_bar, draw_disc, with_rule_of_toys
from tests.metrics.test_scores import CAT, SKY, ByColour


class Hue:
    """A pair that tells red from blue."""

    def encode_image(self, pictures: Tensor) -> Tensor:
        return torch.nn.functional.normalize(pictures.mean((2, 3)) - 0.35, dim=-1)

    def encode_text(self, texts: list[str]) -> Tensor:
        known = {"red": [1.0, 0, 0], "blue": [0, 0, 1.0]}
        rows = [known.get((text.split() or [""])[0], [0, 1.0, 0]) for text in texts]
        return torch.tensor(rows)


def paint(shape: np.ndarray, colour: tuple[int, int, int] = CAT) -> Picture:
    picture = np.full((SIDE_PX, SIDE_PX, 3), SKY, np.uint8)
    picture[shape] = colour
    return picture


def score_one(
    bundle: ModelBundle,
    picture: Picture,
    mask: np.ndarray | None = None,
    own: Picture | None = None,
    phrase: str = "red cat",
) -> LayerScore:
    """The score of a lone layer: painted where ``mask`` is, or with the picture ``own`` there."""
    pixels = MemoryPixels()
    place = draw_disc() if mask is None else mask
    grey = place.astype(np.uint8) * 255
    layer = Layer(
        id="one",
        mask=pixels.add_mask(grey) if own is None else None,
        picture=None if own is None else pixels.add_picture(np.dstack([own, grey])),
        placement=Placement(centre_x_px=SIDE_PX / 2, centre_y_px=SIDE_PX / 2),
        phrase=phrase,
    )
    scene = Scene(width_px=SIDE_PX, height_px=SIDE_PX, prompt="a red cat", layers=(layer,))
    settings = RunSettings(model="tiny-1", steps=6, count=1)
    plan = build_plan(scene, Compose(settings=settings), bundle.card, pixels)
    ((score,),) = Scorer(bundle, plan, pixels).score([picture])
    return score


def with_judge(tiny1: ModelBundle) -> ModelBundle:
    return with_rule_of_toys(tiny1, guide=ByColour(), clip=Hue())


def test_the_thing_itself_passes_with_three_figures(tiny1: ModelBundle) -> None:
    score = score_one(with_judge(tiny1), paint(draw_disc()))
    assert (score.failed, score.unjudged) == ("", "")
    assert score.form is not None
    assert score.form > 0.8
    assert score.place == 1.0
    assert score.colour is not None
    assert score.colour > 0.9


def test_another_outline_fails_though_the_segmenter_calls_it_a_cat(tiny1: ModelBundle) -> None:
    score = score_one(with_judge(tiny1), paint(draw_bar(width=0.1)), draw_disc(radius=0.2))
    assert score.failed == "looks more like a house than a cat"


def test_what_covers_too_little_says_how_much(tiny1: ModelBundle) -> None:
    small = draw_disc(0.42, 0.5, 0.1)
    score = score_one(with_judge(tiny1), paint(small), draw_disc(radius=0.3))
    assert score.failed == f"covers {score.place:.0%} of its place"
    assert score.place == pytest.approx(0.11, abs=0.02)


def test_another_colour_fails_in_words(tiny1: ModelBundle) -> None:
    score = score_one(with_judge(tiny1), paint(draw_disc()), phrase="blue cat")
    assert score.failed == "is more red than blue"


def test_an_object_without_a_colour_in_its_words_is_not_asked_for_one(tiny1: ModelBundle) -> None:
    score = score_one(with_judge(tiny1), paint(draw_disc()), phrase="cat")
    assert score.colour is None
    assert passes((score,))


def test_a_layer_whose_pixels_were_kept_never_fails(tiny1: ModelBundle) -> None:
    """Whatever its words say, and though the rule would call it a house."""
    own = paint(draw_bar(width=0.1))
    score = score_one(with_judge(tiny1), own, draw_bar(width=0.1), own)
    assert (score.failed, score.unjudged, score.form) == ("", "", None)


def test_what_the_rule_would_not_recognise_itself_is_left_unjudged(tiny1: ModelBundle) -> None:
    """A photograph of a cat is no disc: nothing is known of what should stand there."""
    own = paint(draw_bar(width=0.1))
    changed = np.clip(own.astype(int) + 9, 0, 255).astype(np.uint8)
    score = score_one(with_judge(tiny1), changed, draw_bar(width=0.1), own)
    assert score.failed == ""
    assert score.unjudged == (
        "its own picture, perhaps a photograph, looks more like a house than a cat"
    )
    assert passes((score,))


@pytest.mark.parametrize(
    ("phrase", "mask", "reason"),
    [
        ("old violin", draw_disc(), "the model’s judge does not know “old violin”"),
        ("Felix", draw_disc(), "the model’s judge does not know “Felix”"),
        ("", draw_disc(), "it has no words"),
        ("red cat", draw_disc(radius=0.034), "it is too small to be judged"),
        ("red cat", draw_disc(0.0, 0.5, 0.25), "the canvas’s edge cuts it off"),
    ],
)
def test_what_cannot_be_judged_says_why(
    tiny1: ModelBundle, phrase: str, mask: np.ndarray, reason: str
) -> None:
    score = score_one(with_judge(tiny1), paint(np.zeros_like(mask)), mask, phrase=phrase)
    assert (score.failed, score.unjudged) == ("", reason)
    assert (score.form, score.place, score.colour) == (None, None, None)


def test_a_family_without_a_rule_fails_nothing(tiny1: ModelBundle) -> None:
    bundle = with_judge(tiny1)
    cards = {name: card for name, card in bundle.members.cards.items() if name != "verdict"}
    bare = replace(bundle, members=replace(bundle.members, cards=cards))
    score = score_one(bare, paint(draw_bar()))
    assert score.failed == ""
    assert score.unjudged == "this model comes without a judge of what it draws"


def test_a_rule_is_read_as_it_was_written(tmp_path: Path) -> None:
    rule = build_rule()
    save_verdict_rule(rule, tmp_path)
    read = load_verdict_rule(tmp_path, torch.device("cpu"), torch.float32)
    assert (read.classes, read.colours, read.limits) == (rule.classes, rule.colours, rule.limits)
    assert np.abs(read.forms - rule.forms).max() < 1 / 127
    record = (tmp_path / CONFIG).read_text().replace('"house"', '"house", "car"')
    (tmp_path / CONFIG).write_text(record)
    with pytest.raises(ModelError, match="3 classes"):
        load_verdict_rule(tmp_path, torch.device("cpu"), torch.float32)


def test_the_first_score_below_its_limit() -> None:
    limits = ScoreLimits(form=0.5, place=0.4, colour=0.3)
    assert limits.first_below(0.5, 0.4, 0.3) == ""
    assert limits.first_below(0.4, 0.3, 0.2) == "place"
    assert limits.first_below(0.4, 0.4, 0.2) == "form"
    assert limits.first_below(0.5, 0.4, 0.2) == "colour"
    assert limits.first_below(0.5, 0.4, None) == ""


def test_a_phrase_names_one_colour_or_none() -> None:
    rule = build_rule()
    assert rule.colour_in("a RED cat") == "red"
    assert rule.colour_in("a red and blue cat") == ""
    assert rule.colour_in("a cat") == ""
    assert rule.class_index("cats") == 0
    assert rule.class_index("violin") is None
