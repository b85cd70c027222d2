"""LoRA files: every name form and every formula against diffusers, peft or the convolution itself;
applied for a block, and the very same tensors afterwards.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from peft import LoHaConfig, LoKrConfig, LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from torch.nn import functional

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.lora import WeightedLora, apply_loras, networks_of
from backend.models.lora_change import weight_change
from backend.models.lora_file import LoraEntry, describe_lora, read_lora, recognise_few_steps
from backend.models.second_text import SecondText
from tests.models.fixtures import bundle_of, tiny_folder
from tests.models.loras import (
    ALPHA,
    KINDS,
    RANK,
    Kind,
    Weights,
    draw_factors,
    draw_lora,
    name_diffusers,
    name_kohya,
    name_sgm,
    rename_to_peft,
    write_lora,
)
from tests.models.single_files import build_networks

Own = dict[tuple[str, str], Tensor]


@pytest.fixture
def tinyxl(model_base: Path) -> ModelBundle:
    """Like SDXL."""
    return bundle_of(tiny_folder("tiny-xl", model_base))


def weights_of(bundle: ModelBundle) -> Own:
    return {
        (part, name): value
        for part, network in networks_of(bundle).items()
        for name, value in network.state_dict().items()
    }


def clones_of(bundle: ModelBundle) -> Own:
    return {key: value.clone() for key, value in weights_of(bundle).items()}


def weigh(path: Path, weight: float = 1.0) -> WeightedLora:
    entry = describe_lora(path)
    return WeightedLora(read_lora(entry), weight, entry.digest)


def apply_all(bundle: ModelBundle, *loras: WeightedLora) -> Own:
    """The weights inside of the block."""
    with apply_loras(bundle, loras):
        return clones_of(bundle)


def copy_networks(bundle: ModelBundle) -> ModelBundle:
    """The bundle with copies of what LoRAs change."""
    second = bundle.second_text
    return replace(
        bundle,
        unet=copy.deepcopy(bundle.unet),
        text_encoder=copy.deepcopy(bundle.text_encoder),
        second_text=second and replace(second, encoder=copy.deepcopy(second.encoder)),
    )


def fuse_by_diffusers(shared: ModelBundle, path: Path) -> Own:
    """The weights that diffusers' own loader makes of a file; of copies, for what it takes off
    again is not bit for bit what was there.
    """
    bundle = copy_networks(shared)
    unloaded: dict[str, Any] = {
        "vae": bundle.vae,
        "text_encoder": bundle.text_encoder,
        "tokenizer": bundle.tokenizer,
        "unet": bundle.unet,
        "scheduler": None,
    }
    if bundle.second_text is None:
        more = {"safety_checker": None, "feature_extractor": None}
        pipeline: Any = StableDiffusionPipeline(**unloaded, **more, requires_safety_checker=False)
    else:
        second = bundle.second_text
        more_xl = {"text_encoder_2": second.encoder, "tokenizer_2": second.tokenizer}
        pipeline = StableDiffusionXLPipeline(**unloaded, **more_xl, add_watermarker=False)
    pipeline.load_lora_weights(str(path.parent), weight_name=path.name)
    pipeline.fuse_lora()
    return {
        (part, name.replace(".base_layer", "")): value.clone()
        for part, network in networks_of(bundle).items()
        for name, value in network.state_dict().items()
        if "lora_" not in name
    }


def largest_difference(one: Own, other: Own) -> float:
    assert one.keys() == other.keys()
    return max(float((value - other[key]).abs().max()) for key, value in one.items())


def count_changed(one: Own, other: Own) -> int:
    return sum(not torch.equal(value, other[key]) for key, value in one.items())


ATTENTION = "attn"


@pytest.mark.parametrize("model", ["tiny1", "tinyxl"])
@pytest.mark.parametrize("form", ["kohya", "diffusers"])
def test_a_file_is_applied_as_diffusers_applies_it(
    model: str, form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    bundle: ModelBundle = request.getfixturevalue(model)
    networks = networks_of(bundle)
    if form == "kohya":
        naming = name_kohya if model == "tiny1" else name_te1
        tensors = draw_lora(networks, "lora", naming, wanted=ATTENTION)
    else:
        tensors = rename_to_peft(draw_lora(networks, "lora", name_diffusers, wanted=ATTENTION))
    path = write_lora(tmp_path / "style.safetensors", tensors)
    ours = apply_all(bundle, weigh(path))
    assert count_changed(ours, weights_of(bundle)) == len(tensors) // (3 if form == "kohya" else 2)
    oracle = fuse_by_diffusers(bundle, path)
    assert largest_difference(ours, oracle) <= 1e-6


def name_te1(part: str, layer: str) -> str:
    """XL's first text encoder has a number too."""
    return name_kohya(part, layer).replace("lora_te_", "lora_te1_")


def test_sgm_names_are_those_of_xl_as_diffusers_reads_them(
    tinyxl: ModelBundle, tmp_path: Path
) -> None:
    networks = build_networks("sdxl")
    assert tinyxl.second_text is not None
    first, second = networks.texts
    bundle = replace(
        tinyxl,
        unet=networks.unet,
        text_encoder=first,
        second_text=SecondText(tinyxl.second_text.tokenizer, second),
    )
    tensors = draw_lora(networks_of(bundle), "lora", name_sgm(networks.unet), wanted="attentions")
    path = write_lora(tmp_path / "style.safetensors", tensors)
    ours = apply_all(bundle, weigh(path))
    assert count_changed(ours, weights_of(bundle)) == len(tensors) // 3
    assert largest_difference(ours, fuse_by_diffusers(bundle, path)) <= 1e-6


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_every_layer_is_found_under_latent_diffusions_name(
    family: Any, tinyxl: ModelBundle, tmp_path: Path
) -> None:
    unet = build_networks(family).unet
    bundle = replace(tinyxl, unet=unet)
    by_own = write_lora(tmp_path / "own.safetensors", draw_lora({"unet": unet}))
    by_sgm = write_lora(
        tmp_path / "sgm.safetensors", draw_lora({"unet": unet}, "lora", name_sgm(unet))
    )
    one, other = apply_all(bundle, weigh(by_own)), apply_all(bundle, weigh(by_sgm))
    assert largest_difference(one, other) == 0.0
    assert count_changed(one, weights_of(bundle)) > 100


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_changes_every_layer_and_leaves_the_very_same_tensors(
    tiny1: ModelBundle, tmp_path: Path, kind: Kind
) -> None:
    networks = networks_of(tiny1)
    path = write_lora(tmp_path / "style.safetensors", draw_lora(networks, kind))
    before = clones_of(tiny1)
    pointers = {key: value.data_ptr() for key, value in weights_of(tiny1).items()}
    with apply_loras(tiny1, [weigh(path, 0.7)]) as bundle:
        assert count_changed(weights_of(bundle), before) > 80
        bundle.unet.eval()
    after = weights_of(tiny1)
    assert all(torch.equal(after[key], own) for key, own in before.items())
    assert {key: value.data_ptr() for key, value in after.items()} == pointers


def peft_change(layer: nn.Module, config: Any, state: Mapping[str, Tensor]) -> Tensor:
    """What peft's own layer makes of a weight, less the weight."""
    model = inject_adapter_in_model(config, nn.Sequential(layer))
    inner: Any = model[0]
    own = inner.get_base_layer().weight.detach().clone()
    for name, value in inner.named_parameters():
        for end, stored in state.items():
            if name.startswith(f"{end}.") or name == end:
                value.data = stored.reshape(value.shape).clone()
    inner.merge()
    merged: Tensor = inner.get_base_layer().weight.detach()
    return merged - own


def build_layer(kind: str) -> nn.Linear | nn.Conv2d:
    torch.manual_seed(5)
    return nn.Linear(12, 16) if kind == "linear" else nn.Conv2d(12, 16, 3)


@pytest.mark.parametrize("layer_kind", ["linear", "convolution"])
@pytest.mark.parametrize("kind", ["lora", "dora", "loha", "lokr"])
def test_every_formula_is_pefts(layer_kind: str, kind: Any) -> None:
    layer = build_layer(layer_kind)
    weight = layer.weight.detach().clone()
    drawn = draw_factors(weight, kind, seed=3)
    common: dict[str, Any] = {"r": RANK, "target_modules": ["0"], "init_weights": True}
    alpha = {"alpha": ALPHA}
    match kind:
        case "lora" | "dora":
            config: Any = LoraConfig(
                r=RANK, lora_alpha=ALPHA, target_modules=["0"], use_dora=kind == "dora"
            )
            state = {"lora_A": drawn["lora_down.weight"], "lora_B": drawn["lora_up.weight"]}
            if kind == "dora":
                state["lora_magnitude_vector"] = drawn["dora_scale"]
        case "loha":
            config = LoHaConfig(**common, **alpha)
            state = {name: value for name, value in drawn.items() if name != "alpha"}
        case _:
            config = LoKrConfig(**common, **alpha, decompose_factor=2)
            state = {name: value for name, value in drawn.items() if name != "alpha"}
    oracle = peft_change(layer, config, state)
    ours = weight_change(weight, slots_of(drawn))
    assert float(oracle.abs().max()) > 0.01
    assert float((ours - oracle).abs().max()) <= 1e-6


def slots_of(drawn: Weights) -> Any:
    renamed = {"lora_down.weight": "down", "lora_up.weight": "up"}
    return {renamed.get(name, name): value for name, value in drawn.items()}


def test_a_core_is_a_convolution_between_two() -> None:
    torch.manual_seed(2)
    down, core, up = torch.randn(2, 5, 1, 1), torch.randn(3, 2, 3, 3), torch.randn(4, 3, 1, 1)
    pixels = torch.randn(1, 5, 7, 7)
    wanted = functional.conv2d(
        functional.conv2d(functional.conv2d(pixels, down), core, padding=1), up
    )
    change = weight_change(torch.zeros(4, 5, 3, 3), {"down": down, "mid": core, "up": up})
    assert float((functional.conv2d(pixels, change, padding=1) - wanted).abs().max()) <= 1e-4


def test_cores_of_products_follow_their_sum() -> None:
    torch.manual_seed(2)
    left, right, core = torch.randn(2, 4), torch.randn(2, 5), torch.randn(2, 2, 3, 3)
    product = torch.zeros(4, 5, 3, 3)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        product += left[i][:, None, None, None] * right[j][None, :, None, None] * core[i, j]
    factors: Any = {f"hada_w{n}_a": left for n in (1, 2)} | {f"hada_w{n}_b": right for n in (1, 2)}
    factors |= {"hada_t1": core, "hada_t2": core}
    change = weight_change(torch.zeros(4, 5, 3, 3), factors)
    assert float((change - product * product).abs().max()) <= 1e-5
    kronecker: Any = {"lokr_w1": torch.tensor([[2.0]]), "lokr_w2_a": left, "lokr_w2_b": right}
    kronecker |= {"lokr_t2": core, "alpha": torch.tensor(1.0)}
    change = weight_change(torch.zeros(4, 5, 3, 3), kronecker)
    assert float((change - product).abs().max()) <= 1e-5  # 2 x product x 1/2


def test_magnitudes_of_inputs_are_lengths_of_columns() -> None:
    drawn = draw_factors(torch.zeros(4, 6), "dora_inputs", 1)
    weight = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    changed = weight + weight_change(weight, slots_of(drawn))
    lengths = torch.linalg.vector_norm(changed, dim=0)
    assert float((lengths - drawn["dora_scale"][0]).abs().max()) <= 1e-6


def test_several_are_summed_by_their_weights(tiny1: ModelBundle, tmp_path: Path) -> None:
    networks = networks_of(tiny1)
    kinds: tuple[Kind, ...] = ("lora", "dora", "lokr")
    loras = [
        weigh(
            write_lora(tmp_path / f"{kind}.safetensors", draw_lora(networks, kind, seed=seed)),
            weight,
        )
        for seed, (kind, weight) in enumerate(zip(kinds, (1.5, -0.5, 0.25), strict=True))
    ]
    own = weights_of(tiny1)
    single = [apply_all(tiny1, replace(one, weight=1.0)) for one in loras]
    wanted = {
        key: value
        + sum(one.weight * (alone[key] - value) for one, alone in zip(loras, single, strict=True))
        for key, value in own.items()
        if value.is_floating_point()
    }
    together = apply_all(tiny1, *loras)
    assert max(float((together[key] - one).abs().max()) for key, one in wanted.items()) <= 1e-5


def test_weight_zero_is_the_bundle_itself(tiny1: ModelBundle, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "a.safetensors", draw_lora(networks_of(tiny1), wanted=ATTENTION))
    with apply_loras(tiny1, [weigh(path, 0.0)]) as bundle:
        assert bundle is tiny1
    with apply_loras(tiny1, [weigh(path, 1.0)]) as bundle:
        assert bundle.unet is tiny1.unet
        assert bundle.kept is not tiny1.kept


def test_an_error_inside_leaves_the_very_same_tensors(tiny1: ModelBundle, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "a.safetensors", draw_lora(networks_of(tiny1), wanted=ATTENTION))
    before = clones_of(tiny1)
    with pytest.raises(KeyError), apply_loras(tiny1, [weigh(path)]):
        raise KeyError
    assert count_changed(weights_of(tiny1), before) == 0


def test_pefts_alpha_is_read_from_the_metadata_or_the_file_beside(
    tiny1: ModelBundle, tmp_path: Path
) -> None:
    unet = {"unet": tiny1.unet}
    own = weights_of(tiny1)
    tensors = rename_to_peft(draw_lora(unet, "lora", name_diffusers, wanted=ATTENTION))
    plain = apply_all(tiny1, weigh(write_lora(tmp_path / "a.safetensors", tensors)))
    stated = {"unet.r": RANK, "unet.lora_alpha": 4, "unet.use_rslora": False}
    metadata = {"lora_adapter_metadata": json.dumps(stated)}
    stated_there = apply_all(
        tiny1, weigh(write_lora(tmp_path / "b.safetensors", tensors, metadata))
    )
    assert difference_ratio(stated_there, plain, own) == pytest.approx(4 / RANK, abs=1e-4)
    peft = {name.replace("unet.", "base_model.model."): value for name, value in tensors.items()}
    path = write_lora(tmp_path / "my style" / "adapter_model.safetensors", peft)
    config = {"r": RANK, "lora_alpha": 8, "use_rslora": True}
    (path.parent / "adapter_config.json").write_text(json.dumps(config))
    assert describe_lora(path).name == "my style"
    in_folder = apply_all(tiny1, weigh(path))
    assert difference_ratio(in_folder, plain, own) == pytest.approx(8 / RANK**0.5, abs=1e-4)


def difference_ratio(one: Own, other: Own, own: Own) -> float:
    """How many times farther the first is from the own weights than the second."""
    sides = [
        torch.cat([(value[key] - own[key]).float().flatten() for key in own])
        for value in (one, other)
    ]
    return float(sides[0].norm() / sides[1].norm())


def test_another_family_is_refused_with_both_widths(
    tiny1: ModelBundle, tinyxl: ModelBundle, tmp_path: Path
) -> None:
    path = write_lora(tmp_path / "style.safetensors", draw_lora(networks_of(tinyxl), name=name_te1))
    assert describe_lora(path).words == 56
    before = clones_of(tiny1)
    with (
        pytest.raises(ModelError, match=r"“style” is made for words of 56 numbers.*have 32\."),
        apply_loras(tiny1, [weigh(path)]),
    ):
        pass
    assert count_changed(weights_of(tiny1), before) == 0
    only_text = {"text_encoder_2": networks_of(tinyxl)["text_encoder_2"]}
    path = write_lora(tmp_path / "text.safetensors", draw_lora(only_text))
    with (
        pytest.raises(ModelError, match=r"changes text_encoder_2.*has no such part"),
        apply_loras(tiny1, [weigh(path)]),
    ):
        pass


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"lora_unet_mid_block.oft_blocks": torch.ones(2, 2)}, "which is not understood"),
        ({"lora_unet_x.lora_down.weight": torch.ones(2, 2)}, "which is not understood"),
        ({"lora_unet_x.diff": torch.full((2, 2), torch.nan)}, "not finite"),
        ({"lora_unet_nowhere.diff": torch.ones(2, 2)}, "no such part"),
    ],
)
def test_what_cannot_be_applied_is_said(
    tiny1: ModelBundle, tmp_path: Path, more: Weights, message: str
) -> None:
    tensors = draw_lora(networks_of(tiny1), wanted="to_q") | more
    path = write_lora(tmp_path / "style.safetensors", tensors)
    with pytest.raises(ModelError, match=message), apply_loras(tiny1, [weigh(path)]):
        pass


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = LoraEntry("style", tmp_path / "style.safetensors")
    with pytest.raises(ModelError, match="“style” cannot be read"):
        _ = gone.digest
    with pytest.raises(ModelError, match="cannot be read"):
        read_lora(gone)


@pytest.mark.parametrize(
    ("name", "dials"),
    [
        ("lcm-lora-sdv1-5", ("LCM", "lcm", 4, 1.0)),
        ("pytorch_lora_weights lcm_lora_sdxl", ("LCM", "lcm", 4, 1.0)),
        ("Hyper-SD15-8steps-lora", ("Hyper-SD", "ddim_trailing", 8, 1.0)),
        ("Hyper-SDXL-12steps-CFG-lora", ("Hyper-SD", "ddim_trailing", 12, 5.0)),
        ("Hyper-SDXL-1step-lora", ("Hyper-SD", "tcd", 1, 1.0)),
        ("sdxl_lightning_2step_lora", ("Lightning", "euler_trailing", 2, 1.0)),
        ("dmd2_sdxl_4step_lora_fp16", ("DMD2", "lcm", 4, 1.0)),
        ("TCD-SDXL-LoRA", ("TCD", "tcd", 4, 1.0)),
        ("ink", None),
        ("talcmania", None),
    ],
)
def test_sets_of_few_steps_are_told_by_their_names(
    name: str, dials: tuple[str, str, int, float] | None
) -> None:
    found = recognise_few_steps(name)
    assert (None if found is None else (found[0], str(found[1]), *found[2:])) == dials
    assert recognise_few_steps("v3", name) == found
