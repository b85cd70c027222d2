"""What a run has done so far that would be dear to do again: kept with the bundle for the length of
the run, written down now and then, and what a run goes on from after a restart.

A run is a row of loops, one after the other. Each has a name that follows from what decides it, so
the same run begun again in another process finds its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.scene.formats.tensor_file import pack_tensors, unpack_tensors

FORMAT = "lamina run 1"
Memory = Mapping[str, Tensor]
"""All that a loop has to know to take its next step."""


@dataclass
class RunState:
    """The state of the run that has the bundle's lease; between runs, and for who runs a method
    without ``begin``, nothing is kept and nothing is found.

    Attributes:
        kept: whether a run has begun and has not ended.
        images: of the plan's seeds, how many are finished: they are left out.
        steps: taken so far, in all batches.
        ends: what the finished loops of the present batch came to, by their names.
        loop: the name of the loop that runs, or that a run goes on with; empty for none.
        memory: what it goes on from.
    """

    kept: bool = False
    images: int = 0
    steps: int = 0
    ends: dict[str, Tensor] = field(default_factory=dict, repr=False)
    loop: str = ""
    memory: Memory = field(default_factory=dict, repr=False)
    _read: Callable[[], Memory] | None = field(default=None, repr=False)

    def begin(self, images: int, content: bytes, device: torch.device) -> None:
        """Begin a run anew, or where a file says; one of another batch, or a damaged one, is of no
        use.

        Args:
            images: how many are finished.
            content: of the file, or nothing.
            device: of the tensors.
        """
        self.end()
        self.kept, self.images = True, images
        try:
            file = unpack_tensors(content)
        except ValueError:
            return
        if (file.facts.get("format"), file.facts.get("images")) != (FORMAT, images):
            return
        tensors = {
            name: _lay_out(
                torch.from_numpy(value.copy()).to(device), name in file.facts["by_pixel"]
            )
            for name, value in file.tensors.items()
        }
        self.steps, self.loop = int(file.facts["steps"]), str(file.facts["loop"])
        self.ends = _below("end.", tensors)
        self.memory = _below("memory.", tensors)

    def end(self) -> None:
        """The run is over: the next one on the bundle finds nothing of it."""
        self.kept, self.images, self.steps, self.ends = False, 0, 0, {}
        self.loop, self.memory, self._read = "", {}, None

    def find(self, loop: str) -> Memory:
        """What a loop goes on from; nothing for one that begins."""
        return self.memory if loop == self.loop else {}

    def follow(self, loop: str, read: Callable[[], Memory]) -> None:
        """A loop runs from here on.

        Args:
            loop: its name.
            read: what it would go on from, whenever it is asked between two steps.
        """
        if self.kept:
            self.loop, self.memory, self._read = loop, {}, read

    def finish(self, loop: str, end: Tensor) -> None:
        """A loop has ended."""
        if self.kept:
            self.ends[loop] = end
        self.loop, self.memory, self._read = "", {}, None

    def finish_images(self, count: int) -> None:
        """A batch has ended with so many images."""
        self.images += count if self.kept else 0
        self.ends = {}

    def to_bytes(self) -> bytes:
        """The state as a file; nothing where there is none worth keeping."""
        memory = self._read() if self._read is not None else {}
        if not memory and not self.ends:
            return b""
        facts: dict[str, object] = {
            "format": FORMAT,
            "images": self.images,
            "steps": self.steps,
            "loop": self.loop if memory else "",
            "by_pixel": [],
        }
        named = {
            **{f"end.{name}": value for name, value in self.ends.items()},
            **{f"memory.{name}": value for name, value in memory.items()},
        }
        facts["by_pixel"] = [name for name, value in named.items() if _is_by_pixel(value)]
        arrays = {name: _array(value) for name, value in named.items()}
        return pack_tensors(arrays, facts)


def _array(value: Tensor) -> NDArray[Any]:
    """As numpy knows it: what it has no type for, in one that holds it exactly."""
    plain = value.detach().cpu()
    array: NDArray[Any] = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return array


def _is_by_pixel(value: Tensor) -> bool:
    """Whether the channels of a pixel lie side by side: networks then add in another order."""
    by_pixel = value.ndim == 4 and value.is_contiguous(memory_format=torch.channels_last)
    return by_pixel and not value.is_contiguous()


def _lay_out(value: Tensor, by_pixel: bool) -> Tensor:
    return value.contiguous(memory_format=torch.channels_last) if by_pixel else value


def _below(start: str, tensors: Memory) -> dict[str, Tensor]:
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }
