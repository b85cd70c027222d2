"""Checkpoints in a single file: the same networks and pictures as diffusers has of these weights,
and a sentence for each that cannot be used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import init_empty_weights
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionXLImg2ImgPipeline,
    UNet2DConditionModel,
)
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from backend.engine.loop_types import generator_for
from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.card import ModelCard, read_file_card
from backend.models.catalog import find_models
from backend.models.load import load_bundle
from backend.models.single_file import VELOCITY_SIGN
from backend.plan.raster import raster
from tests.methods.collages import PLAIN, Collage
from tests.models.single_files import (
    FAMILIES,
    TEXTS,
    UNET,
    VAE,
    Family,
    Networks,
    build_networks,
    lay_out,
    lay_out_vae,
    read_config,
    write_checkpoint,
)
from tests.models.test_catalog import ids_of, reasons_of

CPU = torch.device("cpu")
SIDE_PX = 128
WEIGHTS: Mapping[tuple[Family, str], int] = {
    ("sd1", "unet"): 859_520_964,
    ("sd1", "vae"): 83_653_863,
    ("sd1", "text_encoder"): 123_060_480,
    ("sd2", "unet"): 865_910_724,
    ("sd2", "vae"): 83_653_863,
    ("sd2", "text_encoder"): 340_387_840,
    ("sdxl", "unet"): 2_567_463_684,
    ("sdxl", "vae"): 83_653_863,
    ("sdxl", "text_encoder"): 123_060_480,
    ("sdxl", "text_encoder_2"): 694_659_840,
}
"""Of the released models."""
CLASSES: Mapping[str, Callable[[dict[str, Any]], nn.Module]] = {
    "unet": UNet2DConditionModel.from_config,
    "vae": AutoencoderKL.from_config,
    "text_encoder": lambda config: CLIPTextModel(CLIPTextConfig(**config)),
    "text_encoder_2": lambda config: CLIPTextModelWithProjection(CLIPTextConfig(**config)),
}


@functools.cache
def networks_of(family: Family) -> Networks:
    return build_networks(family)


@functools.cache
def sound_file(family: Family, base: Path) -> Path:
    return write_checkpoint(base / f"single-{family}.safetensors", networks_of(family))


def read_small(path: Path) -> ModelCard:
    """Its card, for pictures of a size that tests can make."""
    return replace(read_file_card(path, "model", "Model"), native_px=SIDE_PX)


def refuse(path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        load_bundle(read_file_card(path, "model", "Model"), CPU)
    assert caught.value.remedy
    assert str(path.parent) not in caught.value.sentence
    assert len(caught.value.sentence) < 500
    assert "\n" not in caught.value.sentence
    return caught.value


def check_same(found: nn.Module, wanted: nn.Module) -> None:
    weights, known = found.state_dict(), wanted.state_dict()
    assert weights.keys() == known.keys()
    assert all(torch.equal(weights[name], known[name]) for name in known)


def check_bundle(bundle: ModelBundle, networks: Networks) -> None:
    second = () if bundle.second_text is None else (bundle.second_text.encoder,)
    found = (bundle.unet, bundle.vae, bundle.text_encoder, *second)
    wanted = (networks.unet, networks.vae, *networks.texts)
    for one, other in zip(found, wanted, strict=True):
        check_same(one, other)
        assert not one.training
        assert not any(weight.requires_grad for weight in one.parameters())


@pytest.mark.parametrize(("family", "part"), WEIGHTS)
def test_the_shipped_configurations_are_those_of_the_released_models(
    family: Family, part: str
) -> None:
    with init_empty_weights():
        network = CLASSES[part](read_config(family, part))
    assert sum(weight.numel() for weight in network.parameters()) == WEIGHTS[family, part]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_arrives(family: Family, model_base: Path) -> None:
    path = sound_file(family, model_base)
    card = read_file_card(path, "model", "Model")
    bundle = load_bundle(card, CPU)
    check_bundle(bundle, networks_of(family))
    assert bundle.size_bytes == 4 * card.weights
    assert card.path == path
    assert card.size_bytes == path.stat().st_size
    assert card.native_px == (1024 if family == "sdxl" else 512)
    assert (card.family, card.zero_empty) == (("sdxl", True) if family == "sdxl" else ("sd", False))


def diffusers_pictures(card: ModelCard, networks: Networks, collage: Collage) -> np.ndarray:
    """What diffusers' own pipeline makes of the weights that were written to the file."""
    plan = collage.compose("ddim", 2, {**PLAIN, "strength": 0.8})
    parts: dict[str, Any] = {
        "vae": networks.vae,
        "unet": networks.unet,
        "text_encoder": networks.texts[0],
        "tokenizer": card.load_tokenizer(),
        "scheduler": DDIMScheduler.from_config(card.scheduler),
    }
    if networks.family == "sdxl":
        second = {
            "text_encoder_2": networks.texts[1],
            "tokenizer_2": card.load_tokenizer("tokenizer_2"),
        }
        pipeline: Any = StableDiffusionXLImg2ImgPipeline(**parts, **second, add_watermarker=False)
    else:
        pipeline = StableDiffusionImg2ImgPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    pipeline.set_progress_bar_config(disable=True)
    made: np.ndarray = pipeline(
        plan.prompt,
        negative_prompt=plan.negative,
        image=Image.fromarray(raster(plan, collage.pixels).picture),
        strength=0.8,
        guidance_scale=plan.guidance_scale,
        num_inference_steps=plan.steps,
        num_images_per_prompt=len(plan.seeds),
        generator=[generator_for(seed) for seed in plan.seeds],
        output_type="np",
    ).images
    return (made * 255).round().astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_are_bit_equal_to_diffusers(family: Family, model_base: Path) -> None:
    bundle = load_bundle(read_small(sound_file(family, model_base)), CPU)
    collage = Collage(bundle, seed=1, side_px=SIDE_PX)
    _, (pictures,) = collage.run(collage.compose("ddim", 2, {**PLAIN, "strength": 0.8}))
    known = diffusers_pictures(bundle.card, networks_of(family), collage)
    assert np.array_equal(np.stack(pictures.pictures), known)


@pytest.mark.slow
def test_half_precision_markers_of_training_and_averages_beside_are_no_matter(
    tmp_path: Path,
) -> None:
    networks = networks_of("sd1")
    averages = {
        f"model_ema.diffusion_model{name.replace('.', '')}": value + 1
        for name, value in networks.unet.state_dict().items()
    }
    more = {**averages, "global_step": torch.tensor(3), "betas": torch.zeros(1000)}
    path = write_checkpoint(tmp_path / "a.safetensors", networks, more, dtype=torch.float16)
    bundle = load_bundle(read_file_card(path, "model", "Model"), CPU)
    assert bundle.size_bytes == 4 * bundle.card.weights
    for name, weight in networks.unet.named_parameters():
        assert torch.equal(bundle.unet.get_parameter(name), weight.half().float())


@pytest.mark.slow
def test_text_encoders_of_older_mergers_lack_a_prefix(tmp_path: Path, model_base: Path) -> None:
    weights = load_file(sound_file("sd1", model_base))
    save_file(
        {name.replace(".text_model.", "."): value for name, value in weights.items()},
        tmp_path / "a.safetensors",
    )
    card = read_file_card(tmp_path / "a.safetensors", "model", "Model")
    check_bundle(load_bundle(card, CPU), networks_of("sd1"))


@pytest.mark.slow
def test_the_last_layer_of_2_is_left_out(tmp_path: Path) -> None:
    """Latent diffusion keeps open_clip's 24 layers and asks the last but one."""
    wide = build_networks("sd2")
    first = {name: value for name, value in lay_out(wide).items() if ".resblocks.0." in name}
    layers = {
        name.replace(".resblocks.0.", f".resblocks.{number}."): value
        for number in range(2, 24)
        for name, value in first.items()
    }
    path = write_checkpoint(tmp_path / "a.safetensors", wide, layers, dtype=torch.float16)
    bundle = load_bundle(read_file_card(path, "model", "Model"), CPU)
    assert bundle.text_encoder.config.num_hidden_layers == 23
    assert bundle.size_bytes == 4 * bundle.card.weights


@pytest.mark.parametrize("text", ["a photo of a cat", "A  Photo, don't 12ç 日本 ??", ""])
def test_words_become_the_numbers_of_clip(text: str, model_base: Path) -> None:
    known = SimpleTokenizer().encode(text)
    for family, part, padding in (
        ("sd1", "tokenizer", 49407),
        ("sd2", "tokenizer", 0),
        ("sdxl", "tokenizer", 49407),
        ("sdxl", "tokenizer_2", 0),
    ):
        tokenizer = read_file_card(sound_file(family, model_base), "a", "A").load_tokenizer(part)
        row = tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids
        assert row == [49406, *known, 49407, *[padding] * (75 - len(known))]


@pytest.mark.parametrize(
    ("family", "more", "metadata", "yaml", "prediction"),
    [
        ("sd1", {}, {}, "", "epsilon"),
        ("sd1", {}, {}, 'model:\n  params:\n    parameterization: "v"\n', "v_prediction"),
        ("sdxl", {"v_pred": torch.tensor([])}, {}, "", "v_prediction"),
        ("sdxl", {}, {"modelspec.prediction_type": "v"}, "", "v_prediction"),
        ("sd2", {}, {}, "", "epsilon"),
        ("sd2", {VELOCITY_SIGN: torch.linspace(-1, 1, 64)}, {}, "", "v_prediction"),
        (
            "sd2",
            {VELOCITY_SIGN: torch.linspace(-1, 1, 64)},
            {"modelspec.prediction_type": "epsilon"},
            "",
            "epsilon",
        ),
    ],
)
def test_what_is_predicted_is_told_by_the_first_witness(
    tmp_path: Path,
    family: Family,
    more: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    yaml: str,
    prediction: str,
) -> None:
    path = write_checkpoint(tmp_path / "a.safetensors", networks_of(family), more, metadata)
    if yaml:
        (tmp_path / "a.yaml").write_text(yaml)
    card = read_file_card(path, "model", "Model")
    assert card.prediction_type == prediction
    assert card.scheduler["prediction_type"] == prediction
    if family == "sd2":
        assert card.native_px == (768 if prediction == "v_prediction" else 512)


def test_noise_without_signal_is_told_by_a_marker(tmp_path: Path) -> None:
    markers = {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    path = write_checkpoint(tmp_path / "a.safetensors", networks_of("sdxl"), markers)
    card = read_file_card(path, "model", "Model")
    assert card.scheduler["rescale_betas_zero_snr"] is True
    assert card.scheduler["timestep_spacing"] == "trailing"


@pytest.mark.parametrize("place", ["models/checkpoints/a.vae", "models/VAE/kl-f8"])
@pytest.mark.parametrize("named_by_diffusers", [False, True])
def test_a_vae_beside_the_file_is_taken(
    tmp_path: Path, place: str, named_by_diffusers: bool
) -> None:
    networks = networks_of("sd1")
    folder = tmp_path / "models"
    path = write_checkpoint(folder / "checkpoints" / "a.safetensors", networks, without=VAE)
    error = find_models([folder]).refused["a"]
    assert "holds no VAE" in error.what
    assert "a.vae.safetensors" in error.remedy
    vae = networks.vae.state_dict() if named_by_diffusers else lay_out_vae(networks.vae)
    file = tmp_path / f"{place}.safetensors"
    file.parent.mkdir(exist_ok=True)
    (folder / "VAE").mkdir(exist_ok=True)
    save_file({name: value.contiguous() for name, value in vae.items()}, file)
    (folder / "VAE" / "broken.safetensors").write_bytes(b"")
    save_file({"x": torch.zeros(1)}, folder / "VAE" / "a-lora.safetensors")
    catalog = find_models([folder])
    assert ids_of(catalog) == ["pocket", "a"]
    assert "VAE alone" in reasons_of(catalog)[file.name]
    check_bundle(load_bundle(read_file_card(path, "model", "Model"), CPU), networks)


def test_a_vae_of_another_family_is_not_taken(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "a.safetensors", networks_of("sd1"), without=VAE)
    (tmp_path / "vae").mkdir()
    save_file(lay_out_vae(networks_of("sd1").vae), tmp_path / "vae" / "sdxl_vae.safetensors")
    assert "holds no VAE" in refuse(path).what


def change(weights: dict[str, Tensor], name: str, value: Tensor | None) -> dict[str, Tensor]:
    return {key: one for key, one in {**weights, name: value}.items() if one is not None}


TOKENS = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"
LAYER = "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc2.weight"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (UNET + "middle_block.1.norm.weight", None, "(unet) lacks 1 of 684 weights"),
        (UNET + "input_blocks.4.0.in_layers.2.weight", None, "lacks model.diffusion_model.input"),
        (VAE + "decoder.conv_out.bias", None, "(vae) lacks 1 of"),
        (LAYER, None, "lacks 1 weights (first encoder.layers.1.mlp.fc2.weight)"),
        (TOKENS, None, "lacks cond_stage_model.transformer.…token_embedding.weight"),
        (UNET + "middle_block.1.norm.weight", torch.zeros(3), "norm.weight in the shape [3]"),
        (UNET + "out.2.weight", torch.zeros(()), "conv_out.weight in the shape []"),
        (UNET + "input_blocks.4.0.in_layers.2.weight", torch.zeros(7, 7), "(unet) cannot be"),
        (LAYER, torch.zeros(64, 3), "fc2.weight in the shape [64, 3]"),
        (TOKENS, torch.zeros(100, 64), "knows 100 tokens"),
        (TOKENS, torch.zeros(49408, 96), "wants words of width 64, its text encoders give 96"),
        (UNET + "out.2.bias", torch.full((4,), torch.nan), "no finite numbers (first conv_out"),
        (VAE + "decoder.conv_in.bias", torch.full((64,), torch.inf), "no finite numbers"),
        (UNET + "input_blocks.11.0.in_layers.0.weight", None, "(unet) lacks"),
        (UNET + "input_blocks.12.0.in_layers.2.weight", torch.zeros(4, 4), "has 13 blocks"),
        ("edm_vpred.sigma_max", torch.zeros(1), "sigmas of CosXL"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    tmp_path: Path, model_base: Path, name: str, value: Tensor | None, words: str
) -> None:
    weights = load_file(sound_file("sd1", model_base))
    save_file(change(weights, name, value), tmp_path / "a.safetensors")
    assert words in refuse(tmp_path / "a.safetensors").what


OPEN = TEXTS["sdxl"][1]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (OPEN + "transformer.resblocks.0.attn.in_proj_weight", (10, 128), "proj.weight in the"),
        (OPEN + "transformer.resblocks.1.attn.in_proj_weight", (384, 9), "in the shape [128, 9]"),
        (OPEN + "text_projection", (128, 30), "wants sums of words of width 1632"),
        (OPEN + "text_projection", (), "has the shape ()"),
        (OPEN + "positional_embedding", None, "lacks conditioner.embedders.1.model."),
        (OPEN + "ln_final.bias", None, "lacks 1 weights (first final_layer_norm.bias)"),
    ],
)
def test_what_does_not_fit_open_clips_tower_is_one_sentence(
    tmp_path: Path, model_base: Path, name: str, value: tuple[int, ...] | None, words: str
) -> None:
    weights = load_file(sound_file("sdxl", model_base))
    new = None if value is None else torch.zeros(value)
    save_file(change(weights, name, new), tmp_path / "a.safetensors")
    assert words in refuse(tmp_path / "a.safetensors").what


def test_a_file_that_cannot_be_loaded_leaves_the_loaded_model_alone(
    tmp_path: Path, model_base: Path
) -> None:
    sound = read_file_card(sound_file("sd1", model_base), "sound", "Sound")
    weights = load_file(sound_file("sd1", model_base))
    path = tmp_path / "bad.safetensors"
    save_file(change(weights, UNET + "out.2.bias", torch.full((4,), torch.nan)), path)
    bad = read_file_card(path, "bad", "Bad")
    cache = ModelCache(2**30)
    with cache.lease(sound, "cpu") as first:
        pass
    with pytest.raises(ModelError, match="no finite numbers"), cache.lease(bad, "cpu"):
        pass
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="not a sound safetensors"), cache.lease(bad, "cpu"):
        pass
    with cache.lease(sound, "cpu") as second:
        assert second is first
    check_bundle(first, networks_of("sd1"))


def test_a_file_is_found_named_and_described(tmp_path: Path, model_base: Path) -> None:
    place = tmp_path / "ComfyUI" / "models" / "checkpoints" / "toon_shaper-8.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(sound_file("sd1", model_base).read_bytes())
    for given in (place, tmp_path / "ComfyUI", place.parent):
        catalog = find_models([given])
        assert ids_of(catalog) == ["pocket", "toon_shaper-8"]
        assert catalog.card("toon_shaper-8").title == "Toon shaper 8"
        assert catalog.roots["toon_shaper-8"] == given
