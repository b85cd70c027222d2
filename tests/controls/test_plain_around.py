"""The plain model around the subject: who predicts where."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from torch import Tensor

from backend.controls.plain_around import PlainAround, subject_weights
from backend.engine.attention_maps import MapMean, WatchWords
from backend.engine.denoise import predictor
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from tests.controls.three_paths import Trio, hooks_in

STEPS = 4
TOKENS = (1, 2)


def separate(
    bundle: ModelBundle, until: int, plain: str = "layout", more: bool = False
) -> list[Tensor]:
    """The states of a run whose surroundings are drawn with the words of another path."""
    trio = Trio(bundle, STEPS)

    def controls(schedule: Schedule) -> list[PlainAround | WatchWords]:
        around = predictor(bundle.unet, schedule, trio.alone(plain))
        own = PlainAround(around, MapMean(TOKENS, "target", 0), 0, until, 0.95)
        return [own, WatchWords(MapMean(TOKENS, "target", 0))] if more else [own]

    return trio.states_alone("target", controls)


class _Known(MapMean):
    """A map that is known from the beginning."""

    def __init__(self, known: Tensor) -> None:
        super().__init__((), "", 0)
        self._known = known

    def mean(self) -> Tensor | None:
        """The map."""
        return self._known


def test_identity_where_there_are_no_steps(tiny1: ModelBundle) -> None:
    alone = Trio(tiny1, STEPS).states_alone("target")
    assert all(torch.equal(a, b) for a, b in zip(alone, separate(tiny1, 0), strict=True))
    ends = [alone[-1], *(separate(tiny1, until)[-1] for until in (2, 3, STEPS))]
    assert not any(torch.equal(a, b) for a, b in combinations(ends, 2))


def test_with_the_runs_own_words_around_it_changes_rounding_alone(tiny1: ModelBundle) -> None:
    alone = Trio(tiny1, STEPS).states_alone("target")[-1]
    assert torch.allclose(alone, separate(tiny1, STEPS, plain="target")[-1], atol=1e-5)


def test_equation_an_example_by_hand() -> None:
    """4 x 4 cells, one of which is found: with a margin of a cell 3 x 3 are the subject's, softened
    by as much.
    """
    mean = torch.zeros(1, 4, 4)
    mean[0, 0, 0] = 1.0
    control = PlainAround(lambda latents, k: latents * 0 + 1, _Known(mean), 1, 2, 0.3)
    predict = control.wrap(lambda latents, k: latents * 0 + 2)
    assert float(predict(torch.zeros(1, 1, 4, 4), 0).min()) == 2
    assert float(predict(torch.zeros(1, 1, 4, 4), 2).min()) == 2
    made = predict(torch.zeros(1, 1, 4, 4), 1)[0, 0]
    assert made[0, 0] == 2
    assert torch.allclose(made[0, 1], torch.tensor(1 + 6 / 9))
    assert torch.equal(made[3], torch.ones(4))
    assert torch.equal(
        subject_weights(torch.zeros(1, 4, 4), torch.zeros(1, 1, 4, 4), 0.3), torch.ones(1, 1, 4, 4)
    )


def test_the_maps_are_read_from_the_runs_own_words_alone(tiny1: ModelBundle) -> None:
    """Two steps: only in the second is there a plain prediction, and both runs are in the same
    state before it.
    """
    first, second = (_record(tiny1, plain) for plain in ("layout", "reference"))
    assert torch.equal(first, second)


def _record(bundle: ModelBundle, plain: str) -> Tensor:
    trio, maps = Trio(bundle, 2), MapMean(TOKENS, "target", 0)

    def controls(schedule: Schedule) -> list[PlainAround]:
        return [PlainAround(predictor(bundle.unet, schedule, trio.alone(plain)), maps, 0, 2, 0.95)]

    trio.states_alone("target", controls)
    mean = maps.mean()
    assert mean is not None
    return mean


def test_composition_and_hooks_restored(tiny1: ModelBundle) -> None:
    assert torch.equal(separate(tiny1, 3)[-1], separate(tiny1, 3, more=True)[-1])
    assert not hooks_in(tiny1)
    control = PlainAround(_failing, _Known(torch.eye(4)[None]), 0, 1, 0.3)
    with pytest.raises(RuntimeError, match="asked"):
        control.wrap(_failing)(torch.zeros(1, 1, 4, 4), 0)
    assert not control.aside.recording


def _failing(latents: Tensor, k: int) -> Tensor:
    raise RuntimeError("asked to fail")
