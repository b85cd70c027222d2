"""Collage Diffusion (Sarukkai, Li, Ma, Ré, Fatahalian, 2023): harmonise a collage of layers.

GH  the flat collage is noised and denoised (section 4.1; SDEdit)
CA  each layer's words attend to its region (section 4.2; ``controls/region_attention``)
TI  a layer's learned embedding stands before its words (section 4.3; ``textual_inversion``);
    beside it a ControlNet, weighted by layer (section 4.3; ``controls/structure_map``)
LN  each layer has a strength of its own (section 4.4, equation 3; ``controls/layer_noise``)
One layer can be drawn again in a finished picture, whose pixels are put back (section 4.5).

What deviates from the paper, and why:
- Equation 3 is printed the wrong way round: a pixel belongs to the solver once h ≤ t.
- A held cell gets the level of the state it is put into; the released code's is a step too noisy.
- Pixels that no layer covers are layer 0, with a strength of its own; the paper leaves them open.
- A layer may have a seed, steps in which its words act, and negative words and LoRAs (ours).
- Candidates that differ in one layer alone share every step up to that layer's first one (ours).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.controls.layer_loras import build_layer_loras
from backend.controls.layer_noise import Holding, LayerNoise, build_start_steps, build_strength_map
from backend.controls.region_attention import ALWAYS, UNWANTED, PromptRegion, RegionAttention
from backend.controls.structure_map import StructureMap
from backend.engine.attention_maps import MapMeans, WatchWords, name_attention_maps
from backend.engine.canvas_detail import CanvasDetail, keep_canvas_detail
from backend.engine.conditioning import Conditioning, build_conditioning, fit_tokens
from backend.engine.crop import CloseUps
from backend.engine.decode import decode
from backend.engine.denoise import denoise
from backend.engine.loop_types import Control, Run, Step
from backend.engine.noise import draw_by_owner
from backend.engine.sampling import (
    Batch,
    HeldPixels,
    PasteTarget,
    SharedSteps,
    Strength,
    check_source_size,
    find_held_pixels,
    finish_images,
    prepare_from_pictures,
    read_paste_target,
    relay,
    run_to_end,
    sample_batch,
    split_into_batches,
)
from backend.methods.options import parse_options
from backend.methods.options.collage import CollageOptions
from backend.models.bundle import ModelBundle
from backend.models.card import ModelCard
from backend.models.controlnet import controlnet_of
from backend.models.depth import depth_of
from backend.models.schedule import Schedule, first_step
from backend.plan.card import paper_px
from backend.plan.notes import explain_standstill
from backend.plan.plan import OneLayer, Plan, PlannedLayer, WholePicture
from backend.plan.raster import Raster, cell_centres, cells_owned, raster, strengths_of
from backend.plan.structure import PlannedStructure, structures_of
from backend.scene.blobs import Contents
from backend.scene.formats.embedding import Embedding
from backend.scene.imaging.paste import paste_weights
from backend.training.prompts import embed_with_embeddings, move_tokens, read_embeddings


@dataclass(frozen=True, eq=False)
class CollageInputs:
    """What all batches of a run share.

    Attributes:
        flat: the layers over grey, or over the picture that is drawn in.
        strengths: of what no layer covers, then of each layer: a number, or a painted map (h, w).
        paste_target: that picture, or the layers that may not change; None where all may.
        start_steps: the first step that each latent cell takes freely, int (h, w) or (1, 1),
            0 (from pure noise) to N (never).
        structures: what layers hold on to, a kind each.
        embeddings: learned ones, by the token of the prompt that they stand before.
    """

    plan: Plan
    options: CollageOptions
    bundle: ModelBundle = field(repr=False)
    flat: Raster = field(repr=False)
    strengths: tuple[Strength, ...] = field(repr=False)
    paste_target: PasteTarget | HeldPixels | None = field(repr=False)
    start_steps: Tensor = field(repr=False)
    structures: tuple[PlannedStructure, ...] = field(repr=False)
    embeddings: dict[int, Embedding] = field(repr=False)
    detail: CanvasDetail = field(repr=False)

    @property
    def first_step(self) -> int:
        """k0, the step with which the run begins."""
        return int(self.start_steps.min())

    @property
    def varied(self) -> int | None:
        """The number, from 1, of the layer in which alone the candidates differ."""
        target = self.plan.target
        wanted = target.varied if isinstance(target, WholePicture) else None
        ids = [layer.id for layer in self.plan.layers]
        return ids.index(wanted) + 1 if wanted in ids else None


def run(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    """Steps, then Images, for each batch of ``plan.batch`` candidates.

    Raises:
        RequestError: an option, an embedding or the picture to draw in does not fit.
    """
    inputs = prepare_inputs(plan, bundle, pixels)
    shared: SharedSteps | None = None
    close_ups = CloseUps(run, plan, bundle, pixels)
    for offset, seeds in split_into_batches(plan, bundle.run.images):
        if inputs.first_step == plan.steps:  # nothing may change: what was there is the answer
            pictures = (inputs.flat.picture,) * len(seeds)
            alike = None if _has_strengths(plan, inputs.options) else inputs.options.strength
            images = finish_images(offset, pictures, inputs.paste_target)
            yield replace(images, notes=(explain_standstill(plan.steps, alike),))
            continue
        batch = noise_collage(inputs, seeds)  # GH
        if inputs.varied is not None:
            shared = shared or (yield from _sample_shared_steps(inputs, inputs.varied))
            batch = shared.branch_off(batch)
        conditioning, maps = _condition(inputs, len(seeds)), _watch_layers(inputs)
        controls = (*build_controls(inputs, batch), *(WatchWords(one) for one in maps))
        steps = sample_batch(bundle, batch, conditioning, controls)
        latents = yield from relay(steps, close_ups.announce(len(seeds)))
        worded = [layer.id if layer.tokens else "" for layer in plan.layers]
        looked = name_attention_maps(maps, worded)
        whole = inputs.detail.restore(bundle, decode(bundle, latents))
        pictures = yield from close_ups.draw(whole, seeds, inputs.first_step)
        yield finish_images(offset, pictures, inputs.paste_target, looked)


def build_controls(inputs: CollageInputs, batch: Batch) -> tuple[Control, ...]:
    """What acts in the loop, in this order."""
    tokens = [_tokens(inputs, layer) for layer in inputs.plan.layers]
    return (
        *build_layer_loras(inputs.bundle, inputs.plan, inputs.flat.visibility[1:], tokens),
        *attend_to_regions(inputs, batch.schedule),  # CA
        *_hold_structure(inputs),
        *hold_layers(inputs, batch),  # LN
    )


def noise_collage(inputs: CollageInputs, seeds: tuple[int, ...]) -> Batch:
    """GH: the flat collage encoded and noised to the first step, once for each seed.

    A layer with a seed of its own begins with that noise in every candidate, unless it is the one
    that varies. (What a stochastic sampler adds later still comes from the candidate's seed.)
    """
    plan, bundle = inputs.plan, inputs.bundle
    pictures = (inputs.flat.picture,) * len(seeds)
    batch = prepare_from_pictures(bundle, plan, pictures, seeds, inputs.first_step)
    cells = np.ascontiguousarray(cell_centres(inputs.flat.topmost, bundle.card.cell_px))
    owners = torch.from_numpy(cells).to(bundle.device)
    own_seeds = [
        None if number == inputs.varied else layer.seed
        for number, layer in enumerate(plan.layers, start=1)
    ]
    noise = draw_by_owner(batch.noise, owners, own_seeds)
    return batch.with_noise(noise, inputs.options.noise_stream)


def attend_to_regions(inputs: CollageInputs, schedule: Schedule) -> tuple[RegionAttention, ...]:
    """CA: every layer's words to its visible region, its negative ones out of all others."""
    if not inputs.options.attention:
        return ()
    wanted, unwanted = [], []
    visible = inputs.flat.visibility[1:]
    for layer, mask in zip(inputs.plan.layers, map(torch.from_numpy, visible), strict=True):
        first = round(layer.prompt_start * schedule.steps)
        end = ALWAYS if layer.prompt_end == 1.0 else round(layer.prompt_end * schedule.steps)
        weights = (layer.attention_positive, layer.attention_negative)
        wanted.append(PromptRegion(_tokens(inputs, layer), *weights, mask, first, end))
        if layer.negative_tokens:
            tokens = fit_tokens(inputs.bundle, layer.negative_tokens)
            unwanted.append(PromptRegion(tokens, 0.0, UNWANTED, mask, first, end))
    # the released code counts the sigmas of the whole schedule from 0 though the run begins later
    skipped = inputs.first_step if inputs.options.sigma_indexing == "released" else 0
    sigmas = tuple(schedule.sigmas[max(0, k - skipped)] for k in range(schedule.steps))
    length = inputs.bundle.text_columns
    return (RegionAttention(tuple(wanted), length, sigmas, tuple(unwanted)),)


def hold_layers(inputs: CollageInputs, batch: Batch) -> tuple[LayerNoise, ...]:
    """LN: every latent cell is the re-noised collage until its first step."""
    held = LayerNoise(batch.source, inputs.start_steps, batch.schedule, batch.stream)
    return (held,) if _has_strengths(inputs.plan, inputs.options) else ()


def prepare_inputs(plan: Plan, bundle: ModelBundle, pixels: Contents) -> CollageInputs:
    """Lay out the collage; find what its layers may change and hold on to.

    Raises:
        RequestError: an option, or the size of the picture to draw in, does not fit.
    """
    options = parse_options(CollageOptions, plan.options)
    check_source_size(plan, pixels)
    flat = raster(plan, pixels)
    alike = (0.0, *(options.strength for _ in plan.layers))
    strengths = strengths_of(plan, pixels) if options.layer_noise else alike
    keeps = options.layer_noise and options.canvas_detail > 0
    held = find_held_pixels(flat, strengths, plan.steps, bundle.card) if keeps else None
    start_steps = torch.from_numpy(find_start_steps(plan, options, flat, strengths, bundle.card))
    return CollageInputs(
        plan,
        options,
        bundle,
        flat,
        strengths,
        read_paste_target(plan, pixels, flat.alphas) or held,
        start_steps.to(bundle.device),
        structures_of(plan, flat, pixels) if options.structure else (),
        read_embeddings(bundle, plan.layers, pixels) if options.embeddings else {},
        keep_canvas_detail(plan, pixels, flat, strengths, options.canvas_detail),
    )


def find_start_steps(
    plan: Plan, options: CollageOptions, flat: Raster, own: Sequence[Strength], card: ModelCard
) -> NDArray[np.int64]:
    """LN: k0 = N - ⌊N·h⌋ of each latent cell, with h the strength of its topmost layer.

    In a re-roll the feather is the layer's too: what is drawn there is mixed with what was, and a
    rim that could not follow the new object would stand around it as a pale line.
    """
    target = plan.target
    if not _has_strengths(plan, options):
        return np.array([[first_step(plan.steps, options.strength)]], np.int64)
    owners = flat.topmost
    if isinstance(target, OneLayer):
        owners = (paste_weights(flat.alphas[0], target.feather_px) > 0).astype(np.int64)
    strength_map = build_strength_map(owners, own, paper_px(options.blur_px, card))
    held: Holding = "filled" if isinstance(target, OneLayer) else "touched"
    return build_start_steps(strength_map, plan.steps, card.cell_px, held)


def _has_strengths(plan: Plan, options: CollageOptions) -> bool:
    """A re-roll always holds its background, which is strength 0 (section 4.5)."""
    return options.layer_noise or isinstance(plan.target, OneLayer)


def _condition(inputs: CollageInputs, count: int) -> Conditioning:
    """The prompt, with learned embeddings before their layers' words."""
    plan, bundle = inputs.plan, inputs.bundle
    words = build_conditioning(bundle, plan.prompt, plan.negative, plan.guidance_scale, count)
    if not inputs.embeddings:
        return words
    embedded = embed_with_embeddings(bundle, plan.prompt, sorted(inputs.embeddings.items()))
    return replace(words, positive=embedded)


def _tokens(inputs: CollageInputs, layer: PlannedLayer) -> tuple[int, ...]:
    """A layer's tokens, moved on by the embeddings before them; its own embedding is among them."""
    own = layer.tokens[0] if layer.embedding is not None and layer.tokens else None
    before = sorted(inputs.embeddings)
    kept = own if own in inputs.embeddings else None
    moved = move_tokens(layer.tokens, before, kept, inputs.bundle.card.text_length)
    return fit_tokens(inputs.bundle, moved)


def _hold_structure(inputs: CollageInputs) -> Iterator[StructureMap]:
    """ControlNets weighted by layer; the depth that one sees is that of the flat collage."""
    bundle, device = inputs.bundle, inputs.bundle.device
    for one in inputs.structures:
        depth = one.kind == "depth"
        hint = depth_of(bundle).nearness(inputs.flat.picture) if depth else one.hint
        seen = torch.from_numpy(hint).expand(1, 3, -1, -1).to(device)
        weights = torch.from_numpy(one.weights).to(device)
        yield StructureMap(controlnet_of(bundle, one.kind), seen, weights)


def _watch_layers(inputs: CollageInputs) -> tuple[MapMeans, ...]:
    """Where each layer's words look, in one value; none where no layer has words."""
    groups = [_tokens(inputs, layer) for layer in inputs.plan.layers]
    return (MapMeans(groups, "", 0),) if any(groups) else ()


def _sample_shared_steps(inputs: CollageInputs, number: int) -> Generator[Step, None, SharedSteps]:
    """Run the first candidate alone until the varied layer, of this number, is set free.

    That is the layer's own first step, k0, though a freer neighbour's blur may free some of its
    cells before. With a painted map, or where no cell is held until then, it is its first cell's.
    """
    plan, layer, bundle = inputs.plan, inputs.plan.layers[number - 1], inputs.bundle
    owned = cells_owned(inputs.flat.topmost == number, bundle.card.cell_px)
    start_steps = np.broadcast_to(inputs.start_steps.cpu().numpy(), owned.shape)
    until = max(inputs.first_step, first_step(plan.steps, layer.strength))
    if layer.strength_map is not None or not (start_steps[owned] >= until).any():
        until = int(start_steps[owned].min())
    batch, words = noise_collage(inputs, plan.seeds[:1]), _condition(inputs, 1)
    controls = build_controls(inputs, batch)
    steps = denoise(bundle.unet, batch.schedule, words, batch.start, controls)
    latents = yield from run_to_end(steps, batch.start.latents, until - inputs.first_step)
    cells = torch.from_numpy(owned & (start_steps >= until)).to(bundle.device)
    return SharedSteps(batch, until, latents, cells)
