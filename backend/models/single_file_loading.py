"""The networks of a checkpoint in a single file: diffusers' functions of the parts for UNet and
VAE, with configurations of our own, so that nothing is ever looked for on the network; transformers
for the text encoders, whose weights are renamed here where open_clip named them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import safe_open
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from backend.errors import ModelError
from backend.models.file_kinds import UNET
from backend.models.folder import check_complete, check_finite, explain_loading
from backend.models.safetensors_file import read_header
from backend.models.single_file import TEXT_PREFIXES, SingleFile
from backend.models.single_file_shapes import FileShapes

TEXT_CLASSES: Mapping[str, Any] = {
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
}
OPEN_CLIP_NAMES: tuple[tuple[str, str], ...] = (
    (r"^token_embedding\.", "embeddings.token_embedding."),
    (r"^positional_embedding$", "embeddings.position_embedding.weight"),
    (r"^ln_final\.", "final_layer_norm."),
    (r"^transformer\.resblocks\.", "encoder.layers."),
    (r"\.ln_([12])\.", r".layer_norm\1."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
    (r"\.attn\.", ".self_attn."),
)
"""open_clip's names of a text tower as transformers gives them."""
MISFIT = re.compile(
    r"because (?P<weight>\S+) expected shape torch\.Size\((?P<wanted>.*?)\), "
    r"but got torch\.Size\((?P<found>.*?)\)\."
)
"""How diffusers says that a weight has another shape than its place."""
AGAIN = "Download the file again, or another version of it."


def load_single_file(single_file: SingleFile, dtype: torch.dtype) -> dict[str, Any]:
    """Every network of a single file.

    Args:
        single_file: the file.
        dtype: of the networks.

    Returns:
        Networks by part, as those of a diffusers folder, in evaluation mode without gradients.

    Raises:
        ModelError: weights are missing, of other shapes, or no numbers.
    """
    own = FileShapes(single_file.path.name, read_header(single_file.path).shapes)
    names = [name for name in own.shapes if name.startswith(UNET)]
    networks = {"unet": _load_part(single_file, "unet", single_file.path, names, dtype)}
    pictures = FileShapes(single_file.autoencoder.name, read_header(single_file.autoencoder).shapes)
    names = list(pictures.list_autoencoder_names())
    networks["vae"] = _load_part(single_file, "vae", single_file.autoencoder, names, dtype)
    for part, prefix in TEXT_PREFIXES[single_file.family].items():
        layers = single_file.configs[part]["num_hidden_layers"]
        names = list(own.list_text_names(prefix, layers))
        networks[part] = _load_text(single_file, part, prefix, names, dtype)
    return networks


def rename_open_clip(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a text tower of open_clip under the names and in the pieces of transformers.

    Args:
        tensors: by open_clip's names.
    """
    renamed: dict[str, Tensor] = {}
    for name, value in tensors.items():
        for pattern, new in OPEN_CLIP_NAMES:
            name = re.sub(pattern, new, name)
        joined = re.fullmatch(r"(.+)\.in_proj_(weight|bias)", name)
        if joined:
            for piece, part in zip("qkv", value.chunk(3), strict=True):
                renamed[f"{joined[1]}.{piece}_proj.{joined[2]}"] = part.clone()
        elif name == "text_projection":
            renamed["text_projection.weight"] = value.T.contiguous()
        else:
            renamed[name] = value
    return renamed


def _read(path: Path, names: Iterable[str], dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights of a file in one precision. (diffusers would log a warning for each network that it
    is told to cast.)
    """
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name).to(dtype) for name in names}


def _load_part(
    single_file: SingleFile, part: str, path: Path, names: list[str], dtype: torch.dtype
) -> Any:
    """The UNet or the VAE."""
    network_class: Any = UNet2DConditionModel if part == "unet" else AutoencoderKL
    config = {k: v for k, v in single_file.configs[part].items() if not k.startswith("_")}
    name = f"{path.name} ({part})"
    with explain_loading(f"{name} cannot be loaded", remedy=AGAIN):
        with init_empty_weights():
            wanted = len(network_class.from_config(config).state_dict())
        if len(names) < wanted:
            missing = wanted - len(names)
            raise ModelError(f"{name} lacks {missing} of {wanted} weights.", remedy=AGAIN)
        try:
            network = network_class.from_single_file(
                _read(path, names, dtype),
                config=str(single_file.layout),
                subfolder=part,
                local_files_only=True,
                **config,
            )
        except ValueError as error:
            misfit = MISFIT.search(str(error))
            if misfit is None:
                raise
            raise _misfit(name, misfit["weight"], misfit["found"], misfit["wanted"]) from None
    check_finite(name, network)
    return network.eval().requires_grad_(False)


def _load_text(
    single_file: SingleFile, part: str, prefix: str, names: list[str], dtype: torch.dtype
) -> Any:
    name = f"{single_file.path.name} ({part})"
    config = CLIPTextConfig(**single_file.configs[part])
    with explain_loading(f"{name} cannot be loaded", remedy=AGAIN):
        found = _read(single_file.path, names, dtype)
        tensors = {one.removeprefix(prefix): value for one, value in found.items()}
        if prefix.endswith(".model."):
            tensors = rename_open_clip(tensors)
        with init_empty_weights():
            places = TEXT_CLASSES[part](config).state_dict()
        _check_places(name, tensors, places)
        network = TEXT_CLASSES[part].from_pretrained(
            None, config=config, state_dict=tensors, dtype=dtype, local_files_only=True
        )
    check_finite(name, network)
    return network.eval().requires_grad_(False)


def _check_places(name: str, tensors: Mapping[str, Tensor], places: Mapping[str, Tensor]) -> None:
    """A ModelError where weights are missing or of other shapes, of which transformers would draw
    new ones, or print a table.
    """
    found = {one.removeprefix("text_model."): value for one, value in tensors.items()}
    wanted = {one.removeprefix("text_model."): value for one, value in places.items()}
    check_complete(name, wanted.keys() - found.keys(), remedy=AGAIN)
    for weight, place in wanted.items():
        if found[weight].shape != place.shape:
            raise _misfit(name, weight, list(found[weight].shape), list(place.shape))


def _misfit(name: str, weight: str, found: object, wanted: object) -> ModelError:
    return ModelError(
        f"{name} holds {weight[:80]} in the shape {found}.",
        limit=f"The rest of the network wants {wanted} there.",
        remedy=AGAIN,
    )
