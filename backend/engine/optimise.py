"""The other loop: fit the codes of a picture to objectives, as a generator of FitProgress.

VQGAN+CLIP (Crowson et al., 2022) with the further terms of TCIG: L = Σ α_i L_i (eq. 2). All rows of
the batch are fits of their own; they share nothing but the call, so a restart does not depend on
its neighbours. The codes may be a sum of parts (``codes``), and early steps may draw a smaller
picture, which costs less and settles what is large. On a CPU the rows are shared out among its
cores.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.codes import CodePart, Size, deviations
from backend.engine.decode import as_bytes
from backend.engine.loop_types import FitProgress, explain_memory, generator_for
from backend.engine.noise import seed_of
from backend.engine.side_by_side import shares_of, side_by_side
from backend.errors import EngineError
from backend.models.run_state import Memory, RunState
from backend.scene.imaging.arrays import Picture

UNCALIBRATED = 10.0
"""Weight of a further term before it is calibrated: L_seg starts near the mask's area, a tenth of
L_clip.
"""
SCALE_RANGE = (0.1, 1e4)
"""A term whose gradient vanishes must not be blown up without end."""


class DrawsCodes(Protocol):
    """What is needed of a VQGAN."""

    @property
    def codebook(self) -> Tensor:
        """(codes, c)."""
        ...

    @property
    def reduction(self) -> int:
        """Pixels per code along a side."""
        ...

    def snap(self, z: Tensor) -> Tensor:
        """The codes nearest to z (n, c, h, w), straight-through."""
        ...

    def encode(self, pictures: Tensor) -> Tensor:
        """Vectors (n, c, h, w) of pictures (n, 3, f·h, f·w) in -1..1, before they are snapped."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """Pictures (n, 3, f·h, f·w), about -1..1."""
        ...


@dataclass(frozen=True)
class FitStep:
    """The moment of a fit: step ``k`` of the rows with these ``seeds``; whatever is random follows
    from it alone.
    """

    k: int
    seeds: tuple[int, ...]

    def generators(self, purpose: str) -> tuple[torch.Generator, ...]:
        """One generator a row, new for each purpose and step."""
        return tuple(generator_for(seed_of(seed, purpose, self.k)) for seed in self.seeds)


@dataclass(frozen=True)
class Objective(ABC):
    """Something that a picture is judged by while it is fitted: frozen, without random state of its
    own.
    """

    @abstractmethod
    def losses(self, pictures: Tensor, moment: FitStep) -> Tensor:
        """How far each picture is from what is wanted.

        Args:
            pictures: (n, 3, h, w) in 0..1.
            moment: the step and the rows' seeds.

        Returns:
            (n,), with gradients; row i depends on picture i alone.
        """


@dataclass(frozen=True)
class LossTerm:
    """α_i L_i of TCIG's equation (2).

    Attributes:
        objective: L_i.
        weight: α_i; once calibrated, the share of its gradient in that of the first term. 0 leaves
            the term out.
    """

    objective: Objective
    weight: float = 1.0


class FitStage(NamedTuple):
    """So many steps on a grid of codes of one size.

    Attributes:
        size: rows and columns of codes.
        steps: how many.
        parts: the first so many parts of the fit move; all by default.
    """

    size: Size
    steps: int
    parts: int | None = None


@dataclass(frozen=True)
class Fit:
    """A fit, a seed a row.

    Attributes:
        parts: of the codes to begin with.
        seeds: of the rows.
        stages: in this order.
        learning_rate: Adam's, in deviations of the codebook.
        calibrated_at: the step at which every further term is scaled, row by row, to the first
            one's gradient.
    """

    parts: tuple[CodePart, ...] = field(repr=False)
    seeds: tuple[int, ...]
    stages: tuple[FitStage, ...]
    learning_rate: float
    calibrated_at: int = 10

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def of(self, rows: slice) -> Fit:
        """The fit of these rows alone."""
        return replace(
            self, parts=tuple(part.of(rows) for part in self.parts), seeds=self.seeds[rows]
        )


def picture_of(network: DrawsCodes, z: Tensor) -> Tensor:
    """Pictures of the codes nearest to z, with straight-through gradients.

    Args:
        network: a VQGAN.
        z: (n, c, h, w).

    Returns:
        (n, 3, f·h, f·w) in 0..1, f the pixels per code.
    """
    return clamp(network.decode(network.snap(z)) * 0.5 + 0.5)


@torch.no_grad()
def draw_codes(network: DrawsCodes, z: Tensor, size_px: tuple[int, int]) -> tuple[Picture, ...]:
    """The pictures of codes, at another size by bicubic interpolation.

    Args:
        network: a VQGAN.
        z: (n, c, h, w).
        size_px: height and width of the pictures.

    Returns:
        n pictures, uint8 (height, width, 3).
    """
    pictures = picture_of(network, z)
    if pictures.shape[-2:] != size_px:
        pictures = functional.interpolate(pictures, size=size_px, mode="bicubic", antialias=True)
    return tuple(as_bytes(pictures).cpu().numpy())


def with_size(progress: FitProgress, size_px: tuple[int, int]) -> FitProgress:
    """A step of a fit with its pictures at another size, for those who look on.

    Args:
        progress: the step.
        size_px: height and width.
    """
    if progress.denoised.shape[-2:] == size_px:
        return progress
    shown = functional.interpolate(progress.denoised, size=size_px, mode="bilinear")
    return replace(progress, denoised=shown)


def optimise(
    network: DrawsCodes, fit: Fit, terms: Sequence[LossTerm], run: RunState | None = None
) -> Generator[FitProgress, None, Tensor]:
    """Fit codes to objectives: argmin_z L = Σ_i α_i L_i (TCIG, equation 2).

    z is kept in the box of the codebook, channel by channel. Terms of weight 0 are left out
    altogether, so they change nothing, not even the random numbers. Rows share only the call.

    Args:
        network: a VQGAN.
        fit: what it begins with, and how it goes.
        terms: the losses; the first one's gradient is the measure of the others.
        run: of which it is a loop: the fit goes on from where that stands.

    Yields:
        After each step k = 0…steps-1 z, and the pictures before it, both at the size of its stage.

    Returns:
        The last z.

    Raises:
        EngineError: a gradient is not finite, or the memory is used up.
    """
    acting = tuple(term for term in terms if term.weight != 0)
    shares = shares_of(len(fit.seeds), network.codebook.device)
    state, name = run if run is not None else RunState(), _name_fit(fit, len(shares))
    if name in state.ends:
        return state.ends[name]
    descents = [_Descent(network, fit.of(rows), acting) for rows in shares]
    memory = state.find(name)
    for number, descent in enumerate(descents) if memory else ():
        descent.restore(_of_share(number, memory))
    state.follow(name, lambda: _join_memories(descents))
    with closing(side_by_side([descent.steps() for descent in descents])) as moments:
        yield from moments
    z = torch.cat([descent.render_reached() for descent in descents])
    state.finish(name, z)
    return z


def _name_fit(fit: Fit, shares: int) -> str:
    """A name of all that decides a fit but for its losses, which the run's plan decides."""
    start = b"".join(part.values.detach().cpu().numpy().tobytes() for part in fit.parts)
    facts = repr((fit.seeds, fit.stages, fit.learning_rate, fit.calibrated_at, shares)).encode()
    return f"fit {hashlib.sha256(facts + start).hexdigest()[:16]}"


def _join_memories(descents: Sequence[_Descent]) -> dict[str, Tensor]:
    return {
        f"{number}.{name}": value
        for number, descent in enumerate(descents)
        for name, value in descent.memory().items()
    }


def _of_share(number: int, memory: Memory) -> dict[str, Tensor]:
    begin = f"{number}."
    return {name.removeprefix(begin): one for name, one in memory.items() if name.startswith(begin)}


class _Descent:
    """One fit on its way."""

    def __init__(self, network: DrawsCodes, fit: Fit, acting: Sequence[LossTerm]) -> None:
        self._network, self._fit, self._acting = network, fit, acting
        self._codes = _FittedCodes.start(network.codebook, fit)
        unit = self._codes.unit
        self._scales = [
            torch.full((len(fit.seeds),), UNCALIBRATED if n else 1.0, device=unit.device)
            for n in range(len(acting))
        ]
        self._done = 0

    def memory(self) -> dict[str, Tensor]:
        """All that the next step depends on; nothing before the first."""
        if self._done == 0:
            return {}
        scales = {f"scales.{n}": one for n, one in enumerate(self._scales)}
        return {"k": torch.tensor(self._done), **scales, **self._codes.memory()}

    def restore(self, memory: Memory) -> None:
        """Go on from what ``memory`` gave."""
        self._done = int(memory["k"])
        self._scales = [memory[f"scales.{n}"] for n in range(len(self._acting))]
        self._codes.restore(memory)

    @torch.no_grad()
    def render_reached(self) -> Tensor:
        """z of the last stage, as the parts are now."""
        return self._codes.render(self._fit.stages[-1].size)

    def steps(self) -> Generator[FitProgress, None, None]:
        """The steps that are still to be taken."""
        fit, codes, acting = self._fit, self._codes, self._acting
        stages = [one for one in fit.stages for _ in range(one.steps)]
        for k, stage in list(enumerate(stages))[self._done :]:
            with explain_memory():
                z, pictures, losses = _evaluate(
                    self._network, codes, stage.size, terms=acting, moment=FitStep(k, fit.seeds)
                )
                if k == fit.calibrated_at and len(acting) > 1:
                    self._scales = _calibrate(losses, z)
                total = sum(
                    (scale * term.weight * loss).sum()
                    for scale, term, loss in zip(self._scales, acting, losses, strict=True)
                )
                codes.descend(total, stage)
                with torch.no_grad():
                    after = codes.render(stage.size)
            self._done = k + 1
            yield FitProgress(k, fit.steps, 0, after, pictures.detach())


@dataclass
class _FittedCodes:
    """The parts while they are fitted: ``values`` move, in deviations (``unit``), ``box`` is the
    codebook's.
    """

    parts: tuple[CodePart, ...]
    values: list[Tensor]
    adam: torch.optim.Adam
    unit: Tensor
    box: tuple[Tensor, Tensor]

    @classmethod
    def start(cls, book: Tensor, fit: Fit) -> _FittedCodes:
        values = [part.values.detach().clone().requires_grad_() for part in fit.parts]
        groups = [
            {"params": [one], "lr": fit.learning_rate * part.rate}
            for one, part in zip(values, fit.parts, strict=True)
        ]
        box = (book.amin(0)[:, None, None], book.amax(0)[:, None, None])
        return cls(fit.parts, values, torch.optim.Adam(groups), deviations(book), box)

    def memory(self) -> dict[str, Tensor]:
        """The parts, and what Adam remembers of each that has moved."""
        values = {f"values.{n}": one.detach() for n, one in enumerate(self.values)}
        moments = {
            f"adam.{n}.{name}": moment
            for n, one in enumerate(self.values)
            for name, moment in self.adam.state[one].items()
        }
        return {**values, **moments}

    def restore(self, memory: Memory) -> None:
        """Go on from what ``memory`` gave."""
        with torch.no_grad():
            for n, one in enumerate(self.values):
                one.copy_(memory[f"values.{n}"])
                begin = f"adam.{n}."
                moments = {
                    name.removeprefix(begin): moment.cpu() if name.endswith("step") else moment
                    for name, moment in memory.items()
                    if name.startswith(begin)
                }
                if moments:
                    self.adam.state[one] = moments

    def render(self, size: Size) -> Tensor:
        """z (n, c, *size), in the box."""
        drawn_parts = [
            part.render(own, size)
            for part, own in zip(self.parts, self.values, strict=True)
            if part.is_active(size)
        ]
        return keep_within(torch.stack(drawn_parts).sum(0) * self.unit, *self.box)

    def descend(self, total: Any, stage: FitStage) -> None:
        """One step of the stage's parts against the gradient of ``total``."""
        if not isinstance(total, Tensor):
            return  # no term acts: nothing pulls
        pairs = zip(self.parts[: stage.parts], self.values[: stage.parts], strict=True)
        acting = [own for part, own in pairs if part.rate and part.is_active(stage.size)]
        self.adam.zero_grad()
        for own, gradient in zip(acting, torch.autograd.grad(total, acting), strict=True):
            if not bool(torch.isfinite(gradient).all()):
                raise EngineError(
                    "The fit ran into numbers that are not finite.",
                    remedy="Lower the learning rate, or try another seed.",
                )
            own.grad = gradient
        self.adam.step()


def _evaluate(
    network: DrawsCodes,
    codes: _FittedCodes,
    size: Size,
    *,
    terms: Sequence[LossTerm],
    moment: FitStep,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    with torch.enable_grad():
        z = codes.render(size)
        pictures = picture_of(network, z)
        return z, pictures, [term.objective.losses(pictures, moment) for term in terms]


def _calibrate(losses: Sequence[Tensor], z: Tensor) -> list[Tensor]:
    """For each row the factors that give every term a gradient as long as the first one's."""
    norms: list[Tensor] = [
        torch.autograd.grad(loss.sum(), z, retain_graph=True)[0].flatten(1).norm(dim=1).detach()
        for loss in losses
    ]
    return [
        (norms[0] / norm.clamp_min(1e-12)).clamp(*SCALE_RANGE) if number else torch.ones_like(norm)
        for number, norm in enumerate(norms)
    ]


def clamp(values: Tensor) -> Tensor:
    """Values in 0..1, with a gradient that is blocked only where it would lead farther out."""
    return keep_within(values, values.new_tensor(0.0), values.new_tensor(1.0))


def keep_within(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Values between bounds that fit their shape, with a gradient that is blocked only where it
    would lead out.
    """
    inside: Tensor = _Clamp.apply(values, low, high)
    return inside


class _Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, low: Tensor, high: Tensor) -> Tensor:
        ctx.save_for_backward(values, low, high)
        return torch.minimum(torch.maximum(values, low), high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        values, low, high = ctx.saved_tensors
        # descent moves against the gradient: a negative one above, or a positive one below, leads
        # outwards
        outwards = ((values > high) & (gradients[0] < 0)) | ((values < low) & (gradients[0] > 0))
        return gradients[0].masked_fill(outwards, 0.0), None, None
