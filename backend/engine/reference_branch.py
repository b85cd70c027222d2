"""Reference branch: what a denoising path whose states are known has as features at a step, for a
target path to borrow.

A path that is replayed from stored states needs no sampling: its features at step k follow from
state k alone, by one call of the network. They are made when the target reaches step k, in a call
of their own, so that they are the same numbers whether they were remembered or made again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.conditioning import Conditioning
from backend.engine.denoise import predictor
from backend.engine.invert import Trajectory
from backend.engine.loop_types import BatchRows, Predict, Step, explain_memory
from backend.models.attention import Hook, Unet, install_hooks
from backend.models.bundle import FeatureCache
from backend.models.schedule import Schedule

AdapterScope = Callable[[], AbstractContextManager[None]]
"""Opens a block in which the network has a subject's weights."""


@dataclass(frozen=True)
class FeatureSpan:
    """Outputs of these modules are wanted in these steps.

    Attributes:
        first: the first step.
        last: the step after the last one.
        modules: names of modules of the network.
    """

    first: int
    last: int
    modules: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ReferencePath:
    """A path of known states.

    Attributes:
        key: of all that its features follow from.
        states: 0…N.
        conditioning: its words, with its rows.
        spans: which features are wanted, and when.
    """

    key: Hashable
    states: Trajectory
    conditioning: Conditioning = field(repr=False)
    spans: tuple[FeatureSpan, ...]

    def modules_at(self, k: int) -> tuple[str, ...]:
        """The modules whose outputs are wanted at step k."""
        return tuple(
            name for span in self.spans if span.first <= k < span.last for name in span.modules
        )


class ReferenceBranch:
    """The other paths of one run, replayed from their states when the target reaches a step.

    ``recording`` is true while the network is asked on their behalf.

    Args:
        unet: the network.
        schedule: the target's.
        paths: by name.
        memory: where features are kept, so that another run need not ask again.
        adapter: opens a block in which the network has the subject's weights.
    """

    def __init__(
        self,
        unet: Unet,
        schedule: Schedule,
        paths: Mapping[str, ReferencePath],
        memory: FeatureCache,
        adapter: AdapterScope,
    ) -> None:
        self.recording = False
        self._unet, self._schedule, self._paths = unet, schedule, dict(paths)
        self._memory, self._adapter = memory, adapter
        self._step = -1
        self._features: dict[tuple[str, str], Tensor] = {}

    def advance(self, k: int) -> None:
        """Make the features of a step the present ones; nothing is done when they are.

        Args:
            k: the step.

        Raises:
            EngineError: the memory is used up.
        """
        if k == self._step:
            return
        self._features = {}
        for name, path in self._paths.items():
            modules = path.modules_at(k)
            found = self._memory.find(path.key, k) if modules else ()
            if found is None:
                found = self._record(path, modules, k)
                self._memory.keep(path.key, k, found)
            self._features.update(
                {(name, module): value for module, value in zip(modules, found, strict=True)}
            )
        self._step = k

    def feature(self, path: str, module: str) -> Tensor:
        """The output of a module at the present step.

        Args:
            path: name of a path.
            module: one of those that it is asked for at this step.

        Returns:
            (halves, rows, …).

        Raises:
            KeyError: the path is not asked for the module at this step.
        """
        return self._features[path, module]

    @torch.no_grad()
    def _record(self, path: ReferencePath, modules: tuple[str, ...], k: int) -> tuple[Tensor, ...]:
        found: dict[str, Tensor] = {}
        rows = path.conditioning.rows
        hooks = {name: _store_output(found, name, rows) for name in modules}
        predict: Predict = predictor(self._unet, self._schedule, path.conditioning)
        self.recording = True
        try:
            with explain_memory(), self._adapter(), install_hooks(self._unet, hooks):
                predict(path.states.states[k], k)
        finally:
            self.recording = False
        return tuple(found[name] for name in modules)


def run_with_adapter(
    adapter: AdapterScope, steps: Generator[Step, None, Trajectory]
) -> Generator[Step, None, Trajectory]:
    """Steps taken with the subject's weights on; between them the network has its own.

    Args:
        adapter: opens a block in which the network has the subject's weights.
        steps: closed with this generator, whose value is theirs.
    """
    with closing(steps):
        while True:
            try:
                with adapter():
                    step = next(steps)
            except StopIteration as stop:
                path: Trajectory = stop.value
                return path
            yield step


def with_reference(sides: ReferenceBranch, predict: Predict) -> Predict:
    """A prediction before which the other paths are brought to its step.

    Args:
        sides: the other paths.
        predict: the target's prediction.
    """

    def predict_after(latents: Tensor, k: int) -> Tensor:
        sides.advance(k)
        return predict(latents, k)

    return predict_after


def source_of(
    sides: ReferenceBranch | None, rows: BatchRows, path: str, module: str, halves: Tensor
) -> Tensor:
    """The features that a path reads at a module.

    Args:
        sides: the other paths; None where they are rows of the batch.
        rows: of the batch.
        path: the name.
        module: the module.
        halves: the module's output for the batch, (halves, rows, …).
    """
    return halves[:, rows.of(path)] if sides is None else sides.feature(path, module)


def _store_output(found: dict[str, Tensor], name: str, rows: BatchRows) -> Hook:
    def keep(module: object, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        found[name] = output.unflatten(0, (rows.halves, rows.count))

    return keep
