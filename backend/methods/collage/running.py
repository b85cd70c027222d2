"""The run: all chunks of a plan, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.engine.attention_maps import MapMeans, grey_maps
from backend.engine.begin import finished as ended
from backend.engine.decode import decode
from backend.engine.loop_types import Run
from backend.engine.paste import changed_pixels, paste_weights, pasted
from backend.methods.collage.chunk import Chunk, begun, steps, varied
from backend.methods.collage.laying import Laid, prepared
from backend.methods.collage.varied import Prefix, branched, shared
from backend.methods.collage.words import spoken_tokens
from backend.models.bundle import ModelBundle
from backend.plan.events import Image, Images
from backend.plan.plan import OneLayer, Plan
from backend.scene.scene import Picture, Pixels


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, then Images, for each chunk of ``plan.batch`` candidates.

    Where the target names a layer that alone is *varied*, all candidates are the first one but for
    that layer's noise. Up to the state k0 of that layer's level they are one and the same, and that
    part is run once, alone. In state k0 the layer's cells that are still held (all but those that a
    freer neighbour's blur released before) are the source at that level under each candidate's own
    noise; all other cells go on from what is shared. So the first candidate is the one that an
    ordinary run makes of its seed, and the others are new by definition (exactness E2: the same
    algorithm, another random stream). What a stochastic sampler adds from k0 on is each candidate's
    own, in every cell.
    """
    collage = prepared(plan, bundle, pixels)
    prefix: Prefix | None = None
    for offset in range(0, len(plan.seeds), plan.batch):
        seeds = plan.seeds[offset : offset + plan.batch]
        if collage.first == plan.steps:  # nothing may change: what was there is the answer
            yield Images(
                _images(collage, (collage.flat.picture,) * len(seeds), offset, ({},) * len(seeds))
            )
            continue
        chunk = replace(begun(collage, bundle, seeds), watched=_watched(collage, bundle))
        if varied(plan) is not None:
            prefix = (yield from shared(collage, bundle)) if prefix is None else prefix
            chunk = branched(collage, prefix, chunk, seeds)
        latents = yield from ended(steps(collage, bundle, chunk), chunk.start)
        yield Images(
            _images(collage, decode(bundle, latents), offset, _attention_maps(plan, chunk))
        )


def _watched(collage: Laid, bundle: ModelBundle) -> MapMeans | None:
    """Where each layer's words look, its learned look among them; None where there are none."""
    groups = [spoken_tokens(layer, collage, bundle) for layer in collage.plan.layers]
    return MapMeans(groups, "", 0) if any(groups) else None


def _attention_maps(plan: Plan, chunk: Chunk) -> tuple[dict[str, Picture], ...]:
    """For each candidate where the words of its layers looked, of those that have words in the
    prompt.
    """
    means = chunk.watched.means() if chunk.watched is not None else None
    if means is None:
        return ({},) * len(chunk.source)
    grey = grey_maps(means)
    spoken = [number for number, layer in enumerate(plan.layers) if layer.tokens]
    return tuple(
        {plan.layers[number].id: grey[number, row] for number in spoken}
        for row in range(grey.shape[1])
    )


def _images(
    collage: Laid,
    pictures: Sequence[Picture],
    offset: int,
    attention_maps: Sequence[Mapping[str, Picture]],
) -> tuple[Image, ...]:
    """The images of a chunk; for a re-roll with the source's own pixels put back outside the
    layer.
    """
    images = tuple(
        Image(index, picture, attention_maps=maps)
        for index, (picture, maps) in enumerate(zip(pictures, attention_maps, strict=True), offset)
    )
    target = collage.plan.target
    if not isinstance(target, OneLayer):
        return images
    weights = paste_weights(collage.flat.alphas[0], target.feather_px)
    return tuple(_paste_back(image, collage.source, weights) for image in images)


def _paste_back(image: Image, source: Picture, weights: NDArray[np.float32]) -> Image:
    """The image with the source's own pixels wherever the weights (h, w) are 0."""
    picture = pasted(source, image.picture, weights)
    return replace(image, picture=picture, changed_outside=changed_pixels(source, picture, weights))
