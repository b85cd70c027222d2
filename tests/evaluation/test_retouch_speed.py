"""The duel `retouch_next`: the first candidate walks the reference's way, the next one does not."""

from __future__ import annotations

import pytest

from backend.evaluation.duels import next_candidate
from backend.models.bundle import ModelBundle
from backend.training import subject_run
from tests.models.fixtures import model_base, tiny1

__all__ = ["model_base", "tiny1"]


@pytest.mark.slow
def test_only_the_first_candidate_walks_back(
    tiny1: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = []
    really = subject_run.invert

    def count(*arguments):
        walked.append(1)
        return really(*arguments)

    monkeypatch.setattr(subject_run, "invert", count)
    duel = next_candidate(tiny1)
    made = [action() for action in (duel.baseline, duel.ours, duel.ours, duel.baseline)]
    assert made == [1, 1, 1, 1]
    assert len(walked) == 2
