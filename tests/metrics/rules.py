"""A rule for toy families: silhouettes of discs, squares and bars, drawn here."""

from __future__ import annotations

import numpy as np

from backend.metrics.silhouette import build_form
from backend.models.bundle import ModelBundle
from backend.models.verdict_rule import ScoreLimits, VerdictRule
from backend.scene.imaging.arrays import Mask
from tests.methods.painted import with_members

SIDE_PX = 64


def draw_disc(x: float = 0.5, y: float = 0.5, radius: float = 0.25) -> Mask:
    """A disc; measures in shares of the side."""
    rows, columns = (np.mgrid[0:SIDE_PX, 0:SIDE_PX] + 0.5) / SIDE_PX
    return np.asarray(np.hypot(rows - y, columns - x) < radius)


def draw_bar(x: float = 0.5, y: float = 0.5, length: float = 0.35, width: float = 0.08) -> Mask:
    """A lying bar."""
    rows, columns = (np.mgrid[0:SIDE_PX, 0:SIDE_PX] + 0.5) / SIDE_PX
    return np.asarray((abs(rows - y) < width) & (abs(columns - x) < length))


def build_rule(colours: tuple[str, ...] = ("red", "blue")) -> VerdictRule:
    """Cats are discs, houses lying bars."""
    cats = [build_form(draw_disc(radius=radius)) for radius in (0.2, 0.3)]
    houses = [build_form(draw_bar(width=width)) for width in (0.07, 0.1)]
    forms = np.array([cats, houses], np.float32)
    return VerdictRule(("cat", "house"), colours, forms, ScoreLimits(0.55, 0.4, 0.2, "a test"))


def with_rule_of_toys(bundle: ModelBundle, **members: object) -> ModelBundle:
    """The bundle with these members and the rule."""
    return with_members(bundle, verdict=build_rule(), **members)
