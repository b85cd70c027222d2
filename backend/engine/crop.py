"""A re-roll whose plan has a window: the window is run as a picture of its own and put back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

from backend.engine.loop_types import Run
from backend.engine.sampling import PasteTarget, check_source_size, read_paste_target
from backend.models.bundle import ModelBundle
from backend.plan.crop import Enlarged, enlarge_window, place_window
from backend.plan.events import Image, Images
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import raster
from backend.scene.blobs import Contents

RunPlan = Callable[[Plan, ModelBundle, Contents], Run]


def run_window(run: RunPlan, plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    """Run a plan; where it has a window, that alone, at the model's native size.

    What is put back beyond the layer's feather are the source's own bytes, as in a re-roll of the
    whole picture.

    Args:
        run: of a method that draws one layer over a finished picture.

    Yields:
        The steps of the window, and images of the whole picture's size.

    Raises:
        RequestError: as the method says, or the source has another size.
    """
    if not isinstance(plan.target, OneLayer) or plan.target.crop is None:
        yield from run(plan, bundle, pixels)
        return
    check_source_size(plan, pixels)
    enlarged = enlarge_window(plan, pixels, bundle.card.native_px)
    paste = read_paste_target(plan, pixels, raster(plan, pixels).alphas)
    assert paste is not None
    events = run(enlarged.plan, bundle, enlarged.pixels)
    try:
        for event in events:
            if isinstance(event, Images):
                framed = (_put_back(enlarged, paste, one, bundle) for one in event.images)
                yield replace(event, images=tuple(framed))
            else:
                yield event
    finally:
        if isinstance(events, Generator):
            events.close()


def _put_back(enlarged: Enlarged, paste: PasteTarget, image: Image, bundle: ModelBundle) -> Image:
    picture = place_window(image.picture, enlarged.window, paste.source)
    maps = {
        name: enlarged.frame_map(seen, bundle.card.cell_px)
        for name, seen in image.attention_maps.items()
    }
    return paste.paste_back(replace(image, picture=picture, attention_maps=maps))
