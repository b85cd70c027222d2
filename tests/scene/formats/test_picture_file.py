"""Picture files: right pixels from every kind, limits before decoding, sentences for the rest."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from backend.errors import LaminaError, PictureError
from backend.scene.formats.picture_file import (
    Limits,
    decode_exact,
    decode_photograph,
    decode_picture,
    encode_jpeg,
    encode_png,
    is_picture,
)
from tests.scene.drawings import noise, plain, png_chunk, raw_png


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def deep_rows(values: np.ndarray) -> list[bytes]:
    return [row.astype(">u2").tobytes() for row in values]


def as_eight_bits(values: np.ndarray) -> np.ndarray:
    return np.round(values / 257).astype(np.uint8)


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40))
def test_rgba_survives_a_png_value_for_value(seed: int, height: int, width: int) -> None:
    picture = noise(seed, height, width)
    decoded = decode_picture(encode_png(picture), "a.png")
    assert np.array_equal(decoded.picture, picture)
    assert decoded.notes == ()
    assert np.array_equal(decode_exact(encode_png(picture), "a.png", Limits()), picture)


def test_masks_and_rgb_are_encoded_as_they_are() -> None:
    mask = noise(1, 9, 7, 1)
    assert np.array_equal(decode_exact(encode_png(mask), "m.png", Limits()), mask)
    rgb = noise(2, 9, 7, 3)
    decoded = decode_picture(encode_png(rgb), "a.png").picture
    assert np.array_equal(decoded[..., :3], rgb)
    assert (decoded[..., 3] == 255).all()
    with pytest.raises(PictureError):
        decode_exact(encode_png(rgb), "a.png", Limits())


def test_a_jpeg_has_no_alpha_and_is_close() -> None:
    picture = plain(200, 100, 50, 20, 16)
    decoded = decode_picture(encode_jpeg(picture, 90), "a.jpg").picture
    assert np.abs(decoded.astype(int) - (200, 100, 50, 255)).max() <= 4
    assert len(encode_jpeg(noise(1, 64, 64), 30)) < len(encode_jpeg(noise(1, 64, 64), 95))


def test_webp_keeps_alpha() -> None:
    picture = noise(3, 12, 10)
    assert np.array_equal(
        decode_picture(
            save(Image.fromarray(picture), "WEBP", lossless=True, exact=True), "a"
        ).picture,
        picture,
    )


@pytest.mark.parametrize(("colour", "bands"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_divided_by_257(colour: int, bands: int) -> None:
    values = np.random.RandomState(colour).randint(0, 65536, (6, 5, bands))
    values[0, 0] = 65535
    values[0, 1] = 128
    decoded = decode_picture(raw_png((5, 6), 16, colour, deep_rows(values)), "deep.png")
    wanted = as_eight_bits(values)
    assert np.array_equal(
        decoded.picture[..., :3], np.broadcast_to(wanted[..., : 3 if bands > 2 else 1], (6, 5, 3))
    )
    assert np.array_equal(
        decoded.picture[..., 3], wanted[..., -1] if bands in (2, 4) else np.full((6, 5), 255)
    )
    assert "16 bits" in decoded.notes[0]


@pytest.mark.parametrize(("colour", "key"), [(0, (1000,)), (2, (1000, 2000, 3000))])
def test_a_transparent_colour_of_sixteen_bits(colour: int, key: tuple[int, ...]) -> None:
    values = np.full((2, 2, len(key)), 1001)
    values[1, 1] = key
    extra = png_chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    decoded = decode_picture(raw_png((2, 2), 16, colour, deep_rows(values), extra), "deep.png")
    assert decoded.picture[..., 3].tolist() == [[255, 255], [255, 0]]


def test_palettes_grey_one_bit_and_transparent_colours() -> None:
    colours = png_chunk(b"PLTE", bytes([10, 20, 30, 200, 100, 50])) + png_chunk(
        b"tRNS", bytes([255, 64])
    )
    palette = decode_picture(raw_png((2, 1), 8, 3, [b"\x00\x01"], colours), "p").picture
    assert palette.tolist() == [[[10, 20, 30, 255], [200, 100, 50, 64]]]
    grey = decode_picture(
        raw_png((2, 1), 8, 0, [b"\x05\x09"], png_chunk(b"tRNS", b"\x00\x09")), "g"
    ).picture
    assert grey.tolist() == [[[5, 5, 5, 255], [9, 9, 9, 0]]]
    grey_alpha = decode_picture(raw_png((2, 1), 8, 4, [b"\x05\x80\x09\x00"]), "la").picture
    assert grey_alpha.tolist() == [[[5, 5, 5, 128], [9, 9, 9, 0]]]
    one_bit = decode_picture(raw_png((2, 1), 1, 0, [b"\x40"]), "one").picture
    assert one_bit.tolist() == [[[0, 0, 0, 255], [255, 255, 255, 255]]]
    rgb = decode_picture(
        raw_png((2, 1), 8, 2, [b"\x01\x02\x03\x04\x05\x06"], png_chunk(b"tRNS", b"\0\4\0\5\0\6")),
        "k",
    ).picture
    assert rgb.tolist() == [[[1, 2, 3, 255], [4, 5, 6, 0]]]


def test_cmyk_becomes_srgb_and_says_so() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    decoded = decode_picture(save(cmyk, "JPEG", quality=95), "print.jpg")
    assert np.abs(decoded.picture[8, 8].astype(int) - (255, 0, 0, 255)).max() <= 3
    assert decoded.notes == ("“print.jpg” was converted from CMYK.",)


def test_colour_profiles_are_followed_dropped_or_reported() -> None:
    picture = noise(7, 6, 6)
    image = Image.fromarray(picture)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = decode_picture(save(image, "PNG", icc_profile=srgb), "s.png")
    assert np.array_equal(same.picture, picture)
    assert same.notes == ()
    broken = decode_picture(save(image, "PNG", icc_profile=b"not a profile"), "b.png")
    assert np.array_equal(broken.picture, picture)
    assert "unreadable colour profile" in broken.notes[0]
    other = decode_picture(save(image, "PNG", icc_profile=swap_profile(srgb)), "w.png")
    assert np.array_equal(other.picture[..., 3], picture[..., 3])
    assert np.abs(other.picture.astype(int) - picture).max() > 20
    assert "converted from" in other.notes[0]


def swap_profile(srgb: bytes) -> bytes:
    """A working profile of another space: sRGB's with the red and blue primaries exchanged, under
    another title.
    """
    return (
        srgb.replace(b"rXYZ", b"????")
        .replace(b"bXYZ", b"rXYZ")
        .replace(b"????", b"bXYZ")
        .replace("sRGB".encode("utf-16-be"), "tRGB".encode("utf-16-be"))
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_cameras_orientations(orientation: int) -> None:
    upright = plain(0, 0, 0, 255, 8)
    upright[:4, :2] = (255, 255, 255, 255)  # bright in the upper left corner, upright
    upright = upright[:, :6]
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_picture(save(Image.fromarray(turned), "PNG", exif=exif), "photo.png")
    assert np.array_equal(decoded.picture, upright)
    assert bool(decoded.notes) == (orientation != 1)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_the_first_picture_of_an_animation_is_used_and_said(kind: str) -> None:
    frames = [Image.fromarray(plain(255 * (number == 0), 0, 9 * number)) for number in range(3)]
    content = save(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    decoded = decode_picture(content, "film")
    assert decoded.picture[0, 0, 0] == 255
    assert decoded.notes == ("“film” holds 3 pictures; the first is used.",)


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "at home, secret"
    content = save(Image.fromarray(plain(1, 2, 3)), "PNG", exif=exif)
    assert b"secret" in content
    assert b"secret" not in encode_png(decode_picture(content, "a").picture)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"GIF89a....", "a GIF"),
        (b"8BPS" + bytes(20), "a Photoshop file"),
        (b"BM" + bytes(20), "a BMP"),
        (b"II*\x00" + bytes(20), "a TIFF"),
        (b"%PDF-1.4", "a PDF"),
        (b"%!PS-Adobe EPSF", "a PostScript file"),
        (b"  <svg xmlns=''/>", "an SVG"),
        (b"SIMPLE  =", "not a picture"),
        (b"\x00\x00\x00\x1cftypheic", "HEIC"),
        (b"PK\x03\x04", "a zip archive"),
        (b"hello", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff", "damaged"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "damaged"),
    ],
)
def test_other_files_are_named_for_what_they_are(content: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=words) as caught:
        decode_picture(content, "thing.png")
    assert "thing.png" in caught.value.what
    assert caught.value.remedy


def bomb(width: int, height: int, colour: int = 6) -> bytes:
    """A PNG whose header claims a size; its pixels are a few zeros."""
    return raw_png((width, height), 8, colour, [bytes(64)])


@pytest.mark.parametrize(
    "size", [(20000, 20000), (13000, 13000), (8193, 1), (1, 65000), (4097, 4096), (8192, 8192)]
)
def test_sizes_are_refused_by_the_header(size: tuple[int, int]) -> None:
    sentence = rf"“big\.png” has {size[0]} × {size[1]} px\. At most 8192 px a side and 16 Mpx"
    with pytest.raises(PictureError, match=sentence):
        decode_picture(bomb(*size), "big.png")


def test_the_limits_themselves_are_allowed_and_files_are_weighed() -> None:
    assert decode_picture(encode_png(np.zeros((1, 8192, 4), np.uint8)), "strip").picture.shape == (
        1,
        8192,
        4,
    )
    with pytest.raises(PictureError, match=r"26\.0 MB.*25 MB"):
        decode_picture(encode_png(plain(1, 2, 3)) + bytes(26 * 2**20), "heavy.png")
    with pytest.raises(PictureError, match=r"no pixels|damaged"):
        decode_picture(bomb(0, 5), "none.png")


@pytest.mark.parametrize(
    ("size", "kind", "smaller"),
    [
        ((5712, 4284), "JPEG", (4729, 3547)),
        ((9000, 1200), "JPEG", (8192, 1092)),
        ((1200, 9000), "WEBP", (1092, 8192)),
        ((4097, 4096), "PNG", (4096, 4095)),
        ((257, 1), "PNG", (257, 1)),
    ],
)
def test_a_photograph_is_made_smaller(
    size: tuple[int, int], kind: str, smaller: tuple[int, int]
) -> None:
    image = Image.new("RGB", size, (10, 200, 30))
    image.paste((250, 10, 10), (0, 0, size[0] // 2, size[1]))
    content = save(image, kind)
    decoded = decode_photograph(content, "phone.jpg")
    assert decoded.picture.shape == (smaller[1], smaller[0], 4)
    assert np.abs(decoded.picture[0, 0].astype(int) - (250, 10, 10, 255)).max() < 12
    assert np.abs(decoded.picture[-1, -1].astype(int) - (10, 200, 30, 255)).max() < 12
    shown = [f"has {size[0]} × {size[1]} px and was made smaller" in one for one in decoded.notes]
    assert shown == ([True] if size != smaller else [])


def test_a_photograph_is_turned_and_keeps_what_it_lets_through() -> None:
    image = Image.new("RGB", (8400, 100), (1, 2, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode_photograph(save(image, "JPEG", exif=exif), "turned.jpg").picture
    assert turned.shape == (8192, 97, 4)
    clear = Image.new("RGBA", (8400, 20), (0, 0, 0, 0))
    clear.paste((9, 99, 199, 255), (0, 0, 8400, 10))
    found = decode_photograph(save(clear, "PNG"), "clear.png").picture
    assert tuple(found[2, 100]) == (9, 99, 199, 255)
    assert found[-1, 100, 3] == 0


@pytest.mark.parametrize("size", [(20000, 20000), (1, 65000), (8000, 8000)])
def test_what_is_too_large_to_be_made_smaller_is_refused(size: tuple[int, int]) -> None:
    sentence = rf"{size[0]} × {size[1]} px\. At most 8192 px a side and 16 Mpx"
    with pytest.raises(PictureError, match=sentence):
        decode_photograph(bomb(*size), "big.png")


def test_a_file_with_fewer_pixels_than_it_claims_is_damaged() -> None:
    with pytest.raises(PictureError, match="damaged"):
        decode_picture(bomb(4096, 4096), "hollow.png")


@pytest.mark.parametrize("sixteenth", range(1, 16))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_truncated_files_are_damaged(kind: str, sixteenth: int) -> None:
    content = save(Image.fromarray(noise(1, 40, 40, 3)), kind)
    with pytest.raises(PictureError, match=r"damaged|not a picture"):
        decode_picture(content[: len(content) * sixteenth // 16], "cut")


def test_is_picture_looks_at_the_content() -> None:
    assert is_picture(encode_png(plain(1, 2, 3)))
    assert is_picture(encode_jpeg(plain(1, 2, 3), 80))
    assert not is_picture(b"GIF89a")
    assert not is_picture(b"")


@pytest.fixture(scope="module")
def specimens() -> list[bytes]:
    return make_specimens()


def make_specimens() -> list[bytes]:
    """One small file of each kind that decoding tells apart."""
    image = Image.fromarray(noise(5, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return [
        encode_png(noise(1, 12, 12)),
        save(image, "PNG", exif=exif, icc_profile=srgb),
        save(image.convert("P"), "PNG"),
        raw_png((4, 4), 16, 2, deep_rows(np.random.RandomState(1).randint(0, 65536, (4, 4, 3)))),
        save(image.convert("RGB"), "JPEG", exif=exif),
        save(image.convert("CMYK"), "JPEG"),
        save(image, "WEBP"),
        save(image, "WEBP", save_all=True, append_images=[image.rotate(90)]),
    ]


def mutate(content: bytes, seed: int) -> bytes:
    """The file with a few bytes changed, cut out or repeated."""
    draw = np.random.RandomState(seed)
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        place = draw.randint(0, max(1, len(changed)))
        kind = draw.randint(0, 4)
        if kind == 0:
            changed[place : place + 1] = bytes([draw.randint(0, 256)])
        elif kind == 1:
            del changed[place : place + draw.randint(1, 20)]
        elif kind == 2:
            changed[place:place] = changed[place : place + draw.randint(1, 20)]
        else:
            changed[place : place + 4] = struct.pack(
                ">I", draw.choice([0, 1, 2**31 - 1, 2**32 - 1, 65535])
            )
    return bytes(changed)


def test_five_hundred_damaged_files_raise_picture_errors_only(specimens: list[bytes]) -> None:
    refused = 0
    for seed in range(500):
        try:
            decoded = decode_picture(mutate(specimens[seed % len(specimens)], seed), "fuzz")
        except LaminaError:
            refused += 1
            continue
        assert decoded.picture.dtype == np.uint8
        assert decoded.picture.shape[2] == 4
    assert 100 < refused < 500
