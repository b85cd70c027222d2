"""A subject: what a model has learned of one thing from a few pictures, and how the model puts it
on.

A subject is token vectors, and changes of the UNet's weights where its kind has them. It is one
safetensors file: ``token`` float32 (n, d), ``unet.X.weight`` whole changes,
``unet.X.lora_A.weight`` (r, in) and ``unet.X.lora_B.weight`` (out, r) changes of low rank, under
the names that peft and diffusers give them; kind, class word and the model it was trained on stand
in the header.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.errors import ModelError, RequestError, StoreError
from backend.models.bundle import ModelBundle
from backend.scene.packed import packed, unpacked

SubjectKind = Literal["textual_inversion", "custom_diffusion", "dreambooth", "dreambooth_lora"]
KINDS: tuple[SubjectKind, ...] = get_args(SubjectKind)
TOKEN, NETWORK = "token", "unet."
DOWN, UP, WHOLE = ".lora_A.weight", ".lora_B.weight", ".weight"
LOOKED_AT_ROWS = 1024
"""Rows of the token table that a fingerprint reads; with two convolutions of the UNet they tell
models apart.
"""


@dataclass(frozen=True, eq=False)
class Subject:
    """``vectors`` float32 (n, d) stand where the subject's token does; ``weights`` are changes of
    the UNet by name.

    ``model`` is the title of the model it was trained on, ``fingerprint`` that model's.
    """

    kind: SubjectKind
    class_word: str
    model: str
    fingerprint: str
    vectors: Tensor = field(repr=False)
    weights: Mapping[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def replaces_class(self) -> bool:
        """Whether its token stands instead of the class word (textual inversion) or before it (the
        others).
        """
        return self.kind == "textual_inversion"


def subject_bytes(subject: Subject) -> bytes:
    """The subject as a safetensors file: of equal subjects equal bytes, for pixels are named by
    their content.
    """
    tensors = {
        TOKEN: subject.vectors,
        **{NETWORK + name: value for name, value in subject.weights.items()},
    }
    header = {
        "lamina_subject": "1",
        "kind": subject.kind,
        "class_word": subject.class_word,
        "model": subject.model,
        "fingerprint": subject.fingerprint,
    }
    return _in_order(
        safetensors.torch.save(
            {name: value.detach().float().cpu().contiguous() for name, value in tensors.items()},
            header,
        )
    )


def _in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata sorted; the library writes them in another order each
    time.
    """
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    said = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return content[:8] + said.ljust(length) + content[8 + length :]


def read_subject(content: bytes) -> Subject:
    """The subject of a file's bytes; a ModelError when it is damaged or something else."""
    try:
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])["__metadata__"]
        if header["lamina_subject"] != "1" or header["kind"] not in KINDS:
            raise ValueError(header)
        tensors = safetensors.torch.load(content)
        weights = {
            name.removeprefix(NETWORK): value for name, value in tensors.items() if name != TOKEN
        }
        whole = all(bool(torch.isfinite(value).all()) for value in tensors.values())
        if not whole or tensors[TOKEN].ndim != 2:
            raise ValueError("numbers")
    except Exception as error:
        raise ModelError(
            f"This is not a subject's file ({type(error).__name__}).",
            limit="A subject is a safetensors file that Lamina wrote.",
            remedy="Choose another file, or train the subject again.",
        ) from error
    named = (header["kind"], header["class_word"], header["model"], header["fingerprint"])
    return Subject(*named, tensors[TOKEN], weights)


def save_subject(subject: Subject, path: Path) -> None:
    """Write a subject; the file appears whole or not at all. A StoreError when the disk does not
    take it.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(subject_bytes(subject))
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(
            f"The subject could not be saved ({error.strerror or type(error).__name__}).",
            remedy="Make room on the disk and save it again.",
        ) from error


def load_subject(path: Path) -> Subject:
    """Read a subject from disk."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The subject {path.stem} cannot be read ({error.strerror}).", remedy="Train it again."
        ) from error
    return read_subject(content)


def subject_picture(subject: Subject) -> NDArray[np.uint8]:
    """The subject as uint8 (h, w, 4): so it has a digest, is stored and sent like every other
    picture of a scene.
    """
    return packed(subject_bytes(subject))


def pictured_subject(picture: NDArray[np.uint8]) -> Subject:
    """The subject that a picture holds; a ModelError when it holds none."""
    return read_subject(unpacked(picture))


def fingerprint_of(bundle: ModelBundle) -> str:
    """What tells a model from others: its first token vectors and both ends of its UNet, in half
    precision.
    """
    table = bundle.text_encoder.get_input_embeddings().weight[:LOOKED_AT_ROWS]
    parts = (table, bundle.unet.conv_in.weight, bundle.unet.conv_out.weight)
    halves = (part.detach().half().cpu().contiguous().numpy().tobytes() for part in parts)
    return hashlib.sha256(b"".join(halves)).hexdigest()


def check_fits(subject: Subject, bundle: ModelBundle) -> None:
    """A RequestError with both names when the subject was trained on another model."""
    if subject.fingerprint != fingerprint_of(bundle):
        raise RequestError(
            f"This {subject.class_word} was trained on {subject.model}.",
            limit=f"It does not fit {bundle.card.title}.",
            remedy=(
                f"Choose the model {subject.model}, or train the subject again with "
                f"{bundle.card.title}."
            ),
        )


def fresh_weights(
    unet: nn.Module, kind: SubjectKind, rank: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Changes that change nothing yet, float32, for the parts that a kind trains.

    DreamBooth trains the whole UNet, or low-rank changes of its attentions; Custom Diffusion keys
    and values of cross-attention; textual inversion nothing.
    """
    if kind == "textual_inversion":
        return {}
    parameters = dict(unet.named_parameters())
    if kind == "dreambooth":
        return {
            name: torch.zeros_like(value, dtype=torch.float32) for name, value in parameters.items()
        }
    if kind == "custom_diffusion":
        ends = (".attn2.to_k.weight", ".attn2.to_v.weight")
        return {
            name: torch.zeros_like(parameters[name], dtype=torch.float32)
            for name in parameters
            if name.endswith(ends)
        }
    weights: dict[str, Tensor] = {}
    for name, value in parameters.items():
        if (
            any(f".attn{number}.to_{part}" in name for number in (1, 2) for part in "qkvo")
            and value.ndim == 2
        ):
            place = name.removesuffix(WHOLE)
            bound = value.shape[1] ** -0.5
            down = (torch.rand(rank, value.shape[1], generator=generator) * 2 - 1) * bound
            weights[place + DOWN] = down.to(value.device)
            weights[place + UP] = torch.zeros(value.shape[0], rank, device=value.device)
    return weights


def changes(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The change of each parameter of the UNet; low-rank pairs are multiplied out (their scale is
    1).
    """
    found: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name.endswith(DOWN):
            found[name.removesuffix(DOWN) + WHOLE] = weights[name.removesuffix(DOWN) + UP] @ value
        elif not name.endswith(UP):
            found[name] = value
    return found


def dressed(unet: Any, subject: Subject) -> Callable[[], AbstractContextManager[None]]:
    """Opens blocks in which the network has the subject's weights; afterwards it has its own, the
    very same tensors.
    """
    parameters = dict(unet.named_parameters())
    found = changes(subject.weights)
    strange = sorted(
        name
        for name, value in found.items()
        if name not in parameters or _unlike(parameters[name], value)
    )
    if strange:
        raise ModelError(
            f"The subject changes {strange[0]}, which this model has not.", remedy="Train it again."
        )
    pairs = [
        (parameters[name], parameters[name].data + value.to(parameters[name]))
        for name, value in found.items()
    ]

    @contextmanager
    def worn() -> Iterator[None]:
        bare = [parameter.data for parameter, _ in pairs]
        try:
            for parameter, personal in pairs:
                parameter.data = personal
            yield
        finally:
            for (parameter, _), own in zip(pairs, bare, strict=True):
                parameter.data = own

    return worn


def _unlike(parameter: Tensor, change: Tensor) -> bool:
    return parameter.shape != change.shape
