"""Which layers a lost or damaged picture concerns, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from backend.errors import StoreError
from backend.scene.layer import Layer
from backend.scene.records import PictureDigest
from backend.scene.scene import Scene
from backend.studio.storage.pixel_files import PixelFiles

NAMED = 3
"""So many layers are named in a sentence."""
MENDING = (
    "Add the same picture again, which mends it; or delete the layer. Home exports what is there."
)


def digests_of(layer: Layer) -> tuple[PictureDigest, ...]:
    """The stored pixels that a layer refers to."""
    found = (layer.picture, layer.mask, layer.strength_map)
    return tuple(digest for digest in found if digest is not None)


def find_damaged(scene: Scene, pixels: PixelFiles) -> tuple[Layer, ...]:
    """The layers whose pixels are missing, or were found damaged when they were last read."""
    return tuple(
        layer
        for layer in scene.layers
        if any(not pixels.has(one) or pixels.is_damaged(one) for one in digests_of(layer))
    )


def read_all(scene: Scene, pixels: PixelFiles) -> tuple[Layer, ...]:
    """The layers whose pixels cannot be read, found by reading all of them."""
    for layer in scene.layers:
        with suppress(StoreError):
            _read_layer(layer, pixels)
    return find_damaged(scene, pixels)


def _read_layer(layer: Layer, pixels: PixelFiles) -> None:
    if layer.picture is not None:
        pixels.picture(layer.picture)
    for mask in (layer.mask, layer.strength_map):
        if mask is not None:
            pixels.mask(mask)


def name_layers(layers: Sequence[Layer]) -> str:
    """“Ball”, “Cat” and 3 more."""
    names = [f"“{layer.name or layer.phrase or layer.id}”" for layer in layers[:NAMED]]
    more = len(layers) - len(names)
    if more:
        return f"{', '.join(names)} and {more} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def describe_damage(layers: Sequence[Layer]) -> str:
    """What is wrong with these layers, as a sentence; empty for none."""
    if not layers:
        return ""
    if len(layers) == 1:
        return f"The picture of the layer {name_layers(layers)} is missing or damaged."
    return f"The pictures of the layers {name_layers(layers)} are missing or damaged."


@contextmanager
def naming_layers(scene: Scene, pixels: PixelFiles) -> Iterator[None]:
    """Errors of stored pixels with the names of the layers concerned."""
    try:
        yield
    except StoreError as error:
        damaged = read_all(scene, pixels)
        if not damaged:
            raise
        raise StoreError(
            describe_damage(damaged),
            remedy=MENDING,
        ) from error
