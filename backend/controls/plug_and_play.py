"""Plug-and-Play (Tumanyan et al., 2023): a picture's structure put into the run that draws it anew.

A side path replays the inverted source. For k < τ_f the residual branch of one decoder block (f,
the paper's fourth) and for k < τ_A queries and keys of the decoder's self-attention from that block
on are the source's, in both halves of the guidance (section 4.2 and algorithm 1 there).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from torch import Tensor

from backend.engine.loop_types import Control, Network, Predict
from backend.engine.reference_branch import ReferenceBranch
from backend.models.attention import Hook, install_hooks

SOURCE = "source"
"""The side path's name. It has one row and no guidance."""


@dataclass(frozen=True)
class PlugAndPlay(Control):
    """f ← f_source for k < τ_f, and Q, K ← Q_source, K_source for k < τ_A, in every row.

    Attributes:
        sides: the source's path, named ``SOURCE``.
        blocks: modules whose outputs are the source's, the paper's residual branch.
        blocks_until: τ_f as a step index, 0 to N.
        projections: modules of queries and keys.
        projections_until: τ_A as a step index, 0 to N.
    """

    sides: ReferenceBranch = field(repr=False, compare=False)
    blocks: tuple[str, ...]
    blocks_until: int
    projections: tuple[str, ...]
    projections_until: int

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Give the source's outputs to every row; nothing at all where neither acts in any step.

        Args:
            network: the UNet and the present moment.
        """
        until = dict.fromkeys(self.projections, self.projections_until) | dict.fromkeys(
            self.blocks, self.blocks_until
        )
        hooks = {
            module: self._hook(module, end, network) for module, end in until.items() if end > 0
        }
        return install_hooks(network.unet, hooks) if hooks else nullcontext()

    def wrap(self, predict: Predict) -> Predict:
        """See to it that the source is at the step that is predicted."""

        def run_reference(latents: Tensor, k: int) -> Tensor:
            self.sides.advance(k)
            return predict(latents, k)

        return run_reference

    def _hook(self, module: str, end: int, network: Network) -> Hook:
        def inject(_: object, __: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            if network.moment.k >= end or self.sides.recording:
                return None
            return self.sides.feature(SOURCE, module).flatten(0, 1).expand_as(output)

        return inject
