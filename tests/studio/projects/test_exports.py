"""Files that people take away: size, format, transparency, colour, several at once."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import LaminaError, RequestError, StoreError
from backend.scene.composite import flatten_scene
from backend.scene.formats.carried_scene import find_scene
from backend.scene.formats.picture_record import read_record
from backend.studio.projects import exports
from backend.studio.projects.exports import EXPORTERS, ExportRequest, flatten_collage
from backend.studio.studio import Studio
from tests.studio.projects.test_gallery import generate
from tests.studio.projects.test_home import make_scene
from tests.studio.workshop import compose, open_studio

KINDS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}


def export(studio: Studio, project: str, **wanted: object) -> tuple[str, bytes]:
    """The name of the exported file, and what is in it."""
    prepared = studio.exports.prepare(project, ExportRequest.model_validate(wanted))
    file = studio.exports.fetch(prepared.key)
    assert (file.name, file.notes) == (prepared.name, prepared.notes)
    return file.name, b"".join(file.parts())


def open_image(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("format_id", KINDS)
def test_a_picture_is_as_large_as_the_canvas_in_every_format(
    tmp_path: Path, format_id: str
) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "Red / ball")
        (first, _) = generate(studio, project, compose(count=2))
        size = (280, 256)
        name, content = export(
            studio, project, format=format_id, candidates=(first,), width_px=size[0],
            height_px=size[1], quality=100,
        )  # fmt: skip
        image = open_image(content)
        assert (image.format, image.size) == (KINDS[format_id], size)
        assert name.startswith("Red ball, seed")
        drawn = open_image(export(studio, project, format=format_id, candidates=(first,))[1])
        stored = studio.open_project(project).candidates[0]
        assert drawn.size == (stored.width_px, stored.height_px)
        record = read_record(content).record
        assert record is not None
        assert (record.width_px, record.height_px, record.runs[0].seed) == (*size, stored.seed)
        assert (find_scene(content) is not None) == (format_id == "png")
        if format_id != "jpeg":
            exact = studio._store.pixels.picture(stored.digest)
            assert np.array_equal(np.asarray(drawn.convert("RGBA")), exact)


def test_the_collage_is_transparent_or_lies_on_a_colour(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "Ball")
        scene = studio.open_project(project).scene
        shown = flatten_collage(scene, studio._store.contents)
        clear = np.asarray(open_image(export(studio, project, format="png")[1]).convert("RGBA"))
        assert np.array_equal(clear, shown)
        assert clear[..., 3].min() == 0 < clear[..., 3].max() == 255
        grey = flatten_scene(scene, studio._store.contents).astype(int)
        flat = open_image(export(studio, project, format="png", background="#969696")[1])
        assert flat.mode == "RGB"
        assert np.abs(np.asarray(flat).astype(int) - grey).max() <= 1
        white = np.asarray(open_image(export(studio, project, format="jpeg", quality=95)[1]))
        assert white[clear[..., 3] == 0].mean() > 250


def test_several_pictures_come_as_one_file_in_the_order_asked_for(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "Two")
        ids = generate(studio, project, compose(count=2))
        name, content = export(
            studio, project, format="webp", candidates=tuple(reversed(ids)), width_px=100,
            height_px=100,
        )  # fmt: skip
        assert name == "Two, 2 pictures.zip"
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            images = [open_image(archive.read(member)) for member in archive.namelist()]
        assert [image.size for image in images] == [(100, 100)] * 2
        known = {one.id: one.seed for one in studio.open_project(project).candidates}
        seeds = [int(one.split("seed ")[1].removesuffix(".webp")) for one in archive.namelist()]
        assert seeds == [known[one] for one in reversed(ids)]


def test_a_scene_comes_with_its_layers(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "Ball")
        name, content = export(studio, project, format="ora")
        assert name == "Ball.ora"
        again = studio.open_ora(content, name)
        assert again.scene == studio.open_project(project).scene


def test_half_transparent_colours_do_not_darken_when_enlarged() -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[2:6, 2:6] = (200, 40, 10, 255)
    large = exports.resize_picture(picture, 64, 64).astype(int)
    seen = large[..., 3] > 40
    assert np.abs(large[seen][:, :3] - (200, 40, 10)).max() <= 4
    assert exports.resize_picture(picture, 64, 16).shape == (16, 16, 4)


def test_unknown_formats_and_pictures_of_others_are_refused(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "One")
        other, _ = make_scene(studio, "Other")
        (theirs,) = generate(studio, other, compose(count=1))
        with pytest.raises(RequestError, match="no files of the format 'tiff'"):
            export(studio, project, format="tiff")
        with pytest.raises(StoreError):
            export(studio, project, format="png", candidates=(theirs,))
        with pytest.raises(LaminaError):
            studio.exports.fetch("0" * 32)
        assert len({exporter.facts.id for exporter in EXPORTERS}) == len(EXPORTERS)
