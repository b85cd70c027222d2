"""Training scenes on disk: pictures, instance maps and what is said about them, drawn by several
processes.

In the folder: ``pictures.npy`` uint8 (n, 128, 128, 3), ``instances.npy`` uint8 (n, 128, 128) with 0
= background and k + 1 = k-th object, ``scenes.json`` with background and objects of each.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from backend.pocket.train.pool import TrainingFlags
from backend.pocket.world.world import Drawing, draw_scene

SIZE_PX = 128
FIRST_SEED = 1_000_000
"""Training draws seeds from here on; tests and evaluation use smaller ones, so they never meet a
training scene.
"""


@dataclass(frozen=True)
class SceneKind:
    """``count`` scenes of as many objects as one of ``objects`` says, from ``smallest`` to 1 times
    the usual size.
    """

    count: int
    objects: tuple[int, ...]
    smallest: float = 1.0


@dataclass(frozen=True)
class SceneMix:
    """Kinds of scenes in the order in which they lie on disk, drawn with the seeds from
    ``first_seed`` on.
    """

    first_seed: int
    kinds: tuple[SceneKind, ...]

    def __len__(self) -> int:
        return sum(kind.count for kind in self.kinds)

    def draw(self, index: int) -> Drawing:
        """The scene with this number."""
        seed, start = self.first_seed + index, 0
        for kind in self.kinds:
            start += kind.count
            if index < start:
                break
        if kind.smallest == 1.0:
            return draw_scene(seed, SIZE_PX, kind.objects)
        scale = float(np.random.default_rng((seed, 2)).uniform(kind.smallest, 1.0))
        return draw_scene(seed, SIZE_PX, kind.objects, scale=scale)


LARGE, MIXED, CROWDED = 18_000, 10_000, 14_000
"""Scenes of one or two large objects, of one to four objects of many sizes, of two to four."""
WORLD = SceneMix(
    FIRST_SEED,
    (
        SceneKind(LARGE, (1, 2)),
        SceneKind(MIXED, (1, 2, 3, 4), 0.62),
        SceneKind(CROWDED, (2, 3, 3, 4), 0.75),
    ),
)
"""What all but the UNet learn from."""
FORMS = SceneMix(
    2 * FIRST_SEED,
    (SceneKind(48_000, (1,)), SceneKind(14_000, (2,)), SceneKind(10_000, (1, 2, 3, 4), 0.7)),
)
"""What the UNet learns from: forms are learned from single objects first."""
FOLDERS: Mapping[str, SceneMix] = MappingProxyType({"scenes": WORLD, "forms": FORMS})


@dataclass(frozen=True)
class SceneWords:
    """What a training scene shows: the objects as (class, colour, texture), in the order of the
    instance map.
    """

    background: str
    looks: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class SceneSet:
    """Memory-mapped training scenes; see the module's first lines."""

    pictures: NDArray[np.uint8]
    instances: NDArray[np.uint8]
    words: tuple[SceneWords, ...]

    def __len__(self) -> int:
        return len(self.words)


def _draw_share(folder: Path, mix: SceneMix, start: int, stop: int) -> None:
    pictures = np.load(folder / "pictures.npy", mmap_mode="r+")
    instances = np.load(folder / "instances.npy", mmap_mode="r+")
    lines = []
    for index in range(start, stop):
        drawing = mix.draw(index)
        pictures[index] = drawing.picture
        instances[index] = (
            drawing.visible * np.arange(1, len(drawing.visible) + 1)[:, None, None]
        ).sum(0)
        looks = tuple((p.class_, p.colour, p.texture) for p in drawing.placements)
        lines.append(json.dumps(asdict(SceneWords(drawing.background, looks))))
    (folder / f"scenes_{start:06d}.jsonl").write_text("\n".join(lines) + "\n")


def draw_training_set(folder: Path, mix: SceneMix, workers: int = 2) -> None:
    """Draw all scenes of a mix into the folder; the result does not depend on the number of
    workers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, shape in (
        ("pictures", (len(mix), SIZE_PX, SIZE_PX, 3)),
        ("instances", (len(mix), SIZE_PX, SIZE_PX)),
    ):
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape).flush()
    cuts = np.linspace(0, len(mix), workers + 1).astype(int)
    context = get_context("spawn")
    processes = [
        context.Process(target=_draw_share, args=(folder, mix, int(a), int(b)))
        for a, b in itertools.pairwise(cuts)
    ]
    for worker in processes:
        worker.start()
    for worker in processes:
        worker.join()
    if any(worker.exitcode for worker in processes):
        raise RuntimeError("a drawing worker stopped with an error; its message is above")
    parts = sorted(folder.glob("scenes_*.jsonl"))
    (folder / "scenes.jsonl").write_text("".join(part.read_text() for part in parts))
    for part in parts:
        part.unlink()


def load_training_set(folder: Path) -> SceneSet:
    """Open a folder that ``draw_training_set`` filled (pictures stay on disk)."""
    records = [json.loads(line) for line in (folder / "scenes.jsonl").read_text().splitlines()]
    words = tuple(
        SceneWords(r["background"], tuple(tuple(look) for look in r["looks"])) for r in records
    )
    pictures = np.load(folder / "pictures.npy", mmap_mode="r")
    return SceneSet(pictures, np.load(folder / "instances.npy", mmap_mode="r"), words)


def train(given: TrainingFlags) -> None:
    """The part ``scenes``: both mixes, a folder each."""
    for name, mix in FOLDERS.items():
        draw_training_set(given.out / name, mix, workers=given.workers)
