"""LoRAs of single layers: only a layer's region and its words feel the change (ours).

A module of the UNet that sees cells answers y = W x + Σ_l m_l ⊙ ΔW_l x, with m_l the layer's
visible region at that module's resolution: attention's queries and outputs, self-attention's keys
and values, feed-forward, projections and convolutions. Cross-attention's keys and values see words:
there m_l is 1 at the layer's tokens, in the conditional half alone. What a LoRA changes in the text
encoder reaches the same tokens: their states are those that the changed encoder gives them.

What sees neither cells nor words (the time's projections) has no place, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.engine.conditioning import embed, fit_tokens
from backend.engine.loop_types import Control, Network
from backend.models.attention import Hook, grid, install_hooks
from backend.models.bundle import ModelBundle
from backend.models.lora import WeightedLora, apply_loras, compute_changes
from backend.plan.plan import Plan
from backend.scene.imaging.arrays import Floats

PLACELESS = ("time_emb_proj", "time_embedding", "add_embedding")
READS_WORDS = (".attn2.to_k", ".attn2.to_v")


@dataclass(frozen=True, eq=False)
class LoraRegion:
    """Where a layer's LoRAs act, and what they change.

    Attributes:
        mask: the layer's visible part, float (h, w) in 0..1, of any size.
        tokens: positions of the layer's words in the prompt's row.
        changes: ΔW by the name of a UNet's module, in the weight's own shape.
        words: states of the tokens by the changed text encoder, (tokens, width); None where the
            LoRAs do not change it.
    """

    mask: Tensor = field(repr=False)
    tokens: tuple[int, ...]
    changes: Mapping[str, Tensor] = field(repr=False)
    words: Tensor | None = field(default=None, repr=False)


@dataclass(frozen=True)
class LayerLoras(Control):
    """y = W x + Σ_l m_l ⊙ ΔW_l x at every module that a layer's LoRAs change.

    Attributes:
        regions: of the layers that have any.
    """

    regions: tuple[LoraRegion, ...] = ()

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Add the changes to what the modules answer, and put the words' states in place."""
        return self._install(network) if self.regions else nullcontext()

    @contextmanager
    def _install(self, network: Network) -> Iterator[None]:
        names = dict.fromkeys(name for one in self.regions for name in one.changes)
        hooks = {name: self._build_hook(name, network) for name in names if _has_place(name)}
        with ExitStack() as installed:
            installed.enter_context(install_hooks(network.unet, hooks))
            if any(one.words is not None for one in self.regions):
                put = network.unet.register_forward_pre_hook(
                    self._build_words(network), with_kwargs=True
                )
                installed.callback(put.remove)
            yield

    def _build_hook(self, name: str, network: Network) -> Hook:
        acting = [(one, one.changes[name]) for one in self.regions if name in one.changes]
        masks: dict[tuple[int, torch.Size], Tensor] = {}

        def mask_of(number: int, region: LoraRegion, output: Tensor) -> Tensor:
            if name.endswith(READS_WORDS):
                return _mask_words(region, network, output)
            key = (number, output.shape[1:])
            if key not in masks:
                masks[key] = _mask_cells(region, network, output)
            return masks[key]

        def add(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
            for number, (region, change) in enumerate(acting):
                changed = _apply_change(module, given[0], change)
                output = output + mask_of(number, region, output) * changed
            return output

        return add

    def _build_words(self, network: Network) -> Callable[..., Any]:
        def put(
            _: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            states = named["encoder_hidden_states"].clone()
            for region in self.regions:
                if region.words is not None:
                    states[network.moment.rows.cond, list(region.tokens)] = region.words.to(states)
            return given, named | {"encoder_hidden_states": states}

        return put


def build_layer_loras(
    bundle: ModelBundle,
    plan: Plan,
    visible: Floats,
    tokens: Sequence[tuple[int, ...]],
) -> tuple[LayerLoras, ...]:
    """The control of a plan's layers, none where no layer has a LoRA.

    Args:
        bundle: whose run it is; it holds the files of the layers' LoRAs.
        plan: whose layers they are.
        visible: the part of each layer that is seen, float (layers, h, w).
        tokens: of each layer in the row of the loop's words, learned embeddings counted.

    Raises:
        ModelError: a LoRA does not fit the model.
    """
    regions = []
    for layer, mask, moved in zip(plan.layers, visible, tokens, strict=True):
        loras = bundle.layer_loras.get(layer.id, ())
        if not loras:
            continue
        own = fit_tokens(bundle, layer.tokens)
        seen = torch.from_numpy(mask).to(bundle.device)
        words = _change_words(bundle, plan.prompt, loras)
        placed = moved[len(moved) - len(own) :]  # an embedding stands before its layer's words
        found = None if words is None or not own else words[0, list(own)]
        regions.append(LoraRegion(seen, placed, compute_changes(bundle, loras), found))
    return (LayerLoras(tuple(regions)),) if regions else ()


def _change_words(bundle: ModelBundle, prompt: str, loras: Sequence[WeightedLora]) -> Tensor | None:
    """The prompt's states by the changed text encoders; None where they are not changed."""
    if all(path.part == "unet" for one in loras for path in one.file.modules):
        return None
    with apply_loras(bundle, loras) as changed:
        return embed(changed, prompt)


def _has_place(name: str) -> bool:
    return not any(part in name for part in PLACELESS)


def _apply_change(module: nn.Module, given: Tensor, change: Tensor) -> Tensor:
    """ΔW x, as the module itself computes W x; no bias."""
    if not isinstance(module, nn.Conv2d):
        return functional.linear(given, change)
    return functional.conv2d(
        given, change, None, module.stride, module.padding, module.dilation, module.groups
    )


def _mask_words(region: LoraRegion, network: Network, output: Tensor) -> Tensor:
    """1 at the layer's tokens in the conditional half, (rows, tokens, 1)."""
    mask = output.new_zeros(len(output), output.shape[1], 1)
    mask[network.moment.rows.cond, list(region.tokens)] = 1.0
    return mask


def _mask_cells(region: LoraRegion, network: Network, output: Tensor) -> Tensor:
    """The region at the resolution of a module's output (b, n, c) or (b, c, h, w)."""
    is_picture = output.ndim == 4
    sides = output.shape[-2:] if is_picture else _find_grid(network, output.shape[1])
    mask = functional.interpolate(region.mask[None, None].float(), size=tuple(sides), mode="area")
    return mask.to(output) if is_picture else mask.flatten(2).transpose(1, 2).to(output)


def _find_grid(network: Network, cells: int) -> tuple[int, int]:
    """The level whose grid has so many cells."""
    levels = range(len(network.unet.config.block_out_channels))
    grids = (grid(network.height_lat, network.width_lat, level) for level in levels)
    return next(sides for sides in grids if sides[0] * sides[1] == cells)
