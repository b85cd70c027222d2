"""Sampling, shared by all methods: a batch of candidates, the loop to its end, pixels put back.

for offset, seeds in split_into_batches(plan):
    batch = prepare_from_pictures(bundle, plan, pictures, seeds, first_step)
    conditioning = build_conditioning(bundle, prompt, negative, guidance_scale, len(seeds))
    latents = yield from sample_batch(bundle, batch, conditioning, controls)
    yield build_images(offset, decode(bundle, latents))
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.engine.conditioning import Conditioning
from backend.engine.decode import encode
from backend.engine.denoise import Start
from backend.engine.loop_types import Control, Step, generator_for
from backend.engine.noise import FreshNoise, NoiseStream, SharedNoise, SplitNoise, draw
from backend.engine.resume import denoise_resumable
from backend.models.bundle import ModelBundle
from backend.models.card import ModelCard
from backend.models.schedule import Schedule
from backend.plan.card import Size, check_picture_size, paper_px
from backend.plan.events import Image, Images, Result
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import Raster, find_wholly_held
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.mask import is_painted
from backend.scene.imaging.paste import count_changes, may_change, paste, paste_weights
from backend.scene.scene import Pixels

StreamKind = Literal["auto", "fresh", "shared"]
Strength: TypeAlias = float | NDArray[np.float64]
"""How much may change, 0..1: a number, or a painted map (h, w)."""
HELD_FEATHER_PX = 6.0
"""Of a 512 px picture: how far around what is held the collage fades into what was made, so that a
decoder's smear along an edge is not seen.
"""
AnyStep = TypeVar("AnyStep", bound=Step)
Item = TypeVar("Item")
Given = TypeVar("Given")
Returned = TypeVar("Returned")


@dataclass(frozen=True, eq=False)
class Batch:
    """Candidates that are computed together, ready for the loop.

    Attributes:
        schedule: their own; a schedule remembers where its run is.
        source: clean latents, (b, c, h, w).
        noise: standard normal noise of that shape, a row a seed.
        seeds: one for each row.
        start: ``source`` at the level of the first step, under ``noise``.
        stream: noise for putting the source back at a later state.
        is_empty: the source is nothing; the run begins in pure noise.
    """

    schedule: Schedule = field(repr=False)
    source: Tensor = field(repr=False)
    noise: Tensor = field(repr=False)
    seeds: tuple[int, ...]
    start: Start = field(repr=False)
    stream: NoiseStream = field(repr=False)
    is_empty: bool = False

    def with_noise(self, noise: Tensor, kind: StreamKind = "auto") -> Batch:
        """The same candidates, begun from other noise.

        Args:
            noise: (b, c, h, w).
            kind: of the stream: "shared" is this noise at every state, one trajectory; "fresh" is
                new at every state; "auto" does as the sampler does with its own.
        """
        latents = _begin(self.schedule, self.source, noise, self.start.first, self.is_empty)
        return replace(
            self,
            noise=noise,
            start=replace(self.start, latents=latents),
            stream=_stream(self.schedule, noise, self.seeds, kind),
        )


@dataclass(frozen=True, eq=False)
class SharedSteps:
    """What candidates that differ in some cells alone share: one candidate's run up to a state.

    Attributes:
        batch: how that candidate began, one row.
        until: the state that was reached.
        latents: that state, (1, c, h, w).
        cells: those that differ, bool (h, w).
    """

    batch: Batch
    until: int
    latents: Tensor = field(repr=False)
    cells: Tensor = field(repr=False)

    def branch_off(self, batch: Batch) -> Batch:
        """Candidates that go on from the shared state, each under its own noise in the cells.

        Where the first of them is the shared one itself, it goes on with the draws that come next.

        Args:
            batch: the candidates, begun under their own noise.
        """
        generators = batch.start.generators
        if batch.seeds[0] == self.batch.seeds[0]:
            generators = (*self.batch.start.generators, *generators[1:])
        source = self.batch.source.expand_as(batch.source)
        at_start = self.until == batch.start.first
        noise = batch.noise if at_start else batch.stream.at(self.until, source)
        level = batch.schedule.noise_to(self.until, source, noise)
        latents = torch.where(self.cells, level, self.latents)
        return replace(
            batch,
            source=source,
            start=Start(latents, self.until, generators),
            stream=SplitNoise(self.cells, batch.stream, self.batch.stream),
        )


def split_into_batches(plan: Plan, finished: int = 0) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The batches of a run, in order.

    Args:
        plan: whose seeds they are, ``batch`` candidates at a time.
        finished: how many images there are already; their batches are left out.

    Yields:
        The place of a batch's first seed among the plan's, and its seeds.
    """
    for offset in range(0, len(plan.seeds), plan.batch):
        if offset >= finished:
            yield offset, plan.seeds[offset : offset + plan.batch]


def prepare_from_pictures(
    bundle: ModelBundle,
    plan: Plan,
    pictures: Sequence[Picture],
    seeds: Sequence[int],
    first_step: int,
) -> Batch:
    """Image-to-image: encode a picture for each seed and noise it to the level of a step (SDEdit).

    Args:
        pictures: one for each seed, uint8 (h, w, 3) at the plan's size.
        seeds: a generator a row draws the encoding first, then the noise, then what a stochastic
            sampler adds.
        first_step: the first step that is taken, 0 (pure noise) to N (nothing to do).
    """
    generators = tuple(generator_for(seed) for seed in seeds)
    rows = [
        encode(bundle, picture, [one]) for picture, one in zip(pictures, generators, strict=True)
    ]
    return _noise_source(bundle, plan, torch.cat(rows), seeds, generators, first_step)


def prepare_from_noise(bundle: ModelBundle, plan: Plan, seeds: Sequence[int]) -> Batch:
    """Text to image: pure noise for each seed.

    Args:
        bundle: the model.
        plan: its sampler, steps and size count.
        seeds: a row each.
    """
    generators = tuple(generator_for(seed) for seed in seeds)
    source = empty_latents(bundle, plan, len(seeds))
    return _noise_source(bundle, plan, source, seeds, generators)


def empty_latents(bundle: ModelBundle, plan: Plan, count: int) -> Tensor:
    """Zeros of the plan's size.

    Args:
        bundle: whose latents.
        plan: whose size.
        count: rows.

    Returns:
        (count, c, h, w), in the bundle's precision and on its device.
    """
    sides = (plan.height_px // bundle.card.cell_px, plan.width_px // bundle.card.cell_px)
    channels = int(bundle.unet.config.in_channels)
    return torch.zeros(count, channels, *sides, device=bundle.device, dtype=bundle.dtype)


def _noise_source(
    bundle: ModelBundle,
    plan: Plan,
    source: Tensor,
    seeds: Sequence[int],
    generators: tuple[torch.Generator, ...],
    first_step: int | None = None,
) -> Batch:
    """A batch at the level of its first step; None for a source that is nothing."""
    first, is_empty = first_step or 0, first_step is None
    schedule = Schedule(plan.sampler, bundle.scheduler, plan.steps, bundle.device)
    noise = draw(source, generators)
    latents = _begin(schedule, source, noise, first, is_empty)
    start = Start(latents, first, generators)
    stream = _stream(schedule, noise, tuple(seeds), "auto")
    return Batch(schedule, source, noise, tuple(seeds), start, stream, is_empty)


def _begin(schedule: Schedule, source: Tensor, noise: Tensor, first: int, is_empty: bool) -> Tensor:
    """The first state: the source at its level, or noise alone as the pipelines begin."""
    return schedule.begin_from_noise(noise) if is_empty else schedule.noise_to(first, source, noise)


def _stream(
    schedule: Schedule, noise: Tensor, seeds: tuple[int, ...], kind: StreamKind
) -> NoiseStream:
    fresh = schedule.kind.stochastic if kind == "auto" else kind == "fresh"
    return FreshNoise(seeds) if fresh else SharedNoise(noise)


def sample_batch(
    bundle: ModelBundle,
    batch: Batch,
    conditioning: Conditioning,
    controls: Sequence[Control] = (),
) -> Generator[Step, None, Tensor]:
    """Denoise a batch to the end; after a restart only what is left of it.

    Args:
        bundle: the model.
        batch: the candidates.
        conditioning: their words.
        controls: what acts in the loop, in this order.

    Yields:
        Every step that is taken.

    Returns:
        The clean latents, (b, c, h, w).
    """
    name = _name_loop(batch, conditioning, controls)
    loop = denoise_resumable(
        bundle, batch.schedule, conditioning, batch.start, controls, f"batch {name}"
    )
    return (yield from loop)


def _name_loop(batch: Batch, conditioning: Conditioning, controls: Sequence[Control]) -> str:
    """A name of all that decides a loop within its run: where it begins, under which words, and
    what acts in it.
    """
    schedule = batch.schedule
    facts = (
        *(schedule.kind.class_name, schedule.steps, batch.start.first, batch.seeds),
        *(
            conditioning.guidance_scale,
            conditioning.paths,
            [type(one).__name__ for one in controls],
        ),
    )
    digest = hashlib.sha256(repr(facts).encode())
    for tensor in (batch.start.latents, conditioning.positive, conditioning.negative):
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def run_to_end(
    steps: Generator[AnyStep, None, object], latents: Tensor, count: int | None = None
) -> Generator[AnyStep, None, Tensor]:
    """Pass the steps of a loop on, and return the latents of the last one.

    Args:
        steps: the loop; it is closed with this generator.
        latents: what is returned where the loop takes no step.
        count: how many steps are taken at most; all by default.
    """
    with closing(steps):
        for step in islice(steps, count):
            latents = step.latents
            yield step
    return latents


def relay(
    items: Generator[Item, None, Returned],
    change: Callable[[Item], Given],
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Generator[Given, None, Returned]:
    """Pass a generator's items on, changed, and return what it returns.

    Args:
        items: closed with this generator.
        change: called with every item.
        around: opens a block in which the next item is computed; between items it is left.
    """
    with closing(items):
        while True:
            try:
                with around():
                    item = next(items)
            except StopIteration as end:
                returned: Returned = end.value
                return returned
            yield change(item)


def count_steps(
    events: Generator[Step | Result, None, object], total: int
) -> Generator[Step | Result, None, None]:
    """Number the steps of all parts of a run from 0 on; other events pass as they are.

    Args:
        total: how many steps are expected; it grows where there are more.
    """
    done = 0
    with closing(events):
        for event in events:
            if isinstance(event, Step):
                yield replace(event, k=done, total=max(total, done + 1), first=0)
                done += 1
            else:
                yield event


@dataclass(frozen=True, eq=False)
class PasteTarget:
    """The finished picture in which one layer is drawn again (Collage Diffusion, section 4.5).

    Attributes:
        source: uint8 (h, w, 3); beyond the feather its bytes stay.
        alpha: where the layer lies, float32 (h, w) in 0..1.
        feather_px: how far outwards the new pixels fade into the source's, in pixels.
    """

    source: Picture = field(repr=False)
    alpha: NDArray[np.float32] = field(repr=False)
    feather_px: int

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Where the layer is painted, (h, w)."""
        return is_painted(self.alpha)

    def paste_back(self, image: Image) -> Image:
        """Put the source's own pixels back around the layer.

        Args:
            image: with a picture of the source's size.

        Returns:
            The image, and in it a count of the pixels that changed all the same.
        """
        weights = paste_weights(self.alpha, self.feather_px)
        picture = paste(self.source, image.picture, weights)
        allowed = may_change(self.alpha, self.feather_px)
        changed = count_changes(self.source, picture, allowed)
        return replace(image, picture=picture, changed_outside=changed)


@dataclass(frozen=True, eq=False)
class HeldPixels:
    """The collage, whose layers that may not change stay as they are drawn.

    Attributes:
        source: the flat collage, uint8 (h, w, 3).
        share: of the source in the picture, float32 (h, w) in 0..1. Where it is 1 the bytes of the
            source stay; around that it fades over a feather.
    """

    source: Picture = field(repr=False)
    share: NDArray[np.float32] = field(repr=False)

    def paste_back(self, image: Image) -> Image:
        """The image with the held layers' own pixels over it."""
        return replace(image, picture=paste(self.source, image.picture, 1 - self.share))


def find_held_pixels(
    flat: Raster, strengths: Sequence[Strength], steps: int, card: ModelCard
) -> HeldPixels | None:
    """What a run never sets free, as ``find_held_share`` says; None where all may change."""
    share = find_held_share(flat, strengths, steps, card)
    return HeldPixels(flat.picture, share) if share.any() else None


def find_held_share(
    flat: Raster,
    strengths: Sequence[Strength],
    steps: int,
    card: ModelCard,
) -> NDArray[np.float32]:
    """How much of each pixel stays because it belongs to layers that a run never sets free (ours;
    layer noise alone holds latents, and what is decoded from them is not what was drawn).

    Args:
        flat: the layers, laid out.
        strengths: of what no layer covers, then of each layer: a number in 0..1, or a map (h, w).
        steps: N; a strength h is held where ⌊N·h⌋ = 0.
        card: whose pixels the feather is measured in. It is ``HELD_FEATHER_PX``; there is none over
            ground that no layer covers, for nothing of the collage is to be seen there.

    Returns:
        float32 (h, w) in 0..1.
    """
    share = find_wholly_held(flat.visibility, strengths, steps)
    feather_px = round(paper_px(HELD_FEATHER_PX, card))
    faded = paste_weights(share, feather_px) * (flat.visibility[0] == 0)
    stays: NDArray[np.float32] = np.maximum(share, faded)
    return stays


def check_source_size(plan: Plan, pixels: Pixels) -> None:
    """What a re-roll draws in must have the size that the plan generates.

    Raises:
        RequestError: the source has another size, so its pixels could not stay as they are.
    """
    if isinstance(plan.target, OneLayer):
        shape = pixels.picture(plan.target.source).shape
        check_picture_size(shape, Size(plan.width_px, plan.height_px), "picture to draw in")


def read_paste_target(
    plan: Plan, pixels: Pixels, alphas: NDArray[np.float32]
) -> PasteTarget | None:
    """What a re-roll puts its layer into; None for a plan of whole pictures.

    Args:
        alphas: of the plan's layers, (n, h, w) in 0..1; the first is the layer that is drawn.
    """
    if not isinstance(plan.target, OneLayer):
        return None
    source = pixels.picture(plan.target.source)[..., :3]
    return PasteTarget(source, alphas[0], plan.target.feather_px)


def finish_images(
    offset: int,
    pictures: Sequence[Picture],
    target: PasteTarget | HeldPixels | None,
    attention_maps: Sequence[Mapping[str, Picture]] = (),
) -> Images:
    """The event of a batch's finished pictures.

    Args:
        offset: place of the first picture among the plan's seeds.
        pictures: uint8 (h, w, 3).
        target: what they are pasted into, where one layer was drawn or layers are held.
        attention_maps: for each picture where the words of layers looked; by default nothing.
    """
    maps = attention_maps or ({},) * len(pictures)
    images = tuple(
        Image(index, picture, attention_maps=one)
        for index, (picture, one) in enumerate(zip(pictures, maps, strict=True), offset)
    )
    return Images(images if target is None else tuple(target.paste_back(one) for one in images))
