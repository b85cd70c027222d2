"""Models in the places where people keep them, with all that lies between."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from backend import POCKET_FOLDER
from backend.models.catalog import Catalog, find_models
from tests.models.fixtures import tiny_folder
from tests.models.test_load import Canary

HASH = "0123456789abcdef0123456789abcdef01234567"
LORA = {
    "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": (4, 8),
    "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight": (8, 4),
}


@pytest.fixture
def good(model_base: Path) -> Path:
    """A sound model folder, to be copied."""
    return tiny_folder("tiny-1", model_base)


def write_weights(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """A safetensors file of zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.zeros(shape, np.float16) for name, shape in shapes.items()}, path)
    return path


def ids_of(catalog: Catalog) -> list[str]:
    return [card.id for card in catalog.cards]


def reasons_of(catalog: Catalog) -> dict[str, str]:
    return {one.path.name: one.error.sentence for one in catalog.findings}


@pytest.mark.parametrize(
    "place",
    [
        "",
        "diffusers",
        "models/diffusers",
        "ComfyUI/models/diffusers",
        "stable-diffusion-webui/models/Stable-diffusion",
        "invokeai/models/sd-1/main",
        "ai_diffusion/server/ComfyUI/models/diffusers",
    ],
)
def test_each_programs_layout_is_looked_through(good: Path, tmp_path: Path, place: str) -> None:
    shutil.copytree(good, tmp_path / "home" / place / "toys")
    assert ids_of(find_models([tmp_path / "home"])) == ["pocket", "toys"]


def test_a_comfyui_folder_full_of_rubbish(good: Path, tmp_path: Path) -> None:
    models = tmp_path / "ComfyUI" / "models"
    shutil.copytree(good, models / "diffusers" / "toys")
    write_weights(models / "loras" / "style.safetensors", LORA)
    write_weights(models / "embeddings" / "easy.safetensors", {"emb_params": (2, 8)})
    write_weights(models / "vae" / "vae-ft.safetensors", {"decoder.conv_in.weight": (8, 4, 3, 3)})
    write_weights(
        models / "controlnet" / "diffusion_pytorch_model.safetensors", {"conv_in.weight": (4, 4)}
    )
    (models / "controlnet" / "control_v11p.pth").write_bytes(pickle.dumps(1))
    (models / "checkpoints").mkdir()
    (models / "checkpoints" / "old.ckpt").write_bytes(pickle.dumps(Canary(tmp_path / "dead")))
    (models / "checkpoints" / "half.safetensors").write_bytes(b"\x00\x01")
    (models / "checkpoints" / "put_checkpoints_here").touch()
    (models / "configs").mkdir()
    (models / "configs" / "anything_v3.yaml").write_text("model: {}")
    (models / "diffusers" / "notes.txt").write_text("hello")
    catalog = find_models([tmp_path / "ComfyUI"])
    assert ids_of(catalog) == ["pocket", "toys"]
    reasons = reasons_of(catalog)
    assert [one.name for one in catalog.loras] == ["style"]
    assert [(one.name, one.widths) for one in catalog.embeddings] == [("easy", (8,))]
    assert "VAE alone" in reasons["vae-ft.safetensors"]
    assert "controlnet/config.json is missing" in reasons["controlnet"]
    assert "never opens" in reasons["old.ckpt"]
    assert "not a sound safetensors" in reasons["half.safetensors"]
    assert not (tmp_path / "dead").exists()
    kinds = {one.path.name: one.kind for one in catalog.findings}
    assert kinds["half.safetensors"] == kinds["old.ckpt"] == "model"
    assert "style.safetensors" not in kinds
    assert kinds["controlnet"] == "member"


def cache_repository(hub: Path, name: str, files: Path | None) -> Path:
    """A repository as the hub's tools cache it: blobs, a ref, links in a snapshot."""
    repository = hub / name
    snapshot = repository / "snapshots" / HASH
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(HASH)
    (repository / "blobs").mkdir()
    snapshot.mkdir(parents=True)
    for number, path in enumerate(sorted(files.rglob("*")) if files else ()):
        if path.is_file():
            blob = Path(shutil.copy(path, repository / "blobs" / f"{number:064x}"))
            link = snapshot / path.relative_to(files or path)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))
    return snapshot


def test_the_hubs_cache_names_models_by_their_makers(good: Path, tmp_path: Path) -> None:
    hub = tmp_path / "huggingface" / "hub"
    snapshot = cache_repository(hub, "models--lykon--toon_shaper-8", good)
    older = hub / "models--lykon--toon_shaper-8" / "snapshots" / ("f" * 40)
    shutil.copytree(good, older)
    cache_repository(hub, "models--openai--clip-vit", None)
    (hub / ".locks" / "models--lykon--toon_shaper-8").mkdir(parents=True)
    repository = hub / "models--lykon--toon_shaper-8"
    for given in (tmp_path / "huggingface", hub, repository, repository / "snapshots", snapshot):
        catalog = find_models([given])
        card = catalog.card("lykon-toon_shaper-8")
        assert card.title == "Toon shaper 8 (lykon)"
        assert card.folder.name in (HASH, older.name)
    assert find_models([hub]).card("lykon-toon_shaper-8").folder == snapshot
    assert "download was not finished" in reasons_of(find_models([hub]))["models--openai--clip-vit"]


def test_links_lead_round_in_circles_once(good: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(good, models / "a" / "toys")
    (models / "a" / "back").symlink_to(models)
    (models / "itself").symlink_to(models / "itself")
    (models / "gone").symlink_to(tmp_path / "nowhere")
    (models / "again").symlink_to(models / "a" / "toys")
    assert ids_of(find_models([models, models, models / "a"])) == ["pocket", "toys"]


def test_a_file_is_no_folder_and_is_told_what_it_is(tmp_path: Path) -> None:
    lora = write_weights(tmp_path / "style.safetensors", LORA)
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    catalog = find_models([lora, text, tmp_path / "gone"])
    assert ids_of(catalog) == ["pocket"]
    assert [one.name for one in catalog.loras] == ["style"]
    assert "no weights" in reasons_of(catalog)["notes.txt"]
    assert "There is no model folder 'gone'" in reasons_of(catalog)["gone"]


def test_a_folder_without_anything_is_told(tmp_path: Path) -> None:
    (tmp_path / "models" / "sub").mkdir(parents=True)
    assert "No model was found" in find_models([tmp_path / "models"]).refused["models"].sentence


def test_a_pipe_is_not_waited_for(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "models" / "toys")
    os.mkfifo(tmp_path / "models" / "weights.safetensors")
    (tmp_path / "models" / "bad").mkdir()
    os.mkfifo(tmp_path / "models" / "bad" / "model_index.json")
    catalog = find_models([tmp_path / "models"])
    assert ids_of(catalog) == ["pocket", "toys"]
    assert "is no file" in reasons_of(catalog)["weights.safetensors"]
    assert "it is no file" in reasons_of(catalog)["bad"]


def test_a_bad_member_takes_neither_its_model_nor_the_others(good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "toys"
    shutil.copytree(good, folder)
    shutil.copytree(POCKET_FOLDER / "sam", folder / "sam")
    shutil.copytree(POCKET_FOLDER / "preview", tmp_path / "models" / "preview")
    shutil.copytree(POCKET_FOLDER / "vqgan", tmp_path / "models" / "vqgan")
    (folder / "sam" / "sam.safetensors").write_bytes(b"")
    (tmp_path / "models" / "vqgan" / "vqgan.safetensors").write_bytes(b"x" * 50)
    catalog = find_models([tmp_path / "models"])
    assert ids_of(catalog) == ["pocket", "toys"]
    assert list(catalog.card("toys").members) == ["preview"]
    assert "sam" in catalog.card("toys").refused_members
    assert [one.kind for one in catalog.findings] == ["member", "member"]


BAD: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[: len(content) // 2],
    "short": lambda content: content[:7],
    "longer": lambda content: content + b"\x00",
    "pickled": lambda _: pickle.dumps({"a": 1}),
    "text": lambda _: b"<html>not found</html>" * 20,
    "huge header": lambda content: (2**26).to_bytes(8, "little") + b" " * 2**26 + content,
    "endless header": lambda content: (2**63).to_bytes(8, "little") + content,
    "deep header": lambda _: (40_000).to_bytes(8, "little") + b"[" * 40_000,
    "a list": lambda _: (2).to_bytes(8, "little") + b"[]",
    "numbers": lambda _: (7).to_bytes(8, "little") + b'{"a":1}',
    "a pointer": lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
}


def test_two_hundred_bad_files_are_a_sentence_each(good: Path, tmp_path: Path) -> None:
    models = tmp_path / "models" / "Stable-diffusion"
    shutil.copytree(good, models / "toys")
    sound = write_weights(tmp_path / "sound.safetensors", LORA).read_bytes()
    for number in range(204):
        name, spoil = list(BAD.items())[number % len(BAD)]
        if name == "huge header" and number > len(BAD):
            name, spoil = "cut", BAD["cut"]
        (models / f"{number} {name}.safetensors").write_bytes(spoil(sound))
    catalog = find_models([tmp_path / "models"])
    assert ids_of(catalog) == ["pocket", "toys"]
    assert len(catalog.findings) == 204
    for one in catalog.findings:
        assert one.error.what
        assert one.error.remedy
        assert "\n" not in one.error.sentence
        assert len(one.error.sentence) < 400
        assert str(tmp_path) not in one.error.sentence


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"dtype": "F16", "shape": [-1, -4], "data_offsets": [0, 8]}, "follow the format"),
        ({"dtype": "F99", "shape": [4], "data_offsets": [0, 8]}, "follow the format"),
        ({"dtype": "F16", "shape": [4.0], "data_offsets": [0, 8]}, "follow the format"),
        ({"dtype": "F16", "shape": [4], "data_offsets": [0, 6]}, "without gaps"),
        ({"dtype": "F16", "shape": [2**70], "data_offsets": [0, 8]}, "without gaps"),
        ({"dtype": "F16", "shape": [4], "data_offsets": [None, 8]}, "without gaps"),
    ],
)
def test_headers_of_nonsense(tmp_path: Path, entry: object, words: str) -> None:
    header = json.dumps({"a": entry}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    assert words in reasons_of(find_models([path]))["x.safetensors"]


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"double_blocks.0.img_attn.qkv.weight": (4, 4)}, "FLUX"),
        ({"model.diffusion_model.double_blocks.0.img_attn.qkv.weight": (4, 4)}, "FLUX"),
        ({"model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight": (4, 4)}, "Diffusion 3"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (32, 9, 3, 3)}, "inpainting"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (32, 8, 3, 3)}, "InstructPix2Pix"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (32, 5, 3, 3)}, "depth map"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (32, 4, 3, 3)}, "without its text"),
        ({"input_blocks.0.0.weight": (32, 4, 3, 3)}, "UNet"),
        ({"control_model.input_hint_block.0.weight": (4, 3)}, "ControlNet"),
        ({"a.hada_w1_a": (4, 4), "b.hada_w1_b": (4, 4)}, "holds 'a.hada_w1_a', which is not"),
        ({"lora_unet_x.hada_w1_a": (4, 4)}, "LoRA “x” holds 'x', which is not understood"),
        ({"text_model.encoder.layers.0.mlp.fc1.weight": (4, 4)}, "text encoder"),
        ({"model.0.weight": (4, 3, 3, 3)}, "upscaler"),
        ({"something.else": (1,)}, "unknown kind (first 'something.else')"),
    ],
)
def test_a_file_is_told_by_its_names_and_shapes(
    tmp_path: Path, shapes: Mapping[str, tuple[int, ...]], words: str
) -> None:
    write_weights(tmp_path / "x.safetensors", shapes)
    assert words in reasons_of(find_models([tmp_path]))["x.safetensors"]


@pytest.mark.parametrize(
    ("name", "content", "licence"),
    [
        (
            "README.md",
            "---\nlicense: creativeml-openrail-m\ntags:\n- a\n---\n",
            "creativeml-openrail-m",
        ),
        ("README.md", "---\nlicense: other\nlicense_name: sai-nc\n---\n", "sai-nc"),
        ("README.md", "license: mit", ""),
        ("LICENSE", "\n  # CreativeML Open RAIL-M\n\ndated", "CreativeML Open RAIL-M"),
        ("LICENSE", "\x00\x07" * 9000, ""),
    ],
)
def test_the_licence_is_read_where_the_folder_names_one(
    good: Path, tmp_path: Path, name: str, content: str, licence: str
) -> None:
    folder = Path(shutil.copytree(good, tmp_path / "toys"))
    (folder / name).write_text(content)
    card = find_models([folder]).card("toys")
    assert card.licence == licence
    assert card.size_bytes > card.weights * 4


def test_a_refiner_is_named(model_base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder("tiny-xl", model_base), tmp_path / "refiner"))
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"text_encoder": [None, None], "tokenizer": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))
    assert "refiner" in find_models([folder]).refused["refiner"].what
