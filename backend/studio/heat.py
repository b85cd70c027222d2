"""Where the words of layers looked: kept beside a candidate's scores as small grey pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.metrics.layer_score import LayerScore, Scores
from backend.scene.scene import Picture
from backend.studio.pixel_files import PixelFiles


def with_heat(
    pixels: PixelFiles, scores: Sequence[Scores], heat: Sequence[Mapping[str, Picture]]
) -> tuple[Scores, ...]:
    """The scores of some pictures, each layer's with the digest of its grey picture.

    A layer without a score gets one that says nothing else.
    """
    if not heat:
        return tuple(scores)
    return tuple(_heated(pixels, one, maps) for one, maps in zip(scores, heat, strict=True))


def _heated(pixels: PixelFiles, scores: Scores, maps: Mapping[str, Picture]) -> Scores:
    digests = {layer_id: pixels.add_mask(grey) for layer_id, grey in maps.items()}
    scored = {score.layer_id for score in scores}
    bare = tuple(LayerScore(layer_id=layer_id) for layer_id in digests if layer_id not in scored)
    return tuple(
        score.model_copy(update={"heat": digests.get(score.layer_id, "")})
        for score in (*scores, *bare)
    )
