"""Every layer of a finished picture measured against its words, its own picture and its region.

Text and image similarity after Collage Diffusion, section 5.1 (the square around what the layer
shows of itself); the overlap is asked of a segmenter that knows the layer's class, else of SAM.
These order candidates of families without verdicts, and nobody is shown them: what they mean was
never held against the truth. What is shown, and what fails, are the verdicts
(``metrics/verdicts.py``). The judge has no part in any of it: it scores the evaluations, and must
not choose what it will see there.
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
from backend.metrics.scored_layers import ScoredLayer, select_scored
from backend.metrics.similarity import box_of, crop_around, vectors
from backend.metrics.verdicts import ClassMap, Verdict, judge_layers
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.experts import CLOSED, Expert, experts_of
from backend.models.sam import sam_of
from backend.plan.layer_score import LayerScore, Scores
from backend.plan.plan import Plan
from backend.scene.imaging.arrays import Mask, Picture
from backend.scene.imaging.mask import blur
from backend.scene.scene import Pixels

RING_SHARE = 1 / 64
"""Width of the rings along a border over the picture's shorter side: 2 px at 128, 8 at 512, one
latent cell or less.
"""


@dataclass(frozen=True, eq=False)
class _Likeness:
    """Cosines per picture with the phrase and with the layer's own picture."""

    text: tuple[float | None, ...]
    image: tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class _Looked:
    """What a segmenter sees, and its channel of the class that is asked for."""

    map: ClassMap
    channel: int


@dataclass(frozen=True, eq=False)
class _Measured:
    """What was found of one layer, each with one value a picture."""

    likeness: _Likeness
    overlaps: tuple[float | None, ...]
    verdicts: tuple[Verdict, ...]


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
        classes = _classes(self.bundle, self.asked)
        maps = _class_maps(self.bundle, self.asked, classes, pictures)
        overlaps = tuple(_overlaps(self.bundle, self.asked, classes, maps, pictures))
        verdicts = self._judge(classes, maps, pictures)
        return tuple(
            tuple(
                _layer_score(layer, _Measured(alike, overlap, verdict), number, picture)
                for layer, alike, overlap, verdict in zip(
                    self.asked, likeness, overlaps, verdicts, strict=True
                )
            )
            for number, picture in enumerate(pictures)
        )

    @torch.no_grad()
    def judge(self, pictures: Sequence[Picture]) -> tuple[tuple[Verdict, ...], ...]:
        """The verdicts alone: for each layer of ``asked`` one a picture."""
        classes = _classes(self.bundle, self.asked)
        return self._judge(
            classes, _class_maps(self.bundle, self.asked, classes, pictures), pictures
        )

    def _judge(
        self,
        classes: Sequence[str],
        maps: Sequence[_Looked | None],
        pictures: Sequence[Picture],
    ) -> tuple[tuple[Verdict, ...], ...]:
        seen = [None if each is None else each.map for each in maps]
        return judge_layers(self.bundle, self.asked, classes, seen, pictures)


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
    asked: ScoredLayer, measured: _Measured, number: int, picture: Picture
) -> LayerScore:
    """What is kept of one layer of one picture; four decimals are more than any of the figures
    means.
    """
    verdict = measured.verdicts[number]
    return LayerScore(
        layer_id=asked.layer.id,
        form=_round(verdict.form),
        place=_round(verdict.place),
        colour=_round(verdict.colour),
        text=_round(measured.likeness.text[number]),
        image=_round(measured.likeness.image[number]),
        iou=_round(measured.overlaps[number]),
        seam=_round(seam_of(picture, asked.region)),
        drift=_round(drift_of(picture, asked.shown, asked.region)),
        failed=verdict.failed,
        unjudged=verdict.unjudged,
    )


def _likeness(
    bundle: ModelBundle, asked: Sequence[ScoredLayer], pictures: Sequence[Picture]
) -> Iterator[_Likeness]:
    """All crops of a layer have one size, so that each layer is one batch."""
    unknown = (None,) * len(pictures)
    if "clip" not in bundle.members:
        yield from (_Likeness(unknown, unknown) for _ in asked)
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
        yield _Likeness(text[: len(pictures)], image)


def _overlaps(
    bundle: ModelBundle,
    asked: Sequence[ScoredLayer],
    classes: Sequence[str],
    maps: Sequence[_Looked | None],
    pictures: Sequence[Picture],
) -> Iterator[tuple[float | None, ...]]:
    """Per layer how its region overlaps what a segmenter that knows its class finds, else what SAM
    cuts out of its box, else nothing.
    """
    boxed = [each for each, looked in zip(asked, maps, strict=True) if looked is None]
    cuts = _cuts(bundle, boxed, pictures)
    for each, name, looked in zip(asked, classes, maps, strict=True):
        if looked is None:
            yield cuts.get(each.layer.id, (None,) * len(pictures))
            continue
        same = [
            one.region
            for one, other in zip(asked, classes, strict=True)
            if other == name and one is not each
        ]
        others = np.any(same, axis=0) if same else np.zeros_like(each.region)
        yield tuple(
            mask_iou(
                keep_reaching_pieces(labels == looked.channel, each.region, others), each.region
            )
            for labels in looked.map.labels[: len(pictures)]
        )


def _classes(bundle: ModelBundle, asked: Sequence[ScoredLayer]) -> list[str]:
    """The class of each layer in a closed vocabulary of the family: its own label, else the one
    that its words name.
    """
    if not any(name in bundle.members for name in CLOSED):
        return [""] * len(asked)
    experts = replace(experts_of(bundle), open=())
    return [experts.class_in(each.layer.class_label or each.layer.phrase) for each in asked]


def _class_maps(
    bundle: ModelBundle,
    asked: Sequence[ScoredLayer],
    classes: Sequence[str],
    pictures: Sequence[Picture],
) -> list[_Looked | None]:
    """What the segmenter that knows a layer's class sees, per layer: the pictures, and the layer's
    own one as the last where it has one. None where no segmenter knows it.
    """
    if not any(classes):
        return [None] * len(asked)
    experts = replace(experts_of(bundle), open=())
    seen: dict[str, NDArray[np.int64]] = {}
    found: list[_Looked | None] = []
    for each, name in zip(asked, classes, strict=True):
        if not name:
            found.append(None)
            continue
        ((expert, ((_, channel),)),) = experts.route([name])
        if expert.name not in seen:
            seen[expert.name] = _labels(bundle, expert, pictures)
        labels = seen[expert.name]
        if each.shown.size:
            labels = np.concatenate([labels, _labels(bundle, expert, [each.shown])])
        background = -1 if expert.background is None else expert.background
        found.append(_Looked(ClassMap(labels, background), channel))
    return found


def _labels(bundle: ModelBundle, expert: Expert, pictures: Sequence[Picture]) -> NDArray[np.int64]:
    """The channel under every pixel (n, h, w): the class that its segmenter puts before all
    others.
    """
    shown = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().to(bundle.device) / 255
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
