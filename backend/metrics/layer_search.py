"""Where the objects of some words are in a finished picture: segmenter, attention maps and SAM
together.

Collage Diffusion edits a picture as if it were a collage again (section 4.5), but begins from the
collage it has; here the picture alone is given. What is thought of: the pieces that a segmenter
sees of each class, and what SAM cuts out of their boxes, and of the boxes and peaks of the
attention maps. What is taken: one of these for each layer, so that together they agree best with
what the segmenter, the attention maps and CLIP say of each layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from backend.engine.attention_maps import MapMeans
from backend.engine.conditioning import Conditioning, embed
from backend.engine.decode import encode
from backend.engine.denoise import predictor
from backend.engine.loop_types import Moment, Network, generator_for
from backend.engine.noise import draw
from backend.metrics.similarity import box_of, crop_around, vectors
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.experts import CLOSED, experts_of
from backend.models.sam import sam_of
from backend.models.schedule import Schedule
from backend.scene.imaging.arrays import Floats, Mask, Picture

LEVELS, OF_LEVELS = (3, 5, 7), 10
"""The picture is looked at where 3, 5 and 7 of 10 steps are done: outlines stand and words still
matter there.
"""
SMALLEST_SHARE = 0.002
"""Pieces under this share of the picture are no objects: 33 pixels of 128 × 128."""
LARGEST_SHARE = 0.85
"""What holds more of the picture is its place, not an object."""
CRUMB_SHARE = 0.05
"""Pieces of a mask under this share of its largest one belong to nothing."""
SAME_IOU = 0.75
"""Proposals that overlap this much are one object, seen twice."""
LIKENESS = 0.5
"""What CLIP's cosine counts beside an overlap: it tells colours of one class apart, no more."""
LEAST = 0.2
"""A layer whose best proposal agrees less than this with what is known of it is not in the picture.
"""


@dataclass(frozen=True)
class SearchedLayer:
    """What is looked for: the words, their tokens in the prompt, a class if it has one, and where
    it lay, float (h, w).

    ``lay`` is empty where nothing is known of that.
    """

    phrase: str
    tokens: tuple[int, ...]
    class_label: str = ""
    lay: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)


def search_masks(
    bundle: ModelBundle, picture: Picture, prompt: str, sought: Sequence[SearchedLayer]
) -> tuple[Mask | None, ...]:
    """The mask of each, bool (h, w), none overlapping another; None for what is not found in the
    picture.
    """
    if not sought:
        return ()
    looked = word_maps(bundle, picture, prompt, [one.tokens for one in sought])
    seen, evidence = _evidence(bundle, picture, sought, looked)
    proposals = _distinct(_proposals(bundle, picture, seen, looked, sought))
    if not proposals:
        return (None,) * len(sought)
    agreement = np.array([[soft_iou(each, known) for each in proposals] for known in evidence])
    agreement = agreement + LIKENESS * _likeness(bundle, picture, proposals, sought)
    rows, columns = linear_sum_assignment(agreement, maximize=True)
    taken = {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if agreement[row, column] > LEAST
    }
    return _separate(
        [proposals[taken[row]] if row in taken else None for row in range(len(sought))], evidence
    )


def word_maps(
    bundle: ModelBundle, picture: Picture, prompt: str, tokens: Sequence[Sequence[int]]
) -> tuple[Floats, ...]:
    """Where some tokens of the prompt look in a finished picture: float32 (h, w) in 0..1 each, at
    the picture's size.

    The picture is noised to a few levels and the network asked once at each. A map that is flat is
    0 everywhere.
    """
    source = encode(bundle, picture, [generator_for(0)])
    conditioning = Conditioning(embed(bundle, prompt), embed(bundle, ""), 1.0, 1, (("picture", 1),))
    moment = Moment(conditioning.rows)
    network = Network(bundle.unet, moment, *source.shape[-2:])
    maps = MapMeans(tokens, "picture", 0)
    with maps.watching(network), torch.no_grad():
        for k in LEVELS:
            schedule = Schedule("ddim", bundle.scheduler, OF_LEVELS, bundle.device)
            moment.k, moment.sigma = k, schedule.sigmas[k]
            noisy = schedule.noise_to(k, source, draw(source, [generator_for(k)]))
            predictor(bundle.unet, schedule, conditioning)(noisy, k)
    means = maps.means()
    assert means is not None
    return tuple(_stretch(mean, picture.shape[:2]) for mean in means)


def _stretch(mean: Tensor, sides_px: tuple[int, ...]) -> Floats:
    """A map (1, h, w) brought to 0..1 and to full size; zeros where it is flat."""
    if not bool(mean.max() > mean.min()):
        return np.zeros(sides_px, np.float32)
    wide = functional.interpolate(
        mean[None].float(), size=sides_px, mode="bilinear", align_corners=False
    )[0, 0]
    grey: Floats = ((wide - wide.min()) / (wide.max() - wide.min())).cpu().numpy()
    return grey


def soft_iou(mask: Mask, known: Floats) -> float:
    """Overlap (0..1) of a mask with a map of shares in 0..1."""
    inside = float(known[mask].sum())
    return inside / max(1e-6, float(known.sum()) + float(mask.sum()) - inside)


def _evidence(
    bundle: ModelBundle, picture: Picture, sought: Sequence[SearchedLayer], looked: Sequence[Floats]
) -> tuple[dict[str, Floats], list[Floats]]:
    """The segmenter's share of each known class, and what is known of each layer's place: float (h,
    w) in 0..1.
    """
    shares = _class_shares(bundle, picture, sought)
    evidence = []
    for one, attention in zip(sought, looked, strict=True):
        known = shares.get(_class_of(bundle, one))
        place = 0.5 + 0.5 * attention if known is not None else attention
        if one.lay.size:
            place = place * (0.6 + 0.4 * one.lay)
        evidence.append(place if known is None else known * place)
    return shares, evidence


def _class_of(bundle: ModelBundle, one: SearchedLayer) -> str:
    """The class in the family's closed vocabulary; an empty text when it has none."""
    if not any(name in bundle.members for name in CLOSED):
        return ""
    return replace(experts_of(bundle), open=()).class_in(one.class_label or one.phrase)


def _class_shares(
    bundle: ModelBundle, picture: Picture, sought: Sequence[SearchedLayer]
) -> dict[str, Floats]:
    wanted = [name for name in (_class_of(bundle, one) for one in sought) if name]
    if not wanted:
        return {}
    shown = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float().to(bundle.device) / 255
    shares: dict[str, Floats] = {}
    with torch.no_grad():
        for expert, pairs in replace(experts_of(bundle), open=()).route(wanted):
            all_shares = expert.segmenter.logits(shown).softmax(1)[0].cpu().numpy()
            shares |= {name: all_shares[channel] for name, channel in pairs}
    return shares


def _proposals(
    bundle: ModelBundle,
    picture: Picture,
    seen: dict[str, Floats],
    looked: Sequence[Floats],
    sought: Sequence[SearchedLayer],
) -> list[Mask]:
    """Pieces of each class, and SAM's cuts of their boxes, of the maps' boxes and peaks, and of
    where layers lay.
    """
    pieces = [piece for share in seen.values() for piece in _pieces(share > 0.5)]
    if "sam" not in bundle.members:
        return [*pieces, *(piece for grey in looked for piece in _pieces(grey > 0.5))]
    sam = sam_of(bundle)
    sam.set_picture(picture)
    regions = [
        *pieces,
        *(grey > 0.5 for grey in looked),
        *(one.lay > 0.5 for one in sought if one.lay.size),
    ]
    cuts = [sam.in_box(*map(float, box_of(region))).mask for region in regions if region.any()]
    for grey in looked:
        if grey.any():
            row, column = divmod(int(grey.argmax()), grey.shape[1])
            cuts.append(sam.at_point(column + 0.5, row + 0.5).mask)
    return [*cuts, *pieces]


def _pieces(mask: Mask) -> list[Mask]:
    """The connected pieces that are large enough to be objects."""
    labels, count = ndimage.label(mask)
    pieces = [labels == number for number in range(1, count + 1)]
    return [piece for piece in pieces if piece.mean() >= SMALLEST_SHARE]


def _distinct(masks: Sequence[Mask]) -> list[Mask]:
    """Without doubles: of such as overlap nearly whole the first; nothing tiny, nothing that is
    nearly everything.
    """
    kept: list[Mask] = []
    for mask in masks:
        if not SMALLEST_SHARE <= mask.mean() <= LARGEST_SHARE:
            continue
        if all((mask & other).sum() < SAME_IOU * (mask | other).sum() for other in kept):
            kept.append(mask)
    return kept


def _likeness(
    bundle: ModelBundle,
    picture: Picture,
    proposals: Sequence[Mask],
    sought: Sequence[SearchedLayer],
) -> NDArray[np.float64]:
    """CLIP's cosine of each layer's phrase with the square around each proposal: (layers,
    proposals); 0 without.
    """
    if "clip" not in bundle.members:
        return np.zeros((len(sought), len(proposals)))
    clip = clip_of(bundle)
    with torch.no_grad():
        seen = vectors(clip, [crop_around(picture, box_of(mask)) for mask in proposals])
        encoded = clip.encode_text([one.phrase for one in sought]).cpu()
    return (encoded @ seen.T).numpy().astype(np.float64)


def _separate(masks: Sequence[Mask | None], evidence: Sequence[Floats]) -> tuple[Mask | None, ...]:
    """Pixels that several masks hold go to the layer that is surest of them."""
    sure = np.stack(
        [
            np.where(mask, known, -1.0) if mask is not None else np.full(known.shape, -1.0)
            for mask, known in zip(masks, evidence, strict=True)
        ]
    )
    owner = np.where(sure.max(0) < 0, -1, sure.argmax(0))
    return tuple(
        _whole(mask & (owner == number), (owner >= 0) & (owner != number))
        if mask is not None
        else None
        for number, mask in enumerate(masks)
    )


def _whole(mask: Mask, others: Mask) -> Mask:
    """A mask without crumbs, and without holes in which nobody else is."""
    labels, count = ndimage.label(mask)
    areas = ndimage.sum_labels(mask, labels, np.arange(1, count + 1))
    kept = np.isin(labels, 1 + np.flatnonzero(areas >= CRUMB_SHARE * areas.max(initial=0))) & mask
    whole: Mask = ndimage.binary_fill_holes(kept) & ~others
    return whole
