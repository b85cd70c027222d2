"""Several training processes of one thread each, their gradients averaged (two threads in one
process mostly wait).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from backend.models.load import hide_bars


class TrainingFlags(argparse.Namespace):
    """The command line of ``python -m backend.pocket.train``, typed."""

    part: str
    minutes: float | None
    device: str
    warm: bool
    resume: bool
    out: Path
    family: Path
    seed: int
    workers: int


@dataclass(frozen=True)
class PoolMember:
    """One process of a crew; rank 0 writes files and logs."""

    rank: int
    size: int

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0


@dataclass(frozen=True)
class Assignment:
    """What a training is told. A part of the family adds ``__call__(member)``, the training
    itself.
    """

    out: Path
    """Folder of the scenes, checkpoints and reports."""
    family: Path
    """Folder of the exported models."""
    minutes: float
    """Length; the learning rate is planned by it."""
    seed: int
    resume: bool
    """Go on from the last checkpoint in ``out``."""
    warm: bool
    """Begin with the weights of ``family`` (UNet, ControlNet, judge)."""
    device: str
    """cpu or cuda, where a part can use it."""

    @classmethod
    def parse(cls, given: TrainingFlags) -> Self:
        """From the command line."""
        return cls(**{field.name: getattr(given, field.name) for field in fields(cls)})


def _begin(rank: int, size: int, meeting: Path, work: Callable[[PoolMember], None]) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    hide_bars()
    if size > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)
    work(PoolMember(rank, size))
    if size > 1:
        dist.destroy_process_group()


def run_pool(work: Callable[[PoolMember], None], size: int, folder: Path) -> None:
    """Run ``work`` in ``size`` processes that meet through a file in ``folder``; ``work`` must be
    picklable.
    """
    meeting = folder / f"meeting.{os.getpid()}"
    if size == 1:
        _begin(0, 1, meeting, work)
        return
    spawn(_begin, args=(size, meeting, work), nprocs=size, join=True)
    meeting.unlink(missing_ok=True)


def average_gradients(parameters: Iterable[nn.Parameter], member: PoolMember) -> None:
    """Replace every gradient by the crew's mean, in one flat exchange."""
    if member.size == 1:
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= member.size
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


def agree(value: float, member: PoolMember) -> float:
    """The leader's number in every process, so that all stop and decay at the same step."""
    if member.size == 1:
        return value
    shared: Tensor = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(shared, src=0)
    return float(shared)
