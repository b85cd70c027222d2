"""200 pictures that were tampered with, and 40 that were not: each is told apart by its record."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from backend.cli import main
from backend.scene.formats.carried_scene import KIND, CarriedScene, insert_scene
from backend.scene.formats.picture_file import encode_png
from backend.scene.formats.picture_record import (
    ObjectFact,
    PictureFacts,
    RunFact,
    measure_objects,
    read_record,
    write_record,
)
from backend.scene.formats.pixel_map import PixelMaps, PixelOrigin
from backend.scene.formats.png_blocks import list_chunks
from backend.scene.formats.verify import CheckFinding, CheckReport, check_picture
from backend.scene.formats.xmp import build_packet, find_packets, insert_packet
from backend.scene.imaging.arrays import Picture

SIDE_PX = 96
KINDS = 40


class SavedSample(NamedTuple):
    """A picture with two objects, its file, and where the objects are."""

    picture: Picture
    content: bytes
    boxes: tuple[tuple[slice, slice], ...]


def make(seed: int) -> SavedSample:
    """Soft colours, as a model draws them, and two objects of another colour each."""
    draw = np.random.default_rng(seed)
    small = draw.integers(30, 220, (7, 7, 3), np.uint8)
    soft = Image.fromarray(small).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    picture = np.clip(np.asarray(soft).astype(int) + draw.integers(-4, 5, (SIDE_PX, SIDE_PX, 3)),
                      0, 255).astype(np.uint8)  # fmt: skip
    objects = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    boxes = []
    for number, left in enumerate((8, 56), 1):
        top, side = int(draw.integers(8, 50)), int(draw.integers(20, 32))
        boxes.append(np.s_[top : top + side, left : left + side])
        picture[boxes[-1]] = picture[boxes[-1]] // 2 + draw.integers(0, 128, 3, np.uint8)
        objects[boxes[-1]] = number
    origins = np.full_like(objects, PixelOrigin.GENERATED)
    maps = PixelMaps(origins, objects)
    facts = tuple(
        ObjectFact(id=f"l{number}", box=(0, 0, 0, 0), pixels=0, origins={}, phrase=f"toy {number}")
        for number in (1, 2)
    )
    runs = (RunFact(model="pocket", seed=seed),)
    carried = CarriedScene(b"PK\x05\x06" + bytes(18), "")
    digest = hashlib.sha256(carried.content).hexdigest()
    whole = PictureFacts(maps, measure_objects(facts, maps), runs)
    content = write_record(encode_png(picture), picture, whole, with_words=True, scene=digest)
    return SavedSample(picture, insert_scene(content, carried), tuple(boxes))


def save_again(made: SavedSample, picture: Picture) -> bytes:
    """Other pixels in the same file: every chunk stays, as with an editor that keeps them."""
    kept = [
        made.content[start:end]
        for kind, start, end in list_chunks(made.content)
        if kind not in (b"IHDR", b"IDAT", b"IEND")
    ]
    fresh = encode_png(picture)
    parts = {kind: [] for kind in (b"IHDR", b"IDAT", b"IEND")}
    for kind, start, end in list_chunks(fresh):
        parts[kind].append(fresh[start:end])
    return b"".join([fresh[:8], *parts[b"IHDR"], *kept, *parts[b"IDAT"], *parts[b"IEND"]])


def crop(made: SavedSample, draw: np.random.Generator) -> bytes:
    x, y = (int(one) for one in draw.integers(1, 30, 2))
    return save_again(made, made.picture[y : y + 60, x : x + 64])


def encode_anew(made: SavedSample, draw: np.random.Generator) -> bytes:
    """As a JPEG, with the packet that its program carried along."""
    content = io.BytesIO()
    Image.fromarray(made.picture).save(content, "JPEG", quality=int(draw.integers(60, 96)))
    return insert_packet(content.getvalue(), find_packets(made.content)[0])


def repaint(made: SavedSample, draw: np.random.Generator) -> bytes:
    """The second object in another colour."""
    picture = made.picture.copy()
    picture[made.boxes[1]] = 255 - picture[made.boxes[1]]
    return save_again(made, picture)


def strip(made: SavedSample, draw: np.random.Generator) -> bytes:
    """One of the chunks, or all but the scene, or the source type alone."""
    unwanted = ((b"iTXt",), (KIND,), ())[int(draw.integers(3))]
    kept = [
        made.content[start:end]
        for kind, start, end in list_chunks(made.content)
        if kind not in unwanted
    ]
    content = made.content[:8] + b"".join(kept)
    if unwanted:
        return content
    record = read_record(made.content).record
    assert record is not None
    return without_type(made)


def without_type(made: SavedSample) -> bytes:
    """The packet without its first property."""
    packet = find_packets(made.content)[0].decode().split("\n")
    bare = "\n".join(line for line in packet if "DigitalSourceType" not in line)
    alone = b"".join(
        made.content[start:end] for kind, start, end in list_chunks(made.content) if kind != b"iTXt"
    )
    return insert_packet(made.content[:8] + alone, bare.encode())


def mark_twice(made: SavedSample, draw: np.random.Generator) -> bytes:
    """A second packet: that of another picture, or one that says it is a photograph."""
    base = "http://cv.iptc.org/newscodes/digitalsourcetype/"
    other = build_packet({"Iptc4xmpExt:DigitalSourceType": f"{base}digitalCapture"})
    if draw.integers(2):
        other = find_packets(make(int(draw.integers(1000, 2000))).content)[0]
    return insert_packet(made.content, other)


TAMPERED: dict[CheckFinding, Callable[[SavedSample, np.random.Generator], bytes]] = {
    CheckFinding.CROPPED: crop,
    CheckFinding.ENCODED_ANEW: encode_anew,
    CheckFinding.EDITED: repaint,
    CheckFinding.STRIPPED: strip,
    CheckFinding.DOUBLED: mark_twice,
}


@pytest.mark.slow
def test_two_hundred_tampered_pictures_are_told_apart() -> None:
    draw = np.random.default_rng(17)
    wrong, count = [], 0
    for seed in range(KINDS):
        made = make(seed)
        for wanted, tamper in TAMPERED.items():
            report = check_picture(tamper(made, draw))
            count += 1
            if report.findings != (wanted,):
                wrong.append((seed, wanted, report.findings))
            if wanted is CheckFinding.EDITED:
                assert report.regions[0].title == "“toy 2”"
                assert_covers(report, made.boxes[1])
        assert check_picture(made.content).findings == (CheckFinding.UNTOUCHED,)
    assert count == 200
    assert wrong == []


def assert_covers(report: CheckReport, where: tuple[slice, slice]) -> None:
    """The first region holds the object, and no more than the tiles that it touches."""
    x0, y0, x1, y1 = report.regions[0].box
    rows, columns = where
    for low, high, one in ((y0, y1, rows), (x0, x1, columns)):
        assert one.start - 8 < low <= one.start
        assert one.stop <= high < one.stop + 8
    exact = (rows.stop - rows.start) * (columns.stop - columns.start)
    assert exact <= report.regions[0].pixels <= exact * 2


def test_a_crop_is_found_where_it_was_and_edits_in_it_are_told() -> None:
    made = make(3)
    picture = made.picture.copy()
    picture[made.boxes[1]] = 255 - picture[made.boxes[1]]
    report = check_picture(save_again(made, picture[5:93, 11:91]))
    assert report.findings == (CheckFinding.CROPPED, CheckFinding.EDITED)
    assert report.box == (11, 5, 91, 93)
    assert report.regions[0].title == "“toy 2”"


def test_encoded_anew_and_painted_over_are_both_told() -> None:
    made = make(4)
    picture = made.picture.copy()
    picture[made.boxes[0]] = 255 - picture[made.boxes[0]]
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "JPEG", quality=85)
    report = check_picture(insert_packet(content.getvalue(), find_packets(made.content)[0]))
    assert set(report.findings) == {CheckFinding.ENCODED_ANEW, CheckFinding.EDITED}
    assert report.regions[0].title == "“toy 1”"


def test_one_pixel_is_found_and_another_size_and_another_picture() -> None:
    made = make(5)
    picture = made.picture.copy()
    picture[90, 2, 1] ^= 1
    one = check_picture(save_again(made, picture))
    assert one.findings == (CheckFinding.EDITED,)
    assert one.regions[0].box == (0, 88, 8, 96)
    assert "the background" in one.sentences[0]
    half = np.asarray(Image.fromarray(made.picture).resize((48, 48), Image.Resampling.BOX))
    assert check_picture(save_again(made, half)).findings == (CheckFinding.RESIZED,)
    other = check_picture(save_again(made, 255 - make(6).picture))
    assert other.findings == (CheckFinding.ANOTHER_PICTURE,)
    nothing = check_picture(encode_png(made.picture))
    assert nothing.findings == (CheckFinding.NO_RECORD,)


def test_a_record_that_was_changed_is_told_of() -> None:
    made = make(7)
    report = check_picture(made.content.replace(b'"seed":7', b'"seed":8'))
    assert report.findings == (CheckFinding.RECORD_CHANGED,)
    assert "digest" in report.sentences[0]


def test_the_command_says_it_and_its_status_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make(8)
    sound, edited = tmp_path / "sound.png", tmp_path / "edited.png"
    sound.write_bytes(made.content)
    edited.write_bytes(repaint(made, np.random.default_rng(0)))
    assert main(["verify", str(sound)]) == 0
    assert capsys.readouterr().out.startswith("sound.png: untouched\n  Untouched: all 144 tiles")
    assert main(["verify", str(sound), str(edited), "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["findings"] for one in lines] == [["untouched"], ["edited"]]
    assert "maps" not in lines[0]["record"]
    (tmp_path / "no.png").write_bytes(b"GIF89a")
    assert main(["verify", str(tmp_path / "no.png")]) == 2
    assert main(["verify", str(tmp_path / "gone.png")]) == 2
    assert "gone.png" in capsys.readouterr().err
