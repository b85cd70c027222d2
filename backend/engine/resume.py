"""A batch's loop that can go on in another process: after any step its state is latents, what the
sampler and its generators remember, and the running means of where words looked.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import torch
from torch import Tensor

from backend.engine.attention_maps import MapMeans, WatchWords
from backend.engine.conditioning import Conditioning
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import Control, Step
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule


def denoise_resumable(
    bundle: ModelBundle,
    schedule: Schedule,
    conditioning: Conditioning,
    start: Start,
    controls: Sequence[Control],
    name: str,
) -> Generator[Step, None, Tensor]:
    """``denoise`` to its end, from where the bundle's run state says that this loop stands.

    Args:
        bundle: whose run it is.
        schedule: a fresh one.
        conditioning: the words.
        start: where the loop begins, unless it has begun before.
        controls: what acts in the loop; of what they remember only ``WatchWords`` goes on.
        name: of the loop, which follows from all that decides it.

    Yields:
        The steps that are still to be taken; none of a loop that has ended before.

    Returns:
        The clean latents, (b, c, h, w).
    """
    state = bundle.run
    if name in state.ends:
        return state.ends[name].to(start.latents.dtype)
    maps = [control.maps for control in controls if isinstance(control, WatchWords)]
    memory = state.find(name)
    begin = _restore(memory, schedule, start, maps) if memory else start
    reached = begin

    def read() -> Mapping[str, Tensor]:
        return _memory(reached, schedule, maps) if reached is not begin else memory

    state.follow(name, read)
    with closing(denoise(bundle.unet, schedule, conditioning, begin, controls)) as steps:
        for step in steps:
            reached = Start(step.latents, step.k + 1, begin.generators)
            yield replace(step, first=start.first)
    state.finish(name, reached.latents)
    return reached.latents


def _memory(reached: Start, schedule: Schedule, maps: Sequence[MapMeans]) -> dict[str, Tensor]:
    generators = {f"generator.{row}": one.get_state() for row, one in enumerate(reached.generators)}
    seen = {f"maps.{n}.{name}": one for n, mean in enumerate(maps) for name, one in mean.memory()}
    own = {f"schedule.{name}": value for name, value in schedule.memory().items()}
    return {
        "k": torch.tensor(reached.first),
        "latents": reached.latents,
        **generators,
        **seen,
        **own,
    }


def _restore(
    memory: Mapping[str, Tensor], schedule: Schedule, start: Start, maps: Sequence[MapMeans]
) -> Start:
    """The state that was reached; schedule, generators and means are brought there."""
    for row, one in enumerate(start.generators):
        one.set_state(memory[f"generator.{row}"].cpu())
    for n, mean in enumerate(maps):
        if f"maps.{n}.sum" in memory:
            mean.restore(memory[f"maps.{n}.sum"], memory[f"maps.{n}.count"])
    begin = "schedule."
    schedule.restore(
        {name.removeprefix(begin): one for name, one in memory.items() if name.startswith(begin)}
    )
    latents = memory["latents"].to(start.latents.dtype)
    return Start(latents, int(memory["k"]), start.generators)
