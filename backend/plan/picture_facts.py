"""What is known of every pixel of a picture that runs drew: which run drew it, of which layer, or
that it is a layer's own byte.

Nothing is guessed: the masks are those by which a run pastes, and what counts as untouched is
compared with the picture before it, byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.plan.plan import OneLayer, Plan, PlannedLayer
from backend.plan.raster import find_wholly_held, raster, strengths_of
from backend.scene.formats.picture_record import (
    LoraFact,
    ObjectFact,
    PictureFacts,
    RunFact,
    measure_objects,
)
from backend.scene.formats.pixel_map import MOST_OBJECTS, OTHERS, PixelMaps, PixelOrigin
from backend.scene.formats.source_marks import SourceMarks
from backend.scene.imaging.arrays import Floats, Mask, Picture
from backend.scene.imaging.mask import is_painted
from backend.scene.imaging.paste import count_changes, may_change, paste_weights
from backend.scene.layer import Layer
from backend.scene.scene import Pixels

MOVED = "move"
"""The method whose mask is SAM's: what it touched is only known by comparison."""

OriginOf = Callable[[Layer], PixelOrigin]


class RunSource(NamedTuple):
    """A run and the picture of it that is meant: its plan, the seed, the licence of its model."""

    plan: Plan
    seed: int
    licence: str = ""


@dataclass(frozen=True, eq=False)
class DrawnPixels:
    """What is known of a picture so far.

    ``origins`` uint8 (h, w); ``owners`` int32 (h, w), the place of a run from 1 on, 0 where none
    drew; ``objects`` uint8 (h, w), the place of a layer from 1 on.
    """

    origins: Picture
    owners: NDArray[np.int32]
    objects: Picture
    layers: tuple[PlannedLayer, ...] = ()
    runs: tuple[RunFact, ...] = ()


def begin_unknown(picture: Picture, origin: PixelOrigin) -> DrawnPixels:
    """A picture of which nothing but its origin is known."""
    shape = picture.shape[:2]
    origins = np.full(shape, origin, np.uint8)
    return DrawnPixels(origins, np.zeros(shape, np.int32), np.zeros(shape, np.uint8))


def draw_whole(source: RunSource, picture: Picture, pixels: Pixels, of: OriginOf) -> DrawnPixels:
    """A picture uint8 (h, w, 3) that one run drew as a whole.

    What belongs to layers that the run never set free, and still has the collage's own bytes, is
    kept; all else is generated. ``of`` says where a layer's own picture comes from.
    """
    plan = source.plan
    flat = raster(plan, pixels)
    held = find_wholly_held(flat.visibility, strengths_of(plan, pixels), plan.steps) == 1
    kept = held & (flat.picture == picture).all(-1)
    layer_origins = [PixelOrigin.NOTHING, *map(of, plan.layers)]
    origins = np.array(layer_origins, np.uint8)[flat.topmost]
    numbers = np.minimum(flat.topmost, OTHERS).astype(np.uint8)
    return DrawnPixels(
        origins=np.where(kept, origins, np.uint8(PixelOrigin.GENERATED)),
        owners=np.where(kept, 0, 1).astype(np.int32),
        objects=numbers,
        layers=plan.layers,
        runs=(_describe_run(source),),
    )


def draw_layer(
    base: DrawnPixels, source: RunSource, before: Picture, after: Picture, pixels: Pixels
) -> DrawnPixels:
    """The picture after one layer was drawn again over it.

    Args:
        base: what is known of the picture before.
        source: of the re-roll.
        before: the picture before, uint8 (h, w, 3).
        after: and after it, of the same size.
        pixels: what the plan refers to.

    Returns:
        Drawn is what the paste gave any weight to, and beside it what differs all the same, which
        is counted.
    """
    plan = source.plan
    assert isinstance(plan.target, OneLayer)
    differs = (before != after).any(-1)
    if plan.method == MOVED:
        return _add_run(base, source, differs, differs, None)
    alpha = raster(plan, pixels).alphas[0]
    drawn = paste_weights(alpha, plan.target.feather_px) > 0
    outside = count_changes(before, after, may_change(alpha, plan.target.feather_px))
    return _add_run(base, source, drawn | differs, is_painted(alpha), outside)


def draw_mix(base: DrawnPixels, other: DrawnPixels, weights: Floats) -> DrawnPixels:
    """The picture after another was painted into it; ``weights`` float32 (h, w) is its share."""
    taken = weights > 0
    layers = {one.id: one for one in (*base.layers, *other.layers)}
    places = {name: place for place, name in enumerate(layers, 1)}
    objects = [_renumber(one, places) for one in (base, other)]
    owners = np.where(other.owners > 0, other.owners + len(base.runs), 0)
    return DrawnPixels(
        origins=np.where(taken, other.origins, base.origins),
        owners=np.where(taken, owners, base.owners),
        objects=np.where(taken, objects[1], objects[0]),
        layers=tuple(layers.values()),
        runs=(*base.runs, *other.runs),
    )


def build_facts(
    drawn: DrawnPixels,
    named: Mapping[str, Layer],
    marks_of: Callable[[Layer], SourceMarks | None],
) -> PictureFacts:
    """The facts of a picture, words included; ``named`` are the layers of its scene by their ids,
    which have the names.
    """
    maps = PixelMaps(drawn.origins, drawn.objects)
    counts = np.bincount(drawn.owners.ravel(), minlength=len(drawn.runs) + 1)
    runs = tuple(
        one.model_copy(update={"pixels": int(counts[place])})
        for place, one in enumerate(drawn.runs, 1)
    )
    objects = tuple(
        _describe_object(drawn, number, named.get(layer.id, layer), marks_of(layer))
        for number, layer in enumerate(drawn.layers[:MOST_OBJECTS], 1)
    )
    return PictureFacts(maps, measure_objects(objects, maps), runs)


def lay_together(
    layers: Sequence[Layer],
    alphas: Iterable[Floats],
    size: tuple[int, int],
    of: OriginOf,
    marks_of: Callable[[Layer], SourceMarks | None],
) -> PictureFacts:
    """What is known of layers that no run has drawn: where one hides what lies below by half or
    more, the pixel is its own.

    Args:
        layers: from back to front.
        alphas: of each, float32 (h, w) in 0..1; one at a time is held.
        size: of the picture (width, height).
        of: says where a layer's picture comes from; a mask alone has none and shows nothing.
        marks_of: says what its file brought.
    """
    origins = np.zeros((size[1], size[0]), np.uint8)
    objects = np.zeros_like(origins)
    for number, (layer, alpha) in enumerate(zip(layers, alphas, strict=True), 1):
        if layer.picture is not None:
            covered = alpha >= 0.5
            origins[covered] = of(layer)
            objects[covered] = min(number, OTHERS)
    facts = tuple(
        ObjectFact(
            id=layer.id,
            box=(0, 0, 0, 0),
            pixels=0,
            origins={},
            picture=layer.picture or "",
            marks=marks_of(layer),
            name=layer.name,
            phrase=layer.phrase,
        )
        for layer in layers[:MOST_OBJECTS]
    )
    maps = PixelMaps(origins, objects)
    return PictureFacts(maps, measure_objects(facts, maps))


def _add_run(
    base: DrawnPixels, source: RunSource, drawn: Mask, inside: Mask, outside: int | None
) -> DrawnPixels:
    runs = (*base.runs, _describe_run(source, outside))
    layer = source.plan.layers[0]
    layers = tuple(layer if one.id == layer.id else one for one in base.layers)
    if layer.id not in {one.id for one in layers}:
        layers = (*layers, layer)
    place = [one.id for one in layers].index(layer.id) + 1
    number = np.uint8(place if place <= MOST_OBJECTS else OTHERS)
    return replace(
        base,
        origins=np.where(drawn, np.uint8(PixelOrigin.GENERATED), base.origins),
        owners=np.where(drawn, np.int32(len(runs)), base.owners),
        objects=np.where(inside, number, base.objects),
        layers=layers,
        runs=runs,
    )


def _renumber(drawn: DrawnPixels, places: Mapping[str, int]) -> Picture:
    """The map of objects by other places."""
    table = np.full(256, OTHERS, np.uint8)
    table[0] = 0
    for number, layer in enumerate(drawn.layers[:MOST_OBJECTS], 1):
        table[number] = min(places[layer.id], OTHERS)
    return table[drawn.objects]


def _describe_run(source: RunSource, outside: int | None = None) -> RunFact:
    plan = source.plan
    return RunFact(
        model=plan.model,
        licence=source.licence,
        method=plan.method,
        sampler=plan.sampler,
        steps=plan.steps,
        guidance_scale=plan.guidance_scale,
        seed=source.seed,
        plan=plan.digest(),
        object=plan.target.layer_id if isinstance(plan.target, OneLayer) else "",
        changed_outside=outside,
        loras=tuple(
            LoraFact(digest=one.digest, weight=one.weight, name=one.name) for one in plan.loras
        ),
        embeddings=tuple(one.embedding for one in plan.layers if one.embedding is not None),
        subject="" if plan.subject is None else plan.subject.subject,
        prompt=plan.prompt,
        negative=plan.negative,
    )


def _describe_object(
    drawn: DrawnPixels, number: int, layer: Layer, marks: SourceMarks | None
) -> ObjectFact:
    """Without what the maps say; its run is the one that drew most of what is to be seen of it."""
    owners = drawn.owners[drawn.objects == number]
    counts = np.bincount(owners[owners > 0]) if (owners > 0).any() else np.zeros(1, np.int64)
    run = int(counts.argmax()) - 1 if counts.any() else None
    fact = None if run is None else drawn.runs[run]
    return ObjectFact(
        id=layer.id,
        box=(0, 0, 0, 0),
        pixels=0,
        origins={},
        run=run,
        model="" if fact is None else fact.model,
        licence="" if fact is None else fact.licence,
        seed=None if fact is None else fact.seed,
        picture=layer.picture or "",
        marks=marks,
        name=layer.name,
        phrase=layer.phrase,
    )
