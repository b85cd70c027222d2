"""Layout-and-Retouch (Kim et al., 2024): a personal subject in diverse layouts.

Stage 1  the plain model lays the picture out in the first steps, the personalised one draws the
rest (section 3.2.1)
Stage 2  the layout is drawn once more: first as it is, then with keys and values of a reference
picture in the
         decoder's self-attention, blended back into the layout outside an adaptive mask (section
         3.2.2)

Side paths are replayed from stored states, as DreamMatcher does: the reference from its inversion,
the layout from its own making, which needs no inversion and is exact. So the target *is* the layout
up to step λ2 and begins there, and what the side paths feel is remembered: the next candidate costs
one path. Every candidate is made by itself, so that it has the same pixels whatever was made
before.
"""

from backend.methods.layout_retouch.making import NOT_FOUND, run

__all__ = ["NOT_FOUND", "run"]
