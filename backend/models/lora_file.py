"""A LoRA file, read: its tensors sorted by the network and the module that they change.

Nothing in it is run, and no library's loader sees it: a safetensors file holds names and numbers.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open

from backend.errors import ModelError
from backend.models.file_kinds import Shapes
from backend.models.folder import explain_loading, read_json
from backend.models.locations import name_place
from backend.models.lora_change import Factors, kind_of
from backend.models.lora_names import Part, Slot, TensorName, read_name
from backend.models.safetensors_file import SafetensorsHeader, read_header
from backend.plan.request import Sampler
from backend.scene.records import BlobDigest

REMEDY = "Download the file again, or choose another LoRA."
GENERIC_NAMES = frozenset({"pytorch_lora_weights", "adapter_model"})
"""What diffusers and peft call every LoRA; its folder's name says which one it is."""
PEFT_CONFIG = "adapter_config.json"
DIFFUSERS_METADATA = "lora_adapter_metadata"
FEW_STEPS: tuple[tuple[str, str, Sampler, int], ...] = (
    (r"hyper[-_ ]?sd", "Hyper-SD", Sampler.DDIM_TRAILING, 8),
    (r"lightning", "Lightning", Sampler.EULER_TRAILING, 4),
    (r"dmd2", "DMD2", Sampler.LCM, 4),
    (r"(?<![a-z])tcd(?![a-z])", "TCD", Sampler.TCD, 4),
    (r"(?<![a-z])lcm(?![a-z])", "LCM", Sampler.LCM, 4),
)
"""How sets that were distilled to few steps are named, and what their makers draw them with."""
STATED_STEPS = re.compile(r"(\d{1,2})[-_ ]?steps?(?![a-z])", re.IGNORECASE)
TITLES = ("modelspec.title", "ss_output_name", "modelspec.description")
KEPT_GUIDANCE = 5.0
"""Of sets that keep guidance, which say "CFG" in their name."""
WORDS = ("attn2_to_k", "attn2_to_v")
"""Modules that read the words, whose width tells families apart."""


class ModulePath(NamedTuple):
    """Which weight is changed: its network, and the module's path there with underscores."""

    part: Part
    module: str


class FewSteps(NamedTuple):
    """What a distilled LoRA is to be drawn with."""

    title: str
    sampler: Sampler
    steps: int
    guidance_scale: float


@dataclass(frozen=True)
class LoraEntry:
    """A LoRA that was found.

    Attributes:
        name: what scenes call it.
        path: of the file.
        words: how many numbers a word has in the models that it was made for; 0 where it changes
            nothing that reads words.
        size_bytes: of the file.
        root: the given folder below which it was found.
        few_steps: what it is drawn with, where it was distilled to few steps.
    """

    name: str
    path: Path
    words: int = 0
    size_bytes: int = 0
    root: Path | None = None
    few_steps: FewSteps | None = None

    @property
    def digest(self) -> BlobDigest:
        """SHA-256 of the file's bytes; a ModelError where it cannot be read.

        It is kept as long as the file's size and time are the same.
        """
        with explain_loading(f"The LoRA “{self.name}” cannot be read", remedy=REMEDY):
            facts = self.path.stat()
            return _digest_file(self.path, facts.st_mtime_ns, facts.st_size)


@dataclass(frozen=True, eq=False)
class LoraFile:
    """What a file changes.

    Attributes:
        name: for sentences.
        modules: the factors of each change, float32 on the CPU.
    """

    name: str
    modules: Mapping[ModulePath, Factors] = field(repr=False)


def describe_lora(path: Path, root: Path | None = None) -> LoraEntry:
    """What a LoRA file's header says.

    Args:
        path: of a file that was told to be a LoRA.
        root: the given folder below which it lies.

    Raises:
        ModelError: it is damaged, or of a kind that is not known here; the sentence names the
            first tensor that is not understood.
    """
    header = read_header(path)
    name = name_place(path.parent)[1] if path.stem in GENERIC_NAMES else path.stem
    _sort_names(name, header.shapes)
    texts = (path.stem, name, *(header.metadata.get(key, "") for key in TITLES))
    width, size = _read_width(header.shapes), path.stat().st_size
    return LoraEntry(name, path, width, size, root, recognise_few_steps(*texts))


def recognise_few_steps(*texts: str) -> FewSteps | None:
    """What a set of few steps is drawn with; None for any other LoRA.

    Args:
        texts: the file's name, and what its maker wrote beside it, the surest first.
    """
    for text in texts:
        for mark, title, sampler, steps in FEW_STEPS:
            if not re.search(mark, text, re.IGNORECASE):
                continue
            stated = STATED_STEPS.search(text)
            count = int(stated[1]) if stated and int(stated[1]) else steps
            keeps = re.search(r"(?<![a-z])cfg(?![a-z])", text, re.IGNORECASE)
            if count == 1 and sampler is Sampler.DDIM_TRAILING:
                sampler = Sampler.TCD
            return FewSteps(title, sampler, count, KEPT_GUIDANCE if keeps else 1.0)
    return None


def read_lora(entry: LoraEntry) -> LoraFile:
    """Read a LoRA.

    Args:
        entry: where it lies.

    Returns:
        All that it changes.

    Raises:
        ModelError: it is damaged, holds numbers that are not finite, or is of an unknown kind.
    """
    what = f"The LoRA “{entry.name}” cannot be read"
    with explain_loading(what, remedy=REMEDY):
        header = read_header(entry.path)
        places = _sort_names(entry.name, header.shapes)
        found: defaultdict[ModulePath, dict[Slot, torch.Tensor]] = defaultdict(dict)
        with safe_open(entry.path, framework="pt") as file:
            for name, place in places.items():
                value = file.get_tensor(name).float()
                if not bool(torch.isfinite(value).all()):
                    raise ModelError(
                        f"{what}: {name[:80]} holds numbers that are not finite.", remedy=REMEDY
                    )
                found[ModulePath(place.part, place.module)][place.slot] = value
        _add_alphas(found, _read_scales(entry.path, header))
    return LoraFile(entry.name, found)


def _sort_names(name: str, shapes: Shapes) -> dict[str, TensorName]:
    """What each tensor is; a ModelError at the first that is not understood."""
    places: dict[str, TensorName] = {}
    slots: defaultdict[ModulePath, set[Slot]] = defaultdict(set)
    for tensor, shape in shapes.items():
        place = read_name(tensor)
        if place is None or math.prod(shape) == 0:
            raise _refuse_name(name, tensor)
        places[tensor] = place
        slots[ModulePath(place.part, place.module)].add(place.slot)
    for path, held in slots.items():
        if not kind_of(frozenset(held)):
            raise _refuse_name(name, path.module)
    if not places:
        raise _refuse_name(name, "nothing")
    return places


def _refuse_name(name: str, tensor: str) -> ModelError:
    return ModelError(
        f"The LoRA “{name}” holds {tensor[:80]!r}, which is not understood.",
        limit="Lamina applies LoRA, LoCon, LoHa, LoKr and DoRA of Stable Diffusion and XL.",
        remedy="Choose another LoRA.",
    )


def _read_width(shapes: Shapes) -> int:
    """The numbers of a word in the models that a file was made for, from a LoRA's or LoHa's
    shapes; 0 where they do not say.
    """
    for tensor, shape in shapes.items():
        place = read_name(tensor)
        is_input = place is not None and place.slot in ("down", "hada_w1_b") and len(shape) >= 2
        if is_input and place is not None and place.module.endswith(WORDS):
            return shape[1]
    return 0


class _Scale(NamedTuple):
    """How a part's changes are scaled where the tensors do not say: peft's α, by module too."""

    alpha: float | None
    by_module: Mapping[str, float]
    by_root: bool


def _read_scales(path: Path, header: SafetensorsHeader) -> dict[Part, _Scale]:
    """What diffusers writes into a file's metadata, or peft into the file beside it."""
    parts: tuple[Part, ...] = ("unet", "text_encoder", "text_encoder_2")
    if DIFFUSERS_METADATA in header.metadata:
        stated = json.loads(header.metadata[DIFFUSERS_METADATA])
        own = {
            part: {
                key.removeprefix(f"{part}."): value
                for key, value in stated.items()
                if key.startswith(f"{part}.")
            }
            for part in parts
        }
        return {part: _read_scale(config) for part, config in own.items()}
    config = path.parent / PEFT_CONFIG
    if path.stem == "adapter_model" and config.is_file():
        return {"unet": _read_scale(read_json(config))}
    return {}


def _read_scale(config: Mapping[str, Any]) -> _Scale:
    alpha = config.get("lora_alpha")
    patterns = config.get("alpha_pattern") or {}
    return _Scale(
        None if alpha is None else float(alpha),
        {str(key).replace(".", "_"): float(value) for key, value in patterns.items()},
        bool(config.get("use_rslora", False)),
    )


def _add_alphas(
    modules: Mapping[ModulePath, dict[Slot, torch.Tensor]], scales: Mapping[Part, _Scale]
) -> None:
    """Give α to the modules whose tensors do not say it, where something else does."""
    for path, factors in modules.items():
        scale = scales.get(path.part)
        if scale is None or "alpha" in factors or "down" not in factors:
            continue
        own = (alpha for key, alpha in scale.by_module.items() if path.module.endswith(key))
        alpha = next(own, scale.alpha)
        if alpha is None:
            continue
        rank = factors["down"].shape[0]
        factors["alpha"] = torch.tensor(alpha * math.sqrt(rank) if scale.by_root else alpha)


def name_uniquely(entry: LoraEntry, taken: Iterable[str]) -> str:
    """The name of a LoRA among others: with its folder's, then a number, where it is taken.

    Args:
        entry: the LoRA.
        taken: names that others have.
    """
    known = set(taken)
    names = (entry.name, f"{entry.path.parent.name}/{entry.name}")
    numbered = (f"{entry.name} ({number})" for number in range(2, 10**6))
    return next(name for name in (*names, *numbered) if name not in known)


@functools.lru_cache(maxsize=4096)
def _digest_file(path: Path, changed_ns: int, size: int) -> BlobDigest:
    """SHA-256 of a file; time and size are part of the key alone."""
    with path.open("rb") as file:
        return BlobDigest(hashlib.file_digest(file, "sha256").hexdigest())
