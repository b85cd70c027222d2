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
        "unet/diffusion_pytorch_model.fp16.bin",
        "text_encoder/pytorch_model.bin",
        "tokenizer/tokenizer.pkl",
        "v1-5.ckpt",
        "vae/x.PT",
        "a/b/c.pkl",
        "w.pth",
    ],
)
def test_pickles_beside_safetensors_are_never_opened(
    folder: Path, tmp_path: Path, name: str
) -> None:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(pickle.dumps(Canary(tmp_path / "dead")))
    load_bundle(read_card(folder, "model", "Model"), torch.device("cpu"))
    assert not (tmp_path / "dead").exists()


@pytest.mark.parametrize(
    ("part", "sound", "pickled"),
    [
        ("unet", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"),
        ("text_encoder", "model.safetensors", "pytorch_model.bin"),
    ],
)
def test_pickles_alone_are_refused(
    folder: Path, tmp_path: Path, part: str, sound: str, pickled: str
) -> None:
    (folder / part / sound).unlink()
    (folder / part / pickled).write_bytes(pickle.dumps(Canary(tmp_path / "dead")))
    assert f"pickled weights alone ({pickled})" in refuse(folder).what
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


def test_code_in_the_folder_is_never_imported(folder: Path, tmp_path: Path) -> None:
    for name in ("unet/my_unet.py", "pipeline.py", "tokenizer/tokenization.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'dead')!r}, 'w')")
    load_bundle(read_card(folder, "model", "Model"), torch.device("cpu"))
    assert not (tmp_path / "dead").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(folder: Path, value: float) -> None:
    place = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights = load_file(place)
    weights["decoder.conv_in.bias"][0] = value
    save_file(weights, place)
    assert "decoder.conv_in.bias" in refuse(folder).what


@pytest.mark.parametrize("part", ["tokenizer/vocab.json", "tokenizer/merges.txt"])
def test_a_tokenizer_without_its_words_is_refused_at_once(folder: Path, part: str) -> None:
    (folder / part).unlink()
    with pytest.raises(ModelError, match=part):
        read_card(folder, "model", "Model")


def test_an_empty_tokenizer_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer")
    (folder / "tokenizer").mkdir()
    assert "tokenizer/vocab.json is missing" in refuse(folder).what
    (folder / "tokenizer" / "tokenizer.json").write_text('{"model": {"vocab": {}}}')
    assert "holds no words" in refuse(folder).what


@pytest.mark.parametrize(
    "name",
    [
        "unet/diffusion_pytorch_model.safetensors",
        "unet/config.json",
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
        "model_index.json",
    ],
)
def test_pointers_of_git_lfs_are_told(folder: Path, name: str) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3438167540\n"
    (folder / name).write_text(pointer)
    error = refuse(folder)
    assert name.rsplit("/", maxsplit=1)[-1] in error.what
    assert "git-lfs pointer" in error.what
    assert "git lfs pull" in error.remedy


def test_a_sound_variant_is_taken_where_the_plain_file_is_a_pointer(folder: Path) -> None:
    plain = folder / "unet" / "diffusion_pytorch_model.safetensors"
    plain.rename(plain.with_name("diffusion_pytorch_model.fp16.safetensors"))
    plain.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert load_bundle(read_card(folder, "model", "Model"), torch.device("cpu")).unet


def shard(part: Path, stem: str, variant: str) -> tuple[Path, Path]:
    """Cut a network's file into two shards with an index, named as the hub's tools name them."""
    dotted = f".{variant}" if variant else ""
    whole = part / f"{stem}.safetensors"
    weights = load_file(whole)
    names = sorted(weights)
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    paths = tuple(part / f"{stem}{dotted}-0000{n}-of-00002.safetensors" for n in (1, 2))
    for path, half in zip(paths, halves, strict=True):
        save_file({name: weights[name] for name in half}, path, {"format": "pt"})
    placed = {name: path.name for path, half in zip(paths, halves, strict=True) for name in half}
    record = {"metadata": {"total_size": 1}, "weight_map": placed}
    (part / f"{stem}.safetensors.index{dotted}.json").write_text(json.dumps(record))
    whole.unlink()
    return paths[0], paths[1]


@pytest.mark.parametrize("variant", ["", "fp16", "bf16"])
@pytest.mark.parametrize(
    ("part", "stem"), [("unet", "diffusion_pytorch_model"), ("text_encoder", "model")]
)
def test_shards_of_any_variant_load(folder: Path, part: str, stem: str, variant: str) -> None:
    before = load_bundle(read_card(folder, "model", "Model"), torch.device("cpu"))
    first, _ = shard(folder / part, stem, variant)
    card = read_card(folder, "model", "Model")
    assert card.weights == before.card.weights
    after = load_bundle(card, torch.device("cpu"))
    for name, weight in getattr(before, part).named_parameters():
        assert torch.equal(weight, getattr(after, part).get_parameter(name))
    first.unlink()
    with pytest.raises(ModelError, match=r"-00001-of-00002.safetensors is missing, 1 of 2 shards"):
        read_card(folder, "model", "Model")


def test_shards_without_their_index_are_told(folder: Path) -> None:
    shard(folder / "unet", "diffusion_pytorch_model", "")
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").unlink()
    assert "without the index" in refuse(folder).what


def test_an_index_does_not_lead_out_of_its_folder(folder: Path) -> None:
    shard(folder / "unet", "diffusion_pytorch_model", "")
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../../other.safetensors"}}))
    assert "../../other.safetensors" in refuse(folder).what


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("unet/config.json", '{"block_out_channels": 3}'),
        ("unet/config.json", '{"block_out_channels": [16, 32], "sample_size": NaN}'),
        ("unet/config.json", '{"block_out_channels": [16, 32], "sample_size": 1e300}'),
        ("unet/config.json", '{"block_out_channels": [16, 32], "sample_size": -5}'),
        ("vae/config.json", '{"block_out_channels": "abcdefghijklmnopqrstuvwxyz"}'),
        ("text_encoder/config.json", "[]"),
        ("tokenizer/tokenizer_config.json", '{"model_max_length": "many"}'),
        ("tokenizer/tokenizer_config.json", '{"model_max_length": -1}'),
        ("tokenizer/vocab.json", "[" * 100_000),
        ("scheduler/scheduler_config.json", '{"prediction_type": "flow"}'),
        ("model_index.json", "\xff\xfe"),
        ("model_index.json", '{"_class_name": "StableDiffusionPipeline", "unet": [[], {}]}'),
    ],
)
def test_configurations_of_nonsense_are_one_sentence(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    assert refuse(folder).remedy


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
