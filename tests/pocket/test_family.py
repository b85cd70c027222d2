"""The shipped family: it loads through diffusers, fits its budget, and its parts agree about
sizes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from backend import POCKET_FOLDER
from backend.models.judge import Judge, JudgeSegmenter, load_judge, save_judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.networks import networks
from backend.pocket.networks.configs import AUTOENCODER, PICTURE_PX, TEXT_LENGTH, UNET, reduction
from backend.pocket.networks.networks import (
    build_autoencoder,
    build_small_autoencoder,
    widen_autoencoder,
)

MIB = 1024**2


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    loaded = StableDiffusionPipeline.from_pretrained(
        POCKET_FOLDER, use_safetensors=True, local_files_only=True, dtype=torch.float32
    )
    loaded.set_progress_bar_config(disable=True)
    return loaded


def test_the_sizes_agree(pipeline: StableDiffusionPipeline) -> None:
    assert pipeline.vae_scale_factor == reduction(AUTOENCODER) == PICTURE_PX // UNET["sample_size"]
    assert (
        pipeline.tokenizer.model_max_length
        == pipeline.text_encoder.config.max_position_embeddings
        == TEXT_LENGTH
    )
    assert len(pipeline.tokenizer) == pipeline.text_encoder.config.vocab_size
    assert pipeline.text_encoder.config.hidden_size == pipeline.unet.config.cross_attention_dim
    assert pipeline.text_encoder.config.eos_token_id == pipeline.tokenizer.eos_token_id
    assert pipeline.scheduler.config.prediction_type == "v_prediction"


def test_all_parts_run_in_single_precision(pipeline: StableDiffusionPipeline) -> None:
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
        assert all(
            p.dtype == torch.float32 and bool(torch.isfinite(p).all()) for p in part.parameters()
        )


def test_the_family_fits_its_budget() -> None:
    sizes = [path.stat().st_size for path in POCKET_FOLDER.rglob("*") if path.is_file()]
    assert max(sizes) <= 16 * MIB
    assert sum(sizes) <= 60 * MIB
    assert not [p for p in POCKET_FOLDER.rglob("*") if p.suffix in (".bin", ".pt", ".ckpt", ".pkl")]


def test_a_seed_makes_one_picture(pipeline: StableDiffusionPipeline) -> None:
    made = [
        pipeline(
            "a red car on a meadow",
            num_inference_steps=2,
            generator=torch.Generator().manual_seed(1),
            output_type="np",
        ).images[0]
        for _ in range(2)
    ]
    assert made[0].shape == (PICTURE_PX, PICTURE_PX, 3)
    assert np.array_equal(made[0], made[1])


def test_a_fresh_autoencoder_starts_near_the_identity() -> None:
    torch.manual_seed(0)
    network = build_autoencoder()
    assert network.decode(
        network.encode(torch.zeros(1, 3, 32, 32)).latent_dist.mode()
    ).sample.shape == (
        1,
        3,
        32,
        32,
    )


def test_the_large_autoencoder_begins_as_the_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every channel twice: its inner levels say what the small one's say, to rounding."""
    monkeypatch.setattr(networks, "COPY_NOISE", 0.0)
    torch.manual_seed(0)
    small = build_small_autoencoder().eval()
    large = widen_autoencoder(small).eval()
    latents, colours = torch.randn(1, 4, 6, 6), torch.randn(1, 16, 24, 24)
    shallow = small.decoder.mid_block(small.decoder.conv_in(latents))
    deep = large.decoder.mid_block(large.decoder.conv_in(latents))
    for level, own in zip(small.decoder.up_blocks[:2], large.decoder.up_blocks[:2], strict=True):
        shallow, deep = level(shallow), own(deep)
    assert torch.allclose(deep[:, ::2], shallow, atol=1e-4)
    assert torch.allclose(deep[:, 1::2], shallow, atol=1e-4)
    shallow = deep = colours
    for level, own in zip(small.encoder.down_blocks, large.encoder.down_blocks[2:], strict=True):
        shallow, deep = level(shallow), own(deep)
    assert torch.allclose(deep[:, ::2], shallow, atol=1e-4)


def test_a_judge_survives_its_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    segmenter = JudgeSegmenter()
    save_judge(segmenter, tmp_path)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    classes, colours = load_judge(tmp_path).look(pictures)
    again, _ = Judge(segmenter).look(pictures)
    assert classes.shape == colours.shape == (2, 64, 64)
    assert (classes == again).mean() > 0.95
    assert classes.max() <= len(CLASSES)
    assert colours.max() <= len(COLOURS)
    assert not colours[classes == 0].any()
