"""Whether a layer came out as the thing that was asked for, and in words why not.

Three scores of one object, each in 0..1: its form (what the family's segmenter sees there, and what
its SAM cuts out of its box, each as a silhouette against those of all classes; the better one
counts, since either network loses a part of an object now and then), the share of its place that it
covers, and its colour (the family's
pair of towers, asked for the layer's words with every colour in turn). A score below the family's
own limit (``models/verdict_rule.py``) fails the layer. What none of this can be said of is left
unjudged, with the reason: a layer whose pixels were kept never fails, and neither does one whose
own picture the same rule would not recognise, such as a photograph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from backend.metrics.scored_layers import ScoredLayer, others_of
from backend.metrics.silhouette import build_form, find_standing, form_distances, form_score
from backend.metrics.similarity import crop_around, vectors
from backend.models.bundle import ModelBundle
from backend.models.clip import Clip, clip_of
from backend.models.sam import sam_of
from backend.models.verdict_rule import VerdictRule
from backend.scene.imaging.arrays import Floats, Labels, Mask, Picture

LOOKED_PX = 128
"""Silhouettes are compared at about this side: the segmenter sees no more of a picture."""
CLOSENESS = 30.0
"""Cosines are multiplied by this before colours are weighed against each other; pairs learn their
own factor, and the pocket one's is near.
"""
KEPT_SHARE = 0.9
"""A layer is kept where this share of its pixels is that of the collage: soft rims may differ."""
KEPT_LEVELS = 2
"""Grey levels that a kept pixel may differ by; decoding a stored picture costs no more."""
HIDDEN_SHARE = 0.25
"""With more of a layer under others its outline is not its own any more."""
SMALLEST_SHARE = 0.004
"""Of a picture: a disc of 9 px of 128, below which silhouettes of all classes are blots."""
CUT_SHARE = 0.3
"""A layer that touches the canvas's edges along this share of its box's larger side is cut off."""
NOTHING = 0.02
"""Below this coverage nobody would say that anything stands there."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one layer of one picture.

    Attributes:
        failed: why it does not pass, without its name; empty when it does.
        unjudged: why nothing can be said, without its name; empty when something is.
        form: 0..1, None where it was not measured.
        place: 0..1, likewise.
        colour: 0..1, likewise.
    """

    failed: str = ""
    unjudged: str = ""
    form: float | None = None
    place: float | None = None
    colour: float | None = None


@dataclass(frozen=True, eq=False)
class ClassMap:
    """What a segmenter calls every pixel of some pictures.

    Attributes:
        labels: int64 (n, h, w), its channels.
        background: the channel of everything else.
    """

    labels: Labels
    background: int


@dataclass(frozen=True, eq=False)
class NetworkView:
    """What networks see of one layer in one picture.

    Attributes:
        labels: int64 (h, w), a segmenter's channels.
        background: its channel of everything else.
        cut: bool (h, w), what SAM cuts out of the layer's box; None without a SAM.
        colours: one share a colour of the rule, together 1; None where no colour is asked.
    """

    labels: Labels
    background: int
    cut: Mask | None
    colours: Sequence[float] | None


def find_rule(bundle: ModelBundle) -> VerdictRule | None:
    """The rule of a family; None where it has none."""
    return bundle.members.get("verdict") if "verdict" in bundle.members else None


@dataclass(frozen=True, eq=False)
class LayerJudge:
    """Judges one layer of some pictures by a family's rule.

    Attributes:
        rule: of the family.
        asked: the layer.
        others: bool (h, w), where other objects were asked for.
        class_name: the class that it asks for, one of the rule's.
    """

    rule: VerdictRule
    asked: ScoredLayer
    others: Mask = field(repr=False)
    class_name: str

    @property
    def words(self) -> str:
        """The layer's words."""
        return self.asked.layer.phrase.strip() or self.asked.layer.class_label.strip()

    def judge(self, looked: NetworkView) -> Verdict:
        """The verdict on one picture."""
        step = max(1, round(min(looked.labels.shape) / LOOKED_PX))
        seen, place, others = (
            np.ascontiguousarray(each[step // 2 :: step, step // 2 :: step])
            for each in (looked.labels != looked.background, self.asked.region, self.others)
        )
        standing = find_standing(seen, place, others)
        covered = float((standing & place).sum() / max(1, place.sum()))
        silhouettes = [standing]
        if looked.cut is not None and standing.any():
            silhouettes.append(looked.cut[step // 2 :: step, step // 2 :: step])
        score, distances = self._nearest(silhouettes)
        colour = self._colour_share(looked.colours)
        below = self.rule.limits.first_below(score, covered, colour)
        failed = ""
        if below == "place" or (below and distances is None):
            failed = self._place_words(covered)
        elif below == "form" and distances is not None:
            failed = self._form_words(distances)
        elif below and looked.colours is not None:
            failed = self._colour_words(looked.colours)
        return Verdict(failed, "", score, covered, colour)

    def _nearest(self, silhouettes: Sequence[Mask]) -> tuple[float, Floats | None]:
        """The best form score, and the distances that it comes from; 0 and None without a form."""
        index = self.rule.class_index(self.class_name) or 0
        best: tuple[float, Floats | None] = (0.0, None)
        for silhouette in silhouettes:
            form = build_form(silhouette)
            if form is None:
                continue
            distances = form_distances(form, self.rule.forms)
            score = form_score(distances, index)
            if best[1] is None or score > best[0]:
                best = (score, distances)
        return best

    def _place_words(self, covered: float) -> str:
        if covered < NOTHING:
            return f"no {self.class_name} stands in its place"
        return f"covers {covered:.0%} of its place"

    def _colour_share(self, colours: Sequence[float] | None) -> float | None:
        wanted = self.rule.colour_in(self.words)
        if not wanted or colours is None:
            return None
        return float(colours[self.rule.colours.index(wanted)])

    def _form_words(self, distances: Floats) -> str:
        asked = self.rule.class_index(self.class_name) or 0
        other = min(
            (i for i in range(len(distances)) if i != asked), key=lambda i: float(distances[i])
        )
        name, wanted = with_article(self.rule.classes[other]), with_article(self.class_name)
        if distances[other] < distances[asked]:
            return f"looks more like {name} than {wanted}"
        return f"looks as much like {name} as {wanted}"

    def _colour_words(self, colours: Sequence[float]) -> str:
        wanted = self.rule.colour_in(self.words)
        found = self.rule.colours[int(np.argmax(colours))]
        return f"is hardly {wanted}" if found == wanted else f"is more {found} than {wanted}"


def judge_layers(
    bundle: ModelBundle,
    asked: Sequence[ScoredLayer],
    classes: Sequence[str],
    maps: Sequence[ClassMap | None],
    pictures: Sequence[Picture],
) -> tuple[tuple[Verdict, ...], ...]:
    """The verdicts on each layer, one a picture.

    Args:
        bundle: the model; its rule decides.
        asked: the layers that can be seen.
        classes: the class of each, empty where no segmenter knows one.
        maps: of each layer's segmenter, with the layer's own picture (h, w) as the last one where
            it has one; None where there is no such segmenter.
        pictures: n of uint8 (h, w, 3), the finished ones.
    """
    rule = find_rule(bundle)
    reasons = [
        "" if each.is_place else why_unjudged(each, name, rule)
        for each, name in zip(asked, classes, strict=True)
    ]
    judges = {
        number: LayerJudge(rule, each, others_of(asked, each), _find_name(rule, name))
        for number, (each, name, reason, seen) in enumerate(
            zip(asked, classes, reasons, maps, strict=True)
        )
        if rule is not None and seen is not None and not reason and not each.is_place
    }
    cuts = _cut_out(bundle, {number: judge.asked for number, judge in judges.items()}, pictures)
    verdicts = []
    for number, (reason, seen) in enumerate(zip(reasons, maps, strict=True)):
        if number in judges and seen is not None:
            verdicts.append(_judge_pictures(bundle, judges[number], seen, cuts[number], pictures))
        else:
            verdicts.append((Verdict(unjudged=reason),) * len(pictures))
    return tuple(verdicts)


def _find_name(rule: VerdictRule, name: str) -> str:
    return rule.classes[rule.class_index(name) or 0]


def _cut_out(
    bundle: ModelBundle, asked: Mapping[int, ScoredLayer], pictures: Sequence[Picture]
) -> dict[int, list[Mask | None]]:
    """What SAM cuts out of each layer's box: one mask a picture, and one of the layer's own picture
    as the last where it has one. None without a SAM.
    """
    counts = {number: len(pictures) + bool(each.shown.size) for number, each in asked.items()}
    if "sam" not in bundle.members:
        return {number: [None] * count for number, count in counts.items()}
    sam = sam_of(bundle)
    cuts: dict[int, list[Mask | None]] = {number: [] for number in asked}
    for picture in pictures if asked else ():
        sam.set_picture(picture)
        for number, each in asked.items():
            cuts[number].append(sam.in_box(*each.box_px).mask)
    for number, each in asked.items():
        if each.shown.size:
            sam.set_picture(each.shown)
            cuts[number].append(sam.in_box(*each.box_px).mask)
    return cuts


def why_unjudged(asked: ScoredLayer, class_name: str, rule: VerdictRule | None) -> str:
    """The reason that no picture of this layer can be judged, or an empty text."""
    words = asked.layer.phrase.strip() or asked.layer.class_label.strip()
    if rule is None:
        return "this model comes without a judge of what it draws"
    if not words:
        return "it has no words"
    if not class_name or rule.class_index(class_name) is None:
        return f"the model’s judge does not know “{words}”"
    if 1 - asked.visible_share > HIDDEN_SHARE:
        return f"other layers hide {1 - asked.visible_share:.0%} of it"
    if asked.region.mean() < SMALLEST_SHARE:
        return "it is too small to be judged"
    if _cut_share(asked.region) > CUT_SHARE:
        return "the canvas’s edge cuts it off"
    return ""


def is_kept(asked: ScoredLayer, picture: Picture) -> bool:
    """Whether a layer's pixels stand in a picture as in the collage: such a layer never fails."""
    if not asked.shown.size:
        return False
    own = asked.shown[asked.region].astype(np.int16)
    same = np.abs(picture[asked.region].astype(np.int16) - own).max(axis=-1) <= KEPT_LEVELS
    return bool(same.mean() >= KEPT_SHARE)


def with_article(noun: str) -> str:
    """A noun with the indefinite article that its first letter asks for."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _judge_pictures(
    bundle: ModelBundle,
    judge: LayerJudge,
    seen: ClassMap,
    cuts: Sequence[Mask | None],
    pictures: Sequence[Picture],
) -> tuple[Verdict, ...]:
    asked = judge.asked
    shown = [*pictures, asked.shown] if asked.shown.size else list(pictures)
    shares = _colour_shares(bundle, judge, shown)
    found = [
        judge.judge(NetworkView(labels, seen.background, cut, share))
        for labels, cut, share in zip(seen.labels, cuts, shares, strict=True)
    ]
    own = found[-1] if asked.shown.size else None
    verdicts = []
    for picture, verdict in zip(pictures, found, strict=False):
        if is_kept(asked, picture):
            verdicts.append(Verdict())
        elif verdict.failed and own is not None and own.failed:
            why = f"its own picture, perhaps a photograph, {own.failed}"
            verdicts.append(Verdict(unjudged=why))
        else:
            verdicts.append(verdict)
    return tuple(verdicts)


@torch.no_grad()
def _colour_shares(
    bundle: ModelBundle, judge: LayerJudge, pictures: Sequence[Picture]
) -> list[Sequence[float] | None]:
    """For each picture how its pair weighs the layer's words with every colour in turn."""
    wanted = judge.rule.colour_in(judge.words)
    if not wanted or "clip" not in bundle.members:
        return [None] * len(pictures)
    clip: Clip = clip_of(bundle)
    phrases = [
        " ".join(colour if word == wanted else word for word in judge.words.casefold().split())
        for colour in judge.rule.colours
    ]
    crops = [crop_around(picture, judge.asked.box_px) for picture in pictures]
    likeness = vectors(clip, crops) @ clip.encode_text(phrases).cpu().T
    return [list(map(float, row)) for row in (likeness * CLOSENESS).softmax(1)]


def _cut_share(region: Mask) -> float:
    """How long a region (h, w) touches the canvas's edges, over the larger side of its box."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    side = max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    touching = max(int(edge.sum()) for edge in (region[0], region[-1], region[:, 0], region[:, -1]))
    return float(touching / side)
