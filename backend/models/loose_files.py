"""Sentences for the files and folders beside the models: what they hold, and what becomes of them
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from backend.errors import ModelError
from backend.models.file_kinds import VAE_ALONE, recognise_file
from backend.models.folder import explain_loading, read_json
from backend.models.locations import HUB_NAME, SAFETENSORS
from backend.models.safetensors_file import read_header
from backend.models.weight_files import PICKLED
from backend.models.word_embedding import is_embedding_place

OTHER_FOLDERS = frozenset(
    {
        *("lora", "loras", "lycoris", "loha", "vae", "vae_approx", "embeddings", "embedding"),
        *("controlnet", "control_net", "clip", "clip_vision", "text_encoders", "text_encoder"),
        *("upscale_models", "upscalers", "esrgan", "realesrgan", "swinir", "dat", "hat", "ldsr"),
        *("gfpgan", "codeformer", "hypernetworks", "ipadapter", "ip_adapter", "style_models"),
        *("gligen", "photomaker", "t2i_adapter", "clip_embed", "unet", "diffusion_models"),
        *("animatediff_models", "sams", "ultralytics", "insightface", "adetailer", "spandrel"),
    }
)
"""Folders of other programs in which no checkpoint lies, in small letters."""

USES: Mapping[str, str] = MappingProxyType(
    {
        VAE_ALONE: (
            "A checkpoint without a VAE uses it from a folder named vae; named as a checkpoint "
            "with .vae before its ending, it stands in for that one's own."
        )
    }
)
"""What becomes of a file that is no model, by what it holds."""

RefusedFile = tuple[Literal["model", "file"], ModelError]
RUNS = "Lamina runs checkpoints of Stable Diffusion 1.x, 2.x and XL (base)."


def describe_file(path: Path) -> Literal["checkpoint", "lora", "embedding"] | RefusedFile:
    """What a file of weights is, or why it is nothing that is used here.

    Args:
        path: of the file.

    Returns:
        For a file that is not used: "model" where a person would have expected one, else "file";
        and the reason.
    """
    expected: Literal["model", "file"] = "file" if _lies_elsewhere(path) else "model"
    suffix = path.suffix.lower()
    if is_embedding_place(path):
        return "embedding"
    if suffix in PICKLED:
        return ("model" if suffix == ".ckpt" else "file"), _pickle_error(path)
    if suffix != SAFETENSORS:
        held = "quantised weights" if suffix == ".gguf" else "no weights that are known here"
        return expected, ModelError(
            f"{path.name} holds {held}.",
            limit="Lamina loads safetensors only.",
            remedy="Use the safetensors of this model.",
        )
    try:
        with explain_loading(f"{path.name} cannot be read", remedy="Download the file again."):
            kind = recognise_file(read_header(path).shapes)
    except ModelError as error:
        return expected, error
    if kind.name == "checkpoint" or kind.name == "lora" or kind.name == "embedding":
        return kind.name
    if kind.name == "other_model":
        remedy = "Choose a checkpoint that makes pictures from words."
        return "model", ModelError(f"{path.name} holds {kind.title}.", limit=RUNS, remedy=remedy)
    return "file", ModelError(
        f"{path.name} holds {kind.title}.",
        limit=USES.get(kind.title, "Lamina does not use such files yet."),
        remedy="Nothing needs to be done; other programs may go on using it.",
    )


def describe_network(folder: Path) -> ModelError:
    """Why the folder of a network that belongs to no model is not used.

    Args:
        folder: with a config and weights, or a repository of the hub's cache.
    """
    if HUB_NAME.fullmatch(folder.name):
        return ModelError(
            f"{folder.name} holds no picture model, or its download was not finished.",
            limit="A model of diffusers has a model_index.json.",
            remedy="Download it again, or leave it to the program that uses it.",
        )
    try:
        config = read_json(folder / "config.json")
    except ModelError as error:
        return error
    kind = config.get("_class_name") or config.get("model_type") or "network"
    return ModelError(
        f"{folder.name} holds a {str(kind)[:60]!r}, which is no model of its own.",
        limit="A network beside the models is used when its folder is named as its kind.",
        remedy='See "Models" in the README for the names, such as clip or controlnet.',
    )


def _lies_elsewhere(path: Path) -> bool:
    return any(part.lower() in OTHER_FOLDERS for part in path.parts[-4:-1])


def _pickle_error(path: Path) -> ModelError:
    return ModelError(
        f"{path.name} is a pickled file of weights.",
        limit="Pickles can run any program; Lamina never opens them and loads safetensors only.",
        remedy="Download the safetensors of it, or convert it.",
    )
