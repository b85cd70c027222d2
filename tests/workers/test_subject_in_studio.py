"""A studio and a real worker together: a subject is learned, laid out, retouched, and re-rolled in
its layer alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.models.cache import ModelCache
from backend.models.catalog import find_models
from backend.scene.formats.picture_file import encode_png
from backend.studio.library.examples import ExampleScenes
from backend.studio.storage.disk import Disk
from backend.studio.storage.records import Candidate
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio
from backend.workers.local import LocalWorker
from backend.workers.offer import CatalogOffer
from tests.studio.workshop import EDITOR, square_picture, wait_for_end

pytestmark = pytest.mark.slow

STEPS = 3
SETTINGS = {"model": "pocket", "steps": STEPS, "count": 1, "guidance_scale": 2.0}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder, catalog = tmp_path_factory.mktemp("store"), find_models(())
    worker = LocalWorker(catalog, ModelCache(2**32), "cpu")
    found = Studio(
        Storage(folder, Disk()),
        CatalogOffer(catalog, "cpu"),
        worker,
        ExampleScenes(Path(folder / "none")),
    )
    yield found
    found.close()


def make(studio: Studio, project: str, request: dict[str, object]) -> Candidate:
    """The only candidate of a request over the project as it stands."""
    job_events = wait_for_end(
        studio, studio.generate(project, studio.open_project(project).revision, request).job, 300
    )
    assert job_events.state == "finished", job_events.events[-1]
    return job_events.candidates[0]


def test_from_pictures_to_a_re_roll_of_the_layer_alone(studio: Studio) -> None:
    shades = ((200, 30, 40), (180, 40, 60), (210, 50, 30))
    references = tuple(
        studio.take_picture(encode_png(square_picture(one)), "ball.png").digest for one in shades
    )
    subject = studio.library.make("Red", "ball", "textual_inversion", references)
    project = studio.open_latest()
    job = studio.library.train(project.id, subject.id, "pocket", 2).job
    assert wait_for_end(studio, job, 300).state == "finished"
    subject = studio.library.list_all()[0]
    assert (subject.state, subject.model) == ("ready", "pocket")

    centre = {"centre_x_px": 40, "centre_y_px": 40}
    layer = {
        "id": "ball",
        "picture": references[0],
        "placement": centre,
        "phrase": "ball",
        "strength": 0.9,
    }
    scene = {
        "width_px": 128,
        "height_px": 128,
        "prompt": "a ball on a meadow",
        "layers": [{**layer, "subject": subject.id}],
    }
    studio.save(project.id, project.revision, scene, EDITOR)
    drawn = {"subject": {"subject": subject.file, "reference": subject.references[0]}}
    settings = {**SETTINGS, "method": "layout_retouch", "options": {"stage": "layouts"}}
    layout = make(studio, project.id, {"kind": "compose", "settings": settings, **drawn})
    assert layout.layout
    job_events = wait_for_end(studio, studio.retouch(project.id, layout.id).job, 300)
    assert job_events.state == "finished", job_events.events[-1]
    retouched = job_events.candidates[0]
    assert (retouched.seed, retouched.layout) == (layout.seed, False)
    assert retouched.digest != layout.digest

    request = {
        "kind": "reroll",
        "settings": {**SETTINGS, "seed": 5},
        "layer_id": "ball",
        "source": retouched.digest,
    }
    again = make(studio, project.id, {**request, "feather_px": 2})
    before, after = (
        studio._store.pixels.picture(one.digest)[:, :, :3] for one in (retouched, again)
    )
    rows, columns = np.nonzero((before != after).any(axis=2))
    scale = len(before) / scene["height_px"]
    assert again.changed_outside == 0
    assert len(rows) > 50
    assert min(rows.min(), columns.min()) >= (40 - 24 - 3) * scale
    assert max(rows.max(), columns.max()) <= (40 + 24 + 3) * scale
