"""The record of a picture in PNG, JPEG and WebP files, and its maps and tiles."""

from __future__ import annotations

import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from backend.scene.formats.carried_scene import KIND
from backend.scene.formats.picture_file import encode_png
from backend.scene.formats.picture_record import (
    ObjectFact,
    PictureFacts,
    RunFact,
    load_record,
    measure_objects,
    read_record,
    write_record,
)
from backend.scene.formats.pixel_map import (
    PixelMaps,
    PixelOrigin,
    choose_tile,
    measure_tiles,
    pack_maps,
    pack_tiles,
    unpack_maps,
    unpack_tiles,
)
from backend.scene.formats.png_blocks import build_chunk, insert_chunks
from backend.scene.formats.source_marks import SourceMarks, read_marks
from backend.scene.formats.xmp import build_packet, find_packets, insert_packet, read_properties
from backend.scene.imaging.arrays import Picture
from tests.scene.drawings import noise

SOURCE = "Iptc4xmpExt:DigitalSourceType"


def facts_of(height_px: int, width_px: int) -> PictureFacts:
    """A generated square on a photograph."""
    origins = np.full((height_px, width_px), PixelOrigin.PHOTOGRAPH, np.uint8)
    objects = np.zeros((height_px, width_px), np.uint8)
    origins[4:20, 6:30] = PixelOrigin.GENERATED
    objects[4:20, 6:30] = 1
    maps = PixelMaps(origins, objects)
    one = ObjectFact(id="a", box=(0, 0, 0, 0), pixels=0, origins={}, run=0, name="Anna’s dog")
    run = RunFact(model="pocket", seed=3, prompt="a dog & a <hat>")
    return PictureFacts(maps, measure_objects((one,), maps), (run,))


def encode(picture: Picture, kind: str) -> tuple[bytes, Picture]:
    """The file, and what it decodes to."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, kind, **({"lossless": True} if kind == "WEBP" else {}))
    with Image.open(io.BytesIO(content.getvalue())) as image:
        return content.getvalue(), np.asarray(image)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("bands", [3, 4])
def test_a_record_travels_in_each_kind_of_file(kind: str, bands: int) -> None:
    picture = noise(1, 50, 70, bands)
    content, decoded = encode(picture[..., :3] if kind == "JPEG" else picture, kind)
    written = write_record(content, decoded, facts_of(50, 70), with_words=True)
    found = read_record(written)
    assert (found.count, found.problem) == (1, "")
    assert found.record is not None
    assert found.record.objects[0].name == "Anna’s dog"
    assert found.record.runs[0].prompt == "a dog & a <hat>"
    assert found.record.pixels == {"generated": 16 * 24, "photograph": 50 * 70 - 16 * 24}
    assert read_marks(written).marks.source_type == "compositeWithTrainedAlgorithmicMedia"
    with Image.open(io.BytesIO(written)) as image:
        np.testing.assert_array_equal(np.asarray(image), decoded)
        packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
        assert b"<xmp:CreatorTool>Lamina " in packet
    wordless = write_record(content, decoded, facts_of(50, 70))
    assert b"Anna" not in wordless
    assert b"hat" not in wordless


@pytest.mark.slow
def test_a_large_record_is_made_to_fit_into_a_jpeg() -> None:
    picture = noise(2, 600, 600, 3)
    content, decoded = encode(picture, "JPEG")
    facts = facts_of(600, 600)
    ragged = np.where(noise(3, 600, 600, 1) > 127, PixelOrigin.GENERATED, PixelOrigin.IMPORTED)
    facts = PictureFacts(PixelMaps(ragged.astype(np.uint8), facts.maps.objects), facts.objects)
    record = read_record(write_record(content, decoded, facts)).record
    assert record is not None
    assert record.maps.cell_px > 1
    assert unpack_maps(record.maps, 600, 600).origins.shape == (600, 600)
    exact = read_record(write_record(encode_png(picture), picture, facts)).record
    assert exact is not None
    np.testing.assert_array_equal(unpack_maps(exact.maps, 600, 600).origins, ragged)


def test_facts_follow_a_picture_to_another_size() -> None:
    picture = noise(4, 100, 140, 3)
    record = read_record(write_record(encode_png(picture), picture, facts_of(50, 70))).record
    assert record is not None
    assert record.objects[0].box == (12, 8, 60, 40)
    assert record.pixels["generated"] == 4 * 16 * 24


def test_maps_and_tiles_come_back_as_they_were() -> None:
    maps = facts_of(33, 41).maps
    for cell_px in (1, 4):
        back = unpack_maps(pack_maps(maps, cell_px), 41, 33)
        assert (back.origins == maps.origins).mean() > 0.9 + 0.1 * (cell_px == 1) - 1e-9
    picture = noise(5, 33, 41)
    tiles = measure_tiles(picture, 8)
    back = unpack_tiles(pack_tiles(tiles), 41, 33)
    np.testing.assert_array_equal(back.digests, tiles.digests)
    assert np.abs(back.means - tiles.means).max() <= 0.5
    assert choose_tile(8192, 8192, 4096) == 128
    with pytest.raises(ValueError, match="few"):
        unpack_maps(pack_maps(maps), 42, 33)


def test_a_record_that_was_changed_or_is_newer_is_told_of() -> None:
    picture = noise(6, 20, 20, 3)
    content = write_record(encode_png(picture), picture, facts_of(20, 30))
    record = read_record(content).record
    assert record is not None
    body = record.model_dump(mode="json")
    for change, words in (
        ({"changed_outside": 5}, "was changed after"),
        ({"format": 9}, "newer Lamina"),
        ({"width_px": "wide"}, "no record"),
    ):
        with pytest.raises(ValueError, match=words):
            load_record(json.dumps({**body, **change}))
    with pytest.raises(ValueError, match="cannot be read"):
        load_record("[" * 100_000)


def test_entities_and_damaged_packets_say_nothing() -> None:
    base = encode_png(noise(7, 4, 4, 3))
    for packet in (
        b'<!DOCTYPE a [<!ENTITY b "c">]><a/>',
        b"<rdf:RDF",
        b"\0" * 9,
        build_packet({})[:-30],
    ):
        if packet.strip(b"\0"):
            content = insert_packet(base, packet)
            assert len(find_packets(content)) == 1
        assert read_properties(packet, SOURCE) == ()


def test_marks_are_found_by_kind() -> None:
    base = encode_png(noise(8, 4, 4, 3))
    assert read_marks(base).marks == SourceMarks()
    c2pa = insert_chunks(base, early=build_chunk(b"caBX", b"jumb c2pa"))
    assert read_marks(c2pa).marks.has_c2pa
    assert "Content Credentials" in read_marks(c2pa).marks.describe()
    camera = Image.Exif()
    camera[0x0110] = "X100"
    camera.get_ifd(0x8769)[0x829A] = 0.01
    photo = io.BytesIO()
    Image.fromarray(noise(9, 8, 8, 3)).save(photo, "JPEG", exif=camera)
    assert read_marks(photo.getvalue()).marks.origin is PixelOrigin.PHOTOGRAPH
    art = SourceMarks(source_type="digitalCreation")
    assert art.origin is PixelOrigin.PAINTED
    assert SourceMarks(program="ComfyUI").origin is PixelOrigin.MADE_ELSEWHERE


def test_a_scene_in_a_packed_text_would_refuse_the_picture() -> None:
    """Why the scene has a chunk of its own."""
    base = encode_png(noise(10, 4, 4, 3))
    scene = bytes(2**21)
    text = build_chunk(b"zTXt", b"scene\0\0" + zlib.compress(scene))
    with (
        pytest.raises(ValueError, match="too large"),
        Image.open(io.BytesIO(insert_chunks(base, early=text))) as image,
    ):
        image.load()
    with Image.open(io.BytesIO(insert_chunks(base, late=build_chunk(KIND, scene)))) as image:
        image.load()
        assert image.size == (4, 4)
