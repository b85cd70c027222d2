"""Image encoders: the family's own, DINO's ViT and DINOv2 by one path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.errors import ModelError
from backend.models.image_encoder import WEIGHTS, as_published, load_image_encoder
from tests.models.comparing import dino_vit, dinov2, pocket_encoder

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("build", "side_px", "shorter_px"),
    [(pocket_encoder, 64, 0), (dino_vit, 32, 0), (dinov2, 28, 42)],
)
def test_all_layouts_give_unit_vectors_and_gradients(
    build: Callable[[Path], Path], side_px: int, shorter_px: int, tmp_path: Path
) -> None:
    encoder = load_image_encoder(build(tmp_path / "encoder"), CPU, torch.float32)
    assert (encoder.seeing.side_px, encoder.seeing.shorter_px) == (side_px, shorter_px)
    picture = torch.rand(2, 3, 60, 48, generator=torch.Generator().manual_seed(0)).requires_grad_(
        True
    )
    seen = encoder.encode_image(picture)
    assert seen.shape[0] == 2
    assert torch.allclose(seen.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not torch.allclose(seen[0], seen[1], atol=1e-4)
    seen[:, 0].sum().backward()
    assert picture.grad is not None
    assert float(picture.grad.abs().max()) > 0


@pytest.mark.parametrize("build", [pocket_encoder, dino_vit, dinov2])
def test_as_published_pictures_are_large_and_without_imagenets_numbers(
    build: Callable[[Path], Path], tmp_path: Path
) -> None:
    encoder = load_image_encoder(build(tmp_path / "encoder"), CPU, torch.float32)
    published = as_published(encoder)
    picture = torch.rand(1, 3, 60, 48, generator=torch.Generator().manual_seed(0))
    seen = published.seeing.prepare(torch.ones(1, 3, 60, 48))
    assert seen.shape == (1, 3, 256, 256)
    assert torch.allclose(seen, torch.ones(1))
    assert not torch.allclose(
        published.encode_image(picture), encoder.encode_image(picture), atol=1e-3
    )


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    folder = pocket_encoder(tmp_path / "encoder")
    weights = load_file(folder / WEIGHTS)
    lost = sorted(name for name in weights if name.endswith("convolution.weight"))[0]
    weights.pop(lost)
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=lost.replace(".", r"\.")):
        load_image_encoder(folder, CPU, torch.float32)


@pytest.mark.parametrize(
    "change", [{"model_type": "bert"}, {"auto_map": {"AutoModel": "own.Model"}}]
)
def test_other_networks_and_code_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    folder = pocket_encoder(tmp_path / "encoder")
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    with pytest.raises(ModelError, match="holds a"):
        load_image_encoder(folder, CPU, torch.float32)
