"""Collage Diffusion (Sarukkai et al., 2023): harmonise a collage without losing its layers.

GH  noise the flat collage and denoise it (section 4.1; SDEdit)
CA  layers' words attend to their regions (section 4.2)
LN  each layer has its own noise level (section 4.4)
TI  layers with a learned look have it before their words (section 4.3; learned by ``textual_inversion``)
and layers that ask for it hold on to their edges (section 4.3)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from backend.controls.layer_noise import Freedom, LayerNoise, freedom_map, release_map
from backend.controls.region_attention import ALWAYS, Region, RegionAttention
from backend.controls.structure_map import StructureMap
from backend.controls.watch_words import WatchWords
from backend.engine.attention_maps import MapMeans, grey_maps
from backend.engine.begin import finished as ended
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode, encode
from backend.engine.denoise import Start, denoise
from backend.engine.looks import embed_with_looks, moved_tokens
from backend.engine.loop_types import Control, Pictures, Run, Step, generator_for
from backend.engine.noise import FreshNoise, NoiseStream, SharedNoise, SplitNoise, draw, owned_noise
from backend.engine.paste import changed_pixels, paste_weights, pasted
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.collage import PAPER_SIDE_PX, CollageOptions
from backend.models.bundle import ModelBundle
from backend.models.controlnet import controlnet_of
from backend.models.schedule import Schedule, first_step
from backend.plan.plan import OneLayer, Plan, PlannedLayer, WholePicture
from backend.plan.raster import Raster, painted_noise, raster
from backend.plan.structure import Structure, holds, structure_of
from backend.scene.look import Look, read_look
from backend.scene.scene import Picture, Pixels

UNWANTED_OUTSIDE = 2.0
"""How strongly a layer's negative words are kept out of the others: more than twice the default of wanted ones."""


@dataclass(frozen=True)
class _Collage:
    """What all chunks of a run share. ``release`` is the first free step of each latent cell."""

    plan: Plan
    options: CollageOptions
    flat: Raster
    source: Picture = field(repr=False)
    release: torch.Tensor = field(repr=False)
    first: int
    structure: Structure | None = field(repr=False)
    looks: dict[int, Look] = field(default_factory=dict, repr=False)
    """Learned looks by the token of the prompt that they stand before."""


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Candidates that run together: clean ``source`` (b, c, h, w), its noise, what held cells get, where they begin."""

    schedule: Schedule
    source: torch.Tensor
    noise: torch.Tensor
    stream: NoiseStream
    start: Start
    watched: MapMeans | None = None


@dataclass(frozen=True, eq=False)
class _Prefix:
    """What candidates that differ in one layer share: the first one's run until that layer is released.

    ``chunk`` is how it began, ``latents`` (1, c, h, w) its state ``until``, ``cells`` bool (h, w) the layer's.
    """

    chunk: _Chunk
    until: int
    latents: torch.Tensor
    cells: torch.Tensor


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, then Pictures, for each chunk of ``plan.batch`` candidates.

    Where the target names a layer that alone is *varied*, all candidates are the first one but for that layer's noise.
    Up to the state k0 of that layer's level they are one and the same, and that part is run once, alone. In state k0
    the layer's cells that are still held (all but those that a freer neighbour's blur released before) are the source
    at that level under each candidate's own noise; all other cells go on from what is shared. So the first candidate is
    the one that an ordinary run makes of its seed, and the others are new by definition (exactness E2: the same
    algorithm, another random stream). What a stochastic sampler adds from k0 on is each candidate's own, in every cell.
    """
    collage = _prepared(plan, bundle, pixels)
    prefix: _Prefix | None = None
    for offset in range(0, len(plan.seeds), plan.batch):
        seeds = plan.seeds[offset : offset + plan.batch]
        if collage.first == plan.steps:  # nothing may change: what was there is the answer
            yield _finished(collage, (collage.flat.picture,) * len(seeds), offset)
            continue
        chunk = replace(_begun(collage, bundle, seeds), watched=_watched(collage, bundle))
        if _varied(plan) is not None:
            prefix = (yield from _shared(collage, bundle)) if prefix is None else prefix
            chunk = _branched(collage, prefix, chunk, seeds)
        latents = yield from ended(_steps(collage, bundle, chunk), chunk.start)
        yield replace(_finished(collage, decode(bundle, latents), offset), heat=_heat(plan, chunk))


def _watched(collage: _Collage, bundle: ModelBundle) -> MapMeans | None:
    """Where each layer's words look, its learned look among them; None where there are none."""
    groups = [_spoken_tokens(layer, collage, bundle) for layer in collage.plan.layers]
    return MapMeans(groups, "", 0) if any(groups) else None


def _heat(plan: Plan, chunk: _Chunk) -> tuple[dict[str, Picture], ...]:
    """For each candidate where the words of its layers looked, of those that have words in the prompt."""
    means = chunk.watched.means() if chunk.watched is not None else None
    if means is None:
        return ()
    grey = grey_maps(means)
    spoken = [number for number, layer in enumerate(plan.layers) if layer.tokens]
    return tuple({plan.layers[number].layer_id: grey[number, row] for number in spoken} for row in range(grey.shape[1]))


def _begun(collage: _Collage, bundle: ModelBundle, seeds: tuple[int, ...]) -> _Chunk:
    """Encode the collage and noise it, once for each seed.

    A layer with a seed of its own begins with that noise in every candidate. (What a stochastic sampler adds later
    still comes from the candidate's seed.)
    """
    plan = collage.plan
    schedule = Schedule(plan.sampler, bundle.scheduler, plan.steps, bundle.device)
    generators = tuple(generator_for(seed) for seed in seeds)
    source = encode(bundle, collage.flat.picture, generators)
    owners = torch.from_numpy(_cells(collage.flat.topmost, bundle.card.cell_px)).to(bundle.device)
    own_seeds = [None if number == _varied(plan) else one.seed for number, one in enumerate(plan.layers, start=1)]
    noise = owned_noise(draw(source, generators), owners, own_seeds)
    start = Start(schedule.noise_to(collage.first, source, noise), collage.first, generators)
    return _Chunk(schedule, source, noise, _stream(collage.options, schedule, seeds, noise), start)


def _steps(collage: _Collage, bundle: ModelBundle, chunk: _Chunk) -> Generator[Step, None, None]:
    """The loop over a chunk, under the collage's words and controls."""
    plan, options = collage.plan, collage.options
    controls: list[Control] = []
    if options.attention:
        controls.append(_region_attention(collage, bundle, chunk.schedule))
    if collage.structure is not None:
        controls.append(_structure_map(collage.structure, bundle))
    if _levelled(plan, options):
        controls.append(LayerNoise(chunk.source, collage.release, chunk.schedule, chunk.stream))
    if chunk.watched is not None:
        controls.append(WatchWords(chunk.watched))
    words = build_conditioning(bundle, plan.prompt, plan.negative, plan.guidance_scale, len(chunk.source))
    if collage.looks:
        spoken = embed_with_looks(bundle, plan.prompt, sorted(collage.looks.items()))
        words = replace(words, positive=spoken)
    return denoise(bundle.unet, chunk.schedule, words, chunk.start, controls)


def _varied(plan: Plan) -> int | None:
    """The number, from 1, of the layer in which alone the candidates differ. (Its own seed then has no say.)"""
    wanted = plan.target.varied if isinstance(plan.target, WholePicture) else None
    return next((number for number, layer in enumerate(plan.layers, start=1) if layer.layer_id == wanted), None)


def _shared(collage: _Collage, bundle: ModelBundle) -> Generator[Step, None, _Prefix]:
    """Run the first candidate alone up to the state of the varied layer's level."""
    chunk = _begun(collage, bundle, collage.plan.seeds[:1])
    until, cells = _branching(collage, bundle.card.cell_px)
    latents = chunk.start.latents
    with closing(_steps(collage, bundle, chunk)) as steps:
        for step in islice(steps, until - collage.first):
            latents = step.latents
            yield step
    return _Prefix(chunk, until, latents, torch.from_numpy(cells).to(bundle.device))


def _branching(collage: _Collage, cell_px: int) -> tuple[int, NDArray[np.bool_]]:
    """k0 and the varied layer's cells that are held until then, bool (h, w).

    With a painted freedom, or where no cell keeps to the layer's own level, k0 is when its first cell is released.
    """
    number = _varied(collage.plan) or 0
    owned = _owned(collage.flat.topmost == number, cell_px)
    release = np.broadcast_to(collage.release.cpu().numpy(), owned.shape)
    layer = collage.plan.layers[number - 1]
    until = max(collage.first, first_step(collage.plan.steps, layer.noise))
    if layer.noise_map is not None or not (release[owned] >= until).any():
        until = int(release[owned].min())
    return until, owned & (release >= until)


def _branched(collage: _Collage, prefix: _Prefix, own: _Chunk, seeds: tuple[int, ...]) -> _Chunk:
    """Candidates that go on from what is shared, each under its ``own`` noise in the varied layer's cells."""
    shared, generators = prefix.chunk, own.start.generators
    if seeds[0] == collage.plan.seeds[0]:  # the first candidate itself goes on with the draws that come next
        generators = (*shared.start.generators, *generators[1:])
    source = shared.source.expand_as(own.source)
    stream = SplitNoise(prefix.cells, own.stream, shared.stream)
    noise = own.noise if prefix.until == collage.first else own.stream.at(prefix.until, source)
    level = own.schedule.noise_to(prefix.until, source, noise)
    start = Start(torch.where(prefix.cells, level, prefix.latents), prefix.until, generators)
    return _Chunk(own.schedule, source, own.noise, stream, start, own.watched)


def _prepared(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> _Collage:
    """Check the options and the source, lay out the collage, and find each cell's first free step."""
    options = parse_options(CollageOptions, plan.options)
    source = _source(plan, pixels)
    flat = raster(plan, pixels)
    if _levelled(plan, options):
        blur_px = options.blur_px * bundle.card.native_px / PAPER_SIDE_PX
        freedom = freedom_map(flat.topmost, _levels(plan, options, pixels), blur_px)
        held: Literal["touched", "filled"] = "filled" if isinstance(plan.target, OneLayer) else "touched"
        release = release_map(freedom, plan.steps, bundle.card.cell_px, held)
    else:
        release = np.array([[first_step(plan.steps, options.strength)]], np.int64)
    cells = torch.from_numpy(release).to(bundle.device)
    held_edges = options.structure and any(holds(layer) for layer in plan.layers)
    structure = structure_of(plan, flat, pixels) if held_edges else None
    looks = _looks(plan, bundle, pixels) if options.looks else {}
    return _Collage(plan, options, flat, source, cells, int(release.min()), structure, looks)


def _looks(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> dict[int, Look]:
    """The look of each layer that has one and whose words stand in the prompt; of layers that share words the first."""
    found: dict[int, Look] = {}
    for layer in plan.layers:
        tokens = _fitting(layer.tokens, bundle)
        if layer.look is not None and tokens:
            found.setdefault(tokens[0], read_look(pixels.picture(layer.look)))
    return found


def _fitting(tokens: Sequence[int], bundle: ModelBundle) -> tuple[int, ...]:
    return tuple(token for token in tokens if token < bundle.card.text_length)


def _owned(pixels: NDArray[np.bool_], cell_px: int) -> NDArray[np.bool_]:
    """The latent cells of a layer's pixels (h, w): those whose centre is one, or where none is all that it touches."""
    rows, columns = (side // cell_px for side in pixels.shape)
    cells = pixels[: rows * cell_px, : columns * cell_px].reshape(rows, cell_px, columns, cell_px)
    centres = cells[:, cell_px // 2, :, cell_px // 2]
    return centres if centres.any() else np.asarray(cells.any(axis=(1, 3)))


def _cells(pixels: NDArray[np.int64], cell_px: int) -> NDArray[np.int64]:
    """The value at the centre of every latent cell."""
    rows, columns = (side // cell_px for side in pixels.shape)
    return np.ascontiguousarray(pixels[cell_px // 2 :: cell_px, cell_px // 2 :: cell_px][:rows, :columns])


def _levelled(plan: Plan, options: CollageOptions) -> bool:
    """A re-roll always holds its background, which is noise level 0 (section 4.5)."""
    return options.layer_noise or isinstance(plan.target, OneLayer)


def _levels(plan: Plan, options: CollageOptions, pixels: Pixels) -> tuple[float | Freedom, ...]:
    """The freedom of uncovered pixels, then of each layer: a number, or its painted map."""
    if not options.layer_noise:
        return (0.0, *(options.strength for _ in plan.layers))
    uncovered = 0.0 if isinstance(plan.target, OneLayer) else plan.target.uncovered_noise
    painted = painted_noise(plan, pixels)
    return (uncovered, *(layer.noise if one is None else one for layer, one in zip(plan.layers, painted, strict=True)))


def _source(plan: Plan, pixels: Pixels) -> Picture:
    """The picture that is re-rolled in, uint8 (h, w, 3); an empty one for whole pictures."""
    if not isinstance(plan.target, OneLayer):
        return np.empty((0, 0, 3), np.uint8)
    source = pixels.picture(plan.target.source)[..., :3]
    height_px, width_px = source.shape[:2]
    if (width_px, height_px) != (plan.width_px, plan.height_px):
        raise RequestError(
            f"The picture to re-roll in has {width_px} × {height_px} px.",
            limit=f"The plan makes {plan.width_px} × {plan.height_px} px.",
            remedy="Pick a candidate of this size, or make the whole picture again.",
        )
    return source


def _region_attention(collage: _Collage, bundle: ModelBundle, schedule: Schedule) -> RegionAttention:
    length = bundle.card.text_length
    wanted, unwanted = [], []
    for layer, visible in zip(collage.plan.layers, collage.flat.visibility[1:], strict=True):
        mask, heard = torch.from_numpy(visible), _heard(layer, schedule.steps)
        tokens = _spoken_tokens(layer, collage, bundle)
        wanted.append(Region(tokens, layer.attention_positive, layer.attention_negative, mask, *heard))
        if layer.negative_tokens:
            unwanted.append(Region(_fitting(layer.negative_tokens, bundle), 0.0, UNWANTED_OUTSIDE, mask, *heard))
    # The released code indexes the sigmas of the whole schedule from 0 although the run begins later.
    skipped = collage.first if collage.options.sigma_indexing == "released" else 0
    sigmas = tuple(schedule.sigmas[max(0, k - skipped)] for k in range(schedule.steps))
    return RegionAttention(tuple(wanted), length, sigmas, tuple(unwanted))


def _heard(layer: PlannedLayer, steps: int) -> tuple[int, int]:
    """The first step in which a layer's words are heard, and the one in which they no longer are."""
    return round(layer.heard_from * steps), ALWAYS if layer.heard_to == 1.0 else round(layer.heard_to * steps)


def _spoken_tokens(layer: PlannedLayer, collage: _Collage, bundle: ModelBundle) -> tuple[int, ...]:
    """A layer's tokens in the row as it is read: moved on by the looks before them, its own look among them."""
    own = layer.tokens[0] if layer.look is not None and layer.tokens else None
    before = sorted(collage.looks)
    moved = moved_tokens(layer.tokens, before, own if own in collage.looks else None)
    return _fitting(moved, bundle)


def _structure_map(structure: Structure, bundle: ModelBundle) -> StructureMap:
    hint = torch.from_numpy(structure.edges.astype(np.float32)).expand(1, 3, -1, -1)
    weights = torch.from_numpy(structure.weights)
    return StructureMap(controlnet_of(bundle), hint.to(bundle.device), weights.to(bundle.device))


def _stream(options: CollageOptions, schedule: Schedule, seeds: tuple[int, ...], noise: torch.Tensor) -> NoiseStream:
    """Deterministic samplers keep held parts on one trajectory; the others renew their noise as they do their own."""
    fresh = schedule.kind.stochastic if options.noise_stream == "auto" else options.noise_stream == "fresh"
    return FreshNoise(seeds) if fresh else SharedNoise(noise)


def _finished(collage: _Collage, made: tuple[Picture, ...], offset: int) -> Pictures:
    """The pictures of a chunk; for a re-roll with the source's own pixels put back outside the layer."""
    target = collage.plan.target
    if not isinstance(target, OneLayer):
        return Pictures(offset, made, (None,) * len(made))
    weights = paste_weights(collage.flat.alphas[0], target.feather_px)
    whole = tuple(pasted(collage.source, picture, weights) for picture in made)
    return Pictures(offset, whole, tuple(changed_pixels(collage.source, picture, weights) for picture in whole))
