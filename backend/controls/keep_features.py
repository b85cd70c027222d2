"""Keeping a path's features while it is drawn, so that nobody has to walk it again for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from torch import Tensor

from backend.engine.loop_types import Control, Network
from backend.engine.reference_branch import ReferencePath
from backend.models.attention import Hook, install_hooks
from backend.models.bundle import FeatureCache


@dataclass(frozen=True)
class KeepFeatures(Control):
    """Puts the features that a path is asked for into a memory while the path is drawn.

    The run stays as it is, and must be the path: its rows, words and weights. Of a step in which
    the network is called more than once the last call counts.

    Attributes:
        path: whose features they are, and which of them are wanted.
        memory: where they are kept, by the path's key and the step.
        first: the first step that is kept; earlier ones may be another model's.
        present: outputs of the present step, by module.
    """

    path: ReferencePath = field(repr=False, compare=False)
    memory: FeatureCache = field(repr=False, compare=False)
    first: int
    present: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Read the outputs of all modules that any step is asked for.

        Args:
            network: the UNet and the present moment.
        """
        return self._install(network) if self.path.spans else nullcontext()

    @contextmanager
    def _install(self, network: Network) -> Iterator[None]:
        names = {name for span in self.path.spans for name in span.modules}
        with install_hooks(network.unet, {name: self._hook(name, network) for name in names}):
            yield

    def edit(self, latents: Tensor, k: int) -> Tensor:
        """Keep the features of the step that led to a state.

        Args:
            latents: state k; returned as it is.
            k: the number of the state, 1 to N.
        """
        modules = self.path.modules_at(k - 1)
        if modules and k - 1 >= self.first:
            self.memory.keep(self.path.key, k - 1, tuple(self.present[name] for name in modules))
        self.present.clear()
        return latents

    def _hook(self, name: str, network: Network) -> Hook:
        def keep(_: object, __: tuple[Tensor, ...], output: Tensor) -> None:
            rows = network.moment.rows
            self.present[name] = output.unflatten(0, (rows.halves, rows.count))

        return keep
