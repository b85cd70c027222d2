"""A re-roll of a small object in a window around it, at the size that the model draws best.

The window is a plan of its own: the same layer, words, dials and controls, with the window of the
finished picture to draw in, so that every control works in it as in the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.plan.card import Size, TextCard
from backend.plan.phrases import match_phrases, occurrences
from backend.plan.plan import CloseUp, CropWindow, OneLayer, Plan, PlannedLayer
from backend.scene.blobs import Contents, MemoryPixels
from backend.scene.geometry import with_scale
from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.mask import resize_area
from backend.scene.layer import Placement
from backend.scene.records import BlobDigest, PictureDigest

AROUND = 1.5
"""The window's side in units of the object's longer one: what it stands on has to be seen too."""
CLOSE_UP_STEPS = 10
"""At most, after a whole picture; one object alone is drawn as well in 10 as in 30."""
_ARTICLE = re.compile(r"\b(?:an?|the)\s+$", re.IGNORECASE)
LARGEST_SHARE = 0.75
"""A window with a longer side than this share of the picture's shorter one is the whole picture."""


def choose_window(alpha: Floats, feather_px: int, size: Size) -> CropWindow | None:
    """The square around a layer in which it is drawn again.

    Args:
        alpha: of the layer, (h, w) in 0..1, at the size of the picture.
        feather_px: how far the new pixels fade into the others; the window holds it.
        size: of the picture.

    Returns:
        None where the layer is so large that the whole picture is drawn.
    """
    rows, columns = (np.flatnonzero(alpha.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    spans = [(int(line[0]), int(line[-1]) + 1) for line in (columns, rows)]
    longest = max(end - start for start, end in spans)
    side = round(longest * AROUND) + 2 * feather_px
    if side > LARGEST_SHARE * min(size):
        return None
    left, top = (
        int(np.clip((start + end - side) // 2, 0, whole - side))
        for (start, end), whole in zip(spans, size, strict=True)
    )
    return CropWindow(left_px=left, top_px=top, side_px=side)


def plan_window(plan: Plan, window: CropWindow, phrase: str, card: TextCard) -> Plan:
    """The plan of a re-roll with a window: its words are the layer's and those of the background,
    for nothing else stands in it.

    Args:
        plan: of the whole picture, with one layer.
        window: of that layer.
        phrase: the layer's.
        card: of the model, which finds the words.
    """
    target = plan.target
    assert isinstance(target, OneLayer)
    named = f"{_find_article(plan.prompt, phrase)}{phrase.strip()}"
    prompt = " ".join(words for words in (named, target.background) if words)
    (match,) = match_phrases(prompt, [phrase], card)
    layers = tuple(layer.model_copy(update={"tokens": match.tokens}) for layer in plan.layers)
    cropped = target.model_copy(update={"crop": window})
    return plan.model_copy(update={"prompt": prompt, "layers": layers, "target": cropped})


def count_close_up_steps(plan: Plan) -> int:
    """N of the close-ups of a whole picture."""
    return min(plan.steps, CLOSE_UP_STEPS)


def plan_close_up(plan: Plan, close_up: CloseUp, source: PictureDigest, seed: int) -> Plan:
    """The plan of a close-up of a whole picture: a re-roll of its layer in one candidate.

    Args:
        plan: of the whole picture.
        close_up: one of its close-ups.
        source: the candidate's picture.
        seed: of the candidate.
    """
    layer = close_up.layer
    target = OneLayer(
        layer_id=layer.id,
        source=source,
        feather_px=close_up.feather_px,
        above=close_up.above,
        background=close_up.background,
        crop=close_up.window,
    )
    return plan.model_copy(
        update={
            "prompt": close_up.prompt,
            "steps": count_close_up_steps(plan),
            "seeds": (seed,),
            "batch": 1,
            "layers": (layer,),
            "target": target,
            "loras": tuple(one for one in plan.loras if one.layer_id in ("", layer.id)),
        }
    )


def _find_article(prompt: str, phrase: str) -> str:
    """The article before a phrase where it first stands in the prompt, with its blank, or ""."""
    for span in occurrences(prompt, phrase):
        found = _ARTICLE.search(prompt[: span.start])
        return found[0] if found else ""
    return ""


@dataclass(frozen=True, eq=False)
class CroppedPixels:
    """The contents of a plan and, beside them, the windows of its pictures and masks."""

    contents: Contents = field(repr=False)
    windows: MemoryPixels = field(default_factory=MemoryPixels, repr=False)

    def picture(self, digest: PictureDigest) -> Picture:
        """See ``Contents``."""
        source = self.windows if digest in self.windows else self.contents
        return source.picture(digest)

    def mask(self, digest: PictureDigest) -> Picture:
        """See ``Contents``."""
        source = self.windows if digest in self.windows else self.contents
        return source.mask(digest)

    def blob(self, digest: BlobDigest) -> bytes:
        """See ``Contents``."""
        return self.contents.blob(digest)


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A window of a plan drawn at another size.

    Attributes:
        plan: of the window alone; it has no window itself.
        pixels: what it refers to.
        window: where it lies in the picture.
        size: of the whole picture.
    """

    plan: Plan
    pixels: CroppedPixels = field(repr=False)
    window: CropWindow
    size: Size

    def frame_map(self, seen: Picture, cell_px: int) -> Picture:
        """A map uint8 (cells, cells) of the window as one of the whole picture, 0 around it."""
        whole = np.zeros((self.size.height_px, self.size.width_px), np.uint8)
        whole[self.window.rows, self.window.columns] = fit(seen, self.window.side_px)
        cells = Size(self.size.width_px // cell_px, self.size.height_px // cell_px)
        return np.rint(resize_area(whole, *cells)).astype(np.uint8)


def fit(picture: Picture, side_px: int) -> Picture:
    """A picture uint8 (h, w) or (h, w, c) as a square of that side."""
    resized = Image.fromarray(picture).resize((side_px, side_px), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def enlarge_window(plan: Plan, pixels: Contents, side_px: int) -> Enlarged:
    """The window of a plan as a plan of its own.

    Args:
        plan: with a window.
        pixels: what it refers to.
        side_px: at which the window is drawn.
    """
    target = plan.target
    assert isinstance(target, OneLayer)
    assert target.crop is not None
    window, size = target.crop, Size(plan.width_px, plan.height_px)
    cropped = CroppedPixels(pixels)
    source = pixels.picture(target.source)[window.rows, window.columns]
    own = target.model_copy(
        update={
            "source": cropped.windows.add_picture(fit(np.ascontiguousarray(source), side_px)),
            "feather_px": round(target.feather_px * side_px / window.side_px),
            "above": tuple(
                cover.model_copy(
                    update={
                        "mask": _crop_mask(cover.mask, cropped, window, size),
                        "placement": _move(cover.placement, window, side_px),
                    }
                )
                for cover in target.above
            ),
            "crop": None,
        }
    )
    inner = plan.model_copy(
        update={
            "width_px": side_px,
            "height_px": side_px,
            "layers": _crop_layers(plan.layers, cropped, window, size, side_px),
            "target": own,
        }
    )
    return Enlarged(inner, cropped, window, size)


def _crop_layers(
    layers: Sequence[PlannedLayer],
    cropped: CroppedPixels,
    window: CropWindow,
    size: Size,
    side_px: int,
) -> tuple[PlannedLayer, ...]:
    return tuple(
        layer.model_copy(
            update={
                "placement": _move(layer.placement, window, side_px),
                "mask": _crop_mask(layer.mask, cropped, window, size),
                "strength_map": _crop_mask(layer.strength_map, cropped, window, size),
            }
        )
        for layer in layers
    )


def _move(placement: Placement, window: CropWindow, side_px: int) -> Placement:
    """A placement of the whole picture in the pixels of the enlarged window."""
    moved = placement.model_copy(
        update={
            "centre_x_px": placement.centre_x_px - window.left_px,
            "centre_y_px": placement.centre_y_px - window.top_px,
        }
    )
    factor = side_px / window.side_px
    return with_scale(moved, factor, factor)


def _crop_mask(
    digest: PictureDigest | None, cropped: CroppedPixels, window: CropWindow, size: Size
) -> PictureDigest | None:
    """The window of a mask; masks are as large as the canvas, whatever their pixels."""
    if digest is None:
        return None
    fitted: NDArray[np.float32] = resize_area(cropped.contents.mask(digest), *size)
    shown = fitted[window.rows, window.columns]
    return cropped.windows.add_mask(np.rint(shown).astype(np.uint8))


def place_window(picture: Picture, window: CropWindow, whole: Picture) -> Picture:
    """A whole picture uint8 (h, w, 3) with one of the window, of any size, in its place."""
    framed = np.array(whole[..., :3], order="C")
    framed[window.rows, window.columns] = fit(picture, window.side_px)
    return framed
