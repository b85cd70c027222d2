"""Painting between two candidates: the pixels of one of them in the other, where a person's mask
says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.engine.mix import mix
from backend.errors import RequestError, StoreError
from backend.scene.inside import is_blank
from backend.studio.candidates import Painted
from backend.studio.pixel_files import PixelFiles
from backend.studio.records import Candidate


def mix_candidates(pixels: PixelFiles, base: Candidate, other: Candidate, mask: str) -> Painted:
    """Mix two stored pictures through a stored mask (a digest) and store what comes out.

    A RequestError when the pictures differ in size or the mask is empty.
    """
    sizes = [(one.width_px, one.height_px) for one in (base, other)]
    if sizes[0] != sizes[1]:
        raise RequestError(
            (
                f"One picture has {sizes[0][0]} x {sizes[0][1]} pixels, the other {sizes[1][0]} "
                f"x {sizes[1][1]}."
            ),
            limit="Only pictures of one size can be painted into one another.",
            remedy="Choose two pictures that were made on the same canvas.",
        )
    where = pixels.mask(mask)
    if is_blank(where):
        raise RequestError(
            "Nothing is painted yet.", remedy="Paint where the other picture should show."
        )
    old, new = (pixels.picture(one.digest)[:, :, :3] for one in (base, other))
    picture, changed = mix(old, new, where)
    return Painted(other.id, mask, pixels.add_picture(picture), changed)


def pair_of(candidates: Sequence[Candidate], base: str, other: str) -> tuple[Candidate, Candidate]:
    """The two candidates of these ids; a StoreError when they are not among those of the
    project.
    """
    found = {candidate.id: candidate for candidate in candidates}
    for wanted in (base, other):
        if wanted not in found:
            raise StoreError(
                f"There is no candidate {wanted[:40]!r} in this project.",
                remedy="Choose two of the pictures shown.",
            )
    return found[base], found[other]
