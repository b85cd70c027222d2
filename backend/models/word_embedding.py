"""Embeddings of words that others trained (textual inversion, Gal et al. 2022): vectors that stand
in a prompt under the name of their file.

Four forms: A1111's ``.pt`` (``string_to_param``) and ``.safetensors`` (``emb_params``), XL's two
parts (``clip_l``, ``clip_g``), and diffusers' (the token's name). Pickled ones are opened by
torch's weights-only reader alone, which runs nothing that they hold.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from backend.errors import ModelError
from backend.models.folder import explain_loading
from backend.models.locations import name_place
from backend.models.safetensors_file import read_header
from backend.models.weight_files import PICKLED
from backend.plan.plan import PlannedEmbedding
from backend.scene.records import BlobDigest

FOLDERS = frozenset(
    {"embedding", "embeddings", "textual_inversion", "textual_inversions", "textual-inversion"}
)
"""Where other programs keep them, in small letters; pickled ones are sought nowhere else."""
ENDINGS = frozenset({".safetensors", ".pt", ".bin"})
GENERIC_NAMES = frozenset({"learned_embeds", "embeds", "model"})
"""What training scripts call every one; its folder's name says which it is."""
MAX_BYTES = 2**24
MAX_VECTORS = 75
AGAIN = "Download the file again, or remove it from the folder."
PARTS = ("clip_l", "clip_g")


@dataclass(frozen=True)
class WordEmbedding:
    """An embedding that was found.

    Attributes:
        name: what prompts call it.
        path: of the file.
        vectors: how many columns of a prompt's row it takes.
        widths: how many numbers each has, for each text encoder.
        size_bytes: of the file.
        root: the given folder below which it was found.
    """

    name: str
    path: Path
    vectors: int
    widths: tuple[int, ...]
    size_bytes: int = 0
    root: Path | None = None

    @property
    def digest(self) -> BlobDigest:
        """SHA-256 of the file's bytes; a ModelError where it cannot be read."""
        with explain_loading(f"The embedding “{self.name}” cannot be read", remedy=AGAIN):
            return _digest_bytes(self.path, *_stamp(self.path))


def is_embedding_place(path: Path) -> bool:
    """Whether a file lies where other programs keep embeddings, and could be one by its name."""
    near = {part.lower() for part in path.parts[-4:-1]}
    return path.suffix.lower() in ENDINGS and bool(near & FOLDERS)


def describe_embedding(path: Path, root: Path | None = None) -> WordEmbedding:
    """What a file holds.

    Args:
        path: of a file that was told to be one, or lies where they are kept.
        root: the given folder below which it lies.

    Raises:
        ModelError: it is damaged, too large, or holds something else.
    """
    name = name_place(path.parent)[1] if path.stem.lower() in GENERIC_NAMES else path.stem
    tensors = _load(path, *_stamp(path))
    widths = tuple(one.shape[1] for one in tensors)
    return WordEmbedding(name, path, len(tensors[0]), widths, path.stat().st_size, root)


def read_embedding(entry: WordEmbedding) -> tuple[Tensor, ...]:
    """The vectors of an embedding.

    Args:
        entry: where it lies.

    Returns:
        float32 (vectors, width) for each text encoder.

    Raises:
        ModelError: it is damaged.
    """
    with explain_loading(f"The embedding “{entry.name}” cannot be read", remedy=AGAIN):
        return _load(entry.path, *_stamp(entry.path))


def find_planned_embedding(
    known: Iterable[WordEmbedding], planned: PlannedEmbedding
) -> WordEmbedding:
    """The file that a plan means, whatever it is called now.

    Args:
        known: that were found.
        planned: with the digest of the file's content.

    Raises:
        ModelError: no file here has that content.
    """
    for one in sorted(known, key=lambda one: one.name.lower() != planned.name.lower()):
        if one.vectors == planned.vectors and one.digest == planned.digest:
            return one
    raise ModelError(
        f"The embedding “{planned.name}” of this recipe is not here.",
        limit="Its file was changed, or is gone.",
        remedy="Put the file back, or generate the scene anew.",
    )


def name_uniquely(entry: WordEmbedding, others: Iterable[WordEmbedding]) -> str:
    """The name of an embedding among others of its widths: one that is taken gets a number.

    Args:
        entry: the embedding.
        others: that were found before.
    """
    taken = {one.name.lower() for one in others if one.widths == entry.widths}
    numbered = (f"{entry.name}-{number}" for number in range(2, 10**6))
    return next(name for name in (entry.name, *numbered) if name.lower() not in taken)


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size


@functools.lru_cache(maxsize=4096)
def _digest_bytes(path: Path, changed_ns: int, size: int) -> BlobDigest:
    """SHA-256 of a file; time and size are part of the key alone."""
    return BlobDigest(hashlib.sha256(path.read_bytes()).hexdigest())


@functools.lru_cache(maxsize=512)
def _load(path: Path, changed_ns: int, size: int) -> tuple[Tensor, ...]:
    """The vectors of a file; time and size are part of the key, and the size is bounded."""
    if size > MAX_BYTES:
        raise ModelError(
            f"{path.name} has {size / 2**20:.0f} MiB.",
            limit=f"An embedding has at most {MAX_BYTES // 2**20} MiB.",
            remedy="If it is another kind of file, move it out of the folder of embeddings.",
        )
    held = _unpickle(path) if path.suffix.lower() in PICKLED else _read_safetensors(path)
    return _check(path, _choose(path, held))


def _read_safetensors(path: Path) -> Mapping[object, object]:
    read_header(path)
    with explain_loading(f"{path.name} cannot be read", remedy=AGAIN):
        held: dict[object, object] = dict(load_file(path).items())
    return held


def _unpickle(path: Path) -> Mapping[object, object]:
    """A pickled file's dictionary, by the reader that knows numbers and tensors alone."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ModelError(
            f"{path.name} holds more than numbers, or is damaged; nothing of it was run.",
            limit="Pickled embeddings are opened only where they hold tensors alone.",
            remedy="Download it as safetensors, or remove it from the folder.",
        ) from None
    except Exception as error:  # torch raises what its parts raise, from EOFError to RuntimeError
        raise ModelError(
            f"{path.name} cannot be read ({type(error).__name__}).", remedy=AGAIN
        ) from None
    if not isinstance(held, Mapping):
        raise _not_known(path, type(held).__name__)
    return held


def _choose(path: Path, held: Mapping[object, object]) -> tuple[object, ...]:
    """The values that are vectors, by the four forms."""
    inner = held.get("string_to_param")
    if isinstance(inner, Mapping) and len(inner) == 1:
        return tuple(inner.values())
    if set(held) & set(PARTS):
        if not set(PARTS) <= set(held):
            missing = next(part for part in PARTS if part not in held)
            raise ModelError(
                f"{path.name} lacks {missing}.",
                limit="An embedding for XL has clip_l and clip_g.",
                remedy=AGAIN,
            )
        return tuple(held[part] for part in PARTS)
    if "emb_params" in held:
        return (held["emb_params"],)
    if len(held) == 1:
        return tuple(held.values())
    raise _not_known(path, ", ".join(str(name)[:40] for name in list(held)[:3]) or "nothing")


def _check(path: Path, values: tuple[object, ...]) -> tuple[Tensor, ...]:
    """The values as float32 (vectors, width), alike in their number."""
    tensors: list[Tensor] = []
    for value in values:
        is_table = isinstance(value, Tensor) and value.ndim in (1, 2) and value.numel() > 0
        if not isinstance(value, Tensor) or not is_table or not value.is_floating_point():
            raise _not_known(path, f"{getattr(value, 'shape', type(value).__name__)}")
        if not bool(torch.isfinite(value).all()):
            raise ModelError(f"{path.name} holds numbers that are not finite.", remedy=AGAIN)
        tensors.append(torch.atleast_2d(value.detach()).float().contiguous())
    counts = {len(one) for one in tensors}
    if len(counts) > 1 or max(counts) > MAX_VECTORS:
        shapes = " and ".join(str(len(one)) for one in tensors)
        raise ModelError(
            f"{path.name} holds {shapes} vectors.",
            limit=f"An embedding has 1 to {MAX_VECTORS}, as many for each text encoder.",
            remedy=AGAIN,
        )
    return tuple(tensors)


def _not_known(path: Path, held: str) -> ModelError:
    return ModelError(
        f"{path.name} lies among the embeddings and holds {held[:120]}.",
        limit="Known are the embeddings of A1111 and diffusers, and XL's of clip_l and clip_g.",
        remedy="If it is another kind of file, move it to that kind's folder.",
    )
