"""A checkpoint in a single file: Stable Diffusion 1.x, 2.x or XL under the names that latent
diffusion gave its weights, as ComfyUI and A1111 write and read it.

Such a file brings no configuration. The family's is shipped (``assets/models/layouts``); widths and
depths are read from the file's header, and no weight is loaded. What a header cannot tell is the
quantity that the network predicts: marker keys, the file's metadata and a ``.yaml`` beside it do,
and for 2.x, where all of them are silent, one bias of the UNet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backend import LAYOUTS_FOLDER
from backend.errors import ModelError
from backend.models.file_kinds import UNET, Family, Shapes, recognise_file
from backend.models.folder import explain_loading, read_json
from backend.models.licence import clean_name
from backend.models.safetensors_file import SafetensorsHeader, read_header
from backend.models.single_file_shapes import SIZE_NUMBERS, FileShapes

VELOCITY_KEY, ZERO_SNR_KEY = "v_pred", "ztsnr"
"""Names of empty tensors by which a file says how it was trained."""
OTHER_SIGMAS: Mapping[str, str] = MappingProxyType(
    {
        "edm_mean": "the sigmas of Playground 2.5",
        "edm_vpred.sigma_max": "the sigmas of CosXL",
    }
)
TEXT_PREFIXES: Mapping[Family, Mapping[str, str]] = MappingProxyType(
    {
        "sd1": {"text_encoder": "cond_stage_model.transformer."},
        "sd2": {"text_encoder": "cond_stage_model.model."},
        "sdxl": {
            "text_encoder": "conditioner.embedders.0.transformer.",
            "text_encoder_2": "conditioner.embedders.1.model.",
        },
    }
)
"""How the names of each text encoder's weights begin."""
START, END = "<|startoftext|>", "<|endoftext|>"
PADDINGS: Mapping[Family, Mapping[str, str]] = MappingProxyType(
    {
        "sd1": {"tokenizer": END},
        "sd2": {"tokenizer": "!"},
        "sdxl": {"tokenizer": END, "tokenizer_2": "!"},
    }
)
"""What each tokenizer fills short texts up with; open_clip's "!" is its number 0."""
VELOCITY_PX = 768
"""What the 2.x models that predict velocity were trained on; the others had 512."""
VELOCITY_SIGN = UNET + "output_blocks.11.1.transformer_blocks.0.norm1.bias"
VELOCITY_SPREAD = 0.09
"""The spread of that bias lies above it in 2.x models that predict velocity; ComfyUI tells them
apart in the same way.
"""
MAX_YAML_BYTES = 2**16
SIDE_AUTOENCODER = ".vae.safetensors"
"""How A1111 names the VAE that belongs to the checkpoint of the same name."""


@dataclass(frozen=True)
class SingleFile:
    """What is known of a single file before its weights are loaded.

    Attributes:
        path: of the file.
        family: whose names it has.
        configs: of its networks, by part, complete.
        scheduler: configuration of its noise schedule.
        autoencoder: the file that holds the VAE: the checkpoint itself, or one beside it.
        weights: of all its networks.
        size_bytes: of the file.
        licence: as its metadata name it.
    """

    path: Path
    family: Family
    configs: Mapping[str, Mapping[str, Any]] = field(repr=False, compare=False)
    scheduler: Mapping[str, Any] = field(repr=False, compare=False)
    autoencoder: Path
    weights: int
    size_bytes: int
    licence: str = ""

    @property
    def layout(self) -> Path:
        """The folder of the family's configurations."""
        return LAYOUTS_FOLDER / self.family

    @property
    def paddings(self) -> Mapping[str, str]:
        """What its tokenizers fill short texts up with."""
        return PADDINGS[self.family]


def read_single_file(path: Path) -> SingleFile:
    """What a single file holds, by its header.

    Args:
        path: of a safetensors file.

    Raises:
        ModelError: it is damaged, of another kind, or its parts do not belong together.
    """
    header = read_header(path)
    family = recognise_file(header.shapes).family
    if family is None:
        raise ModelError(
            f"{path.name} holds no checkpoint of Stable Diffusion.",
            remedy="Choose a checkpoint of Stable Diffusion 1.x, 2.x or XL (base).",
        )
    _check_sigmas(path, header.shapes)
    layout, own = LAYOUTS_FOLDER / family, FileShapes(path.name, header.shapes)
    autoencoder = find_autoencoder(path, header.shapes, family)
    pictures = FileShapes(autoencoder.name, read_header(autoencoder).shapes)
    shipped = {
        part: read_json(layout / part / "config.json")
        for part in ("unet", "vae", *TEXT_PREFIXES[family])
    }
    configs = {
        "unet": own.describe_unet(shipped["unet"], has_fixed_heads=family == "sd1"),
        "vae": pictures.describe_autoencoder(shipped["vae"]),
        **{
            part: own.describe_text(shipped[part], prefix)
            for part, prefix in TEXT_PREFIXES[family].items()
        },
    }
    _check_words(path, configs)
    velocity = _predicts_velocity(path, header, family)
    if velocity and family == "sd2":
        cell_px = 2 ** (len(configs["vae"]["block_out_channels"]) - 1)
        configs["unet"]["sample_size"] = VELOCITY_PX // cell_px
    return SingleFile(
        path,
        family,
        configs,
        _describe_scheduler(layout, header.shapes, velocity),
        autoencoder,
        _count_weights(own, pictures, configs, family),
        path.stat().st_size,
        clean_name(header.metadata.get("modelspec.license", "")),
    )


def find_autoencoder(path: Path, shapes: Shapes, family: Family) -> Path:
    """The file whose VAE a checkpoint is used with: the one that is named after it, its own, or the
    first in a folder ``vae`` near it. XL's look like the others; its name has to say so.

    Args:
        path: of the checkpoint.
        shapes: of its tensors.
        family: of the checkpoint.

    Raises:
        ModelError: there is none.
    """
    named_after = path.with_name(path.stem + SIDE_AUTOENCODER)
    if named_after.is_file():
        return named_after
    if FileShapes(path.name, shapes).has_autoencoder:
        return path
    for candidate in _list_loose_autoencoders(path):
        is_xl = "xl" in candidate.stem.lower()
        if is_xl == (family == "sdxl"):
            return candidate
    usual = "sdxl_vae.safetensors" if family == "sdxl" else "vae-ft-mse-840000.safetensors"
    raise ModelError(
        f"{path.name} holds no VAE, which makes pictures of what the UNet draws.",
        limit="None lies beside it or in a folder named vae near it.",
        remedy=f"Put a VAE such as {usual} beside it, named {named_after.name}.",
    )


def _list_loose_autoencoders(path: Path) -> Iterator[Path]:
    """The VAE files in folders named ``vae`` in a file's folder or in the two above it."""
    folders = (one for parent in list(path.parents)[:3] for one in sorted(parent.iterdir()))
    for folder in folders:
        if folder.name.lower() == "vae" and folder.is_dir():
            yield from filter(_is_autoencoder, sorted(folder.glob("*.safetensors")))


def _is_autoencoder(path: Path) -> bool:
    try:
        return FileShapes(path.name, read_header(path).shapes).has_autoencoder
    except ModelError:
        return False  # it is listed with its own reason


def _check_sigmas(path: Path, shapes: Shapes) -> None:
    """Refuse models whose noise follows another law."""
    for key, sigmas in OTHER_SIGMAS.items():
        if key in shapes:
            raise ModelError(
                f"{path.name} was trained on {sigmas}.",
                limit="Lamina runs models of the usual sigmas of Stable Diffusion.",
                remedy="Choose another checkpoint.",
            )


def _check_words(path: Path, configs: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a file whose text encoders do not speak as wide as its UNet listens."""
    texts = [config for part, config in configs.items() if part.startswith("text_encoder")]
    unet = configs["unet"]
    width = sum(config["hidden_size"] for config in texts)
    pairs = [("words", width, unet["cross_attention_dim"])]
    if "addition_time_embed_dim" in unet:
        sizes = SIZE_NUMBERS * unet["addition_time_embed_dim"]
        pooled = texts[-1]["projection_dim"] + sizes
        pairs.append(("sums of words", pooled, unet["projection_class_embeddings_input_dim"]))
    for what, given, wanted in pairs:
        if given != wanted:
            raise ModelError(
                f"The UNet of {path.name} wants {what} of width {wanted}, "
                f"its text encoders give {given}.",
                limit="The parts of a checkpoint come from the same family.",
                remedy="Download the file again, or choose another checkpoint.",
            )


def _count_weights(
    own: FileShapes,
    pictures: FileShapes,
    configs: Mapping[str, Mapping[str, Any]],
    family: Family,
) -> int:
    """The number of all weights that are used."""
    texts = TEXT_PREFIXES[family].items()
    names = [
        *(name for name in own.shapes if name.startswith(UNET)),
        *(
            name
            for part, prefix in texts
            for name in own.list_text_names(prefix, configs[part]["num_hidden_layers"])
        ),
    ]
    return own.count_weights(names) + pictures.count_weights(pictures.list_autoencoder_names())


def _predicts_velocity(path: Path, header: SafetensorsHeader, family: Family) -> bool:
    """Whether the UNet predicts velocity, by the first witness that speaks."""
    if VELOCITY_KEY in header.shapes:
        return True
    stated = header.metadata.get("modelspec.prediction_type", "") or _read_yaml(path)
    if stated:
        return stated.startswith("v")
    if family != "sd2" or VELOCITY_SIGN not in header.shapes:
        return False
    from safetensors import safe_open  # with torch, which alone reads bfloat16

    with (
        explain_loading(f"{path.name} cannot be read", remedy="Download the file again."),
        safe_open(path, framework="pt") as file,
    ):
        return bool(file.get_tensor(VELOCITY_SIGN).float().std(correction=0) > VELOCITY_SPREAD)


def _read_yaml(path: Path) -> str:
    """The ``parameterization`` that A1111's description of a checkpoint names, "" without one."""
    try:
        with path.with_suffix(".yaml").open("rb") as file:
            text = file.read(MAX_YAML_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(r"^\s*parameterization:\s*[\"']?(v|eps)\b", text, re.MULTILINE)
    return found[1] if found else ""


def _describe_scheduler(layout: Path, shapes: Shapes, velocity: bool) -> dict[str, Any]:
    """The family's noise schedule, with what the file's markers say."""
    shipped = read_json(layout / "scheduler" / "scheduler_config.json")
    if velocity:
        shipped["prediction_type"] = "v_prediction"
    if ZERO_SNR_KEY in shapes:
        shipped |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return shipped
