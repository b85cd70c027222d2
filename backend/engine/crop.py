"""Windows of pictures that are drawn close up: a re-roll's, and those of a whole picture's small
layers after it.

Each window is run as a picture of its own and put back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import numpy as np

from backend.engine.loop_types import Run, Step
from backend.engine.sampling import (
    PasteTarget,
    check_source_size,
    read_paste_target,
    relay,
)
from backend.models.bundle import ModelBundle
from backend.models.schedule import first_step
from backend.plan.crop import (
    CroppedPixels,
    Enlarged,
    count_close_up_steps,
    enlarge_window,
    place_window,
    plan_close_up,
)
from backend.plan.events import Image, Images, Result
from backend.plan.plan import CloseUp, OneLayer, Plan, WholePicture
from backend.plan.raster import raster
from backend.scene.blobs import Contents
from backend.scene.imaging.arrays import Picture

RunPlan = Callable[[Plan, ModelBundle, Contents], Run]


def run_window(
    run: RunPlan, plan: Plan, bundle: ModelBundle, pixels: Contents
) -> Generator[Step | Result, None, None]:
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
    frame = partial(place_window, window=enlarged.window, whole=paste.source)
    events = run(enlarged.plan, bundle, enlarged.pixels)
    try:
        for event in events:
            if isinstance(event, Images):
                framed = (_put_back(enlarged, paste, one, bundle) for one in event.images)
                yield replace(event, images=tuple(framed))
            else:
                yield replace(event, frame=frame) if isinstance(event, Step) else event
    finally:
        if isinstance(events, Generator):
            events.close()


@dataclass(frozen=True, eq=False)
class CloseUps:
    """The small layers of whole pictures, drawn again one after another in each candidate.

    Where the candidates vary in one layer, the others are drawn under the first one's seed.

    Attributes:
        run: of the method that makes the pictures.
        plan: of the whole pictures.
        pixels: what it refers to.
    """

    run: RunPlan
    plan: Plan
    bundle: ModelBundle = field(repr=False)
    pixels: Contents = field(repr=False)

    @property
    def planned(self) -> tuple[CloseUp, ...]:
        """Those of the plan, in their order."""
        target = self.plan.target
        return target.close_ups if isinstance(target, WholePicture) else ()

    def count_steps(self, candidates: int) -> int:
        """How many steps the windows of so many candidates take."""
        strengths = [1.0 if one.layer.strength_map else one.layer.strength for one in self.planned]
        steps = count_close_up_steps(self.plan)
        return candidates * sum(steps - first_step(steps, strength) for strength in strengths)

    def announce(self, candidates: int) -> Callable[[Step], Step]:
        """What adds them to the total that the steps of so many whole pictures say."""
        more = self.count_steps(candidates)
        return lambda step: replace(step, total=step.total + more)

    def draw(
        self, pictures: Sequence[Picture], seeds: Sequence[int], first: int
    ) -> Generator[Step, None, tuple[Picture, ...]]:
        """Draw the windows into candidates.

        Args:
            pictures: uint8 (h, w, 3).
            seeds: one for each.
            first: the step that the whole pictures began with.

        Yields:
            The steps of all windows, numbered on from the plan's own.

        Returns:
            The pictures with their close-ups in place; themselves where there are none.
        """
        drawn, steps = [], count(self.plan.steps)
        total = self.plan.steps + self.count_steps(len(pictures))
        for picture, seed in zip(pictures, seeds, strict=True):
            for close_up in self.planned:
                events = self._draw_one(close_up, picture, seed)
                picture = yield from relay(
                    events, lambda step: replace(step, k=next(steps), total=total, first=first)
                )
            drawn.append(picture)
        return tuple(drawn)

    def _draw_one(
        self, close_up: CloseUp, picture: Picture, seed: int
    ) -> Generator[Step, None, Picture]:
        target = self.plan.target
        varied = target.varied if isinstance(target, WholePicture) else None
        own = seed if varied in (None, close_up.layer.id) else self.plan.seeds[0]
        contents = CroppedPixels(self.pixels)
        opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
        source = contents.windows.add_picture(np.concatenate([picture, opaque], axis=2))
        plan = plan_close_up(self.plan, close_up, source, own)
        with closing(run_window(self.run, plan, self.bundle, contents)) as events:
            for event in events:
                if isinstance(event, Step):
                    yield event
                elif isinstance(event, Images):
                    (picture,) = event.pictures
        return picture


def _put_back(enlarged: Enlarged, paste: PasteTarget, image: Image, bundle: ModelBundle) -> Image:
    picture = place_window(image.picture, enlarged.window, paste.source)
    maps = {
        name: enlarged.frame_map(seen, bundle.card.cell_px)
        for name, seen in image.attention_maps.items()
    }
    return paste.paste_back(replace(image, picture=picture, attention_maps=maps))
