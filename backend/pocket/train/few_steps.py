"""Train the UNet for few steps: guidance and consistency distilled into a second UNet for the
sampler ``lcm``.

Latent Consistency Models (Luo et al. 2023, section 4): the student f(x_t, t) foresees the end of
the guided path through x_t, so that it must foresee the same from a state further on the path,
which the teacher finds with guidance (equation 17). One hop of the teacher is one step of
DPM-Solver++ 2S, so that few hops lead from noise to the picture.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from backend.plan.request import LCM_STEPS
from backend.pocket.networks.configs import UNET
from backend.pocket.networks.networks import build_scheduler
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.attention import RegionView, watch_regions
from backend.pocket.train.batches import Batches, StoredBatches, TrainingScenes
from backend.pocket.train.captions import CaptionMaker
from backend.pocket.train.controlnet import load_frozen
from backend.pocket.train.export import export_member, load_trained_autoencoder
from backend.pocket.train.latents import LatentCache
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import load_training_set
from backend.pocket.train.schedule import (
    MovingAverage,
    Pace,
    late_decay,
    restore_checkpoint,
    save_checkpoint,
)
from backend.pocket.train.unet import MASKED_SHARE, OBJECT_WEIGHT, rough_regions

MEMBER = "unet_lcm"
"""The folder of the student in the family."""
GUIDANCE_SCALE = 3.0
"""What is distilled: of the scales tried, outlines came best at this one."""
HOP = 5
"""Of the grid's points between the two states that must foresee the same."""
AVERAGE = 0.98
"""Decay of the moving average, which foresees for the state further on and is exported."""
LEARNING_RATE, DECAY_SHARE = 4e-4, 0.4
SIGMA_DATA, TIMESTEP_SCALING = 0.5, 10.0
"""Of diffusers' ``LCMScheduler``: they say how much of a state stays in what is foreseen."""
REPORT_STEPS, SAVE_S = 25, 180.0
Foresee = Callable[[Tensor, Tensor], Tensor]
"""(states (b, c, h, w), timesteps (b,)) → the clean latents foreseen, of the states' shape."""


@dataclass(frozen=True)
class ForwardProcess:
    """The forward process of the training: how much signal and noise its 1,000 timesteps hold.

    Attributes:
        signal: float32 (1000,), a of x_t = a·x0 + s·n.
        noise: float32 (1000,), s.
    """

    signal: Tensor
    noise: Tensor

    def at(self, steps: Tensor) -> tuple[Tensor, Tensor]:
        """(a, s), each (b, 1, 1, 1), of timesteps int64 (b,); -1 is the clean picture."""
        clean = steps < 0
        known = steps.clamp(min=0)
        a = torch.where(clean, 1.0, self.signal[known])
        s = torch.where(clean, 0.0, self.noise[known])
        return a[:, None, None, None], s[:, None, None, None]

    def hop(self, state: Tensor, steps: tuple[Tensor, Tensor], clean: Tensor) -> Tensor:
        """The state at ``steps[1]``, from one at ``steps[0]`` and clean latents foreseen between:
        x_s = (σ_s/σ_t)·x_t + (a_s - a_t·σ_s/σ_t)·D, DPM-Solver++'s first order.
        """
        (a_from, s_from), (a_to, s_to) = self.at(steps[0]), self.at(steps[1])
        return s_to / s_from * state + (a_to - a_from * s_to / s_from) * clean

    def log_ratio(self, steps: Tensor) -> Tensor:
        """λ = log(a/s) (b, 1, 1, 1), at most that of the first timestep."""
        a, s = self.at(steps.clamp(min=0))
        return (a / s).log()

    def hop_twice(self, state: Tensor, steps: tuple[Tensor, Tensor], clean_at: Foresee) -> Tensor:
        """The state at ``steps[1]`` by what is foreseen at ``steps[0]`` and half way: D = D_t +
        (D_m - D_t)/2r with r = (λ_m - λ_t)/(λ_s - λ_t), DPM-Solver++ 2S (Lu et al. 2022, algorithm
        1).
        """
        first, last = steps
        middle = (first + last.clamp(min=0)) // 2
        clean = clean_at(state, first)
        between = clean_at(self.hop(state, (first, middle), clean), middle)
        begin, half, end = (self.log_ratio(one) for one in (first, middle, last))
        share = (half - begin) / (end - begin)
        return self.hop(state, steps, clean + (between - clean) / (2 * share))


def build_process() -> ForwardProcess:
    """That of the family's schedule."""
    kept = build_scheduler().alphas_cumprod
    return ForwardProcess(kept.sqrt(), (1 - kept).sqrt())


def foresee(state: Tensor, steps: Tensor, clean: Tensor) -> Tensor:
    """f = c_skip·x_t + c_out·x0: the consistency function, which at t = 0 is the state itself.

    Args:
        state: x_t (b, c, h, w).
        steps: t int64 (b,); of a negative one the state is clean.
        clean: what the network foresees, of the state's shape.
    """
    scaled = (steps.clamp(min=0) * TIMESTEP_SCALING).float()[:, None, None, None]
    kept = SIGMA_DATA**2 / (scaled**2 + SIGMA_DATA**2)
    return kept * state + scaled / (scaled**2 + SIGMA_DATA**2).sqrt() * clean


class FewStepsRun(Assignment):
    """The student; ``warm`` begins with the family's own instead of a copy of its UNet."""

    def __call__(self, member: PoolMember) -> None:
        """Train in one process, then write the member into the family."""
        scenes = load_training_set(self.out / "forms")
        autoencoder = load_trained_autoencoder(self.out)
        side = int(UNET["sample_size"])
        full, small = (
            LatentCache(self.out / "forms", scenes, autoencoder, cells)
            for cells in (side, side // 2)
        )
        FewStepsTrainer(self, StoredBatches(scenes, full, small)).train()


class FewStepsTrainer:
    """The loop of the training."""

    def __init__(self, run: FewStepsRun, source: Batches) -> None:
        torch.manual_seed(run.seed)
        self.run, self.source = run, source
        self.teacher, self.text = load_frozen(run.family)
        self.student = self._first().train().requires_grad_(True)
        _hold_ends(self.student, self.teacher)
        self.average = MovingAverage(self.student, AVERAGE)
        networks = (self.teacher, self.student, self.average.network)
        self.views = tuple(watch_regions(network) for network in networks)
        self.optimiser = torch.optim.AdamW(
            [weight for weight in self.student.parameters() if weight.requires_grad],
            LEARNING_RATE,
            betas=(0.9, 0.99),
            fused=True,
        )
        self.process = build_process()
        empty = CaptionMaker(build_tokenizer()).say([], "")[0]
        with torch.no_grad():
            self.empty_states = self.text(torch.tensor([empty])).last_hidden_state
        self.pace = Pace(run.minutes * 60, self._restore())

    def _first(self) -> UNet2DConditionModel:
        if not self.run.warm:
            return copy.deepcopy(self.teacher)
        return UNet2DConditionModel.from_pretrained(
            self.run.family / MEMBER, use_safetensors=True, torch_dtype=torch.float32
        )

    def train(self) -> None:
        """Go on until the time is used up, then write the last checkpoint and the member."""
        step = self.average.updates
        random = np.random.default_rng((self.run.seed, 5, step))
        torch.manual_seed(self.run.seed + 17 + step)
        running, saved = 0.0, time.monotonic()
        while (progress := self.pace.progress) < 1:
            for group in self.optimiser.param_groups:
                group["lr"] = LEARNING_RATE * late_decay(progress, DECAY_SHARE)
            loss = self._learn(self.source.draw(False, True, random), random)
            running = loss if running == 0 else 0.98 * running + 0.02 * loss
            step += 1
            if step % REPORT_STEPS == 0:
                print(
                    f"{time.strftime('%T')} step {step} {progress:.3f} loss {running:.4f}",
                    flush=True,
                )
            if time.monotonic() - saved > SAVE_S:
                self._save()
                saved = time.monotonic()
        self._save()
        export_member(copy.deepcopy(self.average.network), self.run.family / MEMBER)

    def _learn(self, batch: TrainingScenes, random: np.random.Generator) -> float:
        rows = len(batch.ids)
        self._show(batch, random)
        points = torch.from_numpy(random.integers(0, LCM_STEPS, rows))
        stride = len(self.process.signal) // LCM_STEPS
        steps = (points + 1) * stride - 1
        later = ((points + 1 - HOP) * stride - 1).clamp(min=-1)
        signal, noise = self.process.at(steps)
        state = signal * batch.latents + noise * torch.randn_like(batch.latents)
        with torch.no_grad():
            states = self.text(batch.ids).last_hidden_state
            reached = self.process.hop_twice(
                state, (steps, later), lambda x, t: self._foresee_with_guidance(x, t, states)
            )
            foreseen = self._clean(self.average.network, reached, later.clamp(min=0), states)
            target = torch.where(
                (later < 0)[:, None, None, None], reached, foresee(reached, later, foreseen)
            )
        error = foresee(state, steps, self._clean(self.student, state, steps, states)) - target
        weight = 1 + OBJECT_WEIGHT * (batch.looks[:, 0] > 0).float()
        loss = (error.square().mean(1) * weight).mean() / weight.mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.average.update(self.student)
        return float(loss.detach())

    def _show(self, batch: TrainingScenes, random: np.random.Generator) -> None:
        """Let all networks see the words of some samples inside of their objects only."""
        regions = rough_regions(batch.regions, random)
        wanted = (batch.owners >= 0).any(1)
        masked = torch.from_numpy(random.random(len(wanted)) < MASKED_SHARE) & wanted
        for view in self.views:
            view.regions, view.owners, view.masked_rows = regions, batch.owners, masked
            view.inside.clear()

    def _clean(
        self, network: UNet2DConditionModel, state: Tensor, steps: Tensor, states: Tensor
    ) -> Tensor:
        """The clean latents that a network foresees: x0 = a·x_t - s·v."""
        signal, noise = self.process.at(steps)
        with use_mixed_precision():
            velocity = network(state, steps, states).sample
        return signal * state - noise * velocity.float()

    def _foresee_with_guidance(self, state: Tensor, steps: Tensor, states: Tensor) -> Tensor:
        """The clean latents that the teacher foresees with guidance."""
        view = self.views[0]
        named = self._clean(self.teacher, state, steps, states)
        with _show_everywhere(view):
            empty = self.empty_states.expand(len(state), -1, -1)
            unnamed = self._clean(self.teacher, state, steps, empty)
        return unnamed + GUIDANCE_SCALE * (named - unnamed)

    def _save(self) -> None:
        path = self.run.out / f"{MEMBER}.pt"
        save_checkpoint(path, self.student, self.average, self.optimiser, self.pace)

    def _restore(self) -> float:
        path = self.run.out / f"{MEMBER}.pt"
        if not (self.run.resume and path.exists()):
            return 0.0
        return restore_checkpoint(path, self.student, self.average, self.optimiser)


def _hold_ends(student: UNet2DConditionModel, teacher: UNet2DConditionModel) -> None:
    """Leave the student the teacher's first and last convolution: by them subjects know the model
    that they were trained on (``models/adapter.py``), and what they learned fits both.
    """
    for name in ("conv_in", "conv_out"):
        mine, theirs = getattr(student, name), getattr(teacher, name)
        mine.load_state_dict(theirs.state_dict())
        mine.requires_grad_(False)


@contextmanager
def _show_everywhere(view: RegionView) -> Iterator[None]:
    """For a while a network's words are seen everywhere."""
    regions, view.regions = view.regions, None
    try:
        yield
    finally:
        view.regions = regions


def train(given: TrainingFlags) -> None:
    """The part ``few_steps``."""
    run_pool(FewStepsRun.parse(given), 1, given.out)
