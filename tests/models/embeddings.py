"""Embeddings of words as the programs of others write them, of random vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.models.bundle import ModelBundle

Form = Literal["a1111", "safetensors", "diffusers", "diffusers_bin", "xl", "xl_pt"]


def draw_vectors(bundle: ModelBundle, count: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Vectors for each text encoder of a model, as large as those of its words."""
    second = () if bundle.second_text is None else (bundle.second_text.encoder,)
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        table.std() * torch.randn(count, table.shape[1], generator=generator)
        for encoder in (bundle.text_encoder, *second)
        if (table := encoder.get_input_embeddings().weight) is not None
    )


def write_embedding(folder: Path, name: str, form: Form, vectors: tuple[Tensor, ...]) -> Path:
    """A file of these vectors; A1111's holds what its training leaves beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = dict(zip(("clip_l", "clip_g"), vectors, strict=False))
    one = vectors[0][0] if len(vectors[0]) == 1 else vectors[0]
    pickled = {
        "a1111": {
            "string_to_token": {"*": torch.tensor(265)},
            "string_to_param": {"*": vectors[0]},
            "name": "trained",
            "step": 500,
            "sd_checkpoint": None,
            "sd_checkpoint_name": None,
        },
        "diffusers_bin": {"<trained>": one},
        "xl_pt": parts,
    }
    if form in pickled:
        path = folder / f"{name}{'.bin' if form == 'diffusers_bin' else '.pt'}"
        torch.save(pickled[form], path)
        return path
    path = folder / f"{name}.safetensors"
    tensors = {
        "safetensors": {"emb_params": vectors[0]},
        "diffusers": {"<trained>": one},
        "xl": parts,
    }[form]
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, path)
    return path
