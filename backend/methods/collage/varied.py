"""Candidates that differ in one layer alone share every step above that layer's level."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from backend.engine.denoise import Start
from backend.engine.loop_types import Step
from backend.engine.noise import SplitNoise
from backend.methods.collage.chunk import Chunk, begun, steps, varied
from backend.methods.collage.laying import Laid
from backend.models.bundle import ModelBundle
from backend.models.schedule import first_step


@dataclass(frozen=True, eq=False)
class Prefix:
    """What candidates that differ in one layer share: the first one's run until that layer is
    released.

    ``chunk`` is how it began, ``latents`` (1, c, h, w) its state ``until``, ``cells`` bool (h, w)
    the layer's.
    """

    chunk: Chunk
    until: int
    latents: torch.Tensor
    cells: torch.Tensor


def shared(collage: Laid, bundle: ModelBundle) -> Generator[Step, None, Prefix]:
    """Run the first candidate alone up to the state of the varied layer's level."""
    chunk = begun(collage, bundle, collage.plan.seeds[:1])
    until, cells = _branching(collage, bundle.card.cell_px)
    latents = chunk.start.latents
    with closing(steps(collage, bundle, chunk)) as made:
        for step in islice(made, until - collage.first):
            latents = step.latents
            yield step
    return Prefix(chunk, until, latents, torch.from_numpy(cells).to(bundle.device))


def branched(collage: Laid, prefix: Prefix, own: Chunk, seeds: tuple[int, ...]) -> Chunk:
    """Candidates that go on from what is shared, each under its ``own`` noise in the varied layer's
    cells.
    """
    shared, generators = prefix.chunk, own.start.generators
    if (
        seeds[0] == collage.plan.seeds[0]
    ):  # the first candidate itself goes on with the draws that come next
        generators = (*shared.start.generators, *generators[1:])
    source = shared.source.expand_as(own.source)
    stream = SplitNoise(prefix.cells, own.stream, shared.stream)
    noise = own.noise if prefix.until == collage.first else own.stream.at(prefix.until, source)
    level = own.schedule.noise_to(prefix.until, source, noise)
    start = Start(torch.where(prefix.cells, level, prefix.latents), prefix.until, generators)
    return Chunk(own.schedule, source, own.noise, stream, start, own.watched)


def _branching(collage: Laid, cell_px: int) -> tuple[int, NDArray[np.bool_]]:
    """k0 and the varied layer's cells that are held until then, bool (h, w).

    With a painted freedom, or where no cell keeps to the layer's own level, k0 is when its first
    cell is released.
    """
    number = varied(collage.plan) or 0
    owned = _owned(collage.flat.topmost == number, cell_px)
    release = np.broadcast_to(collage.release.cpu().numpy(), owned.shape)
    layer = collage.plan.layers[number - 1]
    until = max(collage.first, first_step(collage.plan.steps, layer.noise))
    if layer.noise_map is not None or not (release[owned] >= until).any():
        until = int(release[owned].min())
    return until, owned & (release >= until)


def _owned(pixels: NDArray[np.bool_], cell_px: int) -> NDArray[np.bool_]:
    """The latent cells of a layer's pixels (h, w): those whose centre is one, or where none is all
    that it touches.
    """
    rows, columns = (side // cell_px for side in pixels.shape)
    cells = pixels[: rows * cell_px, : columns * cell_px].reshape(rows, cell_px, columns, cell_px)
    centres = cells[:, cell_px // 2, :, cell_px // 2]
    return centres if centres.any() else np.asarray(cells.any(axis=(1, 3)))
