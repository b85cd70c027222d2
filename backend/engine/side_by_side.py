"""Rows that share nothing, on several cores at once: one thread a share, each with its part of
torch's own threads.

A network of small pictures leaves most of a second core idle; two of them at the same time do not.
torch lets go of Python's lock while it computes.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import torch

from backend.engine.loop_types import FitProgress


def shares_of(rows: int, device: torch.device) -> tuple[slice, ...]:
    """Rows in even runs, as many as torch has threads; all in one on other devices than a CPU.

    Args:
        rows: at least one.
        device: of the network.
    """
    count = min(rows, torch.get_num_threads()) if device.type == "cpu" else 1
    return tuple(
        slice(*ends) for ends in pairwise(rows * number // count for number in range(count + 1))
    )


def side_by_side(
    fits: Sequence[Generator[FitProgress, None, None]],
) -> Generator[FitProgress, None, None]:
    """The steps of fits of equal length as steps of all their rows; each fit advances in a thread.

    One alone advances in the caller's.

    Args:
        fits: at least one.
    """
    if len(fits) == 1:
        yield from fits[0]
        return
    with _threads(len(fits)) as pool:
        while True:
            moment = [progress for progress in pool.map(_advance, fits) if progress is not None]
            if len(moment) < len(fits):
                return
            latents, pictures = (
                torch.cat([getattr(progress, name) for progress in moment])
                for name in ("latents", "denoised")
            )
            yield replace(moment[0], latents=latents, denoised=pictures)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    own = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(
            count, initializer=torch.set_num_threads, initargs=(max(1, own // count),)
        ) as pool:
            yield pool
    finally:
        torch.set_num_threads(
            own
        )  # threads that begin later take what was set last, wherever that was


def _advance(fit: Generator[FitProgress, None, None]) -> FitProgress | None:
    return next(fit, None)
