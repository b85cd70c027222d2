"""The suite `retouch`: its subjects, and that each row asks for what it is named after."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backend.errors import RequestError
from backend.evaluation.retouch_suite import ROWS, RetouchSuite, class_shares
from backend.evaluation.subjects import drawn_subjects, opened_subjects
from backend.methods.options.layout_retouch import RetouchOptions
from backend.models.bundle import ModelBundle
from backend.pocket.words import CLASSES, is_held_out
from backend.scene.picture_file import encode_png
from tests.methods.subjects import drawn_subject
from tests.models.fixtures import model_base, tiny1

__all__ = ["model_base", "tiny1"]


def test_subjects_were_never_drawn_for_training() -> None:
    cases = drawn_subjects(16, 2, 32, 0)
    assert len({case.phrase for case in cases}) == 16
    assert len({case.class_word for case in cases[:14]}) == 14
    for case in cases:
        colour, texture, class_ = case.phrase.split()
        assert is_held_out(class_, colour, texture)
        assert texture != "plain"
        assert 4 <= len(case.references) <= 6
        assert all("<*>" in prompt for prompt in case.prompts)
    other = drawn_subjects(1, 1, 32, 1)[0]
    assert not np.array_equal(other.references[0], cases[0].references[0])


def test_folders_of_pictures_are_subjects(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="No subject"):
        opened_subjects(tmp_path, 4)
    (tmp_path / "mia").mkdir()
    (tmp_path / "mia" / "one.png").write_bytes(encode_png(np.full((8, 9, 4), 200, np.uint8)))
    (tmp_path / "mia" / "subject.json").write_text(json.dumps({"class_word": "cat", "prompts": ["a <*>"] * 9}))
    case = opened_subjects(tmp_path, 4)[0]
    assert (case.name, case.class_word, len(case.prompts)) == ("mia", "cat", 4)
    assert case.references[0].shape == (8, 9, 3)
    (tmp_path / "mia" / "subject.json").write_text("{}")
    with pytest.raises(RequestError, match="mia/subject"):
        opened_subjects(tmp_path, 4)


def test_every_row_asks_for_another_thing(tiny1: ModelBundle) -> None:
    case = drawn_subjects(1, 1, 32, 0)[0]
    suite = RetouchSuite(tiny1, (case,), (0, 3), ROWS, quick=True)
    subject = drawn_subject(tiny1)
    options = {}
    for name in ROWS:
        plan, _ = suite.plan(case, subject, case.prompts[0], name)
        assert plan.seeds == (0, 3)
        options[name] = RetouchOptions.model_validate(plan.options)
    assert {name: options[name].stage for name in ("TI", "TI+L&R", "I", "II", "V")} == {
        "TI": "layouts",
        "TI+L&R": "retouch",
        "I": "layouts",
        "II": "layouts",
        "V": "retouch",
    }
    assert options["I"].plain_share == 0.0
    assert len({options[name].model_dump_json() for name in ("I", "II", "III", "IV", "V")}) == 5


def test_shares_of_classes() -> None:
    maps = np.zeros((2, 4, 4), np.int64)
    maps[1, :2] = 3
    shares = class_shares(maps)
    assert shares.shape == (2, len(CLASSES) + 1)
    assert shares[0, 0] == 1.0
    assert shares[1, 3] == shares[1, 0] == 0.5
