"""LoRAs of layers: without any the run itself; what a region and its words feel, and what is
around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.controls.layer_loras import LayerLoras, LoraRegion, build_layer_loras
from backend.engine.attention_maps import MapMean, WatchWords
from backend.engine.conditioning import build_conditioning, embed
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import BatchRows, Control, Moment, Network, generator_for
from backend.models.bundle import ModelBundle
from backend.models.lora import WeightedLora, apply_loras, compute_changes, networks_of
from backend.models.lora_file import describe_lora, read_lora
from backend.models.schedule import Schedule
from backend.plan.build import build_plan
from tests.controls.three_paths import hooks_in
from tests.models.loras import Kind, draw_lora, write_lora
from tests.plan.scenes import compose, stage

PROMPT = "a red cat"
STEPS = 3
LEFT = torch.zeros(16, 16)
LEFT[:, :8] = 1.0


@pytest.fixture
def lora(tiny1: ModelBundle, tmp_path: Path) -> WeightedLora:
    """Of all that sees cells or words in the UNet's attentions."""
    return draw(tiny1, tmp_path, "unet", "attentions")


def draw(
    bundle: ModelBundle, folder: Path, part: str, wanted: str, kind: Kind = "lora"
) -> WeightedLora:
    networks = {name: one for name, one in networks_of(bundle).items() if name == part}
    tensors = draw_lora(networks, kind, wanted=wanted)
    entry = describe_lora(write_lora(folder / f"{part}.safetensors", tensors))
    return WeightedLora(read_lora(entry), 1.0, entry.digest)


def run(bundle: ModelBundle, controls: Sequence[Control] = (), scale: float = 1.0) -> list[Tensor]:
    """The states of a small run."""
    schedule = Schedule("ddim", bundle.scheduler, STEPS, torch.device("cpu"))
    words = build_conditioning(bundle, PROMPT, "", scale, 1)
    start = torch.randn(1, 4, 16, 16, generator=generator_for(3))
    first = Start(start, 0, (generator_for(1),))
    return [one.latents for one in denoise(bundle.unet, schedule, words, first, controls)]


def region(
    bundle: ModelBundle, lora: WeightedLora, mask: Tensor, tokens: tuple[int, ...] = ()
) -> LoraRegion:
    return LoraRegion(mask, tokens, compute_changes(bundle, [lora]))


def test_identity_without_a_region_or_without_a_cell_it_is_the_run_itself(
    tiny1: ModelBundle, lora: WeightedLora
) -> None:
    plain = run(tiny1)
    nowhere = LayerLoras((region(tiny1, lora, torch.zeros(16, 16)),))
    for controls in ([LayerLoras()], [nowhere]):
        assert all(torch.equal(a, b) for a, b in zip(plain, run(tiny1, controls), strict=True))
    everywhere = LayerLoras((region(tiny1, lora, torch.ones(16, 16)),))
    assert not torch.equal(plain[-1], run(tiny1, [everywhere])[-1])


def test_hooks_are_restored(tiny1: ModelBundle, lora: WeightedLora) -> None:
    before = hooks_in(tiny1), len(tiny1.unet._forward_pre_hooks)
    words = embed(tiny1, PROMPT)[0, [2]]
    acting = replace(region(tiny1, lora, LEFT, (2,)), words=words)
    run(tiny1, [LayerLoras((acting,))])
    assert (hooks_in(tiny1), len(tiny1.unet._forward_pre_hooks)) == before


def test_equation_on_four_by_four_cells(tiny1: ModelBundle) -> None:
    """y = W x + m ⊙ ΔW x at a linear layer of cells, at a convolution, and at words."""
    torch.manual_seed(0)
    site = "down_blocks.0.attentions.0.transformer_blocks.0"
    rows = BatchRows(1, guided=True)
    network = Network(tiny1.unet, Moment(rows), 4, 4)
    mask = torch.zeros(4, 4)
    mask[0, 0], mask[3, 2] = 1.0, 0.5
    for name, shape in (
        (f"{site}.attn1.to_q", (2, 16, 16)),
        (f"{site}.attn2.to_k", (2, 5, 32)),
        ("down_blocks.0.resnets.0.conv2", (2, 16, 4, 4)),
    ):
        module = tiny1.unet.get_submodule(name)
        assert isinstance(module, nn.Linear | nn.Conv2d)
        change, seen = torch.randn_like(module.weight), torch.randn(shape)
        wanted, extra = module(seen), copy_layer(module, change)(seen)
        if name.endswith("to_k"):
            wanted[1, 3] += extra[1, 3]  # the conditional row, the layer's one token
        elif name.endswith("to_q"):
            wanted += mask.reshape(1, 16, 1) * extra
        else:
            wanted += mask * extra
        with LayerLoras((LoraRegion(mask, (3,), {name: change}),)).patch(network):
            made = module(seen)
        assert torch.allclose(made, wanted, atol=1e-5), name


def copy_layer(module: nn.Linear | nn.Conv2d, weight: Tensor) -> nn.Module:
    """The same layer with another weight and no bias."""
    if isinstance(module, nn.Linear):
        copied: nn.Linear | nn.Conv2d = nn.Linear(*reversed(weight.shape), bias=False)
    else:
        sides = weight.shape[1], weight.shape[0], 3
        copied = nn.Conv2d(*sides, padding=module.padding, bias=False)
    copied.weight.data = weight
    return copied


def test_regions_that_share_the_picture_are_the_lora_of_the_whole(
    tiny1: ModelBundle, tmp_path: Path
) -> None:
    lora = draw(tiny1, tmp_path, "unet", "attn1", "dora")
    halves = [region(tiny1, lora, mask) for mask in (LEFT, 1.0 - LEFT)]
    shared = run(tiny1, [LayerLoras(tuple(halves))])
    with apply_loras(tiny1, [lora]):
        whole = run(tiny1)
    for one, other in zip(shared, whole, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_composition_words_are_watched_in_the_changed_run(
    tiny1: ModelBundle, lora: WeightedLora
) -> None:
    acting = LayerLoras((region(tiny1, lora, LEFT, (2, 3)),))
    plain, changed = (MapMean((2,), "", 0) for _ in range(2))
    run(tiny1, [WatchWords(plain)])
    watched = run(tiny1, [acting, WatchWords(changed)])
    assert torch.equal(watched[-1], run(tiny1, [acting])[-1])
    assert not torch.equal(plain.mean(), changed.mean())


def test_the_text_encoders_change_reaches_the_layers_words_alone(
    tiny1: ModelBundle, tmp_path: Path
) -> None:
    lora = draw(tiny1, tmp_path, "text_encoder", "")
    setup = stage()
    plan = build_plan(setup.scene, compose(), tiny1.card, setup.pixels)
    tokens = [layer.tokens for layer in plan.layers]
    fox = list(plan.layers[-1].tokens)
    visible = np.ones((len(tokens), 16, 16), np.float32)
    assert build_layer_loras(tiny1, plan, visible, tokens) == ()
    bundle = replace(tiny1, layer_loras={"fox": (lora,)})
    (control,) = build_layer_loras(bundle, plan, visible, tokens)
    network = Network(tiny1.unet, Moment(BatchRows(1, guided=True)), 16, 16)
    words = build_conditioning(tiny1, plan.prompt, "", 2.0, 1).stack()
    seen: list[Tensor] = []
    site = tiny1.unet.get_submodule("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k")
    watch = site.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    with torch.no_grad(), control.patch(network):
        tiny1.unet(torch.zeros(2, 4, 16, 16), 1, encoder_hidden_states=words)
    watch.remove()
    with apply_loras(tiny1, [lora]) as changed:
        wanted = words.clone()
        wanted[1, fox] = embed(changed, plan.prompt)[0, fox]
    assert torch.equal(seen[0], wanted)
    assert not torch.equal(wanted, words)
