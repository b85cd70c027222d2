"""Words to embeddings, as Stable Diffusion's own pipeline makes them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.conditioning import build_conditioning, embed
from backend.models.bundle import ModelBundle
from backend.models.load import reference_img2img


def test_embeddings_equal_the_pipelines(bundle: ModelBundle) -> None:
    pipeline = reference_img2img(bundle, "ddim")
    for text in ("a red cat", "", "red " * 200):
        known, negative = pipelines_words(pipeline, bundle, text)
        assert torch.equal(embed(bundle, text), known)
        assert torch.equal(embed(bundle, "blue house"), negative)


def pipelines_words(pipeline: Any, bundle: ModelBundle, text: str) -> tuple[Tensor, Tensor]:
    """A text's and "blue house"'s embeddings; XL's pooled vectors as their last row, an empty text
    all zeros.
    """
    if bundle.second_text is None:
        known, negative = pipeline.encode_prompt(text, bundle.device, 1, True, "blue house")
        return known, negative
    reported = {
        "device": bundle.device,
        "num_images_per_prompt": 1,
        "do_classifier_free_guidance": True,
    }
    known, negative, pooled, pooled_negative = pipeline.encode_prompt(
        text, negative_prompt="blue house", **reported
    )
    if not text:
        _, known, _, pooled = pipeline.encode_prompt("red", negative_prompt=None, **reported)
    return with_row(known, pooled), with_row(negative, pooled_negative)


def with_row(words: Tensor, pooled: Tensor) -> Tensor:
    return torch.cat(
        [words, functional.pad(pooled[:, None], (0, words.shape[-1] - pooled.shape[-1]))], dim=1
    )


def test_rows_are_uncond_then_cond(tiny1: ModelBundle) -> None:
    conditioning = build_conditioning(tiny1, "red", "blue", 2.0, 3)
    stacked = conditioning.stack()
    assert stacked.shape[:2] == (6, tiny1.card.text_length)
    assert torch.equal(stacked[conditioning.rows.uncond], embed(tiny1, "blue").repeat(3, 1, 1))
    assert torch.equal(stacked[conditioning.rows.cond], embed(tiny1, "red").repeat(3, 1, 1))


def test_no_guidance_no_negative(tiny1: ModelBundle) -> None:
    conditioning = build_conditioning(tiny1, "red", "blue", 1.0, 2)
    assert torch.equal(conditioning.stack(), embed(tiny1, "red").repeat(2, 1, 1))


def test_a_prompt_is_encoded_once(tiny1: ModelBundle) -> None:
    assert embed(tiny1, "a cat, once") is embed(tiny1, "a cat, once")
