"""How a LoRA file changes one weight, in closed form: ΔW of LoRA and LoCon, LoHa, LoKr, whole
differences, and what DoRA makes of any of them.

With scale s = α/r (1 where the file says no α):

- LoRA, LoCon: ΔW = s · B A; a convolution's A has its kernel, or a core M between the two does:
  ΔW = s · Σ B M A.
- LoHa: ΔW = s · (A₁ B₁) ⊙ (A₂ B₂), each product with a core where the kernel has one.
- LoKr: ΔW = s · W₁ ⊗ W₂, each a matrix or a product of two (s = 1 where neither is a product).
- DoRA: the change is m · (W + ΔW) / ‖W + ΔW‖ − W, the norm over all of an output's weights, or
  of an input's where a file of LyCORIS stores one magnitude m an input.

The formulas of LoHa, LoKr and the core are those of LyCORIS (Yeh et al. 2024, arXiv:2309.14859),
DoRA's is equation 5 of Liu et al. 2024 (arXiv:2402.09353).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from backend.models.lora_names import Slot

Factors = Mapping[Slot, Tensor]
"""The tensors of one module by what they are in its formula, float32."""

KINDS: Mapping[str, frozenset[Slot]] = {
    "lora": frozenset({"down", "up"}),
    "loha": frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}),
    "lokr": frozenset(),
    "full": frozenset({"diff"}),
}
"""The slots that each kind cannot do without; LoKr has several ways to say its two matrices."""


def kind_of(slots: frozenset[Slot]) -> str:
    """Which formula some slots belong to: a key of ``KINDS``, or "" where one of them is missing.

    Args:
        slots: all that a file says of one module.
    """
    for kind in ("lora", "loha", "full"):
        if slots >= KINDS[kind]:
            return kind
    sides = ({"lokr_w1", "lokr_w1_a"}, {"lokr_w2", "lokr_w2_a"})
    products = (("lokr_w1_a", "lokr_w1_b"), ("lokr_w2_a", "lokr_w2_b"))
    whole = all((first in slots) == (second in slots) for first, second in products)
    return "lokr" if whole and all(side & slots for side in sides) else ""


def sides_of(factors: Factors) -> tuple[int, int]:
    """Outputs and inputs of the weight that some factors change.

    Args:
        factors: of a known kind.
    """
    match kind_of(frozenset(factors)):
        case "lora":
            return factors["up"].shape[0], factors["down"].shape[1]
        case "loha":
            has_core = "hada_t1" in factors
            return factors["hada_w1_a"].shape[int(has_core)], _inputs(factors["hada_w1_b"])
        case "full":
            return factors["diff"].shape[0], factors["diff"].shape[1]
    first, second = _kronecker_sides(factors, "1"), _kronecker_sides(factors, "2")
    return first[0] * second[0], first[1] * second[1]


def fits(factors: Factors, shape: torch.Size) -> bool:
    """Whether factors can change a weight of this shape.

    Args:
        factors: of a known kind.
        shape: (outputs, inputs) or (outputs, inputs, height, width).
    """
    outputs, inputs = sides_of(factors)
    if outputs != shape[0]:
        return False
    kernel = math.prod(shape[2:])
    return inputs == shape[1] or inputs == shape[1] * kernel


def add_change(target: Tensor, weight: Tensor, factors: Factors, amount: float) -> None:
    """Add ``amount`` times the change of some factors to ``target``, in place.

    Args:
        target: float32, of the weight's shape.
        weight: the network's own, float32; what DoRA measures.
        factors: of a known kind that fits the weight.
        amount: how much of it; 1 as it was trained.

    Raises:
        RuntimeError: the factors do not fit together, or not the weight.
    """
    slots = frozenset(factors)
    if slots <= {"down", "up", "alpha"} and factors["up"].flatten(1).shape[1] == _rank(factors):
        flat = target.view(target.shape[0], -1)
        scale = amount * _scale(factors, _rank(factors))
        flat.addmm_(factors["up"].flatten(1), factors["down"].flatten(1), alpha=scale)
        return
    target.add_(weight_change(weight, factors), alpha=amount)


def weight_change(weight: Tensor, factors: Factors) -> Tensor:
    """The change of a weight.

    Args:
        weight: the network's own, float32.
        factors: of a known kind that fits it.

    Returns:
        Of the weight's shape.

    Raises:
        RuntimeError: the factors do not fit together, or not the weight.
    """
    change = _low_rank_change(factors).reshape(weight.shape)
    if "magnitude" in factors:
        return _with_lengths(weight + change, factors["magnitude"], axis=0) - weight
    if "dora_scale" in factors:
        scale = factors["dora_scale"]
        axis = 0 if scale.shape[0] == weight.shape[0] else 1
        return _with_lengths(weight + change, scale, axis) - weight
    return change


def _low_rank_change(factors: Factors) -> Tensor:
    match kind_of(frozenset(factors)):
        case "lora":
            scale = _scale(factors, _rank(factors))
            core = factors.get("mid")
            if core is None:
                return scale * (factors["up"].flatten(1) @ factors["down"].flatten(1))
            ends = factors["up"].flatten(1), factors["down"].flatten(1)
            return scale * torch.einsum("om,mrhw,ri->oihw", ends[0], core, ends[1])
        case "loha":
            rank = factors["hada_w1_b"].shape[0]
            first = _product(factors, "hada_w1_a", "hada_w1_b", "hada_t1")
            return (
                first
                * _product(factors, "hada_w2_a", "hada_w2_b", "hada_t2")
                * _scale(factors, rank)
            )
        case "full":
            return factors["diff"]
    return _kronecker(factors)


def _kronecker(factors: Factors) -> Tensor:
    first = factors.get("lokr_w1")
    if first is None:
        first = factors["lokr_w1_a"] @ factors["lokr_w1_b"]
    second = factors.get("lokr_w2")
    if second is None:
        second = _product(factors, "lokr_w2_a", "lokr_w2_b", "lokr_t2")
    inner: tuple[Slot, ...] = ("lokr_w2_b", "lokr_w1_b")
    rank = next((factors[name].shape[0] for name in inner if name in factors), 0)
    first = first.reshape(*first.shape, *[1] * (second.ndim - first.ndim))
    return torch.kron(first, second.contiguous()) * (_scale(factors, rank) if rank else 1.0)


def _product(factors: Factors, left: Slot, right: Slot, core: Slot) -> Tensor:
    """Two matrices multiplied, by way of a core (r, r, h, w) where there is one; then the first is
    (r, outputs) and the second (r, inputs).
    """
    if core in factors:
        return torch.einsum("abhw,bi,ao->oihw", factors[core], factors[right], factors[left])
    return factors[left] @ factors[right].flatten(1)


def _with_lengths(changed: Tensor, magnitude: Tensor, axis: int) -> Tensor:
    """A weight whose outputs (axis 0), or inputs (1), have the stored lengths."""
    others = [one for one in range(changed.ndim) if one != axis]
    length = torch.linalg.vector_norm(changed, dim=others, keepdim=True)
    smallest = torch.finfo(changed.dtype).eps
    rescaled: Tensor = changed * (magnitude.reshape(length.shape) / length.clamp_min(smallest))
    return rescaled


def _rank(factors: Factors) -> int:
    return factors["down"].shape[0]


def _scale(factors: Factors, rank: int) -> float:
    alpha = factors.get("alpha")
    return 1.0 if alpha is None else float(alpha) / rank


def _inputs(factor: Tensor) -> int:
    return factor.shape[1]


def _kronecker_sides(factors: Factors, number: str) -> tuple[int, int]:
    """Outputs and inputs of one of LoKr's two matrices."""
    whole: Mapping[str, Tensor] = {str(slot): value for slot, value in factors.items()}
    if f"lokr_w{number}" in whole:
        matrix = whole[f"lokr_w{number}"]
        return matrix.shape[0], matrix.shape[1]
    has_core = f"lokr_t{number}" in whole
    left, right = whole[f"lokr_w{number}_a"], whole[f"lokr_w{number}_b"]
    return left.shape[int(has_core)], right.shape[1]
