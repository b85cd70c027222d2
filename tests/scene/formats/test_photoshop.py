"""Photoshop files: what psd-tools writes is opened as it looks, with masks, groups and clipping."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from psd_tools.api.layers import Group, PixelLayer
from psd_tools.constants import BlendMode

from backend.errors import ArchiveError
from backend.scene.composite import flatten_scene
from backend.scene.formats.archive import Archive
from backend.scene.formats.openraster import OpenedScene, read_archive
from backend.scene.formats.photoshop import read_notes, unpack_photoshop
from backend.scene.formats.photoshop_layers import PhotoshopConversion
from backend.scene.formats.photoshop_writing import write_psd
from backend.scene.formats.scene_file import read_scene_file
from backend.scene.imaging.blending import OPENRASTER_NAMES
from tests.scene.formats.small_scenes import SETTINGS, small_scene

SIDE = 24
RED, GREEN, BLUE = (255, 0, 0), (0, 200, 0), (0, 0, 255)


def sheet(
    colour: tuple[int, int, int], alpha: int | NDArray[np.uint8] = 255, side: int = SIDE
) -> Image.Image:
    picture = np.empty((side, side, 4), np.uint8)
    picture[..., :3] = colour
    picture[..., 3] = alpha
    return Image.fromarray(picture, "RGBA")


def new_psd(mode: str = "RGBA", depth: int = 8, side: int = SIDE) -> PSDImage:
    return PSDImage.new(mode, (side, side), depth=depth)  # type: ignore[arg-type]


def add(parent: PSDImage | Group, image: Image.Image, name: str = "", **where: int) -> PixelLayer:
    """A layer of pixels on top; a name that MacRoman lacks is set afterwards."""
    layer = parent.create_pixel_layer(image, name="x", **where)  # type: ignore[arg-type]
    layer.name = name or "x"
    return layer


def save(psd: PSDImage) -> bytes:
    content = io.BytesIO()
    psd.save(content)
    return content.getvalue()


def open_here(psd: PSDImage) -> OpenedScene:
    """The scene of a file, taken apart in this process."""
    archive = Archive(PhotoshopConversion(PSDImage.open(io.BytesIO(save(psd)))).convert())
    opened = read_archive(archive)
    return OpenedScene(opened.scene, opened.pixels, {}, (*read_notes(archive), *opened.notes))


def show(opened: OpenedScene) -> NDArray[np.int64]:
    return flatten_scene(opened.scene, opened.pixels).astype(int)


def gap_to(opened: OpenedScene, colour: tuple[float, ...], x: int, y: int) -> float:
    return float(np.abs(show(opened)[y, x] - np.array(colour)).max())


def test_layers_come_with_their_names_places_and_looks() -> None:
    psd = new_psd()
    add(psd, sheet(RED), "Grund")
    layer = add(psd, sheet(BLUE, side=8), "Größe 星 🚀", left=-4, top=10)
    layer.opacity = 128
    layer.blend_mode = BlendMode.MULTIPLY
    hidden = add(psd, sheet(GREEN), "away")
    hidden.visible = False
    opened = open_here(psd)
    ground, star, away = opened.scene.layers
    assert (star.name, star.blend, round(star.opacity * 255)) == ("Größe 星 🚀", "multiply", 128)
    assert (star.placement.centre_x_px, star.placement.centre_y_px) == (0, 14)
    assert (ground.visible, away.visible) == (True, False)
    assert gap_to(opened, (127, 0, 0), 2, 12) <= 1
    assert gap_to(opened, RED, 6, 12) == 0
    assert opened.notes == ()


@pytest.mark.parametrize("blend", [mode for mode in OPENRASTER_NAMES if mode != "soft_light"])
def test_every_mode_that_photoshop_has_is_lamina_s_own(blend: str) -> None:
    names = {"add": "LINEAR_DODGE", "soft_light_krita": "SOFT_LIGHT"}
    psd = new_psd()
    add(psd, sheet((200, 120, 60)))
    add(psd, sheet((90, 180, 30))).blend_mode = BlendMode[names.get(blend, blend.upper())]
    opened = open_here(psd)
    assert opened.scene.layers[1].blend == blend
    assert not any("otherwise" in note for note in opened.notes)  # as psd-tools' own preview shows


def test_a_mask_is_a_mask_and_a_switched_off_one_is_said() -> None:
    psd = new_psd()
    add(psd, sheet(RED))
    layer = add(psd, sheet(BLUE), "blue")
    grey = np.zeros((8, 8), np.uint8)
    grey[:, 4:] = 255
    layer.create_mask(Image.fromarray(grey), left=8, top=8)
    opened = open_here(psd)
    mask = opened.scene.layers[1].mask
    assert mask is not None
    assert opened.pixels.mask(mask)[8:16, 8:16].tolist() == grey.tolist()
    assert opened.pixels.mask(mask).sum() == grey.sum()
    picture = opened.scene.layers[1].picture
    assert picture is not None
    assert (opened.pixels.picture(picture)[..., 3] == 255).all()  # nothing was cut off for good
    assert (gap_to(opened, BLUE, 13, 10), gap_to(opened, RED, 9, 10)) == (0, 0)
    layer.mask.disabled = True  # type: ignore[union-attr]
    assert any("switched off mask of layer 'blue'" in note for note in open_here(psd).notes)


def test_groups_pass_through_or_are_one_picture() -> None:
    for isolated in (False, True):
        psd = new_psd()
        add(psd, sheet(GREEN))
        mode = BlendMode.NORMAL if isolated else BlendMode.PASS_THROUGH
        group = psd.create_group(name="pair", blend_mode=mode)
        add(group, sheet((100, 100, 100), side=12), "dark")
        add(group, sheet((128, 128, 128)), "half").blend_mode = BlendMode.MULTIPLY
        opened = open_here(psd)
        assert [one.name for one in opened.scene.groups] == ["pair"]
        assert len(opened.scene.layers) == (4 if isolated else 3)
        outside = (128, 128, 128) if isolated else (0, 100, 0)
        assert gap_to(opened, outside, 20, 20) <= 1
        assert gap_to(opened, (50, 50, 50), 5, 5) <= 1


def test_what_is_clipped_stays_in_its_base() -> None:
    hard = np.zeros((SIDE, SIDE), np.uint8)
    hard[:, :12] = 255
    for alpha, layers in ((hard, 3), (hard // 2, 4)):
        psd = new_psd()
        add(psd, sheet(GREEN))
        add(psd, sheet(RED, alpha), "base")
        add(psd, sheet(BLUE), "clipped").clipping = True
        opened = open_here(psd)
        assert len(opened.scene.layers) == layers
        share = alpha[0, 0] / 255
        mixed = tuple(share * np.array(BLUE) + (1 - share) * np.array(GREEN))
        assert gap_to(opened, mixed, 4, 4) <= 1
        assert gap_to(opened, GREEN, 18, 4) == 0


@pytest.mark.parametrize(("mode", "depth"), [("RGBA", 16), ("RGB", 32), ("CMYK", 8), ("L", 8)])
def test_other_depths_and_colours_are_read(mode: str, depth: int) -> None:
    psd = new_psd(mode, depth)
    image = sheet((255, 255, 255), side=12)
    add(psd, image.convert({"RGBA": "RGBA", "L": "L"}.get(mode, "RGB")).convert(mode), "white")
    opened = open_here(psd)
    assert gap_to(opened, (255, 255, 255), 4, 4) <= 1
    assert any("16 bits" in note for note in opened.notes) == (depth == 16)
    assert any("CMYK" in note for note in opened.notes) == (mode == "CMYK")


def test_a_preview_that_looks_otherwise_is_said_with_its_size() -> None:
    psd = new_psd()
    add(psd, sheet((200, 120, 60)))
    add(psd, sheet((90, 180, 30)), "odd").blend_mode = BlendMode.EXCLUSION
    notes = open_here(psd).notes
    assert any("blend mode 'exclusion', which is drawn as normal" in note for note in notes)
    # exclusion of (200, 120, 60) and (90, 180, 30): b + s − 2bs/255 against s
    wanted = 200 + 90 - 2 * 200 * 90 / 255
    assert any(f"by up to {round(wanted) - 90} of 255" in note for note in notes)


def test_the_file_is_taken_apart_in_a_process_of_its_own() -> None:
    psd = new_psd(side=32)
    add(psd, sheet(RED, side=32), "Grund")
    opened = read_scene_file(save(psd), "a.psd")
    assert [layer.name for layer in opened.scene.layers] == ["Grund"]
    assert gap_to(opened, RED, 3, 3) == 0


def flat_psd(side: int, layers: int) -> bytes:
    """A PSD whose layers are all black, written by hand: small, and costly to unpack."""
    row, left = b"", side
    while left > 0:
        row, left = row + bytes([257 - min(128, left) & 255, 0]), left - 128
    lengths = struct.pack(">H", len(row))
    channel = struct.pack(">H", 1) + lengths * side + row * side
    extra = struct.pack(">II", 0, 0) + b"\x01x\0\0"
    record = struct.pack(">4iH", 0, 0, side, side, 4)
    record += b"".join(struct.pack(">hI", band, len(channel)) for band in (-1, 0, 1, 2))
    record += b"8BIMnorm\xff\0\0\0" + struct.pack(">I", len(extra)) + extra
    info = struct.pack(">h", layers) + record * layers + channel * (4 * layers)
    info += bytes(len(info) % 2)
    section = struct.pack(">I", len(info)) + info + bytes(4)
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, side, side, 8, 3) + bytes(8)
    return (
        head
        + struct.pack(">I", len(section))
        + section
        + channel[:2]
        + (lengths * (3 * side) + row * (3 * side))
    )


@pytest.mark.slow
def test_costly_damaged_and_huge_files_end_in_a_sentence() -> None:
    content = flat_psd(64, 2)
    with pytest.raises(ArchiveError, match=r"takes more than 1 seconds to read"):
        unpack_photoshop(flat_psd(4096, 4), seconds=0.1)
    with pytest.raises(ArchiveError, match=r"“a\.psd” cannot be opened\. .*damaged"):
        read_scene_file(content[:60], "a.psd")
    header = bytearray(content)
    header[14:22] = (9000).to_bytes(4, "big") * 2
    with pytest.raises(ArchiveError, match=r"canvas is 9000 × 9000 px\. Each side may have"):
        read_scene_file(bytes(header), "a.psd")


def krita_file(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", b"application/x-krita")
        for name, body in members.items():
            archive.writestr(name.replace("__", "."), body)
    return content.getvalue()


def test_a_krita_file_comes_as_its_merged_picture_and_its_layers_are_named() -> None:
    merged = io.BytesIO()
    sheet(GREEN).save(merged, "PNG")
    tree = b'<DOC><IMAGE><layers><layer name="Ink"/><layer name="Sky"/></layers></IMAGE></DOC>'
    file = krita_file(mergedimage__png=merged.getvalue(), maindoc__xml=tree)
    opened = read_scene_file(file, "a.kra")
    assert gap_to(opened, GREEN, 3, 3) == 0
    assert "its layers ('Ink', 'Sky') are in no form that others read" in opened.notes[0]
    with pytest.raises(ArchiveError, match=r"has no merged picture.*OpenRaster"):
        read_scene_file(krita_file(maindoc__xml=tree))


def test_a_scene_of_ours_comes_back_from_its_photoshop_file_with_every_card() -> None:
    for seed in (0, 1, 5, 6):
        scene, pixels = small_scene(seed)
        content = write_psd(scene, pixels, SETTINGS)
        archive = Archive(PhotoshopConversion(PSDImage.open(io.BytesIO(content))).convert())
        opened = read_archive(archive)
        assert opened.scene == scene
        assert opened.settings == SETTINGS
        assert opened.notes == ()


def test_what_was_done_to_our_photoshop_file_is_told_apart() -> None:
    scene, pixels = small_scene(0)
    psd = PSDImage.open(io.BytesIO(write_psd(scene, pixels, SETTINGS)))
    layers = [layer for layer in psd.descendants() if not layer.is_group()]
    picked = next(i for i, one in enumerate(scene.layers) if one.picture and not one.mask)
    layers[picked].name = "anders"
    layers[picked].left += 6
    content = io.BytesIO()
    psd._record.write(content)
    archive = Archive(PhotoshopConversion(PSDImage.open(io.BytesIO(content.getvalue()))).convert())
    after, before = read_archive(archive).scene.layers[picked], scene.layers[picked]
    assert (after.id, after.name, after.phrase) == (before.id, "anders", before.phrase)
    assert after.picture == before.picture
    assert after.placement.centre_x_px == before.placement.centre_x_px + 6


def test_psd_tools_shows_our_picture() -> None:
    for seed in (0, 3, 6):
        scene, pixels = small_scene(seed)
        shared = [
            layer.model_copy(update={"blend": "normal"}) if layer.blend == "soft_light" else layer
            for layer in scene.layers
        ]
        scene = scene.model_copy(update={"layers": tuple(shared)})
        psd = PSDImage.open(io.BytesIO(write_psd(scene, pixels, SETTINGS)))
        theirs = np.asarray(psd.composite(force=True).convert("RGBA")).astype(float)
        preview = np.asarray(psd.topil(apply_icc=False).convert("RGBA")).astype(float)
        for shown in (theirs, preview):
            alpha = shown[..., 3:] / 255
            over_grey = shown[..., :3] * alpha + 150 * (1 - alpha)
            assert np.abs(over_grey - flatten_scene(scene, pixels)).max() <= 2.5
