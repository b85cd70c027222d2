"""What the comparing networks look at: whole scenes and single objects of the training set, at
their own size.

All pictures here are float32 (n, 3, side, side) in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.pocket.networks.perception import SEEN_PX
from backend.pocket.train.autoencoder import CHECK_SCENES, as_tensor
from backend.pocket.train.reconstructions import Reconstructions
from backend.pocket.train.scenes import SceneSet

THROUGH_AUTOENCODER, BLURRED = 0.3, 0.5
"""Shares: batches whose pictures went through the autoencoder, pictures that are blurred."""
ENOUGH_READY = 400
"""Reconstructions that must lie ready before a batch is drawn from them: nothing is decoded here,
that is slow.
"""
LEAST_PX = 120
"""Visible pixels (of 128 × 128) from which an object is worth a look."""


@dataclass(frozen=True)
class Objects:
    """Single objects: their scenes' rows, their numbers in the scene, and square boxes (n, 3):
    centre x, y, half side.

    Boxes are in pixels of the training set.
    """

    rows: np.ndarray
    numbers: np.ndarray
    boxes_px: np.ndarray


class TrainingViews:
    """Draws batches from the training set with one generator."""

    def __init__(self, passed: Reconstructions, random: np.random.Generator) -> None:
        self.passed, self.scenes, self.random = passed, passed.scenes, random
        self.training = np.arange(len(self.scenes) - CHECK_SCENES)

    def rows(self, count: int) -> tuple[np.ndarray, Tensor]:
        """Rows in rising order and their pictures at full size, sometimes through the
        autoencoder.
        """
        ready = np.flatnonzero(
            np.array(self.passed.ready[: len(self.training)])
        )  # a copy: others go on filling it
        through = len(ready) >= ENOUGH_READY and self.random.random() < THROUGH_AUTOENCODER
        rows = np.sort(
            self.random.choice(ready if through else self.training, count, replace=False)
        )
        pictures = self.passed.values[rows] if through else self.scenes.pictures[rows]
        return rows, as_tensor(pictures) * 0.5 + 0.5

    def jitter(self, boxes_px: np.ndarray, loose: tuple[float, float], shift: float) -> np.ndarray:
        """Boxes grown by a factor from ``loose`` and moved by at most ``shift`` of their half
        side.
        """
        moved = boxes_px.copy()
        count = len(boxes_px)
        moved[:, :2] += boxes_px[:, 2:] * self.random.uniform(-shift, shift, (count, 2))
        moved[:, 2] *= self.random.uniform(*loose, count)
        return moved

    def worsen(self, pictures: Tensor) -> Tensor:
        """As a young network might make them: about half blurred, all noisy, too dark or too
        bright.
        """
        count, side = len(pictures), pictures.shape[-1]
        small = int(side * self.random.uniform(0.3, 0.8))
        soft = F.interpolate(pictures, size=(small, small), mode="area")
        soft = F.interpolate(soft, size=(side, side), mode="bilinear", align_corners=False)
        share = self._each(count, 0, 1) * (self._each(count, 0, 1) < BLURRED)
        pictures = torch.lerp(pictures, soft, share)
        pictures = (
            (pictures - 0.5) * self._each(count, 0.8, 1.15) + 0.5 + self._each(count, -0.07, 0.07)
        )
        return (pictures + torch.randn_like(pictures) * self._each(count, 0, 0.06)).clamp(0, 1)

    def _each(self, count: int, low: float, high: float) -> Tensor:
        return torch.from_numpy(self.random.uniform(low, high, (count, 1, 1, 1))).float()


def choose_objects(
    scenes: SceneSet, rows: np.ndarray, random: np.random.Generator
) -> tuple[Objects, np.ndarray]:
    """One object of each scene that shows one, and the positions in ``rows`` of those scenes."""
    found: list[tuple[int, int, tuple[float, float, float]]] = []
    for place, row in enumerate(rows):
        instances = np.asarray(scenes.instances[row])
        seen = np.flatnonzero(np.bincount(instances.ravel(), minlength=2)[1:] >= LEAST_PX)
        if len(seen):
            number = int(random.choice(seen))
            found.append((place, number, square_around(instances == number + 1)))
    places = np.array([f[0] for f in found])
    return Objects(
        rows[places], np.array([f[1] for f in found]), np.array([f[2] for f in found])
    ), places


def masks_of(scenes: SceneSet, objects: Objects) -> Tensor:
    """Where the objects are visible: float (n, 1, h, w)."""
    instances = scenes.instances[objects.rows]
    return torch.from_numpy(instances == objects.numbers[:, None, None] + 1)[:, None].float()


def square_around(mask: np.ndarray) -> tuple[float, float, float]:
    """Centre x, y and half side in pixels of the square that just holds a mask (h, w) with at least
    one pixel.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    wide, high = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    return (left + wide / 2, top + high / 2, max(wide, high) / 2)


def look_at(
    pictures: Tensor, boxes_px: np.ndarray, flip: np.ndarray, turn_deg: np.ndarray
) -> Tensor:
    """The squares ``boxes_px`` (n, 3) of pictures (n, c, h, h) at ``SEEN_PX``, mirrored and turned;
    edges repeat.
    """
    side = pictures.shape[-1]
    size = boxes_px[:, 2] * 2 / side
    angle = np.deg2rad(turn_deg)
    mirror = np.where(flip, -1.0, 1.0)
    theta = np.zeros((len(pictures), 2, 3))
    theta[:, 0, 0], theta[:, 0, 1] = size * np.cos(angle) * mirror, -size * np.sin(angle)
    theta[:, 1, 0], theta[:, 1, 1] = size * np.sin(angle) * mirror, size * np.cos(angle)
    theta[:, :, 2] = boxes_px[:, :2] * 2 / side - 1
    shape = [len(pictures), pictures.shape[1], SEEN_PX, SEEN_PX]
    grid = F.affine_grid(torch.from_numpy(theta).float(), shape, align_corners=False)
    return F.grid_sample(
        pictures, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def whole(pictures: Tensor) -> Tensor:
    """Whole pictures at ``SEEN_PX``."""
    return F.interpolate(pictures, size=(SEEN_PX, SEEN_PX), mode="area")
