"""What the learning of a look is made of: its lesson, its rules, where it stands, and one step of
AdamW.

Collage Diffusion, section 4.3; who learns is ``methods/textual_inversion``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.engine.loop_types import Step

BETAS, EPSILON, DECAY, CLIP = (0.9, 0.999), 1e-8, 1e-2, 1.0
"""AdamW and gradient clipping of the released code."""
HEAD = 3
"""Rows of a state's picture before its vectors: the lesson's key, the model's fingerprint, counts.
"""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a look is learned from: the layer's words, uint8 (h, w, 3) of layers 1…i, float32 (h, w)
    of the layer.
    """

    layer_id: str
    phrase: str
    picture: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.float32] = field(repr=False)

    @property
    def key(self) -> str:
        """A name for what is learned, whatever the layer is called."""
        parts = (self.phrase.encode(), self.picture.tobytes(), self.mask.tobytes())
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


@dataclass(frozen=True)
class Rules:
    """How long and how carefully to learn.

    At most ``steps`` with ``samples`` states each. (The released code has 4. On seven drawn
    collages 2 gave looks as good after as many steps for less time, and small calls gain more from
    being batched.) From ``window`` checks on, one every ``check_every`` steps, a look is finished
    when the variance of its last ``window`` losses on the fixed set falls below ``settled`` of the
    variance of all of them (the criterion of Voronov et al., 2023, with their .15). ``rate_share``
    is the learning rate in units of the first word's size: the released 4e-4 over the .0142 of
    Stable Diffusion's vectors.
    """

    steps: int = 250
    samples: int = 2
    check_every: int = 10
    window: int = 5
    settled: float = 0.15
    rate_share: float = 0.028
    seed: int = 0


USUAL = Rules()


@dataclass(frozen=True, eq=False)
class LookState:
    """Where the learning of one look stands: enough to go on from here. Vectors are float32
    (d,).
    """

    vector: Tensor = field(repr=False)
    momentum: Tensor = field(repr=False)
    power: Tensor = field(repr=False)
    step: int = 0
    losses: tuple[float, ...] = ()
    finished: bool = False

    def on(self, device: torch.device | str) -> LookState:
        """The same state on another device."""
        vector, momentum, power = (
            part.to(device) for part in (self.vector, self.momentum, self.power)
        )
        return replace(self, vector=vector, momentum=momentum, power=power)


@dataclass(frozen=True)
class LookStep(Step):
    """A step of learning; ``states`` by layer, ``denoised`` what the network foresees for each
    layer that still learns.

    Progress counts to the last step that is allowed; most looks are finished before.
    """

    states: Mapping[str, LookState] = field(default_factory=dict, repr=False)


def updated(state: LookState, gradient: Tensor, rate: float) -> LookState:
    """One step of AdamW for one look, with the gradient clipped as in the released code."""
    gradient = gradient * min(1.0, CLIP / (float(gradient.norm()) + 1e-6))
    momentum = torch.lerp(gradient, state.momentum, BETAS[0])
    power = torch.lerp(gradient.square(), state.power, BETAS[1])
    count = state.step + 1
    steady = power / (1 - BETAS[1] ** count)
    moved = state.vector * (1 - rate * DECAY)
    moved = moved - rate * (momentum / (1 - BETAS[0] ** count)) / (steady.sqrt() + EPSILON)
    return replace(state, vector=moved.detach(), momentum=momentum, power=power, step=count)


def masked_error(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error inside the mask (b, 1, h, w) of each row of (b, c, h, w), in single
    precision: (b,).
    """
    error = (predicted.float() - target.float()).square()
    area = predicted.shape[1] * mask.float().sum((1, 2, 3)) + 1e-6
    return (error * mask.float()).sum((1, 2, 3)) / area


def settled(losses: Sequence[float], rules: Rules) -> bool:
    """Whether the losses on the fixed set no longer vary."""
    if len(losses) < 2 * rules.window:
        return False
    everything = float(np.var(losses))
    return float(np.var(losses[-rules.window :])) <= rules.settled * everything


def state_picture(state: LookState, key: str, fingerprint: bytes) -> NDArray[np.uint8]:
    """An unfinished look as uint8 RGBA (7, d, 4): key, fingerprint and counts, then vector,
    momentum, power, losses.

    Numbers are single precision, one to a pixel. Of more losses than there are columns the last
    ones are kept.
    """
    columns = state.vector.numel()
    rows = np.zeros((7, columns, 4), np.uint8)
    for row, content in enumerate((bytes.fromhex(key), fingerprint)):
        rows[row].reshape(-1)[: len(content)] = np.frombuffer(content, np.uint8)
    losses = np.zeros(columns, "<f4")
    kept = state.losses[-columns:]
    losses[: len(kept)] = kept
    counts = np.array([state.step, len(kept), state.finished], "<u4")
    rows[2].reshape(-1)[:12] = counts.view(np.uint8)
    parts = (*(part.cpu().numpy() for part in (state.vector, state.momentum, state.power)), losses)
    for row, numbers in enumerate(parts, start=HEAD):
        rows[row] = np.ascontiguousarray(numbers, "<f4").view(np.uint8).reshape(-1, 4)
    return rows


def read_state(picture: NDArray[np.uint8], key: str, fingerprint: bytes) -> LookState | None:
    """The unfinished look that a picture holds; None for one of another lesson or another model."""
    if picture.ndim != 3 or picture.shape[0] != 7 or picture.shape[1] * 4 < 32:
        return None
    rows = np.ascontiguousarray(picture)
    if rows[0].tobytes()[:32] != bytes.fromhex(key) or rows[1].tobytes()[:32] != fingerprint:
        return None
    step, count, is_finished = np.frombuffer(rows[2].tobytes()[:12], "<u4").tolist()
    parts = [rows[row].reshape(-1).view("<f4").astype(np.float32) for row in range(HEAD, 7)]
    vector, momentum, power = (torch.from_numpy(part) for part in parts[:3])
    return LookState(
        vector, momentum, power, step, tuple(parts[3][:count].tolist()), bool(is_finished)
    )
