"""Edge maps of the training scenes, layer by layer, made when first asked for and kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.pocket.train.latents import open_shared
from backend.pocket.train.scenes import SceneSet
from backend.scene.imaging.edges import layer_edges

WHOLE_SHARE = 0.5
"""Share of the samples that show every layer's edges; in the others each layer's are left out half
of the time.
"""
MOST_LAYERS = 5


def assign_edges(picture: NDArray[np.uint8], instances: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (h, w): 0 = no edge, k + 1 = an edge of instance k (0 is the background). Front layers
    go over back ones.

    ``picture`` is uint8 (h, w, 3), ``instances`` uint8 (h, w) numbered from back to front.
    """
    colour = picture.astype(np.float32) / np.float32(255)
    owners = np.zeros(instances.shape, np.uint8)
    for number in np.unique(instances):
        own = (instances == number).astype(np.float32)
        known = instances <= number if number else instances == 0
        edges = layer_edges(colour, own, known.astype(np.float32))
        owners[edges & (instances <= number)] = number + 1
    return owners


class EdgeMaps:
    """Owned edges uint8 (n, 128, 128) in a memory-mapped file; see :func:`assign_edges`."""

    def __init__(self, folder: Path, scenes: SceneSet) -> None:
        self.scenes = scenes
        self.values = open_shared(folder / "edges.npy", np.uint8, scenes.instances.shape)
        self.ready = open_shared(folder / "edges_ready.npy", np.uint8, scenes.instances.shape[:1])

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """uint8 (len(rows), 128, 128)."""
        for row in rows[self.ready[rows] == 0]:
            self.values[row] = assign_edges(self.scenes.pictures[row], self.scenes.instances[row])
            self.ready[row] = 1
        return np.asarray(self.values[rows])


def hints(owners: NDArray[np.uint8], random: np.random.Generator) -> Tensor:
    """White edges on black, float32 (b, 3, h, w), of some layers only: people hold single layers to
    their edges.
    """
    shown = random.random((len(owners), MOST_LAYERS + 1)) < 0.5
    shown |= random.random((len(owners), 1)) < WHOLE_SHARE
    shown[:, 0] = False
    white = np.take_along_axis(shown, owners.reshape(len(owners), -1), axis=1).reshape(owners.shape)
    return torch.from_numpy(white)[:, None].float().expand(-1, 3, -1, -1)
