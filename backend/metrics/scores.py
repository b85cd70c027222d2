"""Every layer of a finished picture measured against its words, its own picture and its region.

Text and image similarity after Collage Diffusion, section 5.1 (the square around what the layer
shows of itself); the overlap is asked of a segmenter that knows the layer's class, else of SAM. The
judge has no part in it: it scores the evaluations, and must not choose what it will see there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from backend.metrics.recognition import mask_iou
from backend.metrics.similarity import box_of, crop_around, vectors
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.experts import CLOSED, Expert, experts_of
from backend.models.sam import sam_of
from backend.plan.layer_score import LayerScore, Scores, why_failed
from backend.plan.plan import Plan, PlannedLayer
from backend.plan.raster import raster, stack_pictures
from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Mask, Picture
from backend.scene.imaging.mask import blur
from backend.scene.scene import Pixels

RING_SHARE = 1 / 64
"""Width of the rings along a border over the picture's shorter side: 2 px at 128, 8 at 512, one
latent cell or less.
"""


@dataclass(frozen=True, eq=False)
class ScoredLayer:
    """A layer that can be seen: ``region`` (h, w) where it is topmost, its box, and its picture
    over what lies below.

    ``shown`` uint8 (h, w, 3) is empty for a layer without a picture.
    """

    layer: PlannedLayer
    region: Mask
    box_px: PixelBox[int]
    shown: Picture

    @property
    def is_place(self) -> bool:
        """Whether its box is the whole picture: a place, not an object that could be boxed."""
        height, width = self.region.shape
        return self.box_px == (0, 0, width, height)


@dataclass(frozen=True, eq=False)
class _Likeness:
    """Cosines per picture with the phrase and with the layer's own picture, and of that one with
    the phrase.
    """

    text: tuple[float | None, ...]
    image: tuple[float | None, ...]
    own: float | None


@dataclass(frozen=True, eq=False)
class _Found:
    """Overlap per picture; ``wanted`` is the class that was looked for, empty where SAM cut
    whatever there was.
    """

    wanted: str
    iou: tuple[float | None, ...]


@dataclass(frozen=True)
class Scorer:
    """Scores the pictures of one plan with the members that the bundle has; without any only
    borders are measured.
    """

    bundle: ModelBundle
    plan: Plan
    pixels: Pixels = field(repr=False)

    @cached_property
    def asked(self) -> tuple[ScoredLayer, ...]:
        """The layers that can be seen, from back to front."""
        return select_scored(self.plan, self.pixels)

    @torch.no_grad()
    def score(self, pictures: Sequence[Picture]) -> tuple[Scores, ...]:
        """The scores of each finished picture, uint8 (h, w, 3) of the plan's size."""
        if not self.asked or not pictures:
            return ((),) * len(pictures)
        likeness = tuple(_likeness(self.bundle, self.asked, pictures))
        found = tuple(_find_masks(self.bundle, self.asked, pictures))
        return tuple(
            tuple(
                _layer_score(*each, number, picture)
                for each in zip(self.asked, likeness, found, strict=True)
            )
            for number, picture in enumerate(pictures)
        )


def select_scored(plan: Plan, pixels: Pixels) -> tuple[ScoredLayer, ...]:
    """What a plan asks of its layers; those that nothing is seen of are left out."""
    topmost = raster(plan, pixels).topmost
    found = []
    for number, (layer, (shown, _)) in enumerate(
        zip(plan.layers, stack_pictures(plan, pixels), strict=True), start=1
    ):
        region = topmost == number
        if region.any():
            found.append(
                ScoredLayer(layer, region, box_of(region), shown if layer.picture else shown[:0])
            )
    return tuple(found)


def keep_reaching_pieces(found: Mask, region: Mask, others: Mask) -> Mask:
    """The pieces of ``found`` that reach into the region, bool (h, w); ``others`` is what other
    layers account for.
    """
    pieces, _ = ndimage.label(found & ~others)
    touching = np.unique(pieces[region])
    whole: Mask = np.isin(pieces, touching[touching > 0])
    return whole


def seam_of(picture: Picture, region: Mask) -> float | None:
    """Mean colour step (0..1) from the ring just outside a region to the next one; None where there
    is no outside.

    Each pixel of the inner ring is compared with the outer ring's mean around it, so that a slow
    change of colour along the border is no seam.
    """
    width = _ring_px(region)
    reach = _reach(region, 2 * width)
    near = reach & ~region & _reach(region, width)
    far = reach & ~region & ~near
    window = _around(reach, 4 * width)
    near, far = near[window], far[window]
    if not near.any() or not far.any():
        return None
    weight = blur(far.astype(np.float32), 2 * width)
    seen = picture[window].astype(np.float32) / 255
    sums = blur(seen * far[..., None], 2 * width)
    expected = sums / np.maximum(weight, 1e-6)[..., None]
    return float(np.abs(seen - expected)[near].mean())


def drift_of(picture: Picture, shown: Picture, region: Mask) -> float | None:
    """Distance (0..1) of the mean colours along the inner border; None without a picture of the
    layer's own.
    """
    if not shown.size:
        return None
    rim = region & ~ndimage.binary_erosion(region, iterations=_ring_px(region), border_value=1)
    if not rim.any():  # the region is the whole picture
        return None
    difference = picture[rim].mean(axis=0) - shown[rim].mean(axis=0)
    return float(np.linalg.norm(difference) / (255 * np.sqrt(3)))


def _layer_score(
    asked: ScoredLayer, likeness: _Likeness, found: _Found, number: int, picture: Picture
) -> LayerScore:
    """What is kept of one layer of one picture; four decimals are more than any of the figures
    means.
    """
    text, iou = likeness.text[number], found.iou[number]
    # A place is not judged by its words: its own picture has none of the objects that now stand in
    # it.
    own = None if asked.is_place else likeness.own
    drop = own - text if own is not None and text is not None else None
    return LayerScore(
        layer_id=asked.layer.id,
        text=_round(text),
        image=_round(likeness.image[number]),
        iou=_round(iou),
        seam=_round(seam_of(picture, asked.region)),
        drift=_round(drift_of(picture, asked.shown, asked.region)),
        failed=why_failed(found.wanted, iou, asked.layer.phrase, drop),
    )


def _likeness(
    bundle: ModelBundle, asked: Sequence[ScoredLayer], pictures: Sequence[Picture]
) -> Iterator[_Likeness]:
    """All crops of a layer have one size, so that each layer is one batch."""
    unknown = (None,) * len(pictures)
    if "clip" not in bundle.members:
        yield from (_Likeness(unknown, unknown, None) for _ in asked)
        return
    clip = clip_of(bundle)
    for each in asked:
        shown = [each.shown] if each.shown.size else []
        seen = vectors(clip, [crop_around(picture, each.box_px) for picture in (*pictures, *shown)])
        text: tuple[float | None, ...] = unknown
        if each.layer.phrase.strip():
            encoded = clip.encode_text([each.layer.phrase]).cpu()
            text = tuple(float(value) for value in (seen @ encoded.T)[:, 0])
        image = tuple(float(value) for value in seen[:-1] @ seen[-1]) if shown else unknown
        yield _Likeness(text[: len(pictures)], image, text[-1] if shown else None)


def _find_masks(
    bundle: ModelBundle, asked: Sequence[ScoredLayer], pictures: Sequence[Picture]
) -> Iterator[_Found]:
    """Per layer what a segmenter that knows its class finds, else what SAM cuts out of its box,
    else nothing.
    """
    classes = _classes(bundle, asked)
    maps = _class_masks(bundle, classes, pictures)
    cuts = _cuts(
        bundle, [each for each, name in zip(asked, classes, strict=True) if not name], pictures
    )
    for each, name in zip(asked, classes, strict=True):
        if not name:
            yield _Found("", cuts.get(each.layer.id, (None,) * len(pictures)))
            continue
        same = [
            one.region
            for one, other in zip(asked, classes, strict=True)
            if other == name and one is not each
        ]
        others = np.any(same, axis=0) if same else np.zeros_like(each.region)
        yield _Found(
            name,
            tuple(
                mask_iou(keep_reaching_pieces(mask, each.region, others), each.region)
                for mask in maps[name]
            ),
        )


def _classes(bundle: ModelBundle, asked: Sequence[ScoredLayer]) -> list[str]:
    """The class of each layer in a closed vocabulary of the family: its own label, else the one
    that its words name.
    """
    if not any(name in bundle.members for name in CLOSED):
        return [""] * len(asked)
    experts = replace(experts_of(bundle), open=())
    return [experts.class_in(each.layer.class_label or each.layer.phrase) for each in asked]


def _class_masks(
    bundle: ModelBundle, classes: Sequence[str], pictures: Sequence[Picture]
) -> dict[str, list[Mask]]:
    """Where each class is seen, per picture: the pixels to which its segmenter gives it before
    all others.
    """
    wanted = [name for name in classes if name]
    if not wanted:
        return {}
    shown = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().to(bundle.device) / 255
    routes = replace(experts_of(bundle), open=()).route(wanted)
    return {
        name: list(labels == channel)
        for expert, share in routes
        for labels in [_labels(expert, shown)]
        for name, channel in share
    }


def _labels(expert: Expert, shown: torch.Tensor) -> NDArray[np.int64]:
    return expert.segmenter.logits(shown).argmax(1).cpu().numpy()


def _cuts(
    bundle: ModelBundle, asked: Sequence[ScoredLayer], pictures: Sequence[Picture]
) -> dict[str, tuple[float | None, ...]]:
    """Overlap of each boxed object with what SAM cuts out of its box; a place cannot be boxed."""
    boxed = [each for each in asked if not each.is_place]
    if not boxed or "sam" not in bundle.members:
        return {}
    sam = sam_of(bundle)
    found: dict[str, list[float]] = {each.layer.id: [] for each in boxed}
    for picture in pictures:
        sam.set_picture(picture)
        for each in boxed:
            found[each.layer.id].append(mask_iou(sam.in_box(*each.box_px).mask, each.region))
    return {layer_id: tuple(values) for layer_id, values in found.items()}


def _reach(region: Mask, by_px: int) -> Mask:
    grown: Mask = ndimage.binary_dilation(region, iterations=by_px)
    return grown


def _around(mask: Mask, margin_px: int) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box_of(mask)
    return slice(max(0, y0 - margin_px), y1 + margin_px), slice(
        max(0, x0 - margin_px), x1 + margin_px
    )


def _ring_px(region: Mask) -> int:
    shorter_px: int = min(region.shape)
    return max(1, round(shorter_px * RING_SHARE))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
