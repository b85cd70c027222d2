"""From a diffusers folder or a single file to a ModelBundle: local files, safetensors only, no code
from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.utils.logging import disable_progress_bar as hide_those_of_diffusers
from transformers import CLIPTextModel, CLIPTextModelWithProjection
from transformers.utils.logging import disable_progress_bar as hide_those_of_transformers

from backend.models.bundle import ModelBundle
from backend.models.card import ModelCard
from backend.models.folder import (
    check_complete,
    check_finite,
    check_folder,
    explain_loading,
    list_weights,
)
from backend.models.members import Members
from backend.models.schedule import SAMPLERS, scheduler_values
from backend.models.second_text import SecondText, split_words
from backend.models.single_file_loading import load_single_file
from backend.models.weight_files import find_weights

_CLASSES: dict[str, Any] = {
    "unet": UNet2DConditionModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
}


def dtype_for(device: torch.device) -> torch.dtype:
    """Half precision where it is fast; full precision on a CPU, where it alone is exact and quick.

    Args:
        device: of the networks.
    """
    return torch.float16 if device.type == "cuda" else torch.float32


def hide_bars() -> None:
    """Turn the loading bars of diffusers and transformers off in this process (a spawned one has to
    call it again): the terminal belongs to our own.
    """
    hide_those_of_diffusers()
    hide_those_of_transformers()


def load_bundle(card: ModelCard, device: torch.device) -> ModelBundle:
    """Load every network of a model.

    Args:
        card: the model.
        device: where the networks shall be.

    Returns:
        The bundle; its members are loaded later.

    Raises:
        ModelError: a file is at fault; the sentence names it.
    """
    hide_bars()
    dtype = dtype_for(device)
    networks = {part: network.to(device) for part, network in _load_networks(card, dtype)}
    if card.family == "sdxl" and networks["vae"].config.force_upcast:
        networks["vae"] = networks["vae"].float()  # its activations overflow in half precision
    return ModelBundle(
        card=card,
        tokenizer=card.load_tokenizer(),
        text_encoder=networks["text_encoder"],
        vae=networks["vae"],
        unet=networks["unet"],
        scheduler=card.scheduler,
        device=device,
        dtype=dtype,
        second_text=_second_text(card, networks),
        members=Members(card.members, device, dtype, refused=card.refused_members),
    )


def _second_text(card: ModelCard, networks: dict[str, Any]) -> SecondText | None:
    """SDXL's second encoder, its vector split off the words where the UNet takes them; None for
    other families.
    """
    if card.family != "sdxl":
        return None
    second = SecondText(card.load_tokenizer("tokenizer_2"), networks["text_encoder_2"])
    split_words(networks["unet"], second.encoder.config.projection_dim, card.cell_px)
    return second


def _load_networks(card: ModelCard, dtype: torch.dtype) -> Iterator[tuple[str, Any]]:
    """Each network with its part's name."""
    if card.single_file is not None:
        yield from load_single_file(card.single_file, dtype).items()
        return
    for part, stem in list_weights(check_folder(card.folder)).items():
        yield part, _load_network(card, part, stem, dtype)


def _load_network(card: ModelCard, part: str, stem: str, dtype: torch.dtype) -> Any:
    files = find_weights(card.folder, part, stem)
    name = f"{card.folder.name}/{part}"
    with explain_loading(f"{name} cannot be loaded"):
        network, found = _CLASSES[part].from_pretrained(
            str(card.folder / part),
            variant=files.variant or None,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    check_complete(name, found["missing_keys"])
    check_finite(name, network)
    return network.eval().requires_grad_(False)


def reference_img2img(bundle: ModelBundle, sampler: str) -> Any:
    """diffusers' own pipeline over a bundle's networks: oracle of tests, baseline of speed.

    Args:
        bundle: the model.
        sampler: a key of ``SAMPLERS``; the pipeline has a scheduler of its own.

    Returns:
        A ``StableDiffusionImg2ImgPipeline``, or XL's.
    """
    from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionXLImg2ImgPipeline

    kind = SAMPLERS[sampler]
    parts = {
        "vae": bundle.vae,
        "text_encoder": bundle.text_encoder,
        "tokenizer": bundle.tokenizer,
        "unet": bundle.unet,
        "scheduler": kind.make(**scheduler_values(kind, bundle.scheduler)),
        "feature_extractor": None,
    }
    if bundle.second_text is None:
        pipeline: Any = StableDiffusionImg2ImgPipeline(
            **parts, safety_checker=None, requires_safety_checker=False
        )
    else:
        second = {
            "text_encoder_2": bundle.second_text.encoder,
            "tokenizer_2": bundle.second_text.tokenizer,
        }
        pipeline = StableDiffusionXLImg2ImgPipeline(**parts, **second, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
