"""What a model folder holds, found out without loading weights or running anything that came with
them.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import ModelError
from backend.models.safetensors_file import refuse_pointer, shorten
from backend.models.weight_files import find_weights

if TYPE_CHECKING:
    import torch  # seconds to import, and the catalog must be quick

MAX_JSON_BYTES = 2**25
"""A tokenizer's file has some megabytes, everything else kilobytes."""
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
        reason = _without_folders(str(error))[:160]
        raise ModelError(
            f"{what} ({type(error).__name__}: {reason}).", limit=limit, remedy=remedy
        ) from error


@contextmanager
def explain_torch_file(name: str) -> Iterator[None]:
    """What torch raises at a downloaded file of weights that it cannot read, as a ModelError."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = _without_folders(str(error))[:120]
        raise ModelError(
            f"{name} cannot be read ({type(error).__name__}: {reason}).",
            remedy="Download the file again.",
        ) from error


def check_complete(name: str, missing: Iterable[str], remedy: str = _TOGETHER) -> None:
    """A ModelError where a network lacks weights, which a library would draw at random."""
    lacking = sorted(missing)
    if lacking:
        raise ModelError(
            f"{name} lacks {len(lacking)} weights (first {lacking[0]}).", remedy=remedy
        )


def check_finite(name: str, network: torch.nn.Module) -> None:
    """A ModelError where a weight of a loaded network is no number: its pictures would be black.

    Args:
        name: of the network, for the sentence.
        network: with floating weights.
    """
    for weight, values in network.named_parameters():
        if values.numel() and not all(one.isfinite() for one in values.aminmax()):
            raise ModelError(
                f"{name} holds weights that are no finite numbers (first {weight}).",
                limit="Every picture of such a model is black.",
                remedy="Download the file again, or choose another version of this model.",
            )


def _without_folders(message: str) -> str:
    """The first line of a library's message, its paths cut down to the names of files."""
    return re.sub(r"(?:/[^/\s'\"]+)+/", "", (message.splitlines() or [""])[0])


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, or a ModelError that names it."""
    again = "Copy the model folder again, with all its files."
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no file")
        refuse_pointer(path)
        with path.open("rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
        if len(content) > MAX_JSON_BYTES:
            raise ValueError(f"it has more than {MAX_JSON_BYTES // 2**20} MiB")
        value = json.loads(content.decode("utf-8-sig"))
    except FileNotFoundError:
        raise ModelError(f"{shorten(path)} is missing.", remedy=again) from None
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{shorten(path)} cannot be read ({reason}).", remedy=again) from None
    if not isinstance(value, dict):
        raise ModelError(
            f"{shorten(path)} is not a JSON object.", remedy="Copy the model folder again."
        )
    return value


def check_folder(folder: Path) -> dict[str, Any]:
    """The folder's model_index, once everything that we would load has been found present and
    harmless.
    """
    index = read_json(folder / "model_index.json")
    _check_pipeline(folder, index)
    expected = EXPECTED | (EXPECTED_SECOND if has_second_text(index) else {})
    for part, (library, classes) in expected.items():
        _check_component(folder, index, part, library, classes)
        if part.startswith("tokenizer"):
            check_tokenizer(folder, part)
    for part, stem in list_weights(index).items():
        find_weights(folder, part, stem)
    return index


def check_tokenizer(folder: Path, part: str) -> None:
    """Refuse a tokenizer folder out of which a library would make one of two words, and one whose
    files are not whole.

    Args:
        folder: the model's.
        part: the tokenizer's folder in it.

    Raises:
        ModelError: neither ``tokenizer.json`` nor the pair of files of old tells its words.
    """
    place = folder / part
    whole, vocabulary, merges = (
        place / name for name in ("tokenizer.json", "vocab.json", "merges.txt")
    )
    if whole.exists():
        model = read_json(whole).get("model")
        words = model.get("vocab") if isinstance(model, dict) else None
    else:
        for path in (vocabulary, merges):
            if not path.is_file():
                raise ModelError(
                    f"{shorten(path)} is missing.",
                    limit="Without it the words of a prompt mean nothing to the model.",
                    remedy="Copy the model's tokenizer folder again, with all its files.",
                )
        refuse_pointer(merges)
        words = read_json(vocabulary)
    if not words:
        raise ModelError(
            f"{folder.name}/{part} holds no words.",
            limit="Without them a prompt means nothing to the model.",
            remedy="Copy the model's tokenizer folder again, with all its files.",
        )


def has_second_text(index: dict[str, Any]) -> bool:
    """Whether a model_index is that of Stable Diffusion XL, whose words pass through two
    encoders.
    """
    return str(index.get("_class_name", "")).startswith("StableDiffusionXL")


def list_weights(index: dict[str, Any]) -> dict[str, str]:
    """Every network of the folder, with the first part of its weights' names."""
    return WEIGHTED | (WEIGHTED_SECOND if has_second_text(index) else {})


def _check_pipeline(folder: Path, index: dict[str, Any]) -> None:
    """Refuse pipelines of other families, and those that name code of their own. Files of code that
    lie about are never imported, so they do not count.
    """
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
    if has_second_text(index) and index.get("text_encoder") in (None, [None, None]):
        raise ModelError(
            f"{folder.name} holds the refiner of SDXL.",
            limit="A refiner only goes over pictures that the base model has made.",
            remedy="Choose the folder of the base model.",
        )
    unknown = [
        f"{part} from {entry[0]!r}"
        for part, entry in index.items()
        if isinstance(entry, list) and entry and not _is_known(entry[0])
    ]
    if unknown:
        raise ModelError(
            f"{folder.name} brings its own code ({', '.join(unknown[:3])}).",
            limit="Code from a model folder is never run.",
            remedy="Use a folder whose parts all come from diffusers and transformers.",
        )


def _is_known(library: object) -> bool:
    return library is None or (isinstance(library, str) and library in KNOWN_LIBRARIES)


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
