"""The latent border: refusals, previews, and batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from backend.engine import decode as border
from backend.engine.decode import decode, encode, preview
from backend.engine.loop_types import Step, generator_for
from backend.errors import EngineError
from backend.models.bundle import BoundedMemory, ModelBundle


def a_picture(side_px: int = 64) -> np.ndarray:
    """Smooth colours: uint8 (side, side, 3)."""
    y, x = np.mgrid[0:side_px, 0:side_px] / side_px
    return (np.stack([x, y, 1 - x], axis=-1) * 255).astype(np.uint8)


def test_each_generator_samples_for_itself(bundle: ModelBundle) -> None:
    both = encode(bundle, a_picture(), [generator_for(1), generator_for(2)])
    assert both.shape == (2, 4, 64 // bundle.card.cell_px, 64 // bundle.card.cell_px)
    assert torch.equal(both[1:], encode(bundle, a_picture(), [generator_for(2)]))
    assert not torch.equal(both[:1], both[1:])


def test_sampling_equals_the_autoencoders_own(bundle: ModelBundle) -> None:
    picture = (
        torch.from_numpy(a_picture().astype(np.float32) / 255)[None].permute(0, 3, 1, 2) * 2 - 1
    )
    with torch.no_grad():
        known = (
            bundle.vae.encode(picture).latent_dist.sample(generator_for(5))
            * bundle.vae.config.scaling_factor
        )
    assert torch.equal(encode(bundle, a_picture(), [generator_for(5)]), known)


def test_another_picture_of_the_same_bytes_is_another_picture(tiny1: ModelBundle) -> None:
    wide = np.ascontiguousarray(np.arange(32 * 64 * 3, dtype=np.uint8).reshape(32, 64, 3))
    tall = wide.reshape(64, 32, 3)
    assert encode(tiny1, wide, [generator_for(1)]).shape[-2:] == (8, 16)
    assert encode(tiny1, tall, [generator_for(1)]).shape[-2:] == (16, 8)


def test_numbers_that_are_not_finite_are_refused(tiny1: ModelBundle) -> None:
    latents = torch.zeros(2, 4, 8, 8)
    latents[1, 0, 3, 3] = torch.nan
    with pytest.raises(EngineError, match="not finite"):
        decode(tiny1, latents)


def test_a_decoder_that_overflows_is_refused(tiny1: ModelBundle) -> None:
    with pytest.raises(EngineError, match="not finite"):
        decode(tiny1, torch.full((1, 4, 8, 8), 3e38))


def test_flat_black_is_refused(tiny1: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tiny1.vae, "decode", lambda latents, return_dict: (torch.full((1, 3, 32, 32), -1.5),)
    )
    with pytest.raises(EngineError, match="flat black"):
        decode(tiny1, torch.zeros(1, 4, 8, 8))


def test_large_batches_are_decoded_in_parts(
    tiny1: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = torch.randn(5, 4, 8, 8, generator=generator_for(1))
    whole = decode(tiny1, latents)
    sizes: list[int] = []
    real = tiny1.vae.decode

    def count(part: torch.Tensor, return_dict: bool) -> Any:
        sizes.append(len(part))
        return real(part, return_dict=return_dict)

    monkeypatch.setattr(border, "DECODE_PX", 2 * 32 * 32)
    monkeypatch.setattr(tiny1.vae, "decode", count)
    parts = decode(tiny1, latents)
    assert sizes == [2, 2, 1]
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(whole, parts, strict=True)) <= 1


def test_preview_resembles_the_picture(pocket: ModelBundle) -> None:
    side_px = pocket.card.native_px
    picture = a_picture(side_px)
    latents = encode(pocket, picture, [generator_for(1), generator_for(2)])
    shown = preview(pocket, Step(0, 2, 0, latents, latents))
    assert shown.shape == (2, side_px // 4, side_px // 4, 3)  # small: a step must not wait for it
    assert shown.dtype == np.uint8
    small = [
        np.asarray(Image.fromarray(one).resize((8, 8), Image.Resampling.BOX), float)
        for one in (picture, shown[0])
    ]
    assert np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] > 0.8


def test_preview_survives_what_is_not_finite(tiny1: ModelBundle) -> None:
    latents = torch.full((1, 4, 8, 8), torch.nan)
    assert preview(tiny1, Step(0, 2, 0, latents, latents)).shape == (1, 32, 32, 3)


def test_kept_values_are_bounded() -> None:
    kept, made = BoundedMemory(2), []

    def make(name: str) -> torch.Tensor:
        made.append(name)
        return torch.zeros(1)

    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get(name, lambda name=name: make(name))
    assert made == ["a", "b", "c", "b"]
