"""One adapter over diffusers' samplers: made new for each run, forward step index k, our own
noising table.

``state(k)`` is the latent before network call k; state(N) is clean. In state k a clean latent x0
and noise n are mixed as ``a_k x0 + s_k n``; the table (a_k, s_k) is ours because ``add_noise`` of
several samplers ignores the level asked for once a run has begun, and none takes a level per pixel.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from backend.plan.request import LCM_STEPS, check_steps

if TYPE_CHECKING:
    from diffusers import SchedulerMixin

Level = tuple[float, float]


@dataclass(frozen=True)
class SamplerKind:
    """What sets a sampler apart.

    The class is named, not imported: diffusers takes seconds to load, and a sampler's row is read
    long before.

    Attributes:
        class_name: of diffusers.
        fixed: values that are ours, whatever the model's file says.
        exploding: its states are x0 + σ·n instead of a·x0 + s·n.
        stochastic: each step draws new noise.
        multistep: it remembers earlier predictions.
        calls: of the network a step; the last step of those with two takes one.
    """

    class_name: str
    fixed: Mapping[str, object]
    exploding: bool = False
    stochastic: bool = False
    multistep: bool = False
    calls: int = 1

    @property
    def make(self) -> type[SchedulerMixin]:
        """diffusers' class."""
        import diffusers

        kind: type[SchedulerMixin] = getattr(diffusers, self.class_name)
        return kind


KARRAS: Mapping[str, object] = {"use_karras_sigmas": True}
TRAILING: Mapping[str, object] = {"timestep_spacing": "trailing"}
_SECOND_ORDER: Mapping[str, object] = {"algorithm_type": "dpmsolver++", "solver_order": 2}
_EULER, _DPM, _UNIPC, _LMS = (
    "EulerDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
    "LMSDiscreteScheduler",
)

SAMPLERS: Mapping[str, SamplerKind] = {
    "ddim": SamplerKind("DDIMScheduler", {}),
    "ddim_trailing": SamplerKind("DDIMScheduler", TRAILING),
    "euler": SamplerKind(_EULER, {}, exploding=True),
    "euler_karras": SamplerKind(_EULER, KARRAS, exploding=True),
    "euler_trailing": SamplerKind(_EULER, TRAILING, exploding=True),
    "euler_ancestral": SamplerKind(
        "EulerAncestralDiscreteScheduler", {}, exploding=True, stochastic=True
    ),
    "dpmpp_2m": SamplerKind(_DPM, _SECOND_ORDER, multistep=True),
    "dpmpp_2m_karras": SamplerKind(_DPM, {**_SECOND_ORDER, **KARRAS}, multistep=True),
    "dpmpp_2m_sde_karras": SamplerKind(
        _DPM,
        {**_SECOND_ORDER, **KARRAS, "algorithm_type": "sde-dpmsolver++"},
        stochastic=True,
        multistep=True,
    ),
    "dpmpp_single": SamplerKind("DPMSolverSinglestepScheduler", _SECOND_ORDER, multistep=True),
    "unipc": SamplerKind(_UNIPC, {}, multistep=True),
    "unipc_karras": SamplerKind(_UNIPC, KARRAS, multistep=True),
    "deis": SamplerKind("DEISMultistepScheduler", {}, multistep=True),
    "lms": SamplerKind(_LMS, {}, exploding=True, multistep=True),
    "lms_karras": SamplerKind(_LMS, KARRAS, exploding=True, multistep=True),
    "heun": SamplerKind("HeunDiscreteScheduler", {}, exploding=True, calls=2),
    "dpm2": SamplerKind("KDPM2DiscreteScheduler", {}, exploding=True, calls=2),
    "ddpm": SamplerKind("DDPMScheduler", {}, stochastic=True),
    "lcm": SamplerKind("LCMScheduler", {"original_inference_steps": LCM_STEPS}, stochastic=True),
    "tcd": SamplerKind("TCDScheduler", {"original_inference_steps": LCM_STEPS}, stochastic=True),
}
_REMEMBERED = (
    *("model_outputs", "timestep_list", "lower_order_nums", "last_sample", "this_order"),
    *("derivatives", "sample"),
)
"""Where multistep samplers of diffusers keep what they remember."""
TCD_ETA = 0.3
"""How much of its noise TCD draws anew, as its authors recommend."""
LMS_ORDER = 4
FAINT = 2.0**-12
"""What stands for a where a state has no signal at all (a = 0): the level at which diffusers ends
such schedules, whose σ is 4096.
"""
_PIPELINE_VALUES = {"steps_offset": 1, "clip_sample": False}
"""What Stable Diffusion pipelines force on any scheduler that they are given."""


def scheduler_values(kind: SamplerKind, config: Mapping[str, object]) -> dict[str, object]:
    """All values of a sampler, explicitly: class defaults < the model's file < the pipelines' <
    ours.

    (``from_config`` would drop values that equal a default of the class they came from.)
    """
    parameters = inspect.signature(kind.make.__init__).parameters
    values = {
        name: p.default
        for name, p in parameters.items()
        if p.default is not inspect.Parameter.empty
    }
    for source in (config, _PIPELINE_VALUES, kind.fixed):
        values.update({name: value for name, value in source.items() if name in values})
    if config.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in values:
        values["trained_betas"] = _betas_without_signal(values)
    return values


def _betas_without_signal(values: Mapping[str, object]) -> list[float]:
    """For samplers that cannot rescale their own: the betas of a model whose last state has no
    signal but for the faint one that diffusers leaves to the others.
    """
    ddim = SAMPLERS["ddim"].make
    known = inspect.signature(ddim.__init__).parameters
    given = {name: value for name, value in values.items() if name in known}
    kept = ddim(**{**given, "rescale_betas_zero_snr": True}).alphas_cumprod.double()
    kept[-1] = FAINT**2
    before = torch.cat([torch.ones(1, dtype=kept.dtype), kept[:-1]])
    return [float(beta) for beta in 1 - kept / before]


def first_step(steps: int, strength: float) -> int:
    """The step at which image-to-image begins: k0 = N - ⌊N·strength⌋, as in diffusers.

    Args:
        steps: N.
        strength: 0 (the source stays) to 1 (pure noise).
    """
    return steps - min(int(steps * strength), steps)


class Schedule:
    """The states and steps of one run; it runs forward once.

    ``sigmas`` (N+1) are k-diffusion's s/a; the last is 0. ``is_between`` is true after the first
    call of a step that takes two: then the network is asked once more before the step is done.

    Args:
        sampler: a key of ``SAMPLERS``.
        config: of the model's noise schedule.
        steps: N.
        device: of the timesteps.

    Raises:
        RequestError: the sampler cannot take so many steps.
    """

    def __init__(
        self, sampler: str, config: Mapping[str, object], steps: int, device: torch.device
    ) -> None:
        check_steps(sampler, steps)
        kind = SAMPLERS[sampler]
        self.steps = steps
        self.kind = kind
        self._scheduler = kind.make(**scheduler_values(kind, config))
        self._scheduler.set_timesteps(steps, device=device)
        self._takes = frozenset(inspect.signature(self._scheduler.step).parameters)
        self.timesteps: Tensor = self._scheduler.timesteps[:: kind.calls]
        if len(self.timesteps) != steps:
            raise ValueError(f"{sampler} has {len(self.timesteps)} timesteps for {steps} steps")
        self._levels = _levels(self._scheduler, kind, steps)
        self.sigmas = tuple(s / max(a, FAINT) for a, s in self._levels)
        self._next, self._remembered = -1, 0
        self.is_between = False

    def level(self, k: int) -> Level:
        """(a_k, s_k) of a state.

        Args:
            k: 0 to N.
        """
        return self._levels[k]

    def begin_from_noise(self, noise: Tensor) -> Tensor:
        """State 0 of a picture of which nothing is known, as the pipelines begin.

        Args:
            noise: standard normal.
        """
        state: Tensor = noise * self._scheduler.init_noise_sigma
        return state

    def timestep(self, k: int) -> Tensor:
        """What the network is told of the state that it sees now.

        Args:
            k: the step.
        """
        number = k * self.kind.calls + int(self.is_between)
        timestep: Tensor = self._scheduler.timesteps[number]
        return timestep

    def noise_to(self, k: int, x0: Tensor, noise: Tensor) -> Tensor:
        """State k of a clean latent: a_k·x0 + s_k·n, and x0 itself for k = N.

        Args:
            k: 0 to N.
            x0: clean latents of any shape.
            noise: standard normal, of that shape.
        """
        if k == self.steps:
            return x0
        a, s = self._levels[k]
        return x0 + noise * s if self.kind.exploding else a * x0 + s * noise

    def scale_input(self, latents: Tensor, k: int) -> Tensor:
        """What the network sees of a state. The first call fixes the step at which the run begins.

        Args:
            latents: state k.
            k: the step.

        Raises:
            ValueError: it is not the next step.
        """
        if self._next < 0:
            self._next = k
            if hasattr(self._scheduler, "set_begin_index"):
                self._scheduler.set_begin_index(k * self.kind.calls)
        if k != self._next:
            raise ValueError(f"a schedule runs forward: step {self._next} is next, not {k}")
        scaled: Tensor = self._scheduler.scale_model_input(latents, self.timestep(k))
        return scaled

    def step(
        self, predicted: Tensor, k: int, latents: Tensor, generators: Sequence[torch.Generator]
    ) -> tuple[Tensor, Tensor]:
        """One step of the solver, or the first half of one; see ``is_between``.

        Args:
            predicted: the network's output for state k, noise or velocity, (b, c, h, w).
            k: the step.
            latents: state k.
            generators: one a row; stochastic samplers draw from them.

        Returns:
            State k+1, and the clean latents that the prediction means.
        """
        more: dict[str, object] = {"generator": list(generators)}
        more |= {"eta": TCD_ETA} if self.kind.class_name == "TCDScheduler" else {}
        self._remembered = min(self._remembered + 1, LMS_ORDER)
        more |= {"order": self._remembered} if self.kind.class_name == _LMS else {}
        more = {name: value for name, value in more.items() if name in self._takes}
        result = self._scheduler.step(
            predicted, self.timestep(k), latents, return_dict=True, **more
        )
        halves = self.kind.calls == 2 and k + 1 < self.steps
        self.is_between = halves and not self.is_between
        self._next = k if self.is_between else k + 1
        clean: Tensor | None = getattr(result, "pred_original_sample", None)
        if clean is not None:
            return result.prev_sample, clean
        return result.prev_sample, self.predict_clean(predicted, k, latents)

    def unstep(self, predicted: Tensor, k: int, after: Tensor) -> Tensor:
        """State k from which DDIM's step with a prediction leads to a state k+1.

        The sampler's own level of state k+1 is taken: its last step ends at the first timestep, not
        at no noise.

        Args:
            predicted: for state k, noise or velocity.
            k: the step.
            after: state k+1.

        Raises:
            ValueError: the sampler is another one.
        """
        if self.kind.class_name != "DDIMScheduler":
            raise ValueError(f"{self.kind.class_name} has no step that can be undone")
        a, s = self._levels[k]
        scheduler: SchedulerMixin = self._scheduler
        earlier = int(self.timesteps[k]) - scheduler.config.num_train_timesteps // self.steps
        kept = scheduler.alphas_cumprod[earlier] if earlier >= 0 else scheduler.final_alpha_cumprod
        a_after: float = float(kept) ** 0.5
        s_after: float = (1 - float(kept)) ** 0.5
        if scheduler.config.prediction_type == "v_prediction":
            return (after - (s_after * a - a_after * s) * predicted) / (a_after * a + s_after * s)
        return (after - s_after * predicted) * (a / a_after) + s * predicted

    def predict_clean(self, predicted: Tensor, k: int, latents: Tensor) -> Tensor:
        """The clean latents that a prediction means: x0 = (x_k - s_k·ε) / a_k.

        Args:
            predicted: for state k, noise or velocity.
            k: the step.
            latents: state k.
        """
        a, s = self._levels[k]
        if self._scheduler.config.prediction_type == "v_prediction":
            norm: float = (a * a + s * s) ** 0.5
            return latents * (a / norm**2) - predicted * (s / norm)
        return (latents - s * predicted) / max(a, FAINT)

    def memory(self) -> dict[str, Tensor]:
        """What a multistep sampler remembers of the steps so far; nothing of another one."""
        kept: dict[str, Tensor] = {}
        for name in _REMEMBERED if self.kind.multistep else ():
            value = getattr(self._scheduler, name, None)
            rows = value if isinstance(value, list) else [value]
            kept |= {
                f"{name}.{place}": torch.as_tensor(one)
                for place, one in enumerate(rows)
                if one is not None
            }
        return kept

    def restore(self, memory: Mapping[str, Tensor]) -> None:
        """Go on from what ``memory`` gave, before the first step.

        Args:
            memory: by the same names.
        """
        for name, value in memory.items():
            field_name, place = name.split(".")
            present = getattr(self._scheduler, field_name, None)
            if isinstance(present, list):
                present.extend([None] * (int(place) + 1 - len(present)))
                present[int(place)] = value
                self._remembered = len(present) if field_name == "derivatives" else 0
            else:
                one = value if value.ndim else int(value)
                setattr(self._scheduler, field_name, one)

    def forget(self) -> None:
        """Drop the history of a multistep sampler; call it when a state was changed after the step
        that made it.

        The next step is of first order, and UniPC does not correct the changed state back.
        """
        if not self.kind.multistep:
            return
        self._remembered = 0
        scheduler: SchedulerMixin = self._scheduler
        if hasattr(scheduler, "lower_order_nums"):
            scheduler.lower_order_nums = 0
        if hasattr(scheduler, "last_sample"):
            scheduler.last_sample = None
        if self.kind.class_name == _LMS:
            scheduler.derivatives = []
        if hasattr(scheduler, "order_list"):
            scheduler.model_outputs = [None] * scheduler.config.solver_order


def _levels(scheduler: SchedulerMixin, kind: SamplerKind, steps: int) -> tuple[Level, ...]:
    """(a, s) of every state in single precision, by the arithmetic of the sampler's own
    ``add_noise``.
    """
    if not hasattr(scheduler, "sigmas"):
        kept = scheduler.alphas_cumprod[scheduler.timesteps.long().cpu()].to(torch.float32)
        pairs = torch.stack([kept**0.5, (1 - kept) ** 0.5], dim=1)
    else:
        sigma = scheduler.sigmas[: steps * kind.calls : kind.calls].cpu().to(torch.float32)
        a = torch.ones_like(sigma) if kind.exploding else 1 / ((sigma**2 + 1) ** 0.5)
        pairs = torch.stack([a, sigma * a], dim=1)
    return (*((float(a), float(s)) for a, s in pairs), (1.0, 0.0))


@dataclass(frozen=True)
class Noising:
    """The noise that a model was trained on: x_t = a_t x0 + s_t n for t = 0…T-1, with a² + s² = 1.

    Attributes:
        kept: a_t² of every t, float32 (T,).
        velocity: the network predicts a n - s x0, not the noise.
    """

    kept: Tensor = field(repr=False)
    """a_t² of every t: float32 (T,)."""
    velocity: bool

    @property
    def steps(self) -> int:
        """T, the number of timesteps."""
        return len(self.kept)

    def add_noise(self, x0: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x_t of clean latents.

        Args:
            x0: (b, c, h, w).
            noise: standard normal, of that shape.
            timesteps: one a row, int (b,), 0 to T-1.
        """
        a, s = self._levels(timesteps, x0)
        return a * x0 + s * noise

    def target(self, x0: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the network should predict: the noise, or the velocity a n - s x0.

        Args:
            x0: clean latents, (b, c, h, w).
            noise: of that shape.
            timesteps: int (b,), 0 to T-1.
        """
        if not self.velocity:
            return noise
        a, s = self._levels(timesteps, x0)
        return a * noise - s * x0

    def clean(self, predicted: Tensor, noisy: Tensor, timesteps: Tensor) -> Tensor:
        """The clean latents that a prediction means.

        Args:
            predicted: (b, c, h, w).
            noisy: x_t, of that shape.
            timesteps: int (b,), 0 to T-1.
        """
        a, s = self._levels(timesteps, noisy)
        return a * noisy - s * predicted if self.velocity else (noisy - s * predicted) / a

    def _levels(self, timesteps: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        kept = self.kept[timesteps.cpu()].view(-1, 1, 1, 1).to(like.device)
        return kept.sqrt().to(like.dtype), (1 - kept).sqrt().to(like.dtype)


def build_noising(config: Mapping[str, object]) -> Noising:
    """The noise of a model's training.

    Args:
        config: of the model's noise schedule.
    """
    ddim = SAMPLERS["ddim"]
    scheduler = ddim.make(**scheduler_values(ddim, config))
    return Noising(
        scheduler.alphas_cumprod.to(torch.float32),
        scheduler.config.prediction_type == "v_prediction",
    )
