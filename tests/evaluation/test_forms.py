"""Rows by outline: true drawings reach the ceiling, exchanged ones do not."""

from __future__ import annotations

import numpy as np
import pytest

from backend.evaluation.forms import (
    autoencoder_figures,
    build_questions,
    score_forms,
    score_layers_at,
)
from backend.models.catalog import POCKET_FOLDER
from backend.models.judge import Judge, load_judge
from backend.models.judge_classes import CLASSES
from backend.pocket.world.words import is_held_out


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge(POCKET_FOLDER / "judge")


@pytest.mark.parametrize("objects", [1, 2, 3])
def test_questions_ask_every_class_equally_and_no_held_out_combination(objects: int) -> None:
    questions = build_questions(16, objects, 64, 3)
    first = [question.objects[0].class_ for question in questions]
    assert sorted(first) == sorted(CLASSES)
    assert all(len(question.places()) == objects for question in questions)
    for question in questions:
        assert np.sum([part.astype(int) for part in question.places()], axis=0).min() == 1
        asked = [(p.class_, p.colour, p.texture) for p in question.objects]
        assert not any(is_held_out(*look) for look in asked)
        assert all(p.phrase in question.caption for p in question.objects)


@pytest.mark.slow
def test_drawings_score_as_drawings_and_exchanged_ones_do_not(judge: Judge) -> None:
    questions = build_questions(16, 1, 128, 4)
    drawn = [question.drawing.picture for question in questions]
    right = score_forms(judge, questions, drawn)
    assert right["nearest_outline"].mean >= 0.95
    assert right["class_and_colour"].mean >= 0.95
    assert right["edge_energy"].mean == pytest.approx(1)
    wrong = score_forms(judge, questions, [*drawn[5:], *drawn[:5]])
    assert wrong["nearest_outline"].mean == 0
    assert wrong["class_and_colour"].mean == 0


@pytest.mark.slow
def test_layers_are_scored_where_they_were_asked_for(judge: Judge) -> None:
    (question,) = build_questions(1, 2, 128, 6)
    drawing = question.drawing
    maps = judge.classes(drawing.picture[None])
    phrases = [placement.phrase for placement in question.objects]
    there = list(zip(phrases, drawing.visible, strict=True))
    swapped = list(zip(phrases, drawing.visible[::-1], strict=True))
    right = score_layers_at(maps, [drawing.picture], [*there, ("a dragon", drawing.visible[0])])
    wrong = score_layers_at(maps, [drawing.picture], swapped)
    assert right["nearest_outline"] == [1.0]
    assert right["outline_kept"][0] > 0.85
    assert right["colour_in_place"] == [1.0]
    assert wrong["nearest_outline"] == [0.0]


def test_a_blur_costs_edges_and_pixels_of_the_objects() -> None:
    (question,) = build_questions(1, 1, 128, 7)
    picture = question.drawing.picture
    blurred = picture.copy()
    above, below = picture[:-2, 1:-1].astype(int), picture[2:, 1:-1]
    left, right = picture[1:-1, :-2], picture[1:-1, 2:]
    blurred[1:-1, 1:-1] = ((above + below + left + right) // 4).astype(np.uint8)
    figures = autoencoder_figures([question.drawing], [blurred])
    assert figures["edge_energy"].mean < 0.9
    assert 15 < figures["object_psnr"].mean < 40
    same = autoencoder_figures([question.drawing], [picture])
    assert same["edge_energy"].mean == pytest.approx(1)
