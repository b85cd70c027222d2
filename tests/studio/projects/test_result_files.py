"""Pictures as files: what they say of themselves, and the scene that comes back out of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import ArchiveError, StoreError
from backend.scene.formats.carried_scene import KIND, find_scene
from backend.scene.formats.picture_file import encode_png
from backend.scene.formats.picture_record import (
    COMPOSITE,
    WHOLLY_GENERATED,
    load_record,
    read_record,
)
from backend.scene.formats.pixel_map import PixelOrigin, measure_tiles, unpack_maps, unpack_tiles
from backend.scene.formats.png_blocks import build_chunk, insert_chunks, list_chunks
from backend.scene.formats.xmp import build_packet, insert_packet
from backend.scene.imaging.arrays import Picture
from backend.scene.records import PictureDigest
from backend.studio.projects.result_files import ExportChoice
from backend.studio.storage.records import Candidate
from backend.studio.studio import Studio
from tests.studio.workshop import compose, open_studio, reroll, save_scene, wait_for_end

WITH_WORDS = ExportChoice(words=True)


def make(studio: Studio, project: str, revision: int, request: dict[str, object]) -> Candidate:
    job = studio.generate(project, revision, request).job
    return wait_for_end(studio, job).candidates[0]


def decode(content: bytes) -> Picture:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGBA"))


def test_a_result_says_what_drew_each_pixel(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        whole = make(studio, project, revision, compose(count=1, seed=3))
        again = make(studio, project, revision, reroll(whole.digest, count=1, seed=8))
        content, notes = studio.results.write_png(again.digest, ExportChoice())
        assert notes == ()
        np.testing.assert_array_equal(decode(content), decode(studio.picture_png(again.digest)))
    record = read_record(content).record
    assert record is not None
    assert record.source_type == WHOLLY_GENERATED
    assert record.pixels == {"generated": 128 * 128}
    assert [(run.seed, run.object, run.model) for run in record.runs] == [
        (3, "", "pocket"),
        (8, "ball", "pocket"),
    ]
    # the worker paints rows 42 to 85, the layer and its feather of 4 px lie within 44 to 84
    outside = 128 * 128 - 43 * 43
    assert record.runs[0].pixels == outside
    assert record.runs[1].pixels == 43 * 43
    assert record.changed_outside == record.runs[1].changed_outside == 43 * 43 - count_reach()
    ball = record.objects[0]
    assert (ball.id, ball.run, ball.seed) == ("ball", 1, 8)
    assert ball.box == (48, 48, 80, 80)
    assert ball.pixels == 32 * 32
    maps = unpack_maps(record.maps, 128, 128)
    assert (maps.objects[48:80, 48:80] == 1).all()
    assert (maps.origins == PixelOrigin.GENERATED).all()


def count_reach() -> int:
    """Pixels within 4 px of a square of 32."""
    rows, columns = np.mgrid[:128, :128]
    away = [np.maximum(np.maximum(48 - one, one - 79), 0) for one in (rows, columns)]
    return int((np.hypot(*away) <= 4).sum())


def test_words_travel_only_when_asked(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        made = make(studio, project, revision, compose(count=1))
        wordless, _ = studio.results.write_png(made.digest, ExportChoice())
        worded, _ = studio.results.write_png(made.digest, WITH_WORDS)
        kept = studio.results.read_scene(wordless, "a.png")
        asked = studio.results.read_scene(worded, "b.png")
    for word in (b"meadow", b"red ball", b"Ball", b"Toys"):
        assert word not in wordless
        assert word not in find_texts(wordless)
        assert word in find_texts(worded)
    assert kept.scene.prompt == kept.scene.layers[0].phrase == ""
    assert any("words were left out" in note for note in kept.notes)
    assert asked.scene.prompt == "a red ball on a meadow"
    assert asked.notes == ()
    record = read_record(worded).record
    assert record is not None
    assert record.words
    assert (record.objects[0].name, record.runs[0].prompt) == ("Ball", "a red ball on a meadow")


def find_texts(content: bytes) -> bytes:
    """All bytes of a file, those of its carried scene unpacked."""
    packed = find_scene(content)
    assert packed is not None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return content + b"".join(map(archive.read, archive.namelist()))


def test_the_scene_comes_back_in_another_store(tmp_path: Path) -> None:
    with open_studio(tmp_path / "first") as studio:
        project, revision = save_scene(studio)
        made = make(studio, project, revision, compose(count=1, seed=5, steps=3))
        scene = studio.open_project(project).scene
        content, _ = studio.results.write_png(made.digest, WITH_WORDS)
        key = studio.results.prepare(made.digest, "Toys/../x", ExportChoice()).key
        assert studio.results.fetch(key)[1] == "Toys .. x.png"
        with pytest.raises(StoreError, match="fetched"):
            studio.results.fetch("0" * 32)
    with open_studio(tmp_path / "second") as studio:
        taken = studio.take_picture(content, "toys.png")
        assert taken.has_scene
        back = studio.results.read_scene(content, "toys.png")
        assert back.scene == scene
        assert (back.editor.settings.seed, back.editor.settings.steps) == (5, 3)
        project = studio.begin_scene(128, 128)
        studio.save(project.id, project.revision, back.scene.model_dump(), {})


def test_what_was_taken_out_or_damaged_is_said(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        made = make(studio, project, revision, compose(count=1))
        content, _ = studio.results.write_png(made.digest, ExportChoice())
        alone = drop_chunk(content, KIND)
        assert any("taken out" in note for note in studio.take_picture(alone, "x.png").notes)
        with pytest.raises(ArchiveError, match="carries no scene"):
            studio.results.read_scene(alone, "x.png")
        damaged = insert_chunks(alone, late=build_chunk(KIND, b"PK nothing"))
        with pytest.raises(ArchiveError, match="The scene in"):
            studio.results.read_scene(damaged, "x.png")
        newer = content.replace(b'"format":1,', b'"format":7,')
        assert any("newer Lamina" in note for note in studio.take_picture(newer, "x.png").notes)


def drop_chunk(content: bytes, unwanted: bytes) -> bytes:
    kept = [content[start:end] for kind, start, end in list_chunks(content) if kind != unwanted]
    return content[:8] + b"".join(kept)


def test_marks_of_a_file_stay_with_its_pixels(tmp_path: Path) -> None:
    photo = np.full((128, 128, 4), 90, np.uint8)
    photo[..., 3] = 255
    base = "http://cv.iptc.org/newscodes/digitalsourcetype/"
    packet = build_packet({"Iptc4xmpExt:DigitalSourceType": f"{base}digitalCapture"})
    with open_studio(tmp_path) as studio:
        taken = studio.take_picture(insert_packet(encode_png(photo), packet), "photo.png")
        assert any("digitalCapture" in note for note in taken.notes)
        facts = studio.results.read_facts(taken.digest)
        assert facts.maps.count_origins() == {"photograph": 128 * 128}
        assert facts.source_type == ""
        project, revision = save_scene(studio)
        inside = make(studio, project, revision, reroll(taken.digest, count=1))
        content, _ = studio.results.write_png(PictureDigest(inside.digest), ExportChoice())
    record = read_record(content).record
    assert record is not None
    assert record.source_type == COMPOSITE
    assert set(record.pixels) == {"photograph", "generated"}
    assert COMPOSITE.encode() in content


def test_a_scene_file_has_the_record_and_the_marks_of_its_pictures(tmp_path: Path) -> None:
    ground = np.full((128, 128, 4), 255, np.uint8)
    base = "http://cv.iptc.org/newscodes/digitalsourcetype/"
    packet = build_packet({"Iptc4xmpExt:DigitalSourceType": f"{base}trainedAlgorithmicMedia"})
    made = insert_packet(encode_png(ground), packet)
    with open_studio(tmp_path / "first") as studio:
        project, revision = save_scene(studio)
        behind = studio.take_picture(made, "made.png").digest
        scene = studio.open_project(project).scene.model_dump(mode="json")
        placement = {"centre_x_px": 64, "centre_y_px": 64}
        scene["layers"].insert(0, {"id": "g", "picture": behind, "placement": placement})
        studio.save(project, revision, scene, {})
        content, _ = studio.export_ora(project)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        record = load_record(archive.read("lamina/record.json").decode())
        merged = archive.read("mergedimage.png")
    assert record.source_type == COMPOSITE
    assert record.pixels == {"made_elsewhere": 128 * 128 - 32 * 32, "imported": 32 * 32}
    assert [one.id for one in record.objects] == ["g", "ball"]
    tiles = measure_tiles(decode(merged), record.tiles.tile_px)
    np.testing.assert_array_equal(unpack_tiles(record.tiles, 128, 128).digests, tiles.digests)
    with open_studio(tmp_path / "second") as studio:
        studio.open_ora(content, "scene.ora")
        facts = studio.results.read_facts(behind)
        assert facts.maps.count_origins() == {"made_elsewhere": 128 * 128}


def save_as(picture: Image.Image, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    picture.save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize(
    "kind", ["grey", "one bit", "colours", "palette", "alpha", "16 bits", "jpeg"]
)
def test_a_mask_comes_from_a_picture_of_any_kind(tmp_path: Path, kind: str) -> None:
    wanted = np.zeros((64, 96), np.uint8)
    wanted[16:48, 24:72] = 255
    grey = Image.fromarray(wanted)
    clear = np.full((64, 96, 4), 70, np.uint8)
    clear[..., 3] = wanted
    content = {
        "grey": lambda: save_as(grey),
        "one bit": lambda: save_as(grey.convert("1")),
        "colours": lambda: save_as(grey.convert("RGB")),
        "palette": lambda: save_as(grey.convert("P")),
        "alpha": lambda: save_as(Image.fromarray(clear)),
        "16 bits": lambda: save_as(Image.fromarray(wanted.astype(np.uint16) * 257)),
        "jpeg": lambda: save_as(grey, "JPEG"),
    }[kind]()
    with open_studio(tmp_path) as studio:
        taken = studio.results.take_mask(content, "m.png", (96, 64))
        mask = studio._store.pixels.mask(taken.digest)
        np.testing.assert_allclose(mask, wanted, atol=4 if kind == "jpeg" else 0)
        larger = studio.results.take_mask(content, "m.png", (192, 128))
        assert "stretched" in larger.notes[-1]
        assert studio._store.pixels.mask(larger.digest)[64, 96] > 250
    shades = np.arange(256, dtype=np.uint8).reshape(16, 16)
    with open_studio(tmp_path / "shades") as studio:
        taken = studio.results.take_mask(save_as(Image.fromarray(shades)), "s.png", (16, 16))
        np.testing.assert_array_equal(studio._store.pixels.mask(taken.digest), shades)
