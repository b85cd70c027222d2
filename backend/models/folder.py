"""What a model folder holds, found out without loading weights or running anything that came with
them.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.errors import ModelError

PICKLED = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".joblib"})
MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself
EXPECTED = {
    "unet": ("diffusers", ("UNet2DConditionModel",)),
    "vae": ("diffusers", ("AutoencoderKL",)),
    "text_encoder": ("transformers", ("CLIPTextModel",)),
    "tokenizer": ("transformers", ("CLIPTokenizer", "CLIPTokenizerFast")),
    "scheduler": ("diffusers", ()),
}
"""Component → library and classes that we load; an empty tuple takes any class, since only its
numbers are read.
"""
EXPECTED_SECOND = {
    "text_encoder_2": ("transformers", ("CLIPTextModelWithProjection",)),
    "tokenizer_2": ("transformers", ("CLIPTokenizer", "CLIPTokenizerFast")),
}
"""What Stable Diffusion XL has besides."""
WEIGHTED = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
WEIGHTED_SECOND = {"text_encoder_2": "model"}
KNOWN_LIBRARIES = frozenset({"diffusers", "transformers", "stable_diffusion"})
_DTYPE_BITS = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "F16": 16,
    "BF16": 16,
    "I16": 16,
    "U16": 16,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
}


_TOGETHER = "Check that its description and its weights belong together, or copy the folder again."


@contextmanager
def explain_loading(what: str, limit: str = "", remedy: str = _TOGETHER) -> Iterator[None]:
    """Whatever a library raises while it loads a network or a tokenizer, as a ModelError:
    transformers, diffusers, open_clip, torch and safetensors raise what a file leads them to.

    Args:
        what: the beginning of the sentence, such as "pocket/unet cannot be loaded".
        limit, remedy: the error's other parts.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:160]
        raise ModelError(
            f"{what} ({type(error).__name__}: {reason}).", limit=limit, remedy=remedy
        ) from error


@contextmanager
def explain_torch_file(name: str) -> Iterator[None]:
    """What torch raises at a downloaded file of weights that it cannot read, as a ModelError."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        raise ModelError(
            f"{name} cannot be read ({type(error).__name__}: {reason}).",
            remedy="Download the file again.",
        ) from error


def check_complete(name: str, missing: Iterable[str]) -> None:
    """A ModelError where a loaded network lacks weights, which a library would draw at random."""
    lacking = sorted(missing)
    if lacking:
        raise ModelError(
            f"{name} lacks {len(lacking)} weights (first {lacking[0]}).", remedy=_TOGETHER
        )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, or a ModelError that names it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{_short(path)} is missing.", remedy="Copy the model folder again, with all its files."
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{_short(path)} cannot be read ({error}).",
            remedy="Copy the model folder again, with all its files.",
        ) from None
    if not isinstance(value, dict):
        raise ModelError(
            f"{_short(path)} is not a JSON object.", remedy="Copy the model folder again."
        )
    return value


def check_folder(folder: Path) -> dict[str, Any]:
    """The folder's model_index, once everything that we would load has been found present and
    harmless.
    """
    index = read_json(folder / "model_index.json")
    _refuse_code(folder, index)
    refuse_pickles(folder)
    expected = EXPECTED | (EXPECTED_SECOND if has_second_text(index) else {})
    for part, (library, classes) in expected.items():
        _check_component(folder, index, part, library, classes)
    for part, stem in list_weights(index).items():
        for path in weight_files(folder, part, stem):
            check_safetensors(path)
    return index


def has_second_text(index: dict[str, Any]) -> bool:
    """Whether a model_index is that of Stable Diffusion XL, whose words pass through two
    encoders.
    """
    return str(index.get("_class_name", "")).startswith("StableDiffusionXL")


def list_weights(index: dict[str, Any]) -> dict[str, str]:
    """Every network of the folder, with the first part of its weights' names."""
    return WEIGHTED | (WEIGHTED_SECOND if has_second_text(index) else {})


def weight_files(folder: Path, part: str, stem: str) -> tuple[Path, ...]:
    """The safetensors of a component: whole or in shards, full precision before the fp16
    variant.
    """
    place = folder / part
    for pattern in (
        f"{stem}.safetensors",
        f"{stem}-*-of-*.safetensors",
        f"{stem}.fp16.safetensors",
    ):
        found = tuple(sorted(place.glob(pattern)))
        if found:
            return found
    raise ModelError(
        f"{folder.name}/{part} holds no {stem}.safetensors.",
        limit="Lamina loads safetensors only.",
        remedy="Convert the weights to safetensors, or choose a folder that has them.",
    )


def variant_of(files: tuple[Path, ...]) -> str:
    """The name of the precision variant that diffusers must be asked for, or an empty string."""
    return "fp16" if files[0].name.endswith(".fp16.safetensors") else ""


def check_safetensors(path: Path) -> int:
    """The number of weights in a file whose header is sound; a ModelError otherwise. No weight is
    read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else size
        if length > min(size - 8, MAX_HEADER_BYTES):
            raise _damage_error(path, "it is cut short or of another format")
        try:
            header = json.loads(file.read(length))
        except ValueError:
            raise _damage_error(path, "its header is not JSON") from None
    try:
        return _check_tensors(path, header, size - 8 - length)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _damage_error(path, "its header does not follow the format") from None


def _check_tensors(path: Path, header: dict[str, Any], held: int) -> int:
    entries = [entry for name, entry in header.items() if name != "__metadata__"]
    reached, weights = 0, 0
    for entry in sorted(entries, key=lambda one: tuple(one["data_offsets"])):
        begin, end = entry["data_offsets"]
        count = 1
        for side in entry["shape"]:
            count *= int(side)
        if begin != reached or end - begin != count * _DTYPE_BITS[entry["dtype"]] // 8:
            raise _damage_error(path, "its tensors do not fill it without gaps")
        reached, weights = end, weights + count
    if reached != held:
        raise _damage_error(path, f"it should hold {reached} bytes of weights and holds {held}")
    return weights


def _damage_error(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"{_short(path)} is not a sound safetensors file: {reason}.",
        remedy="Copy or download this file again.",
    )


def _refuse_code(folder: Path, index: dict[str, Any]) -> None:
    name = index.get("_class_name")
    if not isinstance(name, str) or not name.startswith("StableDiffusion") or "3" in name:
        raise ModelError(
            f"{folder.name} holds a {name!r}.",
            limit=(
                "Lamina runs the StableDiffusion family (SD 1.x, SD 2.x, SDXL and pocket), "
                "with no code of its own."
            ),
            remedy="Choose another folder.",
        )
    unknown = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py"))
    for part, entry in index.items():
        if (
            isinstance(entry, list)
            and entry
            and entry[0] is not None
            and entry[0] not in KNOWN_LIBRARIES
        ):
            unknown.append(f"{part} from {entry[0]!r}")
    if unknown:
        raise ModelError(
            f"{folder.name} brings its own code ({', '.join(unknown[:3])}).",
            limit="Code from a model folder is never run.",
            remedy="Use a folder whose parts all come from diffusers and transformers.",
        )


def refuse_pickles(folder: Path) -> None:
    """A ModelError that names the pickled files under the folder, if there are any."""
    pickled = sorted(
        str(path.relative_to(folder)) for path in _files(folder) if path.suffix.lower() in PICKLED
    )
    if pickled:
        more = f" and {len(pickled) - 3} more" if len(pickled) > 3 else ""
        raise ModelError(
            f"{folder.name} holds pickled weights ({', '.join(pickled[:3])}{more}).",
            limit="Pickles can run any program; Lamina loads safetensors only.",
            remedy="Remove those files, or convert them to safetensors.",
        )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _check_component(
    folder: Path, index: dict[str, Any], part: str, library: str, classes: tuple[str, ...]
) -> None:
    entry = index.get(part)
    named = entry if isinstance(entry, list) and len(entry) == 2 else ["", ""]
    if named[0] != library or (classes and named[1] not in classes):
        raise ModelError(
            f"{folder.name}: {part} is {entry!r}.",
            limit=f"It must be {library} {' or '.join(classes) or 'scheduler'}.",
            remedy="Choose a Stable Diffusion 1.x, 2.x or XL folder in the diffusers layout.",
        )
    if not (folder / part).is_dir():
        raise ModelError(
            f"{folder.name}/{part} is missing.",
            remedy="Copy the model folder again, with all its subfolders.",
        )


def _short(path: Path) -> str:
    """The last parts of a path: enough to find the file, nothing about the machine."""
    return "/".join(path.parts[-3:])
