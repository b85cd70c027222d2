"""Folders that load, folders that are refused, and pickles that never run."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.card import read_card
from backend.models.load import load_bundle
from tests.models.fixtures import tiny_folder


class Canary:
    """A pickle of this creates the file it names as soon as it is loaded."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self._place), "w")


@pytest.fixture
def folder(model_base: Path, tmp_path: Path) -> Path:
    """A private copy of the tiny SD 1.x folder."""
    return Path(shutil.copytree(tiny_folder("tiny-1", model_base), tmp_path / "model"))


def refuse(folder: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        load_bundle(read_card(folder, "model", "Model"), torch.device("cpu"))
    assert caught.value.what
    assert caught.value.remedy
    assert str(folder) not in caught.value.sentence
    return caught.value


def test_all_families_load_by_one_path(bundle: ModelBundle) -> None:
    for network in (bundle.unet, bundle.vae, bundle.text_encoder):
        assert not network.training
        assert not any(weight.requires_grad for weight in network.parameters())
        assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    others = (
        bundle.members.size_bytes + bundle.recorded.size_bytes
    )  # what other tests asked of the shared bundle
    assert bundle.size_bytes - others == 4 * bundle.card.weights


def test_canary_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Canary(tmp_path / "dead"))).close()
    assert (tmp_path / "dead").exists()


@pytest.mark.parametrize(
    "name",
    [
        "unet/diffusion_pytorch_model.bin",
        "text_encoder/pytorch_model.bin",
        "v1-5.ckpt",
        "vae/x.PT",
        "a/b/c.pkl",
        "w.pth",
    ],
)
def test_pickles_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(pickle.dumps(Canary(tmp_path / "dead")))
    assert name in refuse(folder).what
    assert not (tmp_path / "dead").exists()


def test_pickle_under_a_safe_name_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(
        pickle.dumps(Canary(tmp_path / "dead"))
    )
    assert "not a sound safetensors file" in refuse(folder).what
    assert not (tmp_path / "dead").exists()


@pytest.mark.parametrize("kept", [0, 5, 8, 200, -1])
def test_cut_weights_are_refused(folder: Path, kept: int) -> None:
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert "vae/diffusion_pytorch_model.safetensors" in refuse(folder).what


def test_gaps_and_overlaps_are_refused(folder: Path) -> None:
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}).encode()
    weights.write_bytes(len(header).to_bytes(8, "little") + header + bytes(12))
    assert "without gaps" in refuse(folder).what


@pytest.mark.parametrize(
    "name",
    [
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "tokenizer",
        "scheduler",
    ],
)
def test_missing_parts_are_named(folder: Path, name: str) -> None:
    place = folder / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert name.rsplit("/", maxsplit=1)[-1] in refuse(folder).what


def test_missing_folder_is_named(tmp_path: Path) -> None:
    assert "'nowhere'" in refuse(tmp_path / "nowhere").what


def test_missing_weights_are_refused(folder: Path) -> None:
    place = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(place)
    weights.pop("conv_in.weight")
    save_file(weights, place)
    assert "conv_in.weight" in refuse(folder).what


def test_weights_of_another_size_are_refused(folder: Path) -> None:
    place = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(place)
    weights["conv_in.weight"] = torch.zeros(3, 3)
    save_file(weights, place)
    assert "unet" in refuse(folder).what


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("unet", ["my_module", "MyUNet"]),
        ("vae", ["diffusers", "AsymmetricAutoencoderKL"]),
        ("safety_checker", ["evil.module", "Checker"]),
        ("_class_name", "StableDiffusionXLPipeline"),
        ("_class_name", ["pipeline.py", "Custom"]),
    ],
)
def test_foreign_parts_are_refused(folder: Path, part: str, entry: object) -> None:
    place = folder / "model_index.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), part: entry}))
    assert refuse(folder).limit


def test_code_in_the_folder_is_refused(folder: Path) -> None:
    (folder / "unet" / "my_unet.py").write_text("raise SystemExit")
    assert "its own code" in refuse(folder).what


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("in_channels", 9, "extra input channels"),
        ("addition_embed_type", "text_time", "added conditions"),
        ("time_cond_proj_dim", 256, "guidance embedding"),
        ("class_embed_type", "timestep", "class labels"),
    ],
)
def test_members_that_want_more_are_refused(
    folder: Path, field: str, value: object, words: str
) -> None:
    place = folder / "unet" / "config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), field: value}))
    assert words in refuse(folder).what


def test_json_that_is_none_is_refused(folder: Path) -> None:
    (folder / "vae" / "config.json").write_text("[1, 2")
    assert "vae/config.json" in refuse(folder).what
