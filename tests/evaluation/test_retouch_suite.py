"""The suite `retouch`: its subjects, and that each row asks for what it is named after."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.errors import RequestError
from backend.evaluation.retouch_suite import (
    ABLATED,
    ABLATION,
    BACKBONES,
    PLUG_INS,
    ROWS,
    RetouchSuite,
    class_shares,
    kind_of,
)
from backend.evaluation.retouch_verdict import gains, verdicts
from backend.evaluation.subjects import draw_subjects, load_subjects
from backend.methods.baselines import BASELINES
from backend.methods.options.layout_retouch import RetouchOptions
from backend.models.bundle import FeatureCache, ModelBundle
from backend.models.judge_classes import CLASSES
from backend.pocket.world.words import is_held_out
from backend.scene.formats.picture_file import encode_png
from tests.methods.subjects import build_random_subject
from tests.models.fixtures import model_base, tiny1

__all__ = ["model_base", "tiny1"]


@pytest.mark.slow
def test_subjects_were_never_drawn_for_training() -> None:
    cases = draw_subjects(16, 2, 32, 0)
    assert len({case.phrase for case in cases}) == 16
    assert len({case.class_word for case in cases[:14]}) == 14
    for case in cases:
        colour, texture, class_ = case.phrase.split()
        assert is_held_out(class_, colour, texture)
        assert texture != "plain"
        assert 4 <= len(case.references) <= 6
        assert all("<*>" in prompt for prompt in case.prompts)
    other = draw_subjects(1, 1, 32, 1)[0]
    assert not np.array_equal(other.references[0], cases[0].references[0])
    worlds = [{case.class_word for case in draw_subjects(5, 1, 32, world)} for world in (0, 1)]
    assert not worlds[0] & worlds[1]


def test_folders_of_pictures_are_subjects(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="No subject"):
        load_subjects(tmp_path, 4)
    (tmp_path / "mia").mkdir()
    (tmp_path / "mia" / "one.png").write_bytes(encode_png(np.full((8, 9, 4), 200, np.uint8)))
    (tmp_path / "mia" / "subject.json").write_text(
        json.dumps({"class_word": "cat", "prompts": ["a <*>"] * 9})
    )
    case = load_subjects(tmp_path, 4)[0]
    assert (case.name, case.class_word, len(case.prompts)) == ("mia", "cat", 4)
    assert case.references[0].shape == (8, 9, 3)
    (tmp_path / "mia" / "subject.json").write_text(json.dumps({"class_word": "cat", "prompts": []}))
    with pytest.raises(RequestError, match="mia has 1 pictures and 0 prompts"):
        load_subjects(tmp_path, 4)
    (tmp_path / "mia" / "subject.json").write_text("{}")
    with pytest.raises(RequestError, match="mia/subject"):
        load_subjects(tmp_path, 4)


def test_every_row_asks_for_another_thing(tiny1: ModelBundle) -> None:
    case = draw_subjects(1, 1, 32, 0)[0]
    suite = RetouchSuite(tiny1, (case,), (0, 3), ROWS, quick=True)
    subject = build_random_subject(tiny1)
    asked = {}
    for name in ROWS:
        plan, _ = suite.plan(case, subject, case.prompts[0], name)
        assert plan.seeds == (0, 3)
        baseline = BASELINES.get(plan.method)
        options = (RetouchOptions if baseline is None else baseline.Options).model_validate(
            plan.options
        )
        asked[name] = (kind_of(name), plan.method, options.model_dump_json())
    assert asked["I"] == asked[ABLATED]
    assert asked["V"] == asked[f"{ABLATED}+L&R"]
    assert len(set(asked.values())) == len(ROWS) - 2
    assert {kind_of(name) for name in (*PLUG_INS, *ABLATION)} == {BACKBONES[ABLATED]}


@pytest.mark.slow
def test_rows_share_what_they_share_and_subjects_are_kept(
    tiny1: ModelBundle, tmp_path: Path
) -> None:
    cases = tuple(replace(case, prompts=case.prompts[:2]) for case in draw_subjects(1, 1, 32, 0))
    rows = ("TI", "TI+L&R")
    suite = RetouchSuite(
        replace(tiny1, recorded=FeatureCache()), cases, (0,), rows, quick=True, kept=tmp_path
    )
    first = {row.method: row for row in suite.rows()}
    assert "training_seconds" in first["TI"].metrics
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    assert [tile.label for tile in suite.tiles[0]] == [cases[0].name, *rows]
    again = {row.method: row for row in suite.rows()}
    assert "training_seconds" not in again["TI"].metrics


FOUND = {
    "TI": {
        "t_clip": [0.1, 0.3],
        "i_clip": [0.5, 0.5],
        "i_dino": [0.6, 0.6],
        "centre_variance": [0.01],
    },
    "TI+L&R": {
        "t_clip": [0.2, 0.5],
        "i_clip": [0.5, 0.4],
        "i_dino": [0.6, 0.6],
        "centre_variance": [0.02],
    },
    "III": {"t_clip": [0.4]},
    "IV": {"t_clip": [0.3]},
}


def test_gains_are_paired_and_verdicts_say_what_fails() -> None:
    made = gains(FOUND, "TI+L&R", "TI")
    assert made["t_clip_gain"] == pytest.approx([0.1, 0.2])
    assert made["i_clip_gain"] == pytest.approx([0.0, -0.1])
    lines = verdicts(FOUND, ("TI", "DreamBooth"), "TI")
    assert [one.split(":")[0] for one in lines] == ["holds", "FAILS", "FAILS", "holds"]
    assert "+0.150" in lines[0]
    assert "-0.050" in lines[1]
    assert "two stages" in lines[2]
    assert "centre_variance" in lines[3]


def test_shares_of_classes() -> None:
    maps = np.zeros((2, 4, 4), np.int64)
    maps[1, :2] = 3
    shares = class_shares(maps)
    assert shares.shape == (2, len(CLASSES) + 1)
    assert shares[0, 0] == 1.0
    assert shares[1, 3] == shares[1, 0] == 0.5
