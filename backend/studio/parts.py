"""A picture taken apart: what the event of such a job tells. The pixels are in the store by digest."""

from __future__ import annotations

from backend.plan.plan import Plan
from backend.scene.layer import Record
from backend.studio.events import TakenApart
from backend.studio.pixel_files import PixelFiles


class Part(Record):
    """One object as a picture of the size of the whole."""

    layer_id: str
    picture: str


class Apart(Record):
    """The objects from back to front, the place behind them, and the layers that were not found."""

    parts: tuple[Part, ...]
    plate: str
    missing: tuple[str, ...]
    width_px: int
    height_px: int


def stored_parts(pixels: PixelFiles, plan: Plan, apart: TakenApart) -> Apart:
    """What is told of the parts once their pixels are in the store."""
    order = [layer.layer_id for layer in plan.layers if layer.layer_id in apart.objects]
    height_px, width_px = apart.plate.shape[:2]
    return Apart(
        parts=tuple(Part(layer_id=name, picture=pixels.add_picture(apart.objects[name])) for name in order),
        plate=pixels.add_picture(apart.plate),
        missing=apart.missing,
        width_px=width_px,
        height_px=height_px,
    )
