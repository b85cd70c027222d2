"""Step-blended denoising: the plain model lays the picture out, the personalised model draws it.

Layout-and-Retouch, section 3.2.1. The printed rule gives the plain model the *last* steps (it
counts i down and asks for i < λ1); the text, appendix C.1 and the purpose want the *first* λ1
steps, and that is done here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from backend.engine.loop_types import Control, Predict
from backend.engine.reference_branch import AdapterScope


@dataclass(frozen=True)
class StepBlend(Control):
    """``plain`` predicts for k < ``until``; afterwards the run's own prediction, with the subject's
    weights on.

    With ``until`` = 0 the personalised model draws alone, and ``plain`` may be None; with N steps
    or more the plain one does.
    """

    plain: Predict | None = field(repr=False, compare=False)
    adapter: AdapterScope = field(repr=False, compare=False)
    until: int

    def wrap(self, predict: Predict) -> Predict:
        """The prediction of whoever's turn it is."""

        def blend(latents: Tensor, k: int) -> Tensor:
            if self.plain is not None and k < self.until:
                return self.plain(latents, k)
            with self.adapter():
                return predict(latents, k)

        return blend
