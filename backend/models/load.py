"""From a diffusers folder to a ModelBundle: local files, safetensors only, no code from the folder."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

from backend.errors import ModelError
from backend.models.bars import hide_bars
from backend.models.bundle import ModelBundle
from backend.models.card import ModelCard, load_tokenizer
from backend.models.folder import WEIGHTED, check_folder, variant_of, weight_files
from backend.models.members import Members

_CLASSES: dict[str, Any] = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}


def dtype_for(device: torch.device) -> torch.dtype:
    """Half precision where it is fast; full precision on a CPU, where it is the only exact and quick one."""
    return torch.float16 if device.type == "cuda" else torch.float32


def load_bundle(card: ModelCard, device: torch.device) -> ModelBundle:
    """Load every network of the card; a ModelError names the file that is at fault."""
    check_folder(card.folder)
    hide_bars()
    dtype = dtype_for(device)
    networks = {part: _load_network(card, part, dtype).to(device) for part in WEIGHTED}
    return ModelBundle(
        card=card,
        tokenizer=load_tokenizer(card.folder),
        text_encoder=networks["text_encoder"],
        vae=networks["vae"],
        unet=networks["unet"],
        scheduler=card.scheduler,
        device=device,
        dtype=dtype,
        members=Members(card.members, device, dtype),
    )


def _load_network(card: ModelCard, part: str, dtype: torch.dtype) -> Any:
    files = weight_files(card.folder, part, WEIGHTED[part])
    try:
        network, found = _CLASSES[part].from_pretrained(
            str(card.folder / part),
            variant=variant_of(files) or None,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:
        raise ModelError(
            f"{card.folder.name}/{part} cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0][:160]}).",
            remedy="Check that config.json and the weights belong together, or copy the folder again.",
        ) from error
    missing = sorted(found["missing_keys"])
    if missing:
        raise ModelError(
            f"{card.folder.name}/{part} lacks {len(missing)} weights (first {missing[0]}).",
            remedy="Check that config.json and the weights belong together, or copy the folder again.",
        )
    return network.eval().requires_grad_(False)
