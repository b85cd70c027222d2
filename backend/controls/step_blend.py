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
    """ε = ε_plain for k < λ1, then ε_personal: the run's own, with the subject's weights on.

    Attributes:
        plain: the plain model's prediction; None where it never predicts.
        adapter: opens a block in which the network has the subject's weights.
        until: λ1 as a step index: with 0 the personalised model draws alone, with N or more the
            plain one.
    """

    plain: Predict | None = field(repr=False, compare=False)
    adapter: AdapterScope = field(repr=False, compare=False)
    until: int

    def wrap(self, predict: Predict) -> Predict:
        """The prediction of whoever's turn it is.

        Args:
            predict: the run's own prediction, under the words of the subject.
        """

        def blend(latents: Tensor, k: int) -> Tensor:
            if self.plain is not None and k < self.until:
                return self.plain(latents, k)
            with self.adapter():
                return predict(latents, k)

        return blend
