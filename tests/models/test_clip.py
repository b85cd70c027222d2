"""CLIP folders: the family's own and open_clip's usual layout by one path; nothing random, nothing
foreign.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from backend.errors import ModelError
from backend.models.clip import CONFIG, WEIGHTS, Clip, load_clip
from backend.models.members import Members, read_member
from tests.models.comparing import pocket_clip, real_clip

CPU = torch.device("cpu")
Build = Callable[[Path], Path]


def load(folder: Path) -> Clip:
    return load_clip(folder, CPU, torch.float32)


@pytest.mark.parametrize("build", [pocket_clip, real_clip])
def test_both_layouts_load_from_wherever_they_were_moved(build: Build, tmp_path: Path) -> None:
    before = load(build(tmp_path / "a"))
    moved = shutil.move(tmp_path / "a", tmp_path / "elsewhere" / "clip")
    assert str(tmp_path) not in (moved / CONFIG).read_text()
    clip = load(moved)
    pictures = torch.rand(2, 3, 128, 96, generator=torch.Generator().manual_seed(0))
    seen, encoded = (
        clip.encode_image(pictures),
        clip.encode_text(["a red car", "a zebra eats naïve soup"]),
    )
    assert torch.equal(seen, before.encode_image(pictures))
    assert seen.shape == encoded.shape
    assert torch.allclose(seen.norm(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(encoded.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not torch.allclose(encoded[0], encoded[1], atol=1e-3)


@pytest.mark.parametrize("build", [pocket_clip, real_clip])
def test_long_texts_are_cut_and_words_matter(build: Build, tmp_path: Path) -> None:
    clip = load(build(tmp_path / "clip"))
    long = " ".join(["supercalifragilistic"] * 60)
    encoded = clip.encode_text([long, f"{long} car", "car"])
    assert torch.allclose(encoded[0], encoded[1])
    assert not torch.allclose(encoded[0], encoded[2], atol=1e-3)


def test_gradients_reach_the_picture(tmp_path: Path) -> None:
    clip = load(pocket_clip(tmp_path / "clip"))
    picture = torch.rand(1, 3, 128, 128, requires_grad=True)
    (clip.encode_image(picture) @ clip.encode_text(["a red car"]).T).sum().backward()
    assert picture.grad is not None
    assert torch.isfinite(picture.grad).all()
    assert float(picture.grad.abs().max()) > 0
    assert not any(weight.requires_grad for weight in clip.network.parameters())


def test_tensors_are_prepared_as_open_clip_prepares_files(tmp_path: Path) -> None:
    folder = real_clip(tmp_path / "clip")
    network, _, preprocess = open_clip.create_model_and_transforms(
        f"local-dir:{folder}", require_pretrained=True
    )
    values = np.random.default_rng(0).integers(0, 256, (100, 150, 3), np.uint8)
    theirs = preprocess(Image.fromarray(values))[None]
    ours = load(folder).seeing.prepare(
        torch.from_numpy(values).permute(2, 0, 1)[None].float() / 255
    )
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().mean()) < 0.02
    with torch.no_grad():
        cosine = torch.cosine_similarity(
            network.eval().encode_image(theirs), network.encode_image(ours)
        )
    assert float(cosine) > 0.999


def test_missing_weights_are_no_random_network(tmp_path: Path) -> None:
    folder = pocket_clip(tmp_path / "clip")
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match="is missing"):
        load(folder)


def test_a_lost_weight_is_refused_by_the_family(tmp_path: Path) -> None:
    folder = pocket_clip(tmp_path / "clip")
    weights = load_file(folder / WEIGHTS)
    weights.pop("text_projection")
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Members({"clip": read_member(folder, "clip")}).get("clip")


@pytest.mark.parametrize(
    ("tower", "key", "value"),
    [
        ("text_cfg", "hf_model_name", "somebody/bert"),
        ("vision_cfg", "timm_model_name", "resnet50"),
        ("text_cfg", "tokenizer_kwargs", {"trust_remote_code": True}),
    ],
)
def test_towers_and_code_from_elsewhere_are_refused(
    tmp_path: Path, tower: str, key: str, value: object
) -> None:
    folder = real_clip(tmp_path / "clip")
    record = json.loads((folder / CONFIG).read_text())
    record["model_cfg"][tower][key] = value
    (folder / CONFIG).write_text(json.dumps(record))
    with pytest.raises(ModelError, match="from elsewhere"):
        load(folder)


def test_a_tokenizer_that_is_too_large_is_refused(tmp_path: Path) -> None:
    folder = pocket_clip(tmp_path / "clip")
    record = json.loads((folder / CONFIG).read_text())
    del record["model_cfg"]["text_cfg"]["hf_tokenizer_name"]
    (folder / CONFIG).write_text(json.dumps(record))
    with pytest.raises(ModelError, match="49407"):
        load(folder)


@pytest.mark.parametrize(
    "given", [torch.rand(3, 8, 8), torch.rand(1, 4, 8, 8), torch.zeros(1, 3, 8, 8).byte()]
)
def test_other_shapes_are_refused(tmp_path: Path, given: torch.Tensor) -> None:
    with pytest.raises(ModelError, match="cannot be compared"):
        load(pocket_clip(tmp_path / "clip")).encode_image(given)
