"""Per-layer noise: exact equalities with image-to-image and with the source (algorithms 1.4,
1.9).
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from backend.controls.layer_noise import LayerNoise, build_start_steps, build_strength_map
from backend.engine.noise import SharedNoise
from backend.models.bundle import ModelBundle
from backend.models.schedule import SAMPLERS, first_step
from tests.controls.runs import (
    Setting,
    attention_in,
    end_of,
    farthest,
    half_start_steps,
    noise_in,
    steps_of,
)

STEPS = 8


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("strength", [1.0, 0.8, 0.5, 0.3])
def test_equal_levels_are_bit_equal_to_image_to_image(
    tiny1: ModelBundle, sampler: str, strength: float
) -> None:
    first = first_step(STEPS, strength)
    wanted = end_of(Setting(tiny1, sampler, STEPS, first))
    start_steps = torch.full((16, 16), first)
    assert torch.equal(
        end_of(Setting(tiny1, sampler, STEPS, first), lambda s: [noise_in(s, start_steps)]), wanted
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_held_cells_end_as_the_source(bundle: ModelBundle, sampler: str) -> None:
    setting = Setting(bundle, sampler, STEPS, 2)
    end = end_of(setting, lambda s: [noise_in(s, half_start_steps(s, STEPS, 2))])
    half = setting.side_lat // 2
    assert torch.equal(end[..., :half], setting.source[..., :half])
    assert not torch.allclose(end[..., half:], setting.source[..., half:], atol=1e-2)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_cell_is_free_for_the_steps_of_its_level(tiny1: ModelBundle, sampler: str) -> None:
    """Held states lie exactly on the source's level; the first free one does not (monotone in the
    level).
    """
    setting = Setting(tiny1, sampler, STEPS, 1)
    control = noise_in(setting, half_start_steps(setting, 5, 1))
    for step in steps_of(setting, lambda s: [control]):
        k = step.k + 1
        noise = control.stream.at(k, setting.source)
        known = setting.schedule.noise_to(k, setting.source, noise)
        held = torch.equal(step.latents[..., :8], known[..., :8])
        assert held == (k <= 5), f"state {k}"
        assert not torch.equal(step.latents[..., 8:], known[..., 8:])


def test_held_cells_do_not_depend_on_the_samplers_history(tiny1: ModelBundle) -> None:
    """UniPC corrects a state from the one before; the state at which a cell is released must stay
    the source's.
    """
    setting = Setting(tiny1, "unipc", STEPS, 1)
    steps = steps_of(setting, lambda s: [noise_in(s, half_start_steps(s, 5, 1))])
    released = next(step for step in steps if step.k == 5)
    before = next(step for step in steps if step.k == 4)
    assert torch.equal(
        before.latents[..., :8],
        setting.schedule.noise_to(5, setting.source, setting.noise)[..., :8],
    )
    assert float((released.denoised[..., :8] - setting.source[..., :8]).abs().mean()) < 5.0


def test_identity_at_full_freedom(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1)
    control = noise_in(setting, torch.zeros(16, 16, dtype=torch.int64))
    state = torch.randn(1, 4, 16, 16)
    assert control.edit(state, 1) is state


def test_processors_are_restored_for_they_were_never_touched(tiny1: ModelBundle) -> None:
    before = dict(tiny1.unet.attn_processors)
    setting = Setting(tiny1)
    steps_of(setting, lambda s: [noise_in(s, half_start_steps(s, 6, 1))])
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)


def test_the_equation_on_four_by_four_cells(tiny1: ModelBundle) -> None:
    """x_k = level(k) of the source where k <= release, the solver's value elsewhere; cell by
    cell.
    """
    setting = Setting(tiny1, steps=4, first=0)
    source, noise, solver = (
        torch.arange(16.0).reshape(1, 1, 4, 4) + shift for shift in (0, 100, 500)
    )
    start_steps = torch.tensor([[0, 1, 2, 3], [4, 4, 4, 4], [0, 0, 0, 0], [2, 2, 2, 2]])
    control = LayerNoise(source, start_steps, setting.schedule, SharedNoise(noise))
    for k in range(1, 5):
        a, s = setting.schedule.level(k)
        edited = control.edit(solver, k)
        for y in range(4):
            for x in range(4):
                held = int(start_steps[y, x]) >= k
                cell = a * float(source[0, 0, y, x]) + s * float(noise[0, 0, y, x])
                assert float(edited[0, 0, y, x]) == pytest.approx(
                    cell if held else float(solver[0, 0, y, x])
                )


def test_a_batch_of_two_is_two_batches_of_one(bundle: ModelBundle) -> None:
    def run(*seeds: int) -> Tensor:
        setting = Setting(bundle, "euler_ancestral", STEPS, 2, seeds)
        return end_of(setting, lambda s: [noise_in(s, half_start_steps(s, 6, 2))])

    assert farthest(run(3, 4), torch.cat([run(3), run(4)])) <= 1e-5


def test_fresh_noise_leaves_the_samplers_own_stream_alone(tiny1: ModelBundle) -> None:
    """Free cells see the same sampler noise whatever the stream of the held ones draws."""
    ends = []
    for start_steps in (
        half_start_steps(Setting(tiny1), 0, 0),
        half_start_steps(Setting(tiny1), 8, 0),
    ):
        setting = Setting(tiny1, "euler_ancestral", STEPS, 0)
        steps_of(setting, lambda s, start_steps=start_steps: [noise_in(s, start_steps)])
        ends.append(torch.randn(4, generator=setting.generators[0]))
    assert torch.equal(ends[0], ends[1])


def test_composition_with_attention_keeps_the_source(bundle: ModelBundle) -> None:
    setting = Setting(bundle)
    end = end_of(setting, lambda s: [attention_in(s), noise_in(s, half_start_steps(s, s.steps, 1))])
    half = setting.side_lat // 2
    assert torch.equal(end[..., :half], setting.source[..., :half])


def test_the_freedom_of_the_topmost_layer() -> None:
    topmost = np.array([[0, 1], [2, 2]])
    assert build_strength_map(topmost, (1.0, 0.25, 0.5), 0).tolist() == [[1.0, 0.25], [0.5, 0.5]]


def test_equal_levels_are_not_blurred() -> None:
    topmost = np.random.default_rng(1).integers(0, 3, (40, 40))
    strength = build_strength_map(topmost, (0.58, 0.58, 0.58), 5.0)
    assert (strength == 0.58).all()


def test_held_pixels_neither_take_nor_give_blur() -> None:
    topmost = np.repeat(np.arange(3), 20)[None].repeat(30, axis=0)  # held | .4 | .8
    strength = build_strength_map(topmost, (0.0, 0.4, 0.8), 3.0)
    assert (strength[:, :20] == 0).all()
    assert strength[15, 20] == pytest.approx(0.4, abs=1e-3)
    assert 0.55 < strength[15, 39] < 0.6 < strength[15, 40] < 0.65
    assert (np.diff(strength[15, 20:]) >= -1e-9).all()


@given(st.integers(0, 10**6), st.floats(0, 12))
def test_blur_stays_between_its_levels(seed: int, blur_px: float) -> None:
    rng = np.random.default_rng(seed)
    given_levels = (0.0, 0.3, 0.9)
    topmost = rng.integers(0, 3, (5, 5)).repeat(6, axis=0).repeat(6, axis=1)
    strength = build_strength_map(topmost, given_levels, blur_px)
    assert (strength[topmost == 0] == 0).all()
    assert ((strength[topmost > 0] >= 0.3 - 1e-9) & (strength[topmost > 0] <= 0.9 + 1e-9)).all()


def test_release_is_the_rule_of_image_to_image() -> None:
    for steps in (1, 4, 30, 50):
        for level in (0.0, 0.2, 0.3, 0.5, 0.58, 0.7, 0.8, 1.0):
            start_steps = build_start_steps(np.full((8, 8), level), steps, 4, "touched")
            assert (start_steps == first_step(steps, level)).all()


def test_cells_on_a_border() -> None:
    strength = np.zeros((8, 8))
    strength[:, 3:] = 0.5
    assert build_start_steps(strength, 10, 4, "touched").tolist() == [[10, 5], [10, 5]]
    assert build_start_steps(strength, 10, 4, "filled").tolist() == [[5, 5], [5, 5]]
