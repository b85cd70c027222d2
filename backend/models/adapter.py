"""An adapter: what a model has learned of a subject from a few pictures, and how it is applied and
removed again.

An adapter is token vectors, and changes of the UNet's weights where its kind has them. It is one
safetensors file: ``token`` float32 (n, d), ``unet.X.weight`` whole changes,
``unet.X.lora_A.weight`` (r, in) and ``unet.X.lora_B.weight`` (out, r) changes of low rank, under
the names that peft and diffusers give them; kind, class word and the model it was trained on stand
in the header.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from backend.errors import ModelError, RequestError, StoreError
from backend.models.bundle import ModelBundle
from backend.plan.request import TrainingMethod
from backend.scene.formats.tensor_file import (
    TOKEN,
    TensorFile,
    explain_damage,
    pack_tensors,
    unpack_tensors,
)

NETWORK = "unet."
DOWN, UP, WHOLE = ".lora_A.weight", ".lora_B.weight", ".weight"
FINGERPRINT_ROWS = 1024
"""Rows of the token table that a fingerprint reads; with two convolutions of the UNet they tell
models apart.
"""
FORMAT = "adapter"

ApplyAdapter = Callable[[], AbstractContextManager[None]]
"""Opens a block in which the network has the adapter's weights."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """What a model has learned of a subject.

    Attributes:
        kind: how it was learned.
        class_word: what the subject is an example of, e.g. "cat".
        model: title of the model that it was trained on.
        fingerprint: of that model.
        vectors: float32 (n, d), which stand where the subject's token does.
        weights: changes of the UNet by name, whole or of low rank; may be empty.
    """

    kind: TrainingMethod
    class_word: str
    model: str
    fingerprint: str
    vectors: Tensor = field(repr=False)
    weights: Mapping[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def replaces_class(self) -> bool:
        """Whether its token stands instead of the class word (textual inversion) or before it
        (the others).
        """
        return self.kind == TrainingMethod.TEXTUAL_INVERSION


def adapter_to_bytes(adapter: Adapter) -> bytes:
    """An adapter as a safetensors file.

    Args:
        adapter: on any device, in any precision; the file is float32.

    Returns:
        Of equal adapters equal bytes.
    """
    tensors = {
        TOKEN: adapter.vectors,
        **{NETWORK + name: value for name, value in adapter.weights.items()},
    }
    facts = {
        "format": FORMAT,
        "kind": adapter.kind,
        "class_word": adapter.class_word,
        "model": adapter.model,
        "fingerprint": adapter.fingerprint,
    }
    return pack_tensors(
        {name: value.detach().float().cpu().numpy() for name, value in tensors.items()}, facts
    )


def adapter_from_bytes(content: bytes) -> Adapter:
    """The adapter of a file's bytes, also of one that Lamina 0.1.0 wrote.

    Raises:
        ModelError: the file is damaged or something else.
    """
    with explain_damage(_refuse):
        file = unpack_tensors(content)
        facts = file.facts
        if facts.get("format") != FORMAT and facts.get("lamina_subject") != "1":
            raise ValueError("it is no adapter")
        vectors, weights = _finite_tensors(file)
        return Adapter(
            TrainingMethod(facts["kind"]),
            facts["class_word"],
            facts["model"],
            facts["fingerprint"],
            vectors,
            weights,
        )


def _refuse(reason: str) -> ModelError:
    return ModelError(
        f"This is not a subject's file ({reason}).",
        limit="A subject is a safetensors file that Lamina wrote.",
        remedy="Choose another file, or train the subject again.",
    )


def save_adapter(adapter: Adapter, path: Path) -> None:
    """Write an adapter; the file appears whole or not at all.

    Args:
        adapter: the adapter.
        path: of the file; a file that is there is replaced.

    Raises:
        StoreError: the disk does not take it.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(adapter_to_bytes(adapter))
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(
            f"The subject could not be saved ({error.strerror or type(error).__name__}).",
            remedy="Make room on the disk and save it again.",
        ) from error


def load_adapter(path: Path) -> Adapter:
    """Read an adapter from disk.

    Args:
        path: of the file.

    Raises:
        ModelError: it cannot be read, or is something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The subject {path.stem} cannot be read ({error.strerror}).", remedy="Train it again."
        ) from error
    return adapter_from_bytes(content)


def model_fingerprint(bundle: ModelBundle) -> str:
    """What tells a model from others: its first token vectors and both ends of its UNet.

    Args:
        bundle: the model.

    Returns:
        SHA-256 of them in half precision, 64 hexadecimal digits.
    """
    table = bundle.text_encoder.get_input_embeddings().weight[:FINGERPRINT_ROWS]
    parts = (table, bundle.unet.conv_in.weight, bundle.unet.conv_out.weight)
    halves = (part.detach().half().cpu().contiguous().numpy().tobytes() for part in parts)
    return hashlib.sha256(b"".join(halves)).hexdigest()


def check_fits(adapter: Adapter, bundle: ModelBundle) -> None:
    """See to it that an adapter was trained on a model.

    Args:
        adapter: the adapter.
        bundle: the model that shall use it.

    Raises:
        RequestError: it was trained on another one; the sentence names both.
    """
    if adapter.fingerprint != model_fingerprint(bundle):
        raise RequestError(
            f"This {adapter.class_word} was trained on {adapter.model}.",
            limit=f"It does not fit {bundle.card.title}.",
            remedy=(
                f"Choose the model {adapter.model}, or train the subject again with "
                f"{bundle.card.title}."
            ),
        )


def weight_changes(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The change ΔW of each parameter: B·A for those of low rank, whose scale is 1.

    Args:
        weights: of an adapter, by name.

    Returns:
        ΔW by the name of the parameter.
    """
    found: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name.endswith(DOWN):
            found[name.removesuffix(DOWN) + WHOLE] = weights[name.removesuffix(DOWN) + UP] @ value
        elif not name.endswith(UP):
            found[name] = value
    return found


def prepare_adapter(unet: nn.Module, adapter: Adapter) -> ApplyAdapter:
    """Add the adapter's changes to the network's weights, once, and return what applies and removes
    them.

    Args:
        unet: the network; it is not touched before a block is opened.
        adapter: the changes, by the names of the network's parameters.

    Returns:
        A function that opens a block in which the network has the changed weights; afterwards it
        has its own, the very
        same tensors.

    Raises:
        ModelError: the network lacks a parameter, or has it in another shape.
    """
    parameters = dict(unet.named_parameters())
    found = weight_changes(adapter.weights)
    unknown = sorted(
        name
        for name, value in found.items()
        if name not in parameters or parameters[name].shape != value.shape
    )
    if unknown:
        raise ModelError(
            f"The subject changes {unknown[0]}, which this model has not.", remedy="Train it again."
        )
    pairs = [
        (parameters[name], parameters[name].data + value.to(parameters[name]))
        for name, value in found.items()
    ]

    return lambda: swap_weights(pairs)


@contextmanager
def swap_weights(pairs: Sequence[tuple[nn.Parameter, Tensor]]) -> Iterator[None]:
    """A block in which parameters hold other tensors; afterwards they hold their own, the very
    same ones.

    Args:
        pairs: each parameter with what it shall hold.
    """
    own_weights = [parameter.data for parameter, _ in pairs]
    try:
        for parameter, changed in pairs:
            parameter.data = changed
        yield
    finally:
        for (parameter, _), own in zip(pairs, own_weights, strict=True):
            parameter.data = own


def _finite_tensors(file: TensorFile) -> tuple[Tensor, dict[str, Tensor]]:
    """The vectors and weights of a file; a ValueError when a number is not finite."""
    tensors = {name: torch.from_numpy(value) for name, value in file.tensors.items()}
    if (
        not all(bool(torch.isfinite(value).all()) for value in tensors.values())
        or tensors[TOKEN].ndim != 2
    ):
        raise ValueError("its numbers")
    weights = {
        name.removeprefix(NETWORK): value for name, value in tensors.items() if name != TOKEN
    }
    return tensors[TOKEN], weights
