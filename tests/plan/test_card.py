"""The size that a canvas is generated at."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.plan.card import generation_size
from tests.plan.word_card import WordCard

SD = WordCard(native_px=512, size_multiple_px=64)


@pytest.mark.parametrize(
    ("canvas", "size"),
    [
        ((512, 512), (512, 512)),
        ((1024, 1024), (512, 512)),
        ((16, 16), (512, 512)),
        ((1000, 999), (512, 512)),
        ((1536, 1024), (576, 384)),
        ((1024, 1536), (384, 576)),
        ((1920, 1080), (704, 384)),
        ((8192, 16), (2048, 64)),
        ((16, 8192), (64, 2048)),
    ],
)
def test_known_sizes(canvas: tuple[int, int], size: tuple[int, int]) -> None:
    assert generation_size(*canvas, SD) == size


@given(
    st.integers(16, 8192),
    st.integers(16, 8192),
    st.sampled_from([(64, 16), (512, 64), (512, 8), (1024, 64)]),
)
def test_sides_area_and_aspect(width: int, height: int, model: tuple[int, int]) -> None:
    native, multiple = model
    size = generation_size(width, height, WordCard(native_px=native, size_multiple_px=multiple))
    assert size.width_px % multiple == size.height_px % multiple == 0
    assert min(size) >= multiple
    assert max(size) <= 4 * native + multiple
    if max(width, height) <= 3 * min(width, height):
        assert 0.5 < size.width_px * size.height_px / native**2 < 2.0
        steps = multiple / min(size)
        assert abs(math.log(size.width_px / size.height_px * height / width)) < steps


@given(st.integers(16, 8192), st.integers(16, 8192))
def test_a_turned_canvas_has_the_turned_size(width: int, height: int) -> None:
    upright, turned = generation_size(width, height, SD), generation_size(height, width, SD)
    area = upright.width_px * upright.height_px
    assert turned == upright[::-1] or turned.width_px * turned.height_px == area
