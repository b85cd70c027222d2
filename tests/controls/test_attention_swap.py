"""Attention swap: what the target is while it borrows (algorithms 3.6, points 2 and 3)."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.controls.attention_swap import AttentionSwap
from backend.engine.invert import Trajectory
from backend.engine.loop_types import BatchRows, Moment, Network
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.models.attention import detail_sites, self_sites
from backend.models.bundle import FeatureCache, ModelBundle
from backend.models.schedule import Schedule
from backend.pocket.networks.configs import UNET
from tests.controls.runs import farthest
from tests.controls.three_paths import PATHS, Trio, every_attention, hooks_in

STEPS = 4


def copying(bundle: ModelBundle, until: int) -> AttentionSwap:
    return AttentionSwap(until, every_attention(bundle), ())


def swapping(bundle: ModelBundle, until: int = 0) -> AttentionSwap:
    swapped = tuple(site.module for site in self_sites(bundle.unet))
    return AttentionSwap(until, every_attention(bundle), swapped)


ONE_ENCODER = ["tiny-1", "tiny-2", pytest.param("pocket", marks=pytest.mark.slow)]
"""XL's pooled vector acts beside attention, so that other words are another picture whatever is
copied there.
"""


@pytest.mark.parametrize("bundle", ONE_ENCODER, indirect=True)
def test_copied_to_the_end_the_target_is_the_layout_bit_for_bit(bundle: ModelBundle) -> None:
    trio = Trio(bundle, STEPS)
    plain, copied = trio.states(), trio.states([copying(bundle, STEPS)])
    for k, (before, state) in enumerate(zip(plain, copied, strict=True)):
        assert torch.equal(state[2], state[1]), f"state {k}"
        assert torch.equal(state[:2], before[:2]), f"side paths of state {k}"
    assert not torch.equal(plain[-1][2], plain[-1][1])


def test_the_copy_ends_at_its_step(tiny1: ModelBundle) -> None:
    states = Trio(tiny1, STEPS).states([copying(tiny1, 2)])
    assert [torch.equal(state[2], state[1]) for state in states] == [True, True, True, False, False]


def test_identity_without_strength(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    states = trio.states([AttentionSwap(0, every_attention(tiny1), ())])
    assert all(torch.equal(a, b) for a, b in zip(trio.states(), states, strict=True))


def test_swapping_with_oneself_changes_nothing(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS, same_start=True)
    assert farthest(trio.states([swapping(tiny1)])[-1], trio.states()[-1]) < 1e-6


def test_the_swap_touches_the_target_alone(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    plain, swapped = trio.states()[-1], trio.states([swapping(tiny1)])[-1]
    assert torch.equal(plain[:2], swapped[:2])
    assert not torch.allclose(plain[2], swapped[2], atol=1e-3)


class _Projections(nn.Module):
    """An attention of two numbers a token: its projections multiply by 1, 2 and 3."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Module()
        for name, factor in (("to_q", 1.0), ("to_k", 2.0), ("to_v", 3.0)):
            layer = nn.Linear(2, 2, bias=False)
            layer.weight.data = factor * torch.eye(2)
            self.a.add_module(name, layer)

    def forward(self, tokens: Tensor) -> Tensor:
        """Attention, and that permuted tokens of the source change nothing is for the softmax to
        see to.
        """
        query, key, value = self.a.to_q(tokens), self.a.to_k(tokens), self.a.to_v(tokens)
        return torch.softmax(query @ key.transpose(-1, -2), -1) @ value


def test_equation_an_example_by_hand() -> None:
    """Rows [u_r, u_o, u_t, c_r, c_o, c_t]: the target's keys and values are those of its own half's
    source.
    """
    network = _Projections()
    tokens = torch.randn(6, 16, 2, generator=torch.Generator().manual_seed(3))
    moment = Moment(BatchRows(3, True, PATHS))
    control = AttentionSwap(1, ("a",), ("a",))
    with torch.no_grad(), control.patch(Network(network, moment, 4, 4)):
        moment.k = 0
        copied = network(tokens)
        moment.k = 1
        swapped = network(tokens)
        shuffled = tokens.clone()
        shuffled[[0, 3]] = shuffled[[0, 3]][
            :, torch.randperm(16, generator=torch.Generator().manual_seed(1))
        ]
        permuted = network(shuffled)
    for half in (0, 3):
        assert torch.equal(copied[half + 2], copied[half + 1])
        own, source = tokens[half + 2], tokens[half]
        wanted = torch.softmax(own @ (2 * source).T, -1) @ (3 * source)
        assert torch.allclose(swapped[half + 2], wanted, atol=1e-6)
        assert torch.allclose(permuted[half + 2], swapped[half + 2], atol=1e-5)


def test_hooks_are_restored_however_the_run_ends(tiny1: ModelBundle) -> None:
    before = hooks_in(tiny1)
    network = Network(tiny1.unet, Moment(BatchRows(3, True, PATHS)), 16, 12)
    patched = swapping(tiny1).patch(network)
    with patched:
        assert hooks_in(tiny1) > before
    assert hooks_in(tiny1) == before
    interrupted = swapping(tiny1).patch(network)
    interrupted.__enter__()
    interrupted.__exit__(RuntimeError, RuntimeError("asked to fail"), None)
    assert hooks_in(tiny1) == before


def swap_attention(
    trio: Trio, memory: FeatureCache, shown: NDArray[np.bool_] | None = None
) -> Tensor:
    """The end of a target whose two other paths are replayed from states that were found before."""
    unet = trio.bundle.unet
    copied = tuple(
        f"{name}.{part}"
        for name in every_attention(trio.bundle)
        for part in ("to_q", "to_k", "to_v")
    )
    swapped = tuple(
        f"{site.module}.{part}" for site in self_sites(unet) for part in ("to_k", "to_v")
    )
    spans = {"layout": FeatureSpan(0, 2, copied), "reference": FeatureSpan(2, STEPS, swapped)}
    paths = {
        name: ReferencePath(
            name, Trajectory(tuple(trio.states_alone(name))), trio.alone(name), (span,)
        )
        for name, span in spans.items()
    }
    plain = swapping(trio.bundle, 2)

    def controls(schedule: Schedule) -> list[AttentionSwap]:
        sides = ReferenceBranch(unet, schedule, paths, memory, nullcontext)
        return [AttentionSwap(plain.copy_until, plain.copied, plain.swapped, sides, shown)]

    return trio.states_alone("target", controls)[-1]


def test_composition_side_paths_give_what_rows_of_the_batch_give(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    wanted = trio.states([swapping(tiny1, 2)])[-1][2:]
    memory = FeatureCache()
    made, remembered, made_again = (
        swap_attention(trio, one) for one in (memory, memory, FeatureCache(limit_bytes=0))
    )
    assert memory.size_bytes > 0
    assert farthest(made, wanted) < 1e-5
    assert torch.equal(made, remembered)
    assert torch.equal(made, made_again)


def test_memory_keeps_within_its_bytes() -> None:
    memory, value = FeatureCache(limit_bytes=100), (torch.zeros(10),)  # 40 bytes each
    memory.keep("a", 0, value)
    memory.keep("a", 1, value)
    memory.keep("a", 2, value)  # no room beside its own path: its beginning stays
    assert memory.size_bytes == 80
    assert memory.find("a", 2) is None
    memory.keep("b", 0, value)  # another path makes room
    assert memory.find("a", 0) is None
    assert memory.find("b", 0) is not None
    assert memory.size_bytes <= 100


def test_the_layers_follow_from_the_network(tiny1: ModelBundle) -> None:
    """Layers 10 to 15 of Stable Diffusion: its two finer decoder levels; the pocket family's two
    finer ones.
    """
    assert [site.level for site in detail_sites(tiny1.unet)] == [0, 0]
    pocket = UNet2DConditionModel(**UNET)
    assert [site.level for site in detail_sites(pocket)] == [2, 2, 1, 1]
    with torch.device("meta"):
        stable = UNet2DConditionModel(cross_attention_dim=768)
    found = [site.name for site in detail_sites(stable)]
    assert [name.split(".")[1] for name in found] == ["2", "2", "2", "3", "3", "3"]


def adding(bundle: ModelBundle, shown: NDArray[np.bool_] | None, until: int = 0) -> AttentionSwap:
    swapped = tuple(site.module for site in self_sites(bundle.unet))
    return AttentionSwap(until, every_attention(bundle), swapped, shown=shown)


def test_a_subject_beside_oneself(tiny1: ModelBundle) -> None:
    every, half = np.ones((4, 4), np.bool_), np.zeros((4, 4), np.bool_)
    half[:2] = True
    same, trio = Trio(tiny1, STEPS, same_start=True), Trio(tiny1, STEPS)
    assert (
        farthest(same.states([adding(tiny1, every)])[-1], same.states()[-1]) < 1e-5
    )  # twice the same: no change
    ends = [trio.states([adding(tiny1, shown)])[-1] for shown in (every, half, None)]
    assert all(torch.allclose(end[:2], trio.states()[-1][:2], atol=1e-5) for end in ends)
    assert not any(
        torch.allclose(ends[a][2], ends[b][2], atol=1e-3) for a, b in ((0, 1), (0, 2), (1, 2))
    )
    assert torch.equal(
        trio.states([adding(tiny1, ~every)])[-1], ends[0]
    )  # nothing is shown: all is taken
    assert not any(
        "SiteProcessor" in type(one).__name__ for one in tiny1.unet.attn_processors.values()
    )


@pytest.mark.parametrize("weight", [0.25, 1.0, 2.0])
def test_equation_the_weight_counts_a_cell_so_many_times(weight: float) -> None:
    """Two by two cells by hand: the target looks at its own and the reference's, each of these
    ``weight`` times.
    """
    network = Network(nn.Module(), Moment(BatchRows(3, True, PATHS)), 2, 2)
    control = AttentionSwap(0, (), ("a",), shown=np.ones((2, 2), np.bool_), weight=weight)
    query, key, value = torch.randn(3, 6, 1, 4, 2, generator=torch.Generator().manual_seed(4))
    looked = control._attend("a", network)(query, key, value, 1.0)
    for half in (0, 3):
        shares = torch.cat([(query[half + 2] @ key[half + row].mT).exp() for row in (2, 0)], -1)
        shares[..., 4:] *= weight
        wanted = (
            shares / shares.sum(-1, keepdim=True) @ torch.cat([value[half + 2], value[half]], -2)
        )
        assert torch.allclose(looked[half + 2], wanted, atol=1e-5)


def test_a_guided_subject_is_seen_with_the_words_alone(tiny1: ModelBundle) -> None:
    """The half without words predicts what it does without a control; the other what it does with
    the reference.
    """
    unet, trio = tiny1.unet, Trio(tiny1, STEPS)
    words, moment = trio.conditioning, Moment(BatchRows(3, True, PATHS))
    rows = torch.cat([words.negative.expand(3, -1, -1), words.positive])

    def predict(control: AttentionSwap | None) -> Tensor:
        network = Network(unet, moment, 16, 12)
        with torch.no_grad(), nullcontext() if control is None else control.patch(network):
            asked = torch.cat([trio.begin, trio.begin])
            return unet(asked, 500, encoder_hidden_states=rows, return_dict=False)[0]

    plain, both = predict(None), predict(adding(tiny1, np.ones((4, 4), np.bool_)))
    guided = predict(replace(adding(tiny1, np.ones((4, 4), np.bool_)), guided=True))
    assert torch.allclose(guided[2], plain[2], atol=1e-5)
    assert torch.allclose(guided[5], both[5], atol=1e-5)
    assert not torch.allclose(both[2], plain[2], atol=1e-3)


def test_a_subject_beside_oneself_from_side_paths(tiny1: ModelBundle) -> None:
    trio, shown = Trio(tiny1, STEPS), np.eye(4, dtype=np.bool_)
    wanted = trio.states([adding(tiny1, shown, 2)])[-1][2:]
    assert farthest(swap_attention(trio, FeatureCache(), shown), wanted) < 1e-5
