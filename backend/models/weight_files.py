"""The files of one network of a model folder: whole or in shards, in full precision or as a variant
(``fp16``, ``bf16``), as the library that loads them will look for them.

Pickled weights beside them are never opened: a library asks for safetensors by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import ModelError
from backend.models.safetensors_file import check_safetensors, refuse_pointer, shorten

PICKLED = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".joblib"})
USUAL_VARIANTS = ("", "fp16", "bf16", "fp32", "non_ema")
"""The order in which they are tried; others follow by name."""
MAX_INDEX_BYTES = 2**24


@dataclass(frozen=True)
class WeightFiles:
    """The files of a network.

    Attributes:
        files: whose headers are sound.
        variant: as it is asked for by name, "" for the plain files.
        weights: the number of all weights.
    """

    files: tuple[Path, ...]
    variant: str
    weights: int


def find_weights(folder: Path, part: str, stem: str) -> WeightFiles:
    """The safetensors of a component, the first variant whose files are all there and sound.

    Args:
        folder: the model's.
        part: the component's name, which is that of its folder.
        stem: how the names of its files begin.

    Raises:
        ModelError: there are none, a shard is missing, or a file is damaged.
    """
    place, refusal = folder / part, None
    for variant in _list_variants(place, stem):
        try:
            files = _list_files(place, stem, variant)
            counts = [check_safetensors(path) for path in files]
        except ModelError as error:
            refusal = refusal or error
            continue
        return WeightFiles(files, variant, sum(counts))
    raise refusal or _absence_error(folder, part, stem)


def _list_variants(place: Path, stem: str) -> tuple[str, ...]:
    """The variants of which there is a whole file or an index of shards."""
    names = [path.name for path in place.iterdir()] if place.is_dir() else []
    pattern = re.compile(
        rf"{re.escape(stem)}(?:\.safetensors\.index(?:\.([\w-]+))?\.json"
        r"|(?:\.([\w-]+))?\.safetensors)"
    )
    found = {
        match[1] or match[2] or ""
        for match in map(pattern.fullmatch, names)
        if match and not re.search(r"-\d+-of-\d+$", match[2] or "")
    }
    usual = [variant for variant in USUAL_VARIANTS if variant in found]
    return (*usual, *sorted(found.difference(usual)))


def _list_files(place: Path, stem: str, variant: str) -> tuple[Path, ...]:
    """The whole file, or the shards that an index names. diffusers asks for the index first,
    transformers for the whole file.
    """
    dotted = f".{variant}" if variant else ""
    index = place / f"{stem}.safetensors.index{dotted}.json"
    whole = place / f"{stem}{dotted}.safetensors"
    first_whole = stem == "model"
    if whole.exists() and (first_whole or not index.exists()):
        return (whole,)
    return tuple(_list_shards(index))


def _list_shards(index: Path) -> Iterator[Path]:
    try:
        refuse_pointer(index)
        with index.open("rb") as file:
            names = set(json.loads(file.read(MAX_INDEX_BYTES))["weight_map"].values())
        shards = sorted(str(name) for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ModelError(
            f"{shorten(index)} does not say which files hold the weights.",
            remedy="Copy or download this file again.",
        ) from None
    if not shards:
        raise ModelError(
            f"{shorten(index)} names no files.", remedy="Copy or download this file again."
        )
    for number, name in enumerate(shards, start=1):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelError(
                f"{shorten(index)} names the file {name[:80]!r}.",
                limit="Shards are safetensors in the same folder.",
                remedy="Choose another copy of this model.",
            )
        if not (index.parent / name).is_file():
            raise ModelError(
                f"{shorten(index.parent / name)} is missing, {number} of {len(shards)} shards.",
                remedy="Download that file too, into the same folder.",
            )
        yield index.parent / name


def _absence_error(folder: Path, part: str, stem: str) -> ModelError:
    place = folder / part
    names = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    pickled = [name for name in names if Path(name).suffix.lower() in PICKLED]
    shards = [name for name in names if re.search(r"-\d+-of-\d+.*\.safetensors$", name)]
    if shards:
        return ModelError(
            f"{folder.name}/{part} holds shards ({shards[0]}) without the index that lists them.",
            limit=f"It is named {stem}.safetensors.index.json.",
            remedy="Download that file too, into the same folder.",
        )
    if pickled:
        more = f" and {len(pickled) - 3} more" if len(pickled) > 3 else ""
        return ModelError(
            f"{folder.name}/{part} holds pickled weights alone ({', '.join(pickled[:3])}{more}).",
            limit="Pickles can run any program; Lamina loads safetensors only.",
            remedy="Download the safetensors of this model, or convert the weights.",
        )
    return ModelError(
        f"{folder.name}/{part} holds no {stem}.safetensors.",
        limit="Lamina loads safetensors only.",
        remedy="Convert the weights to safetensors, or choose a folder that has them.",
    )
