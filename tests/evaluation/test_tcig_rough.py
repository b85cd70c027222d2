"""Rough masks are as wrong as they should be, still in their place, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from backend.evaluation.tcig_rough import SHARES, rough_mask, roughen, wrong_share
from backend.evaluation.tcig_suite import build_cases


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_a_rough_mask_is_wrong_by_its_share(share: float) -> None:
    rows, columns = np.mgrid[0:128, 0:128]
    disc = np.hypot(rows - 60, columns - 70) < 25
    for seed in range(5):
        rough = rough_mask(disc, share, np.random.default_rng(seed))
        assert wrong_share(disc, rough) == pytest.approx(share, abs=0.03)
        middle = np.argwhere(rough).mean(0)
        assert np.abs(middle - (60, 70)).max() < 12


def test_every_mask_of_a_scene_is_deformed_and_the_rest_stays() -> None:
    (case,) = build_cases(0, 1, 128)
    rough, again, other = roughen(case, 3), roughen(case, 3), roughen(case, 4)
    assert [layer.mask for layer in rough.scene.layers] == [
        layer.mask for layer in again.scene.layers
    ]
    assert [layer.mask for layer in rough.scene.layers] != [
        layer.mask for layer in other.scene.layers
    ]
    for before, after in zip(case.scene.layers, rough.scene.layers, strict=True):
        assert before.model_copy(update={"mask": after.mask}) == after
        share = wrong_share(
            case.pixels.mask(before.mask) > 127, rough.pixels.mask(after.mask) > 127
        )
        assert SHARES[0] - 0.03 <= share <= SHARES[1] + 0.03
