"""What stage 1 is fitted to: equation (2), L = α_c L_clip + Σ α_si L_segi, and each layer's own
words in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from backend.engine.optimise import LossTerm
from backend.methods.options.tcig import TcigOptions
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.experts import Experts
from backend.objectives.segment_match import SegmentMatch, Targets
from backend.objectives.text_match import CROPS, TextMatch, frames_of
from backend.plan.background import background_words
from backend.plan.plan import Plan, PlannedLayer

START_VIEWS = 4
"""Views of a tried code: one alone says too much about the view."""


class StartMatches(NamedTuple):
    """What the codes to begin with are chosen by: the words of the place, and each painted layer's
    around its mask.
    """

    background: TextMatch
    layers: TextMatch


def text_loss_terms(
    plan: Plan,
    painted: Sequence[PlannedLayer],
    masks: Tensor,
    bundle: ModelBundle,
    options: TcigOptions,
) -> tuple[tuple[LossTerm, ...], StartMatches | None]:
    """The prompt over the whole picture, the words of each painted layer around its mask (n, h, w);
    what is tried.
    """
    if options.text_weight == 0:
        return (), None
    clip = clip_of(bundle)
    side_px = clip.seeing.side_px
    phrases = [layer.phrase.strip() or layer.class_label for layer in painted]
    prompt = plan.prompt.strip() or ", ".join(phrases)
    place = background_words(prompt, [layer.phrase for layer in plan.layers]) or prompt
    with torch.no_grad():
        words = clip.encode_text([prompt, place, *phrases])
    frames = frames_of(masks)
    whole = LossTerm(TextMatch(clip, words[:1], options.cutouts, side_px), options.text_weight)
    each = LossTerm(
        TextMatch(clip, words[2:], 1, side_px, frames, CROPS, "crops"),
        options.text_weight * options.layer_words,
    )
    tried = StartMatches(
        TextMatch(clip, words[1:2], 1, side_px, purpose="place"),
        TextMatch(clip, words[2:], START_VIEWS, side_px, frames, CROPS, "tried"),
    )
    return (whole, each), tried


def segment_loss_terms(
    experts: Experts, classes: Sequence[str], masks: tuple[Tensor, Tensor], options: TcigOptions
) -> tuple[LossTerm, ...]:
    """One term an expert (equation 2); layers of one class are one mask.

    ``masks`` are those of the painted layers (n, h, w), and what other layers cover (h, w).
    """
    if options.segment_weight == 0:
        return ()
    painted, elsewhere = masks
    covered = (painted.sum(0) + elsewhere).clamp(0, 1)
    terms = []
    for expert, share in experts.route(classes):
        asked: dict[int, Tensor] = {}
        for name, channel in share:
            mask = sum(
                (mask for mask, own in zip(painted, classes, strict=True) if own == name),
                torch.zeros_like(covered),
            )
            asked[channel] = (asked.get(channel, 0) + mask).clamp(0, 1)
        targets = build_targets(asked, covered, expert.background)
        terms.append(
            LossTerm(SegmentMatch(expert.segmenter, targets, options.views), options.segment_weight)
        )
    return tuple(terms)


def build_targets(asked: dict[int, Tensor], covered: Tensor, background: int | None) -> Targets:
    """What one expert should find: its classes under their masks (h, w), background where nothing
    is painted.

    ``covered`` is where any layer is. Under the layers of other experts its background is not
    counted, for it may call them what it likes.
    """
    masks = torch.stack(list(asked.values()))
    counted = torch.ones_like(masks)
    channels = tuple(asked)
    if background is not None:
        own = masks.sum(0).clamp(0, 1)
        masks = torch.cat([masks, (1 - covered)[None]])
        counted = torch.cat([counted, (1 - (covered - own).clamp(0, 1))[None]])
        channels = (*channels, background)
    return Targets(channels, masks, counted)
