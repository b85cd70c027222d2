"""Plug-and-Play: the source's features in the target's rows, for a share of the steps."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from backend.controls.plug_and_play import SOURCE, PlugAndPlay
from backend.engine.conditioning import Conditioning, build_conditioning, embed
from backend.engine.denoise import Start, denoise
from backend.engine.invert import Trajectory
from backend.engine.loop_types import BatchRows, Moment, Network, generator_for
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.methods.baselines.plug_and_play import sites_of
from backend.models.bundle import FeatureCache, ModelBundle
from backend.models.schedule import Schedule
from tests.controls.runs import Setting, noise_in

STEPS = 4


def schedule_of(bundle: ModelBundle) -> Schedule:
    return Schedule("ddim", bundle.scheduler, STEPS, torch.device("cpu"))


def plain_states(bundle: ModelBundle, words: Conditioning, begin: Tensor) -> Trajectory:
    """A run without any control: every state, the first included."""
    start = Start(begin, 0, (generator_for(0),))
    steps = denoise(bundle.unet, schedule_of(bundle), words, start)
    return Trajectory((begin, *(step.latents for step in steps)))


def control_for(
    bundle: ModelBundle,
    schedule: Schedule,
    path: Trajectory,
    words: Conditioning,
    until: tuple[int, int],
) -> PlugAndPlay:
    """The control of a run on that schedule."""
    places = sites_of(bundle.unet)
    spans = (FeatureSpan(0, until[0], places.blocks), FeatureSpan(0, until[1], places.projections))
    side = ReferencePath("source", path, words, spans)
    sides = ReferenceBranch(bundle.unet, schedule, {SOURCE: side}, FeatureCache(), nullcontext)
    return PlugAndPlay(sides, places.blocks, until[0], places.projections, until[1])


def empty_prompt(bundle: ModelBundle) -> Conditioning:
    return Conditioning(embed(bundle, ""), embed(bundle, ""), 1.0, 1)


def begin_at(seed: int) -> Tensor:
    return torch.randn(1, 4, 16, 16, generator=generator_for(seed))


def end(
    bundle: ModelBundle, words: Conditioning, path: Trajectory, until: tuple[int, int]
) -> Tensor:
    """The last state of a run from state 1 with the silent source ``path`` put in."""
    schedule, start = schedule_of(bundle), Start(begin_at(1), 0, (generator_for(0),))
    control = control_for(bundle, schedule, path, empty_prompt(bundle), until)
    return list(denoise(bundle.unet, schedule, words, start, [control]))[-1].latents


def test_identity_no_steps_is_bit_equal(tiny1: ModelBundle) -> None:
    words = build_conditioning(tiny1, "a red cat", "blur", 3.0, 1)
    plain = plain_states(tiny1, words, begin_at(1)).states[-1]
    source = plain_states(tiny1, empty_prompt(tiny1), begin_at(2))
    assert torch.equal(end(tiny1, words, source, (0, 0)), plain)


def test_identity_a_picture_put_into_itself_is_unchanged(tiny1: ModelBundle) -> None:
    """Where the target is the source, its features are the source's already, bit for bit."""
    source = plain_states(tiny1, empty_prompt(tiny1), begin_at(1))
    assert torch.equal(end(tiny1, empty_prompt(tiny1), source, (STEPS, STEPS)), source.states[-1])


@pytest.mark.parametrize("until", [(3, 0), (0, 2)])
def test_it_acts_until_its_step(tiny1: ModelBundle, until: tuple[int, int]) -> None:
    """What the modules put out is the source's in every row before the step, and their own from it
    on.
    """
    words = build_conditioning(tiny1, "a red cat", "blur", 3.0, 1)
    source = plain_states(tiny1, empty_prompt(tiny1), begin_at(2))
    schedule, places = schedule_of(tiny1), sites_of(tiny1.unet)
    control = control_for(tiny1, schedule, source, empty_prompt(tiny1), until)
    name = places.blocks[0] if until[0] else places.projections[0]
    seen: list[bool] = []
    start = Start(begin_at(1), 0, (generator_for(0),))
    moment: list[Tensor] = []
    run = denoise(tiny1.unet, schedule, words, start, [control])
    next(run)  # patched now: a hook that is added sees what the control made of the output
    hook = tiny1.unet.get_submodule(name).register_forward_hook(
        lambda *given: moment.append(given[2])
    )
    for _ in run:
        target = [output for output in moment if len(output) == 2][-1]
        seen.append(bool(torch.equal(target[0], target[1])))
        moment.clear()
    hook.remove()
    assert seen == [k < max(until) for k in range(1, STEPS)]


def test_the_equation_on_four_by_four_cells(tiny1: ModelBundle) -> None:
    """Every row gets the one source's values, cell by cell."""
    source = plain_states(tiny1, empty_prompt(tiny1), begin_at(2))
    control = control_for(tiny1, schedule_of(tiny1), source, empty_prompt(tiny1), (STEPS, 0))
    control.sides.advance(0)
    name = sites_of(tiny1.unet).blocks[0]
    known = control.sides.feature(SOURCE, name)
    network = Network(tiny1.unet, Moment(BatchRows(2, True)), 16, 16)
    put = control._hook(name, STEPS, network)(None, (), torch.zeros(4, *known.shape[2:]))
    assert put is not None
    assert known.shape[:2] == (1, 1)
    for row in range(4):
        assert torch.equal(put[row, :, :4, :4], known[0, 0, :, :4, :4])


def test_processors_are_restored_for_they_were_never_touched(tiny1: ModelBundle) -> None:
    before, hooks = dict(tiny1.unet.attn_processors), count_hooks(tiny1)
    source = plain_states(tiny1, empty_prompt(tiny1), begin_at(2))
    end(tiny1, empty_prompt(tiny1), source, (STEPS, 2))
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)
    assert count_hooks(tiny1) == hooks


def count_hooks(bundle: ModelBundle) -> int:
    return sum(len(module._forward_hooks) for module in bundle.unet.modules())


def test_composition_with_held_cells(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1, steps=STEPS, first=0)
    source = plain_states(tiny1, empty_prompt(tiny1), begin_at(2))
    control = control_for(tiny1, setting.schedule, source, empty_prompt(tiny1), (STEPS, 2))
    start_steps = torch.full((16, 16), STEPS)
    start_steps[:, 8:] = 0
    words = build_conditioning(tiny1, "a red cat and a blue house", "blur", 3.0, 1)
    start = Start(setting.noise, 0, setting.generators)
    controls = [control, noise_in(setting, start_steps)]
    latents = list(denoise(tiny1.unet, setting.schedule, words, start, controls))[-1].latents
    assert torch.equal(latents[..., :8], setting.source[..., :8])
    assert not torch.allclose(latents[..., 8:], setting.source[..., 8:], atol=1e-2)
