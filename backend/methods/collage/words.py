"""What the network is told of the layers: where their words belong, and what they hold on to."""

from __future__ import annotations

import torch

from backend.controls.region_attention import ALWAYS, Region, RegionAttention
from backend.controls.structure_map import StructureMap
from backend.engine.looks import moved_tokens
from backend.methods.collage.laying import Laid, fitting
from backend.models.bundle import ModelBundle
from backend.models.controlnet import controlnet_of
from backend.models.depth import depth_of
from backend.models.schedule import Schedule
from backend.plan.plan import PlannedLayer
from backend.plan.structure import Structure

UNWANTED_OUTSIDE = 2.0
"""How strongly a layer's negative words are kept out of the others: more than twice the default of
wanted ones.
"""


def region_attention(collage: Laid, bundle: ModelBundle, schedule: Schedule) -> RegionAttention:
    """Every layer's words to its region, its negative ones out of the others."""
    length = bundle.card.text_length
    wanted, unwanted = [], []
    for layer, visible in zip(collage.plan.layers, collage.flat.visibility[1:], strict=True):
        mask, heard = torch.from_numpy(visible), _heard(layer, schedule.steps)
        tokens = spoken_tokens(layer, collage, bundle)
        wanted.append(
            Region(tokens, layer.attention_positive, layer.attention_negative, mask, *heard)
        )
        if layer.negative_tokens:
            unwanted.append(
                Region(fitting(layer.negative_tokens, bundle), 0.0, UNWANTED_OUTSIDE, mask, *heard)
            )
    # The released code indexes the sigmas of the whole schedule from 0 although the run begins
    # later.
    skipped = collage.first if collage.options.sigma_indexing == "released" else 0
    sigmas = tuple(schedule.sigmas[max(0, k - skipped)] for k in range(schedule.steps))
    return RegionAttention(tuple(wanted), length, sigmas, tuple(unwanted))


def structure_map(structure: Structure, collage: Laid, bundle: ModelBundle) -> StructureMap:
    """The control that holds layers to their structure of one kind; depth is that of the flat
    collage.
    """
    drawn = (
        depth_of(bundle).nearness(collage.flat.picture)
        if structure.kind == "depth"
        else structure.hint
    )
    hint = torch.from_numpy(drawn).expand(1, 3, -1, -1)
    weights = torch.from_numpy(structure.weights)
    return StructureMap(
        controlnet_of(bundle, structure.kind), hint.to(bundle.device), weights.to(bundle.device)
    )


def spoken_tokens(layer: PlannedLayer, collage: Laid, bundle: ModelBundle) -> tuple[int, ...]:
    """A layer's tokens in the row as it is read: moved on by the looks before them, its own look
    among them.
    """
    own = layer.tokens[0] if layer.look is not None and layer.tokens else None
    before = sorted(collage.looks)
    moved = moved_tokens(layer.tokens, before, own if own in collage.looks else None)
    return fitting(moved, bundle)


def _heard(layer: PlannedLayer, steps: int) -> tuple[int, int]:
    """The first step in which a layer's words are heard, and the one in which they no longer
    are.
    """
    return round(layer.heard_from * steps), ALWAYS if layer.heard_to == 1.0 else round(
        layer.heard_to * steps
    )
