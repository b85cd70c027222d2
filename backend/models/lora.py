"""LoRA files on a model for one run: every change is added to the weights in closed form, and the
very same tensors stand there again afterwards.

The libraries' own loaders rename parameters, drop DoRA's magnitudes and refuse LyCORIS; here no
module and no name changes, so what is patched by name or by processor works as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor, nn

from backend.errors import ModelError
from backend.models.adapter import swap_weights
from backend.models.bundle import BoundedMemory, FeatureCache, ModelBundle
from backend.models.folder import explain_loading
from backend.models.lora_change import Factors, add_change, fits, sides_of
from backend.models.lora_file import REMEDY, WORDS, LoraFile, ModulePath
from backend.models.lora_names import Part, list_modules

OTHER_MODEL = "Choose a model of its kind, or another LoRA."


@dataclass(frozen=True, eq=False)
class WeightedLora:
    """A LoRA and how much of it is applied.

    Attributes:
        file: what it changes.
        weight: 1 as it was trained; negative turns it round.
        key: names the file's content, for what is remembered of a run.
    """

    file: LoraFile
    weight: float
    key: str = ""


@contextmanager
def apply_loras(bundle: ModelBundle, loras: Sequence[WeightedLora]) -> Iterator[ModelBundle]:
    """A block in which the networks of a bundle have the sum of some LoRAs' changes.

    Args:
        bundle: held by the caller's lease.
        loras: in any order; those of weight 0 change nothing.

    Yields:
        The bundle, with memories of its own where something is changed: words and pictures that
        the plain model saw are not those that this one sees.

    Raises:
        ModelError: a LoRA does not fit the model; nothing is changed then.
    """
    used = [one for one in loras if one.weight != 0.0]
    if not used:
        yield bundle
        return
    pairs = _list_changed(bundle, used)
    key = ("loras", tuple((one.key, one.weight) for one in used))
    kept = bundle.kept.get(key, BoundedMemory)
    with swap_weights(pairs):
        yield replace(bundle, kept=kept, recorded=FeatureCache())


def networks_of(bundle: ModelBundle) -> dict[Part, nn.Module]:
    """The networks of a model that LoRAs change."""
    found: dict[Part, nn.Module] = {"unet": bundle.unet, "text_encoder": bundle.text_encoder}
    if bundle.second_text is not None:
        found["text_encoder_2"] = bundle.second_text.encoder
    return found


def find_weights(bundle: ModelBundle, file: LoraFile) -> dict[nn.Parameter, Factors]:
    """The weights of a model that a LoRA changes, each with its factors.

    Args:
        bundle: the model.
        file: the LoRA.

    Raises:
        ModelError: it is made for another model; the sentence has both widths.
    """
    networks = networks_of(bundle)
    places = {part: list_modules(part, network) for part, network in networks.items()}
    found: dict[nn.Parameter, Factors] = {}
    unknown: list[ModulePath] = []
    for path, factors in _words_first(file.modules):
        name = places.get(path.part, {}).get(path.module)
        if name is None:
            unknown.append(path)
            continue
        weight = networks[path.part].get_submodule(name).weight
        assert isinstance(weight, nn.Parameter)
        with explain_loading(f"The LoRA “{file.name}” cannot be read", remedy=REMEDY):
            is_fitting = fits(factors, weight.shape)
        if not is_fitting:
            raise _width_error(bundle, file, path, weight)
        found[weight] = factors
    if unknown:
        raise ModelError(
            f"The LoRA “{file.name}” changes {unknown[0].part} {unknown[0].module}.",
            limit=f"{bundle.card.title} has no such part.",
            remedy=OTHER_MODEL,
        )
    return found


def compute_changes(bundle: ModelBundle, loras: Sequence[WeightedLora]) -> dict[str, Tensor]:
    """ΔW of the UNet's modules, summed over some LoRAs by their weights, in the precision of the
    weights.

    Args:
        bundle: the model, as it is in the run.
        loras: in any order.

    Returns:
        By the name of the module.

    Raises:
        ModelError: a LoRA does not fit the model.
    """
    names = {
        module.weight: name for name, module in bundle.unet.named_modules() if _has_weight(module)
    }
    return {
        names[weight]: (changed.float() - weight.data.float()).to(weight.dtype)
        for weight, changed in _list_changed(bundle, loras)
        if weight in names
    }


def _has_weight(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | nn.Conv2d)


def _words_first(
    modules: Mapping[ModulePath, Factors],
) -> Iterator[tuple[ModulePath, Factors]]:
    """What reads words before all else: its width tells families apart best."""
    return chain(
        ((path, one) for path, one in modules.items() if path.module.endswith(WORDS)),
        ((path, one) for path, one in modules.items() if not path.module.endswith(WORDS)),
    )


def _width_error(
    bundle: ModelBundle, file: LoraFile, path: ModulePath, weight: Tensor
) -> ModelError:
    outputs, inputs = sides_of(file.modules[path])
    if path.module.endswith(WORDS):
        return ModelError(
            f"The LoRA “{file.name}” is made for words of {inputs} numbers.",
            limit=f"Those of {bundle.card.title} have {weight.shape[1]}.",
            remedy=OTHER_MODEL,
        )
    own = weight.shape[0], weight.shape[1:].numel()
    return ModelError(
        f"The LoRA “{file.name}” changes {inputs} × {outputs} weights of {path.module}.",
        limit=f"{bundle.card.title} has {own[1]} × {own[0]} there.",
        remedy=OTHER_MODEL,
    )


def _list_changed(
    bundle: ModelBundle, loras: Sequence[WeightedLora]
) -> list[tuple[nn.Parameter, Tensor]]:
    """Each weight that is changed, with what it is changed to."""
    wanted: dict[nn.Parameter, list[tuple[WeightedLora, Factors]]] = {}
    for lora in loras:
        for weight, factors in find_weights(bundle, lora.file).items():
            wanted.setdefault(weight, []).append((lora, factors))
    return [(weight, _change(weight, changes)) for weight, changes in wanted.items()]


def _change(weight: Tensor, changes: Sequence[tuple[WeightedLora, Factors]]) -> Tensor:
    """A weight with all its changes, summed in float32."""
    own = weight.data.float()
    target = own.clone(memory_format=torch.contiguous_format)
    for lora, factors in changes:
        placed = {slot: value.to(own.device) for slot, value in factors.items()}
        with explain_loading(f"The LoRA “{lora.file.name}” cannot be used", remedy=REMEDY):
            add_change(target, own, placed, lora.weight)
    return target.to(weight.dtype)
