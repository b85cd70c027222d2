"""The other networks of a family, beside the four that make pictures: found by layout, loaded when
asked for.

A member lies in a folder of the model that is named as its kind (``pocket/clip``), or it is a
folder of its own among the model folders; then every model that has none of its own uses it. A
loader is named by module and function, so that listing what is present imports no library.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from backend.errors import ModelError
from backend.models.folder import explain_loading
from backend.models.safetensors_file import check_safetensors

if TYPE_CHECKING:
    import torch  # seconds to import, and listing what is present must be quick

MemberName = Literal[
    "clip",
    "image_encoder",
    "guide",
    "deeplab",
    "clipseg",
    "judge",
    "sam",
    "vqgan",
    "controlnet",
    "controlnet_soft_edges",
    "controlnet_depth",
    "depth",
    "preview",
    "verdict",
    "unet_lcm",
]
NAMES: tuple[MemberName, ...] = get_args(MemberName)


@dataclass(frozen=True)
class MemberKind:
    """How a kind is recognised and loaded: its weights' file, the file that describes it,
    ``module:function``.

    The function takes (folder, device, dtype) and gives the member in evaluation mode, without
    gradients.
    """

    weights: str
    config: str
    loader: str
    purpose: str


def _controlnet(purpose: str) -> MemberKind:
    return MemberKind(
        "diffusion_pytorch_model.safetensors",
        "config.json",
        "backend.models.controlnet:load_controlnet",
        purpose,
    )


KINDS: Mapping[MemberName, MemberKind] = MappingProxyType(
    {
        "clip": MemberKind(
            "open_clip_model.safetensors",
            "open_clip_config.json",
            "backend.models.clip:load_clip",
            "scores words",
        ),
        "image_encoder": MemberKind(
            "model.safetensors",
            "config.json",
            "backend.models.image_encoder:load_image_encoder",
            "compares subjects",
        ),
        "guide": MemberKind(
            "model.safetensors",
            "config.json",
            "backend.models.segmenter:load_segmenter",
            "guides painted masks",
        ),
        "deeplab": MemberKind(
            "deeplab.safetensors",
            "config.json",
            "backend.models.deeplab:load_deeplab",
            "guides painted masks",
        ),
        "clipseg": MemberKind(
            "model.safetensors",
            "config.json",
            "backend.models.clipseg:load_clipseg",
            "finds any phrase in a picture",
        ),
        "judge": MemberKind(
            "judge.safetensors",
            "config.json",
            "backend.models.judge:load_member",
            "scores pictures",
        ),
        "sam": MemberKind(
            "sam.safetensors", "config.json", "backend.models.sam:load_sam", "cuts objects out"
        ),
        "vqgan": MemberKind(
            "vqgan.safetensors",
            "config.json",
            "backend.models.vqgan:load_vqgan",
            "draws from codes",
        ),
        "controlnet": _controlnet("holds edges in place"),
        "controlnet_soft_edges": _controlnet("holds soft edges in place"),
        "controlnet_depth": _controlnet("holds what is near and far in place"),
        "depth": MemberKind(
            "model.safetensors", "config.json", "backend.models.depth:load_depth", "sees depth"
        ),
        "preview": MemberKind(
            "diffusion_pytorch_model.safetensors",
            "config.json",
            "backend.models.preview:load_preview",
            "shows the way",
        ),
        "verdict": MemberKind(
            "forms.safetensors",
            "config.json",
            "backend.models.verdict_rule:load_verdict_rule",
            "says which layers failed",
        ),
        "unet_lcm": MemberKind(
            "diffusion_pytorch_model.safetensors",
            "config.json",
            "backend.models.few_steps:load_few_steps",
            "draws in few steps",
        ),
    }
)


@dataclass(frozen=True)
class MemberCard:
    """A member that is present.

    Attributes:
        name: its kind.
        folder: where its files lie.
        weights: number of its parameters.
    """

    name: MemberName
    folder: Path
    weights: int


@dataclass(frozen=True)
class JudgedMembers:
    """The members beside a model's own networks, each judged by itself.

    Attributes:
        cards: of the usable ones.
        refused: why the others cannot be used.
    """

    cards: Mapping[MemberName, MemberCard] = field(default_factory=dict)
    refused: Mapping[MemberName, ModelError] = field(default_factory=dict)


def judge_members(folder: Path) -> JudgedMembers:
    """The members in a model folder, each in a folder named as its kind; a broken one takes no
    other away.

    Args:
        folder: the model's.
    """
    cards: dict[MemberName, MemberCard] = {}
    refused: dict[MemberName, ModelError] = {}
    for name in NAMES:
        if not (folder / name / KINDS[name].weights).exists():
            continue
        try:
            cards[name] = read_member(folder / name, name)
        except ModelError as error:
            refused[name] = error
    return JudgedMembers(cards, refused)


def find_members(folder: Path) -> dict[MemberName, MemberCard]:
    """The members in a model folder, all of them usable.

    Args:
        folder: the model's.

    Raises:
        ModelError: one lacks a file or is not to be trusted; weights are safetensors.
    """
    judged = judge_members(folder)
    for error in judged.refused.values():
        raise error
    return dict(judged.cards)


def read_member(folder: Path, name: MemberName) -> MemberCard:
    """The card of one member. Pickled weights beside the safetensors are never opened.

    Args:
        folder: the member's own.
        name: its kind.

    Raises:
        ModelError: a file is missing or not to be trusted.
    """
    kind = KINDS[name]
    if not (folder / kind.config).exists():
        raise ModelError(
            f"{folder.name}/{kind.config} is missing.",
            remedy="Copy the folder again, with all its files.",
        )
    return MemberCard(name, folder, check_safetensors(folder / kind.weights))


def _processor() -> torch.device:
    import torch

    return torch.device("cpu")


def _single() -> torch.dtype:
    import torch

    return torch.float32


@dataclass(frozen=True)
class Members:
    """The members of one loaded model, by name; each is loaded once, when it is first asked for."""

    cards: Mapping[MemberName, MemberCard] = field(default_factory=dict)
    device: torch.device = field(default_factory=_processor)
    dtype: torch.dtype = field(default_factory=_single)
    loaded: dict[MemberName, Any] = field(default_factory=dict, repr=False, compare=False)
    refused: Mapping[MemberName, ModelError] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __contains__(self, name: MemberName) -> bool:
        return name in self.cards

    def __iter__(self) -> Iterator[MemberName]:
        return iter(self.cards)

    def get(self, name: MemberName) -> Any:
        """A loaded member.

        Args:
            name: its kind.

        Raises:
            ModelError: the model has none of that kind, or it cannot be loaded.
        """
        if name not in self.loaded:
            self.loaded[name] = self._load(name)
        return self.loaded[name]

    @property
    def size_bytes(self) -> int:
        """What the loaded members occupy, by the count of their weights."""
        return sum(self.cards[name].weights * self.dtype.itemsize for name in self.loaded)

    def _load(self, name: MemberName) -> Any:
        if name not in self.cards and name in self.refused:
            raise self.refused[name]
        if name not in self.cards:
            raise ModelError(
                f"This model has no {name.replace('_', ' ')} (it {KINDS[name].purpose}).",
                limit=f"Present are {', '.join(self.cards) or 'none'}.",
                remedy=f"Put its folder into the model's, named {name}, or choose another model.",
            )
        card = self.cards[name]
        module, function = KINDS[name].loader.split(":")
        with explain_loading(f"{card.folder.name} cannot be loaded"):
            return getattr(importlib.import_module(module), function)(
                card.folder, self.device, self.dtype
            )
