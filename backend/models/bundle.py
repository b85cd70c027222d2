"""The loaded networks of one card."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

import torch
from torch import Tensor

from backend.errors import ModelError
from backend.models.card import ModelCard
from backend.models.members import Members
from backend.models.run_state import RunState
from backend.models.second_text import SecondText

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, ModelMixin, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    from backend.models.lora import WeightedLora

Value = TypeVar("Value")
# prompts, encoded collages, a projection; the largest is a prompt of SD 2.x, 77 × 1024 floats
KEPT_VALUES = 32


class BoundedMemory:
    """Values that are dear to make and belong to one bundle; the least recently used goes first.

    Args:
        limit: how many are kept.
    """

    def __init__(self, limit: int = KEPT_VALUES) -> None:
        self._limit = limit
        self._values: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key.

        Args:
            key: names all that the value follows from.
            make: makes it, where it is not kept.
        """
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)
        return cast(Value, self._values[key])


@dataclass(frozen=True, eq=False)
class WeightedWords:
    """How the run that has the lease reads prompts, where it does not read words alone.

    Attributes:
        rows: of ``text_length`` tokens, that every text is filled up to.
        vectors: of the embeddings that prompts may name, by name in small letters: float32
            (vectors, width) for each text encoder.
        key: names the embeddings' content, for what is remembered of texts.
        clip_skip: 1 takes the last layer of the text encoders, 2 the one before it.
    """

    rows: int = 1
    vectors: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict, repr=False)
    key: Hashable = ()
    clip_skip: int = 1


RECORDED_BYTES = 2**30
"""What denoising paths may keep: the pocket family's whole reference path is 30 MiB, half of Stable
Diffusion's.
"""


@dataclass(frozen=True)
class RecordKey:
    """The name of what is recorded of a path.

    Attributes:
        purpose: what it is, e.g. "layout".
        digest: of all that it follows from, but for the seeds.
        seeds: of the candidates, where it follows from any.
    """

    purpose: str
    digest: str
    seeds: tuple[int, ...] = ()


class FeatureCache:
    """Tensors found along denoising paths, by path and step.

    Room is made by dropping whole paths, the least recently used first. What does not fit beside
    its own path is not kept: walking along a path that is too large still finds its beginning the
    next time.

    Args:
        limit_bytes: of all tensors together.
    """

    def __init__(self, limit_bytes: int = RECORDED_BYTES) -> None:
        self._limit = limit_bytes
        self._paths: OrderedDict[Hashable, dict[int | None, tuple[Tensor, ...]]] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        return sum(_bytes(value) for steps in self._paths.values() for value in steps.values())

    def find(self, path: Hashable, k: int | None = None) -> tuple[Tensor, ...] | None:
        """What was kept of a path.

        Args:
            path: its key.
            k: the step; None for the path as a whole.

        Returns:
            None where nothing was.
        """
        if path not in self._paths:
            return None
        self._paths.move_to_end(path)
        return self._paths[path].get(k)

    def touch(self, path: Hashable) -> None:
        """Make a path the most recently used one, so that others are forgotten before it.

        Args:
            path: its key; nothing is done where it is not known.
        """
        if path in self._paths:
            self._paths.move_to_end(path)

    def keep(self, path: Hashable, k: int | None, value: tuple[Tensor, ...]) -> None:
        """Keep a value, if there is, or can be made, room.

        Args:
            path: its key.
            k: the step; None for the path as a whole.
            value: tensors, which are not copied.
        """
        self._paths.setdefault(path, {})
        self._paths.move_to_end(path)
        needed = self.size_bytes + _bytes(value)
        while needed > self._limit and len(self._paths) > 1:
            _, gone = self._paths.popitem(last=False)
            needed -= sum(_bytes(one) for one in gone.values())
        if needed <= self._limit:
            self._paths[path][k] = value


def _bytes(value: tuple[Tensor, ...]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in value)


@dataclass(frozen=True)
class ModelBundle:
    """Networks in evaluation mode, on one device. Hold the lease while you use them.

    Attributes:
        card: what is known of the model.
        tokenizer: of its text encoder.
        text_encoder: words to states.
        vae: pictures to latents and back.
        unet: predicts noise or velocity.
        scheduler: configuration of the folder's noise schedule, as written there.
        device: of all networks.
        dtype: of the latents.
        second_text: for SDXL alone.
        members: the family's other networks, loaded when first asked for.
        kept: values that follow from the weights alone.
        recorded: what was found along denoising paths.
        layer_loras: LoRAs that act on single layers of the run that has the lease, by layer.
        weighted: how the run that has the lease reads prompts; None for words alone.
        run: where the run that has the lease stands.
    """

    card: ModelCard
    tokenizer: CLIPTokenizer = field(repr=False)
    text_encoder: CLIPTextModel = field(repr=False)
    vae: AutoencoderKL = field(repr=False)
    unet: UNet2DConditionModel = field(repr=False)
    scheduler: dict[str, object] = field(repr=False)
    device: torch.device
    dtype: torch.dtype
    second_text: SecondText | None = field(default=None, repr=False)
    members: Members = field(default_factory=Members, repr=False, compare=False)
    kept: BoundedMemory = field(default_factory=BoundedMemory, repr=False, compare=False)
    recorded: FeatureCache = field(default_factory=FeatureCache, repr=False, compare=False)
    layer_loras: Mapping[str, tuple[WeightedLora, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    weighted: WeightedWords | None = field(default=None, repr=False, compare=False)
    run: RunState = field(default_factory=RunState, repr=False, compare=False)

    @property
    def text_columns(self) -> int:
        """The columns of a text's states: a row of tokens, or several of them."""
        return self.card.text_length * (1 if self.weighted is None else self.weighted.rows)

    @property
    def size_bytes(self) -> int:
        """What the weights occupy, those of the members that were asked for included, and what
        paths have recorded.
        """
        second = () if self.second_text is None else (self.second_text.encoder,)
        networks = (self.text_encoder, *second, self.vae, self.unet)
        own: int = sum(
            weight.numel() * weight.element_size()
            for net in networks
            for weight in net.parameters()
        )
        return own + self.members.size_bytes + self.recorded.size_bytes


def check_same_shape(
    name: str, network: ModelMixin, bundle: ModelBundle, fields: Sequence[str]
) -> None:
    """See to it that a network beside a model was made for its UNet.

    Args:
        name: of the network, for people.
        network: with a configuration.
        bundle: the model.
        fields: of both configurations, which must be alike.

    Raises:
        ModelError: it was made for another UNet; the sentence names the first field.
    """
    mine, theirs = network.config, bundle.unet.config
    for size in fields:
        if _plain(mine[size]) != _plain(theirs[size]):
            raise ModelError(
                f"The {name} beside {bundle.card.title} has {size} {mine[size]!r}.",
                limit=f"This model has {theirs[size]!r}.",
                remedy=f"Use a {name} that was made for this model.",
            )


def _plain(value: object) -> object:
    """Lists and tuples alike: JSON knows only one of them."""
    return tuple(value) if isinstance(value, list | tuple) else value
